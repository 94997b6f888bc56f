"""Torch's optimisers without their wait for the compiler."""

from __future__ import annotations

import inspect
from typing import Any, TypeVar

import torch
from torch import Tensor

T = TypeVar("T", bound=torch.optim.Optimizer)

#: Methods that torch hides from its compiler, which it imports for that on the first call.
_HIDDEN = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")


def eager(kind: type[T]) -> type[T]:
    """`kind` with the same arithmetic, for steps that nobody compiles.

    Making and stepping an optimiser of torch imports `torch._dynamo`, sympy and triton, which takes seconds in each
    process; a small training takes less. The methods here are torch's own, taken out of the wrappers that do it.
    """
    body: dict[str, Any] = {name: inspect.unwrap(getattr(kind, name)) for name in _HIDDEN}
    body["step"] = torch.no_grad()(inspect.unwrap(kind.step))
    if issubclass(kind, torch.optim.SGD):
        body["_init_group"] = _with_momentum
    return type(kind.__name__, (kind,), body)


def _with_momentum(
    self: torch.optim.SGD,
    group: dict[str, Any],
    parameters: list[Tensor],
    gradients: list[Tensor],
    momenta: list[Tensor | None],
) -> bool:
    """Torch's own, but a parameter whose first gradient comes later than those of others starts with momentum 0.

    That comes to the same, since the first momentum is the gradient itself. The fused kernel, which takes the momentum
    of all parameters of a group or of none, would refuse it otherwise.
    """
    sparse = torch.optim.SGD._init_group(self, group, parameters, gradients, momenta)
    if any(momentum is not None for momentum in momenta):
        momenta[:] = [
            torch.zeros_like(parameter) if momentum is None else momentum
            for parameter, momentum in zip(parameters, momenta, strict=True)
        ]
    return bool(sparse)
