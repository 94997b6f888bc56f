"""Attentive CutMix."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay import Option, method
from assay.augment.draw import Draw
from assay.errors import MethodError


@method(
    "augment",
    "attentive-cutmix",
    summary="Paste the patches of another image that a network attends to most, and mix the targets by area",
    paper="Walawalkar et al. 2020, arXiv:2003.13048",
    options={
        "patches": Option(6, "patches that are pasted", at_least=1),
        "grid": Option(7, "patches along each side of an image", at_least=1),
        "network": Option(
            "trained",
            "whose attention it is: the network as it is trained, or a copy of it as it starts, for one that starts "
            "from `init`",
            choices=["trained", "start"],
        ),
        "probability": Option(1.0, "share of images that are altered; the paper alters all", above=0, at_most=1),
    },
    shapes="images [B,C,H,W], targets [B,K] -> same",
    mixes=True,
)
class AttentiveCutmix:
    """`x = m x_j + (1 - m) x_i` with m the most attended patches of j; targets by the area that m really covers.

    The paper asks a ResNet-50 trained on ImageNet, whose weights a study would have to name. `network: start` with the
    arm's `init: {encoder: ...}` or `init: {weights: ...}` is its way with a declared network: attention comes from a
    copy of what training starts from, and never changes. `trained`, the default, needs nothing else: attention comes
    from the weights of the moment, so at first it is that of a random network. Both look in evaluation mode, without
    gradients, in float32, and learn nothing, so there is nothing to save. With the recipe `sam`, which looks at a batch
    twice, the second look pastes by the moved weights. Where several networks are trained the first one attends.

    Attention is the mean of absolute values over the channels of the backbone's last feature map (as in Zagoruyko and
    Komodakis 2017, arXiv:1612.03928), interpolated to the grid. Partners are a random permutation of the batch.
    """

    def __init__(self, *, patches: int, grid: int, network: str, probability: float):
        if patches > grid**2:
            raise MethodError(
                f"attentive-cutmix: patches: {patches}, and a grid of {grid} has {grid**2}; expected at most as many"
            )
        self.patches, self.grid, self.network, self.probability = patches, grid, network, probability

    def watch(self, model: nn.Module) -> None:
        """Told the network before it is trained.

        Args:
            model: a classifier with `features(x)`; stays as it is.
        """
        self.model = model if self.network == "trained" else copy.deepcopy(model).requires_grad_(False)

    def __call__(self, images: Tensor, targets: Tensor, draw: Draw) -> tuple[Tensor, Tensor]:
        """Images `[B,C,H,W]` and targets `[B,K]`, pasted and mixed.

        Raises:
            MethodError: a model without feature maps.
        """
        partner = draw.uniform()[:, 0].argsort(stable=True)
        happens = draw.uniform()[:, :, None] < self.probability
        pasted = self.attended(images)[partner] & happens
        kept = 1 - pasted.float().mean(dim=(1, 2))[:, None]
        mixed = images.where(~pasted[:, None], images[partner])
        return mixed, kept * targets + (1 - kept) * targets[partner]

    def attended(self, images: Tensor) -> Tensor:
        """Which pixels lie in the most attended patches of their image, bool `[B,H,W]`."""
        attention = last_map(self.model, images).abs().mean(dim=1, keepdim=True)
        attention = F.interpolate(attention, (self.grid, self.grid), mode="bilinear", align_corners=False).flatten(1)
        most = attention.argsort(dim=1, descending=True, stable=True)[:, : self.patches]
        chosen = torch.zeros_like(attention, dtype=torch.bool).scatter(1, most, True).view(-1, self.grid, self.grid)
        rows, columns = (
            torch.arange(side, device=images.device) * self.grid // side for side in (images.shape[2], images.shape[3])
        )
        return chosen[:, rows[:, None], columns]


@torch.no_grad()
def last_map(model: nn.Module, images: Tensor) -> Tensor:
    """The last feature map `[B,C,h,w]` with more than one place that a model makes of images, in evaluation mode.

    Raises:
        MethodError: there is none, or tokens or vectors that still hold places came after it.
    """
    found: list[Tensor] = []

    def note(part: nn.Module, given: object, made: object) -> None:  # noqa: ARG001 - as torch calls it
        if isinstance(made, Tensor) and made.ndim == 3:
            found.clear()
        if isinstance(made, Tensor) and made.ndim == 4 and made.shape[2] * made.shape[3] > 1:
            found[:] = [made]

    modes = [(part, part.training) for part in model.modules()]
    handles = [part.register_forward_hook(note) for part in model.modules()]
    try:
        model.eval().features(images)  # type: ignore[operator]
    finally:
        for handle in handles:
            handle.remove()
        for part, training in modes:
            part.training = training
    if not found:
        raise MethodError(
            "attentive-cutmix looks at feature maps, and this model ends in none; choose a convolutional one"
        )
    return found[0]
