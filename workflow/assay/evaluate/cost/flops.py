"""Floating point operations of a forward pass."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from assay.models.integers import Integers


def flops(model: nn.Module, image: tuple[int, int, int]) -> int:
    """Operations for one image of shape (C, H, W), by the formulas of torch's `FlopCounterMode`.

    Matrix products, convolutions and attention are counted, a multiply-add as two operations; normalisations,
    activations and pooling are not. Zeros left by unstructured pruning are counted like any other weight.
    """
    with torch.no_grad(), _Counter() as counter:
        model(torch.zeros(1, *image))
    return counter.total


def nonzero_flops(model: nn.Module, image: tuple[int, int, int]) -> int:
    """Operations for one image that a kernel which passes over zero weights would make.

    Of convolutions and linear layers each weight counts once for each place of the output, a multiply-add as two
    operations, unless it is zero; everything else counts as in `flops`.
    """
    saved = 0

    def watch(layer: nn.Conv2d | nn.Linear | Integers, _: Any, out: Tensor) -> None:
        nonlocal saved
        weight = layer.weight
        places = out.numel() // len(weight)
        saved += 2 * places * int((weight == 0).sum())

    layers = [part for part in model.modules() if isinstance(part, nn.Conv2d | nn.Linear | Integers)]
    hooks = [layer.register_forward_hook(watch) for layer in layers]
    total = flops(model, image)
    for hook in hooks:
        hook.remove()
    return total - saved


class _Counter(TorchDispatchMode):
    """Adds up the operations of every kernel that torch knows a formula for."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        formula: Callable[..., int] | None = flop_registry.get(func.overloadpacket)
        if formula is not None:
            self.total += formula(*args, **(kwargs or {}), out_val=out)
        return out


# Torch hides dispatch modes, its own `FlopCounterMode` too, from its compiler, which it imports for that on the first
# kernel. That takes seconds in each process and serves nothing here.
_Counter.__torch_dispatch__ = inspect.unwrap(_Counter.__torch_dispatch__)  # type: ignore[method-assign]
