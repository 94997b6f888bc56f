"""More diverse experts with consistency self-distillation."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from assay import Option, method
from assay.errors import MethodError
from assay.models.experts import expert_logits
from assay.train.losses.weights import log_prior
from assay.train.robust.objective import Batch, Training


@method(
    "robust",
    "mdcs",
    summary="Experts that each favour other classes, frequent to rare, and learn from their own view of easier images",
    paper="Zhao et al. 2023, arXiv:2308.09922",
    options={
        "focus": Option(
            [-0.5, 1.0, 2.5],
            "lambda of each expert: below 0 for frequent classes, 1 for all alike, above 1 for rare ones",
            item=float,
        ),
        "weight": Option(0.6, "weight of the self-distillation", at_least=0),
        "warmup": Option(20, "epochs in which that weight grows from 0; the paper trains 400", at_least=0),
        "weak": Option(2, "how many of the arm's augmentations, from the first, make the easier view", at_least=0),
    },
    needs={"model": "experts"},
    shapes="expert logits [E,B,K]",
)
class Mdcs:
    """`sum_e L(z_e + lambda_e log n) + w sum_e KL(p_e(weak) || p_e(strong))`, n the train images of each class.

    `p_e = softmax(z_e + lambda_e log n)`, the diversity softmax; L is the arm's loss, the mean over both views. Strong
    views have all of the arm's augmentations (the paper: crop, flip, AutoAugment, cutout), weak ones the first few
    (crop, flip, rotation). Confident instance sampling: the divergence is over those images alone that the expert
    has right in their weak view, from which no gradient comes. The trained model predicts by the mean of the `z_e`.
    """

    networks = 1
    remembers = True

    def __init__(self, *, focus: list[float], weight: float, warmup: int, weak: int):
        self.focus = focus
        self.weight = weight
        self.warmup = warmup
        self.weak = weak
        self.share = 0.0

    def prepare(self, training: Training) -> None:
        """Compute what is added to each expert's logits.

        Raises:
            MethodError: a model without experts, or with more or fewer than `focus` has numbers.
        """
        experts = training.networks[0].experts
        if experts != len(self.focus):
            raise MethodError(
                f"mdcs: expected {experts} numbers in `focus`, one for each expert, found {len(self.focus)}"
            )
        self.training = training
        prior = log_prior(training.images.counts)
        self.shift = torch.tensor(self.focus, device=prior.device)[:, None, None] * prior

    def epoch(self, number: int, of: int) -> None:  # noqa: ARG002
        """Set how much of the self-distillation counts."""
        self.share = min(number / self.warmup, 1.0) if self.warmup else 1.0

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The losses of all experts with the self-distillation, and their mean logits on strong views."""
        network = self.training.networks[0]
        both = torch.cat([batch.view(1, self.weak), batch.x])
        logits = expert_logits(network, self.training.features(network, both))
        shifted = logits + self.shift
        targets = batch.targets.repeat(2, 1)
        loss = torch.stack([self.training.loss(each, targets).mean() for each in shifted]).sum()
        weak, strong = shifted.chunk(2, dim=1)
        distilled = torch.stack([_consistency(*views, batch.targets) for views in zip(weak, strong, strict=True)]).sum()
        return loss + self.weight * self.share * distilled, logits.chunk(2, dim=1)[1].mean(dim=0)

    def state(self) -> dict[str, Any]:
        """How much of the self-distillation counts in this epoch."""
        return {"share": self.share}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.share = state["share"]


def _consistency(weak: Tensor, strong: Tensor, targets: Tensor) -> Tensor:
    """Mean KL divergence from weak to strong views over images that are right in their weak view; 0 where none is."""
    sure = (weak.argmax(dim=1) == targets.argmax(dim=1)).float()
    log_p, log_q = weak.detach().log_softmax(dim=1), strong.log_softmax(dim=1)
    divergence = F.kl_div(log_q, log_p, reduction="none", log_target=True).sum(dim=1)
    return (sure * divergence).sum() / sure.sum().clamp_min(1)
