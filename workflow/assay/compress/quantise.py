"""What the methods that make weights integers share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from assay.errors import MethodError
from assay.models.changes import apply
from assay.models.classifier import Classifier
from assay.models.integers import LEVELS, Integers
from assay.models.masks import prunable

#: Candidates for the largest weight that is represented, as shares of the largest there is.
_CUTS = [1 - number / 100 for number in range(60)]


def scales(weight: Tensor, bits: int, *, cut: bool) -> Tensor:
    """The step between codes for each output channel, `[O]`, of a weight `[O,...]`.

    `max|w| / (2^(bits-1) - 1)`, so that nothing is cut off and the error is at most half a step; with `cut`, the one of
    60 smaller or equal steps that has the least squared error over the channel.
    """
    flat = weight.detach().flatten(1)
    top = 2 ** (bits - 1) - 1
    # A channel of zeros has codes of zero at any step.
    whole = (flat.abs().amax(dim=1) / top).clamp(min=torch.finfo(flat.dtype).tiny)
    if not cut:
        return whole
    tried = torch.stack([whole * share for share in _CUTS])
    errors = torch.stack([((codes_of(flat, step, bits) * step[:, None] - flat) ** 2).sum(dim=1) for step in tried])
    best: Tensor = tried.gather(0, errors.argmin(dim=0, keepdim=True))[0]
    return best


def codes_of(weight: Tensor, scale: Tensor, bits: int) -> Tensor:
    """The nearest codes, as floats, of a weight `[O,...]` at steps `[O]`."""
    top = 2 ** (bits - 1) - 1
    return (weight / scale.view(-1, *[1] * (weight.ndim - 1))).round().clamp(-top, top)


@torch.no_grad()
def bounds(model: Classifier, images: Tensor, share: float) -> dict[str, tuple[float, float]]:
    """Between which two values the input of each layer lies on some images, by layer.

    Args:
        model: in evaluation mode.
        images: float32 `[B,C,H,W]` in 0..1.
        share: of the input's values that may lie beyond, half on either side, but for a bound of 0.
    """
    found: dict[str, tuple[float, float]] = {}

    def watch(name: str, x: Tensor) -> None:
        values = x.detach().flatten().sort().values
        beyond = int(len(values) * share / 2)
        found[name] = (min(0.0, values[beyond].item()), max(0.0, values[-1 - beyond].item()))

    with _hooked(model, watch):
        model(images)
    return found


@contextmanager
def _hooked(model: Classifier, watch: object) -> Iterator[None]:
    hooks = [
        layer.register_forward_pre_hook(lambda _, given, name=name: watch(name, given[0]))  # type: ignore[operator]
        for name, layer in prunable(model).items()
    ]
    yield
    for hook in hooks:
        hook.remove()


def grid(low: float, high: float) -> tuple[float, int]:
    """The step and the code of zero of 256 codes between two bounds, of which the first is at most 0."""
    step = max((high - low) / LEVELS, torch.finfo(torch.float32).tiny)
    return step, round(-low / step)


def require_zeros_around(name: str, layer: nn.Module) -> None:
    """Make sure that a layer of integers can take this one's place.

    Raises:
        MethodError: it pads with something else than zeros.
    """
    if isinstance(layer, nn.Conv2d) and layer.padding_mode != "zeros":
        raise MethodError(f"{name} pads with {layer.padding_mode}, which integer layers cannot")


@torch.no_grad()
def convert(
    model: Classifier,
    bits: int,
    *,
    cut: bool,
    inputs: dict[str, tuple[float, float]] | None = None,
    chosen: tuple[dict[str, Tensor], dict[str, Tensor]] | None = None,
) -> Classifier:
    """Put layers of integers in the place of all convolutions and linear layers, in place.

    Args:
        model: changed.
        bits: of a weight.
        cut: see `scales`.
        inputs: bounds of each layer's input where activations are quantised too.
        chosen: codes and steps of each layer; the nearest codes by default.

    Raises:
        MethodError: a layer that pads with something else than zeros.
    """
    layers = prunable(model)
    for name, layer in layers.items():
        require_zeros_around(name, layer)
        scale = chosen[1][name] if chosen else scales(layer.weight, bits, cut=cut)
        codes = chosen[0][name] if chosen else codes_of(layer.weight, scale, bits)
        made = apply(model, layer=name, kind="integers", bits=bits, activations=inputs is not None)
        assert isinstance(made, Integers)
        made.store(codes.to(torch.int8), scale)
        if layer.bias is not None and made.bias is not None:
            made.bias.copy_(layer.bias)
        if inputs is not None:
            step, zero = grid(*inputs[name])
            made.step.fill_(step)
            made.zero.fill_(zero)
    print(f"{len(layers)} layers have weights of {bits} bits{' and rounded inputs' if inputs is not None else ''}")
    return model
