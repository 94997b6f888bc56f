"""Attention transfer."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay import Option, method
from assay.distill.contract import Batch, Output, Setting
from assay.distill.maps import common


@method(
    "distill",
    "attention-transfer",
    summary="Look where the teacher looks: match the energy of feature maps at each place",
    paper="Zagoruyko and Komodakis 2017, arXiv:1612.03928",
    options={"weight": Option(1000.0, "weight beside the task's loss", at_least=0)},
    shapes="maps [B,C,h,w] each, loss [B] -> scalar",
    reads=["maps"],
)
class AttentionTransfer(nn.Module):
    """`loss + weight sum_j mean (q_S,j - q_T,j)^2` with `q = Q / |Q|`, `Q = mean over channels of A^2` (section 3.1).

    j runs over the maps of the same size in both networks, and the mean over images and places, as in the authors'
    code; the paper's beta / 2 on the sum is this weight up to the number of places. Both may have any number of
    channels.
    """

    def __init__(self, *, weight: float):
        super().__init__()
        self.weight = weight

    def prepare(self, setting: Setting) -> None:
        """Find the maps that correspond.

        Raises:
            MethodError: there are none.
        """
        self.pairs = common(setting.maps, setting.teacher_maps)

    def forward(self, student: Output, teacher: Output, batch: Batch) -> Tensor:
        """The scalar to minimise."""
        differences = [attention(student.maps[i]) - attention(teacher.maps[j]) for i, j in self.pairs]
        return batch.loss.mean() + self.weight * torch.stack([each.square().mean() for each in differences]).sum()


def attention(maps: Tensor) -> Tensor:
    """Energy of each place `[B,hw]` of maps `[B,C,h,w]`; each row has the norm 1."""
    return F.normalize(maps.square().mean(dim=1).flatten(1), dim=1)
