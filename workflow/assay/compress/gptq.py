"""Post-training quantisation layer by layer, each error made up for by the weights that are still to be rounded."""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay import Option, method
from assay.compress.quantise import bounds, codes_of, convert, require_zeros_around, scales
from assay.models.classifier import Classifier
from assay.models.masks import prunable

#: Images at a time while inputs of layers are collected.
_BATCH = 128


class Data(Protocol):
    """Gives train images."""

    def sample(self, count: int) -> tuple[Tensor, Tensor]:
        """Images `[B,C,H,W]` in 0..1 without augmentation, and targets."""


@method(
    "compress",
    "gptq",
    summary="Weights become integers of 8 or 4 bits, rounded so that each layer's outputs on train images stay",
    paper="Frantar et al. 2023, arXiv:2210.17323; for convolutions: Frantar and Alistarh 2022, arXiv:2208.11580",
    options={
        "bits": Option(4, "of a weight", choices=[8, 4]),
        "cut": Option(
            True, "whether the largest weights of a channel may be cut off where that lowers its squared error"
        ),
        "activations": Option(False, "whether the input of each layer is rounded to 8 bits too"),
        "images": Option(512, "train images on which outputs are compared, and that set the bounds", at_least=1),
        "damping": Option(0.01, "of the mean square of an input, added to each square so that none is zero", above=0),
    },
)
def gptq(
    model: Classifier, finetune: Data, *, bits: int, cut: bool, activations: bool, images: int, damping: float
) -> Classifier:
    """Find codes with a small `|W X - W' X|^2` for each layer, X its inputs in the network that is rounded so far.

    Steps are those of `ptq`. Layers are taken in the order of the network, see `rounded`. A convolution is a matrix on
    patches. What was pruned stays zero. The paper of calibration by layers (Hubara et al. 2020, arXiv:2006.10518)
    learns weights by gradient descent for the same aim, and shares bits out among layers, which is not done here; let
    `batch-norm` follow for its statistics.

    Args:
        model: changed in place and returned.
        finetune: gives train images.
        bits, cut, activations, images, damping: see the options.

    Raises:
        MethodError: a layer that pads with something else than zeros.
    """
    x = finetune.sample(images)[0]
    inputs = bounds(model.eval(), x, 0.0) if activations else None
    layers = prunable(model)
    codes: dict[str, Tensor] = {}
    steps: dict[str, Tensor] = {}
    for name, layer in layers.items():
        require_zeros_around(name, layer)
        squares = second_moments(model, layer, x)
        weight = layer.weight.detach()
        steps[name] = scales(weight, bits, cut=cut)
        parts = [
            rounded(rows, step, square, bits, damping)
            for rows, step, square in zip(
                weight.flatten(1).chunk(len(squares)), steps[name].chunk(len(squares)), squares, strict=True
            )
        ]
        codes[name] = torch.cat(parts).view_as(weight)
        with torch.no_grad():
            layer.weight.copy_(codes[name] * steps[name].view(-1, *[1] * (weight.ndim - 1)))
    return convert(model, bits, cut=cut, inputs=inputs, chosen=(codes, steps))


@torch.no_grad()
def second_moments(model: Classifier, layer: nn.Conv2d | nn.Linear, images: Tensor) -> list[Tensor]:
    """`X X^T` of a layer's inputs, float64 `[I,I]` for each group of a convolution, I inputs of one output.

    Args:
        model: in evaluation mode.
        layer: of it.
        images: float32 `[B,C,H,W]` in 0..1.
    """
    groups = layer.groups if isinstance(layer, nn.Conv2d) else 1
    each = layer.weight[0].numel()
    found = [torch.zeros(each, each, dtype=torch.float64) for _ in range(groups)]

    def watch(_: nn.Module, given: tuple[Tensor, ...]) -> None:
        for square, part in zip(found, columns(layer, given[0]).chunk(groups), strict=True):
            square += (part @ part.T).double().cpu()

    hook = layer.register_forward_pre_hook(watch)
    try:
        for part in images.split(_BATCH):
            model(part)
    finally:
        hook.remove()
    return found


def columns(layer: nn.Conv2d | nn.Linear, x: Tensor) -> Tensor:
    """The inputs of a layer as columns `[I,N]` (groups below each other), so that its outputs are `W @ columns`."""
    if isinstance(layer, nn.Linear):
        return x.flatten(0, -2).T
    assert not isinstance(layer.padding, str)
    unfolded = F.unfold(x, layer.kernel_size, layer.dilation, layer.padding, layer.stride)
    return unfolded.transpose(0, 1).flatten(1)


def rounded(weight: Tensor, step: Tensor, square: Tensor, bits: int, damping: float) -> Tensor:
    """Codes, as floats, of a matrix `[O,I]` at steps `[O]`, rounded column by column.

    After column i, the columns that follow become what makes the outputs change least, those before being fixed. That
    is the update of the optimal brain surgeon, `w_j -= (w_i - q_i) / [H^-1]_ii [H^-1]_ij` with `H = X X^T` over the
    columns from i on, and all these inverses are rows of one Cholesky factor of `H^-1` (section 3.3). A weight of zero
    is kept at zero, and the weight that it would have got counts as the error.

    Args:
        weight, step: see above.
        square: `X X^T`, float64 `[I,I]`.
        bits: of a code.
        damping: as in the options.
    """
    kept = (weight != 0).cpu()
    left, scale = weight.double().cpu(), step.double().cpu()
    mean = square.diagonal().mean()
    # An input that is always zero has no say, and any code does.
    damped = square + (damping * mean if mean > 0 else 1.0) * torch.eye(len(square), dtype=torch.float64)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(damped))
    factor = torch.linalg.cholesky(inverse, upper=True)
    codes = torch.zeros_like(left)
    for i in range(left.shape[1]):
        codes[:, i] = codes_of(left[:, i : i + 1], scale, bits)[:, 0] * kept[:, i]
        error = (left[:, i] - codes[:, i] * scale) / factor[i, i]
        left[:, i:] -= error[:, None] * factor[i, i:]
    return codes.to(weight)
