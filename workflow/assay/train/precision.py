"""In which number format a network computes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from assay.errors import MethodError


def resolved(precision: str, device: torch.device) -> str:
    """What `precision` of a spec means on a device: "bf16", "tf32" or "fp32".

    Args:
        precision: "auto" is bf16 where the hardware multiplies such numbers natively, and fp32 elsewhere.
        device: where the network will compute.

    Raises:
        MethodError: tf32 or bf16 on a device that has no such format.
    """
    if precision == "tf32" and not (device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)):
        raise MethodError(f"precision: tf32 needs a CUDA device of capability 8.0 or more; this one is {device.type}")
    if precision == "bf16" and device.type == "mps" and not torch.backends.mps.is_macos_or_newer(14, 0):
        # Torch would only warn, and compute in fp32.
        raise MethodError("precision: bf16 needs macOS 14 or later on an Apple GPU; leave it at auto")
    if precision == "auto":
        return "bf16" if native_bf16(device) else "fp32"
    return precision


def native_bf16(device: torch.device) -> bool:
    """Whether the hardware has instructions of its own for products of bfloat16 numbers."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return False


@contextmanager
def computing(precision: str, model: nn.Module, device: torch.device) -> Iterator[None]:
    """A context in which a network trains.

    TF32 is off in all but `tf32`, also in cuDNN, where torch has it on. On a CPU strided grouped convolutions compute
    in fp32 under bf16 too: their backward pass takes some ten times as long in bf16.

    Args:
        precision: as `resolved` gives it.
        model: its layers are as before when the context closes.
        device: where it computes.
    """
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    exempt: list[nn.Conv2d] = []
    if precision == "bf16" and device.type == "cpu":
        exempt = [
            layer
            for layer in model.modules()
            if isinstance(layer, nn.Conv2d) and layer.groups > 1 and max(layer.stride) > 1
        ]
    for layer in exempt:
        layer.forward = _InFull(layer)  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        for layer in exempt:
            del layer.forward
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


class _InFull:
    """The forward pass of a convolution outside autocast."""

    def __init__(self, module: nn.Conv2d):
        self.module = module

    def __call__(self, x: Tensor) -> Tensor:
        """Images `[B,C,H,W]` to float32 `[B,D,H',W']`."""
        with torch.autocast(x.device.type, enabled=False):
            return nn.Conv2d.forward(self.module, x.float())
