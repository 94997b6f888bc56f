"""Mixup with dynamic hard bootstrapping."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from assay import Option, method
from assay.train.robust.beta_mixture import RESOLUTION, BetaMixture
from assay.train.robust.objective import Batch, Training


@method(
    "robust",
    "mixup-beta",
    summary="Mixup whose labels give way to predictions where a mixture over losses finds them wrong",
    paper="Arazo et al. 2019, arXiv:1904.11238 (M-DYR-H)",
    options={
        "alpha": Option(32.0, "both parameters of the Beta distribution of the mixing weight", above=0),
        "warmup": Option(0.35, "share of the epochs that are plain mixup", above=0, at_most=1),
        "regulariser": Option(1.0, "weight of the term against predicting a single class", at_least=0),
    },
    shapes="lookup [100]",
)
class MixupBeta:
    """Mixup of images, and of targets `(1 - w) t + w z`.

    z is one-hot at the prediction and w the probability that the label is wrong. At the start of each epoch after the
    warm-up a mixture of two Beta distributions is fitted to the cross-entropies of all train images, as they are and in
    evaluation mode, scaled to 0..1 between their percentiles 5 and 95; w is its posterior for the image's present loss.
    Predictions and losses of a batch come from its images before they are mixed, in evaluation mode. The regulariser is
    `sum_k log(1 / (K h_k)) / K`, h the mean prediction of the batch.
    """

    networks = 1
    remembers = True

    def __init__(self, *, alpha: float, warmup: float, regulariser: float):
        self.alpha = alpha
        self.warmup = warmup
        self.regulariser = regulariser
        self.fitted = False

    def prepare(self, training: Training) -> None:
        """Begin with trust in every label."""
        self.training = training
        device = training.images.pixels.device
        self.lookup = torch.zeros(RESOLUTION, device=device)
        self.bounds = torch.tensor([0.0, 1.0], device=device)

    def epoch(self, number: int, of: int) -> None:
        """Fit the mixture, once the warm-up is over."""
        if number < self.warmup * of:
            return
        logits = self.training.judged(self.training.networks[0])
        losses = F.cross_entropy(logits, self.training.images.labels, reduction="none").cpu().double().numpy()
        low, high = np.percentile(losses, [5, 95])
        inside = losses[(losses >= low) & (losses <= high)]
        mixture = BetaMixture().fit((inside - low) / (high - low + 1e-6))
        self.lookup = torch.from_numpy(mixture.lookup()).to(self.lookup)
        self.bounds = torch.tensor([low, high]).to(self.bounds)
        self.fitted = True

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The arm's loss on the mixed batch and the regulariser, and the logits of the mixed batch."""
        network = self.training.networks[0]
        targets = self._bootstrapped(batch) if self.fitted else batch.targets
        weight = batch.draw.beta(self.alpha, self.alpha)
        partner = batch.draw.uniform()[:, 0].argsort(stable=True)
        pixels = weight[:, :, None, None]
        logits = self.training.logits(network, pixels * batch.x + (1 - pixels) * batch.x[partner])
        loss = self.training.loss(logits, weight * targets + (1 - weight) * targets[partner]).mean()
        if self.fitted:
            mean = logits.softmax(dim=1).mean(dim=0)
            loss = loss - self.regulariser * (mean * len(mean)).log().mean()
        return loss, logits

    @torch.no_grad()
    def _bootstrapped(self, batch: Batch) -> Tensor:
        network = self.training.networks[0]
        network.eval()
        logits = self.training.logits(network, batch.x)
        network.train()
        low, high = self.bounds
        place = (F.cross_entropy(logits, batch.targets, reduction="none") - low) / (high - low + 1e-6)
        wrong = self.lookup[(place * RESOLUTION).long().clamp(0, RESOLUTION - 1)][:, None]
        predicted = F.one_hot(logits.argmax(dim=1), logits.shape[1]).float()
        return (1 - wrong) * batch.targets + wrong * predicted

    def state(self) -> dict[str, Any]:
        """The posterior's table and the range of losses that it covers."""
        return {"lookup": self.lookup.clone(), "bounds": self.bounds.clone(), "fitted": int(self.fitted)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.lookup = state["lookup"].to(self.lookup.device)
        self.bounds = state["bounds"].to(self.bounds.device)
        self.fitted = bool(state["fitted"])
