"""Torch's optimisers without their wait for the compiler."""

from __future__ import annotations

import inspect
from typing import Any, TypeVar

import torch

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
    return type(kind.__name__, (kind,), body)
