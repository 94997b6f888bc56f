"""Several experts in one classifier.

Experts e = 1..E with features `f_e` and a linear head `V_e` each give logits `z_e = V_e f_e + b`. Their mean is
`head(f)` with `f = [f_1 .. f_E] / E` and `head.weight = [V_1 .. V_E]`: a plain classifier, whose features are those
of all experts side by side. So whatever takes a classifier takes this one, and predicts by the experts' mean.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from assay.models.classifier import Classifier


class Experts(nn.Module):
    """A stem that all experts share, and a branch for each.

    Args:
        stem: normalised images `[B,C,H,W]` to what each branch reads.
        branches: E modules from that to features `[B,D]` each.
    """

    def __init__(self, stem: nn.Module, branches: Sequence[nn.Module]):
        super().__init__()
        self.stem = stem
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        """Images to the features of all experts, divided by their number, `[B,E*D]`."""
        shared = self.stem(x)
        return torch.cat([branch(shared) for branch in self.branches], dim=1) / len(self.branches)


def expert_logits(model: Classifier, features: Tensor) -> Tensor:
    """Logits `[E,B,K]` of each expert from the features `[B,E*D]` of all; their mean is that of the head."""
    own = features.unflatten(1, (model.experts, -1)) * model.experts
    weight = model.head.weight.unflatten(1, (model.experts, -1))
    return torch.einsum("bed,ked->ebk", own, weight) + model.head.bias
