"""Gradient matching: learnt images move the weights of a network the way the real ones do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from assay import Option, method
from assay.models.classifier import Classifier
from assay.synthesize.condenser import Condenser

#: Learnt images a step of a network's training, at most, as in the authors' code.
BATCH = 256


@method(
    "generator",
    "gradient-matching",
    summary="a condensed set: a few images of each class, learnt to move a network's weights as all real ones do",
    paper="Zhao et al. 2021, arXiv:2006.05929; contrastive: Lee et al. 2022, arXiv:2202.02916; "
    "flip: Son et al. 2024, arXiv:2407.08113",
    options={
        "per-class": Option(..., "images learnt of each class, all of which an arm must ask for", type=int, at_least=1),
        "steps": Option(1000, "updates of the images; the paper has 1000 for each of `matches`", at_least=1),
        "matches": Option(
            1, "updates on one network before another is drawn; the authors: as many as per-class", at_least=1
        ),
        "network-steps": Option(
            50, "steps of the network on the learnt images between two of `matches`; the authors: 20 at 50 per class",
            at_least=0,
        ),
        "network-lr": Option(0.01, "learning rate of these steps", above=0),
        "lr": Option(0.1, "learning rate of the images, as networks see them", above=0),
        "batch": Option(256, "real images of each class an update", at_least=1),
        "start": Option("real", "what the images are at first: drawn real ones, or noise", choices=["real", "noise"]),
        "siamese": Option(
            False, "alter real and learnt images alike, by differentiable Siamese augmentation (arXiv:2102.08259)"
        ),
        "contrastive": Option(False, "match the gradient of all classes together, not of each alone (DCC)"),
        "warmup": Option(
            0.25, "share of the steps before classes are matched together", at_least=0, at_most=1
        ),
        "network-warmup": Option(
            10, "matches on a network after which they are together all the same, so from the start", at_least=0
        ),
        "flip": Option(False, "match the learnt images together with their mirror images (FYI)"),
        "width": Option(128, "channels of the network, a convnet", at_least=1),
        "depth": Option(3, "blocks of the network; 0 is a linear model on pixels", at_least=0),
    },
    shapes="images uint8 [N,H,W,C] and labels int64 [N] -> samples uint8 [K*per-class,H,W,C]",
)  # fmt: skip
class GradientMatching(Condenser):
    """sum_c D(grad L(S_c), grad L(T_c)) over networks in training (Zhao et al. 2021, algorithm 1).

    S_c and T_c are the learnt and the real images of class c, L is the mean cross-entropy and D is `distance`. A
    network takes `network-steps` of plain SGD on the learnt images from one match to the next.

    Contrastive, the gradients of all classes are averaged before they are compared: D(grad L(S), grad L(T)) tells
    what sets classes apart (Lee et al. 2022). A gradient of each class alone is easier to learn at first:
    hence the two warm-ups, with the defaults of their code.
    """

    name = "gradient-matching"

    def __init__(self, *, network_steps: int, network_lr: float, warmup: float, network_warmup: int, **options: Any):
        super().__init__(**options)
        self.network_steps, self.network_lr = network_steps, network_lr
        self.warmup, self.network_warmup = warmup, network_warmup

    def contrasts(self, step: int) -> bool:
        """Whether classes are matched together at a step: not before one of the two warm-ups is over."""
        first = step // self.matches * self.matches
        return self.contrastive and (first >= self.warmup * self.steps or step % self.matches >= self.network_warmup)

    def loss(self, net: Classifier, real: list[Tensor], made: list[Tensor], *, contrastive: bool) -> Tensor:
        """The distance of gradients; see `Condenser.loss`."""
        groups = [range(len(real))] if contrastive else [[label] for label in range(len(real))]
        total = torch.zeros(())
        for labels in groups:
            wanted = gradients(net, {label: real[label] for label in labels})
            found = gradients(net, {label: made[label] for label in labels}, differentiable=True)
            total = total + distance(found, wanted)
        return total

    def train(self, net: Classifier, made: Tensor, draw: torch.Generator) -> None:
        """Plain SGD on the learnt images; see `Condenser.train`."""
        shown = self.shown(made)
        x, y = shown.flatten(0, 1), torch.arange(len(shown)).repeat_interleave(shown.shape[1])
        optimizer = torch.optim.SGD(net.parameters(), lr=self.network_lr)
        for _ in range(self.network_steps):
            chosen = torch.randperm(len(x), generator=draw)[:BATCH]
            optimizer.zero_grad()
            F.cross_entropy(net(x[chosen]).float(), y[chosen]).backward()
            optimizer.step()
        optimizer.zero_grad()


def gradients(net: Classifier, parts: Mapping[int, Tensor], *, differentiable: bool = False) -> list[Tensor]:
    """Of the mean over classes of their mean cross-entropy, in every weight of the network.

    Args:
        net: with weights that take gradients.
        parts: class -> its images, float [B,C,H,W].
        differentiable: whether the result can be differentiated in the images.
    """
    logits = net(torch.cat(list(parts.values()))).float().split([len(part) for part in parts.values()])
    losses = [F.cross_entropy(rows, torch.full((len(rows),), label)) for label, rows in zip(parts, logits, strict=True)]
    return list(torch.autograd.grad(torch.stack(losses).mean(), list(net.parameters()), create_graph=differentiable))


def distance(found: list[Tensor], wanted: list[Tensor]) -> Tensor:
    """sum over layers and their outputs i of 1 - cos(A_i, B_i), the distance of Zhao et al. 2021.

    A_i are all weights that lead to output i: a row of a linear layer, a kernel [in,h,w] of a convolution. Vectors
    (shifts, scales of norm layers) have no such rows and are left out, as in the authors' code.
    """
    total = torch.zeros(())
    for a, b in zip(found, wanted, strict=True):
        if a.ndim > 1:
            a, b = a.flatten(1), b.flatten(1)
            total = total + (1 - (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1) + 1e-6)).sum()
    return total
