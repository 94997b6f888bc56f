"""Contrast of local features at several scales, within a batch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay import Option, method
from assay.distill.contract import Batch, Output, Setting
from assay.errors import MethodError


@method(
    "distill",
    "multi-scale-contrast",
    summary="Tell the teacher's local features of the same place from those of other images, at several scales",
    paper="Wang and Wang 2025, arXiv:2502.05835 (MSDCRD)",
    options={
        "weight": Option(1.0, "weight beside the task's loss", at_least=0),
        "scales": Option([1, 2], "how many windows, side by side, span the map at each scale", item=int),
        "temperature": Option(0.1, "what similarities are divided by", above=0),
    },
    shapes="maps [B,C,h,w] each, loss [B] -> scalar",
    reads=["maps"],
)
class MultiScaleContrast(nn.Module):
    """`loss + weight mean over scales of (by sample + by feature)`; all that is compared is in the batch.

    The last map of each network, the student's through a 1x1 convolution to the teacher's channels, is averaged in
    windows that slide by half their side. *By sample*: each window of the student is to be nearest, by cosine, to the
    teacher's window of the same image and place among those of other images; windows of the same image that lie
    elsewhere do not count, since they are alike. *By feature*: each channel, as the vector of its values over all
    windows, is to be nearest to the teacher's same channel among all channels. Both are cross-entropies at the
    temperature, means in nats.

    That is the paper's frame: local features at several scales, contrasted by sample and by feature without a memory.
    Its sorting of samples by what the classifier makes of them is left out, and so are its weights.
    """

    def __init__(self, *, weight: float, scales: list[int], temperature: float):
        super().__init__()
        if not scales or min(scales) < 1:
            raise MethodError(f"multi-scale-contrast: expected `scales` of 1 or more, found {scales}")
        self.weight, self.scales, self.temperature = weight, scales, temperature

    def prepare(self, setting: Setting) -> None:
        """Make the projection.

        Raises:
            MethodError: a scale at which windows would be smaller than a place.
        """
        side = min(setting.maps[-1][1], setting.teacher_maps[-1][1])
        if max(self.scales) > side:
            raise MethodError(
                f"multi-scale-contrast: the last maps are {side} places wide; expected `scales` up to that"
            )
        self.project = nn.Conv2d(setting.maps[-1][0], setting.teacher_maps[-1][0], 1, bias=False)

    def forward(self, student: Output, teacher: Output, batch: Batch) -> Tensor:
        """The scalar to minimise."""
        own, its = self.project(student.maps[-1]), teacher.maps[-1]
        side = min(own.shape[2], its.shape[2])
        own, its = (F.adaptive_avg_pool2d(each, side) if each.shape[2] > side else each for each in (own, its))
        terms = []
        for scale in self.scales:
            mine, theirs = windows(own, scale), windows(its, scale)
            terms += [by_sample(mine, theirs, self.temperature), by_feature(mine, theirs, self.temperature)]
        return batch.loss.mean() + self.weight * torch.stack(terms).sum() / len(self.scales)


def windows(maps: Tensor, scale: int) -> Tensor:
    """Means of a map `[B,C,h,w]` in windows of 1/scale of its side that slide by half of that: `[B,R,C]`."""
    side = max(1, maps.shape[2] // scale)
    return F.avg_pool2d(maps, side, stride=max(1, side // 2)).flatten(2).transpose(1, 2)


def by_sample(own: Tensor, its: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of finding the same window `[B,R,C]` among those of the other images."""
    images, count = own.shape[:2]
    mine, theirs = (F.normalize(each.flatten(0, 1), dim=1) for each in (own, its))
    close = mine @ theirs.T / temperature
    of = torch.arange(images, device=own.device).repeat_interleave(count)
    same = torch.eye(len(of), dtype=torch.bool, device=own.device)
    close = close.masked_fill((of[:, None] == of) & ~same, -torch.inf)
    return F.cross_entropy(close, torch.arange(len(of), device=own.device))


def by_feature(own: Tensor, its: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of finding the same channel, as a vector over windows of `[B,R,C]`, among all channels."""
    mine, theirs = (F.normalize(each.flatten(0, 1).T, dim=1) for each in (own, its))
    return F.cross_entropy(mine @ theirs.T / temperature, torch.arange(len(mine), device=own.device))
