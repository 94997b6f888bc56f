"""Knowledge review (ReviewKD)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay import Option, method
from assay.distill.contract import Batch, Output, Setting, Shape
from assay.distill.maps import common

#: Sides of the coarser grids at which maps are compared as well.
_GRIDS = (4, 2, 1)


@method(
    "distill",
    "reviewkd",
    summary="Match each of the teacher's maps by the student's map of that size and all smaller ones together",
    paper="Chen et al. 2021, arXiv:2104.09044",
    options={
        "weight": Option(1.0, "weight beside the task's loss", at_least=0),
        "warmup": Option(20, "epochs over which it grows from 0", at_least=0),
    },
    shapes="maps [B,C,h,w] each, features [B,D] and [B,E], loss [B] -> scalar",
    reads=["maps"],
)
class ReviewKd(nn.Module):
    """`loss + w sum_i HCL(R_i, T_i)`, where R_i fuses the student's maps from the smallest up to i (section 3).

    Each level has an attention-based fusion (ABF): the map comes to M channels, M those of the student's features but
    at most 512; what the level below handed up is enlarged to its size; two attention maps, from both, weight their
    sum; a 3x3 convolution brings that to the teacher's channels. The smallest level is the pooled features. HCL is the
    mean squared difference of R_i and T_i at full size and, each time with half the weight, averaged to grids of 4 x 4,
    2 x 2 and 1 x 1, divided by the sum of the weights. The weight w grows in equal steps a epoch. All this, and means
    in place of sums, as in the authors' code.
    """

    def __init__(self, *, weight: float, warmup: int):
        super().__init__()
        self.full, self.warmup = weight, warmup
        self.weight = weight

    def prepare(self, setting: Setting) -> None:
        """Find the maps that correspond, and make a fusion for each and for the features.

        Raises:
            MethodError: no maps of one size.
        """
        self.pairs = common(setting.maps, setting.teacher_maps)
        middle = min(512, setting.width)
        own: list[Shape] = [setting.maps[i] for i, _ in self.pairs] + [(setting.width, 1, 1)]
        its: list[Shape] = [setting.teacher_maps[j] for _, j in self.pairs] + [(setting.teacher_width, 1, 1)]
        last = len(own) - 1
        self.fusions = nn.ModuleList(
            Fusion(mine[0], middle, theirs[0], fuses=place < last)
            for place, (mine, theirs) in enumerate(zip(own, its, strict=True))
        )

    def epoch(self, number: int, of: int) -> None:  # noqa: ARG002
        """Set the weight for an epoch, counted from 0."""
        self.weight = self.full * (min(1.0, number / self.warmup) if self.warmup else 1.0)

    def forward(self, student: Output, teacher: Output, batch: Batch) -> Tensor:
        """The scalar to minimise."""
        own = [student.maps[i] for i, _ in self.pairs] + [student.features[:, :, None, None]]
        its = [teacher.maps[j] for _, j in self.pairs] + [teacher.features[:, :, None, None]]
        below: Tensor | None = None
        differences = []
        for fusion, mine, theirs in zip(reversed(self.fusions), own[::-1], its[::-1], strict=True):
            made, below = fusion(mine, below)
            differences.append(hierarchical(made, theirs))
        return batch.loss.mean() + self.weight * torch.stack(differences).sum()


class Fusion(nn.Module):
    """Attention-based fusion of a map and what the level below handed up.

    Args:
        inputs: channels of the map.
        middle: channels of what is handed up.
        outputs: channels of the teacher's map.
        fuses: whether there is a level below.
    """

    def __init__(self, inputs: int, middle: int, outputs: int, *, fuses: bool):
        super().__init__()
        self.enter = nn.Sequential(nn.Conv2d(inputs, middle, 1, bias=False), nn.BatchNorm2d(middle))
        self.attend = nn.Sequential(nn.Conv2d(2 * middle, 2, 1), nn.Sigmoid()) if fuses else None
        self.leave = nn.Sequential(nn.Conv2d(middle, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, own: Tensor, below: Tensor | None) -> tuple[Tensor, Tensor]:
        """A map `[B,inputs,h,w]` to what is compared `[B,outputs,h,w]` and what is handed up `[B,middle,h,w]`."""
        fused: Tensor = self.enter(own)
        if self.attend is not None and below is not None:
            below = F.interpolate(below, fused.shape[2:], mode="nearest")
            weights = self.attend(torch.cat([fused, below], dim=1))
            fused = fused * weights[:, :1] + below * weights[:, 1:]
        return self.leave(fused), fused


def hierarchical(made: Tensor, wanted: Tensor) -> Tensor:
    """Hierarchical context loss (HCL), a scalar, of two maps `[B,C,h,w]`."""
    total, weight, weights = F.mse_loss(made, wanted), 1.0, 1.0
    for side in _GRIDS:
        if side < made.shape[2]:
            weight /= 2
            mine, theirs = (F.adaptive_avg_pool2d(each, side) for each in (made, wanted))
            total = total + weight * F.mse_loss(mine, theirs)
            weights += weight
    return total / weights
