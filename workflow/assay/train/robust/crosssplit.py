"""CrossSplit."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay import Option, method
from assay.models.classifier import Classifier
from assay.models.initialise import initialise
from assay.train.recipe import training_mode
from assay.train.robust.objective import Batch, Training
from assay.train.robust.soft_labels import bounds, corrected, sharpened

#: Dimension in which views are compared, as in the authors' code.
_PROJECTED = 128

#: Epochs over which the weight of unlabelled images grows, as in the authors' code.
_RAMP = 16


@method(
    "robust",
    "crosssplit",
    summary="Two networks on disjoint halves: each mends the other's labels and learns without labels from its half",
    paper="Kim et al. 2022, arXiv:2212.01674",
    options={
        "warmup": Option(10, "epochs with the labels of its half alone; the paper trains 300", at_least=0),
        "relax": Option(10, "delta: gamma is 0.6 for two times as many epochs, then 0.8 for one, then 1", at_least=0),
        "temperature": Option(0.5, "T, by which soft labels are sharpened", above=0),
        "alpha": Option(4.0, "both parameters of the Beta distribution of the mixing weight", above=0),
        "unlabelled": Option(30.0, "weight of the squared error on unlabelled images", at_least=0),
        "contrast": Option(0.025, "weight of the contrastive loss on unlabelled images", at_least=0),
        "weak": Option(2, "how many of the arm's augmentations, from the first, make the easier views", at_least=0),
    },
    shapes="halves [N], bounds [2,2,K]",
)
class CrossSplit:
    """For each network, `L(x) + r w_u |p(u) - guess|^2 + w_c contrast(u) + KL(1/K || mean p)`.

    x are images of its half, with labels that the peer corrects (`soft_labels.corrected`, from predictions in
    evaluation mode); u those of the other half, whose labels it never sees and for which it guesses itself. Both are
    the mean over two weak views, sharpened. What is learnt from are two strong views of each, mixed with weight
    `max(l, 1 - l)` across x and u (MixMatch). r grows over 16 epochs after the warm-up. The contrast (SimCLR,
    temperature 0.07) compares strong views after a linear layer and batch normalisation, which training ends without.

    Weak views have the first few of the arm's augmentations (the paper: crop, flip), strong ones all (AutoAugment
    too). Where the paper's networks take turns by epoch and predict by their mean, these move together and the first
    is handed on. Mixing weights and partners are drawn for each image. In the warm-up each has its own half alone.
    """

    networks = 2
    remembers = True

    def __init__(
        self,
        *,
        warmup: int,
        relax: int,
        temperature: float,
        alpha: float,
        unlabelled: float,
        contrast: float,
        weak: int,
    ):
        self.warmup = warmup
        self.relax = relax
        self.temperature = temperature
        self.alpha = alpha
        self.unlabelled = unlabelled
        self.contrast = contrast
        self.weak = weak
        self.past = -1

    def prepare(self, training: Training) -> None:
        """Cut the images into halves, and give each network what compares views."""
        self.training = training
        images, device = training.images, training.images.pixels.device
        self.half = (torch.randperm(len(images.labels), generator=training.generator) % 2).to(device)
        self.bounds = torch.zeros(2, 2, images.classes, device=device)
        for network in training.networks:
            # Drawn on the CPU, so that the weights are the same on every device.
            projector = nn.Sequential(nn.Linear(network.head.in_features, _PROJECTED), nn.BatchNorm1d(_PROJECTED))
            initialise(projector, training.generator)
            network.add_module("projector", projector.to(device))

    def epoch(self, number: int, of: int) -> None:  # noqa: ARG002
        """Once the warm-up is over, see how far each network is from the labels."""
        self.past = number - self.warmup
        if self.past >= 0:
            for place, network in enumerate(self.training.networks):
                p = self.training.judged(network).softmax(dim=1)
                self.bounds[place] = bounds(p, self.training.images.labels)
                training_mode(network)

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The losses of both networks, and the first one's logits on weak views."""
        half = self.half[batch.indices]
        if self.past < 0:
            x = batch.view(1, self.weak)
            outputs = [self.training.logits(network, x) for network in self.training.networks]
            losses = [
                _mean(self.training.loss(logits, batch.targets), half == place) for place, logits in enumerate(outputs)
            ]
            return losses[0] + losses[1] + self._nothing(), outputs[0]
        weak = torch.cat([batch.view(1, self.weak), batch.view(2, self.weak)])
        strong = torch.cat([batch.x, batch.view(3, None)])
        own = [self._predicted(network, weak, still=False) for network in self.training.networks]
        judged = [self._predicted(network, weak, still=True) for network in self.training.networks]
        losses = []
        for place, network in enumerate(self.training.networks):
            mended = corrected(judged[1 - place], batch.targets, self.bounds[1 - place], self._gamma())
            labelled = (half == place)[:, None]
            targets = sharpened(torch.where(labelled, mended, own[place]), self.temperature)
            losses.append(self._semi_supervised(network, batch, strong, targets, half == place))
        return losses[0] + losses[1] + self._nothing(), own[0].log()

    def _nothing(self) -> Tensor:
        """0, with a gradient of 0: torch's fused SGD fails on parameters that get their first gradient later."""
        parameters = [each for network in self.training.networks for each in network.projector.parameters()]  # type: ignore[union-attr]
        return 0 * torch.stack([each.sum() for each in parameters]).sum()

    def _gamma(self) -> float:
        """How far divergences count."""
        if self.past < 2 * self.relax:
            return 0.6
        return 0.8 if self.past < 3 * self.relax else 1.0

    @torch.no_grad()
    def _predicted(self, network: Classifier, weak: Tensor, *, still: bool) -> Tensor:
        """Mean probability `[B,K]` over two views, in training mode as a network sees itself, or still for its peer."""
        if still:
            network.eval()
        p = self.training.logits(network, weak).softmax(dim=1)
        if still:
            training_mode(network)
        first, second = p.chunk(2)
        return (first + second) / 2

    def _semi_supervised(
        self, network: Classifier, batch: Batch, strong: Tensor, targets: Tensor, labelled: Tensor
    ) -> Tensor:
        """The loss of one network on two strong views of each image, for soft targets `[B,K]`."""
        targets, known = targets.repeat(2, 1), labelled.repeat(2)
        weight = torch.cat([batch.draw.beta(self.alpha, self.alpha) for _ in range(2)])
        weight = torch.maximum(weight, 1 - weight)
        partner = batch.draw.uniform(2).T.flatten().argsort(stable=True)
        pixels = weight[:, :, None, None]
        logits = self.training.logits(network, pixels * strong + (1 - pixels) * strong[partner])
        targets = weight * targets + (1 - weight) * targets[partner]
        p = logits.softmax(dim=1)
        ramp = min(self.past / _RAMP, 1.0)
        loss = _mean(self.training.loss(logits, targets), known)
        loss = loss + ramp * self.unlabelled * _mean((p - targets).square().mean(dim=1), ~known)
        loss = loss - (p.mean(dim=0) * p.shape[1]).log().mean()
        if self.contrast and not labelled.all():
            projected = network.projector(self.training.features(network, strong[~known]))  # type: ignore[operator]
            loss = loss + self.contrast * contrastive(projected)
        return loss

    def finish(self) -> None:
        """Take away what compared views."""
        for network in self.training.networks:
            del network.projector

    def state(self) -> dict[str, Any]:
        """How long the warm-up is over, and how far each network was from the labels."""
        return {"past": self.past, "bounds": self.bounds.clone()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.past, self.bounds = state["past"], state["bounds"].to(self.bounds.device)


def contrastive(projected: Tensor, temperature: float = 0.07) -> Tensor:
    """SimCLR's loss (Chen et al. 2020, arXiv:2002.05709, eq. 1) of two views, the rows `[2M,P]`: i belongs to M + i."""
    z = F.normalize(projected, dim=1)
    similar = (z @ z.T / temperature).fill_diagonal_(-torch.inf)
    return F.cross_entropy(similar, torch.arange(len(z), device=z.device).roll(len(z) // 2))


def _mean(values: Tensor, chosen: Tensor) -> Tensor:
    """The mean of those values `[B]` that are chosen; 0 where none is."""
    return torch.where(chosen, values, 0).sum() / chosen.sum().clamp_min(1)
