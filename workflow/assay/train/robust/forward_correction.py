"""Forward loss correction."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from assay import Option, method
from assay.errors import MethodError
from assay.train.robust.objective import Batch, Training


@method(
    "robust",
    "forward-correction",
    summary="Compare labels with what the network's prediction becomes under the noise",
    paper="Patrini et al. 2017, arXiv:1609.03683",
    options={
        "rate": Option(
            None, "share of labels that became another class", type=float, optional=True, at_least=0, below=1
        ),
        "matrix": Option(None, "rows of probabilities, true class to label", type=list, optional=True),
        "warmup": Option(5, "epochs before anchors give the matrix, where none is given", at_least=1),
        "percentile": Option(97.0, "which image is a class's anchor; 100 is the surest", above=0, at_most=100),
    },
    shapes="matrix [K,K]",
)
class ForwardCorrection:
    """`loss(log(p T), label)`: the probability of each label under the noise, in place of that of the class.

    T comes from `matrix`, or from `rate` as `1 - r` on the diagonal and `r / (K - 1)` elsewhere, or, without both, from
    anchors: once the warm-up is over, row i is the prediction for the image at the given percentile of `p_i` over all
    train images. The paper trains anew with that estimate; here the same network goes on.
    """

    networks = 1
    remembers = False

    def __init__(self, *, rate: float | None, matrix: list[Any] | None, warmup: int, percentile: float):
        if rate is not None and matrix is not None:
            raise MethodError("forward-correction: expected `rate` or `matrix`, found both")
        self.rate = rate
        self.matrix = matrix
        self.warmup = warmup
        self.percentile = percentile
        self.known = rate is not None or matrix is not None

    def prepare(self, training: Training) -> None:
        """Take the matrix that was given, or the identity until there is one.

        Raises:
            MethodError: a matrix that is not `[K,K]` with rows of probabilities that sum to 1.
        """
        self.training = training
        classes, device = training.images.classes, training.images.pixels.device
        self.transition = torch.eye(classes, device=device)
        if self.matrix is not None:
            self.transition = _probabilities(self.matrix, classes).to(device)
        elif self.rate is not None:
            self.transition = symmetric(self.rate, classes).to(device)

    def epoch(self, number: int, of: int) -> None:  # noqa: ARG002
        """Estimate the matrix once the warm-up is over."""
        if not self.known and number == self.warmup:
            p = self.training.judged(self.training.networks[0]).softmax(dim=1)
            self.transition = anchored(p, self.percentile)
            self.known = True

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The arm's loss under the noise, and the logits without it."""
        logits = self.training.logits(self.training.networks[0], batch.x)
        return self.training.loss(corrected(logits, self.transition), batch.targets).mean(), logits

    def state(self) -> dict[str, Any]:
        """The matrix, and whether it is final."""
        return {"transition": self.transition.clone(), "known": int(self.known)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.transition = state["transition"].to(self.transition.device)
        self.known = bool(state["known"])


def corrected(logits: Tensor, transition: Tensor) -> Tensor:
    """`log(softmax(z) T)`, `[B,K]`, which a softmax leaves as it is; finite where T has zeros."""
    tiny = torch.finfo(torch.float32).tiny
    return torch.logsumexp(logits.log_softmax(dim=1)[:, :, None] + transition.clamp_min(tiny).log(), dim=1)


def symmetric(rate: float, classes: int) -> Tensor:
    """The matrix of noise that turns a share of the labels into another class, each alike; `[K,K]`."""
    transition = torch.full((classes, classes), rate / max(1, classes - 1))
    return transition.fill_diagonal_(1 - rate)


def anchored(p: Tensor, percentile: float) -> Tensor:
    """The matrix `[K,K]` whose row i is the row of `p` `[N,K]` at a percentile of its column i."""
    place = int(percentile / 100 * (len(p) - 1))
    return p[p.argsort(dim=0, stable=True)[place]]


def _probabilities(matrix: list[Any], classes: int) -> Tensor:
    try:
        made = torch.tensor(matrix, dtype=torch.float32)
    except (TypeError, ValueError):
        made = torch.zeros(0)
    if made.shape != (classes, classes) or (made < 0).any() or ((made.sum(dim=1) - 1).abs() > 1e-4).any():
        raise MethodError(
            f"forward-correction: expected `matrix` as {classes} rows of {classes} probabilities that sum to 1"
        )
    return made
