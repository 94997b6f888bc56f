"""Deep mutual learning."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from assay import Option, method
from assay.distill.contract import Batch, Output, Setting
from assay.distill.soft import divergence


@method(
    "distill",
    "deep-mutual-learning",
    summary="Train several networks at once that match each other's probabilities; the first is handed on",
    paper="Zhang et al. 2018, arXiv:1706.00384",
    options={"networks": Option(2, "networks that learn from each other", at_least=2)},
    shapes="images [B,C,H,W], logits [B,K], loss [B] -> scalar",
    reads=["itself"],
)
class DeepMutualLearning(nn.Module):
    """`sum_k (loss_k + sum over l != k of KL(p_l || p_k) / (n - 1))`, each p_l as it is (section 3).

    No term moves the network that serves as its teacher, so each network follows its own loss alone, as in the paper,
    all of them in the same step. The others have the student's architecture and initial weights of their own.
    """

    def __init__(self, *, networks: int):
        super().__init__()
        self.networks = networks

    def prepare(self, setting: Setting) -> None:
        """Make the other networks."""
        peers = [setting.another() for _ in range(self.networks - 1)]
        self.peers = nn.ModuleList(peers)
        self.outputs = [partial(setting.output, peer) for peer in peers]

    def forward(self, student: Output, teacher: None, batch: Batch) -> Tensor:  # noqa: ARG002
        """The scalar to minimise."""
        outputs = [student, *(output(batch.x) for output in self.outputs)]
        losses = [batch.loss, *(batch.task(each.logits, each.features) for each in outputs[1:])]
        total = torch.stack([loss.mean() for loss in losses]).sum()
        for k, own in enumerate(outputs):
            others = [each.logits.detach() for place, each in enumerate(outputs) if place != k]
            for logits in others:
                total = total + divergence(own.logits, logits, 1.0).mean() / len(others)
        return total
