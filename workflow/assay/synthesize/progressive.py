"""Progressive distillation: students that each do in one step what their teacher does in two."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from assay import Option, method
from assay.errors import MethodError
from assay.streams import Streams
from assay.synthesize.samplers.ddim import ddim
from assay.synthesize.sampling import Sampling
from assay.synthesize.student import Student
from assay.synthesize.unet import UNet
from assay.train.checkpoint import Checkpoints, Phases


@method(
    "generator",
    "progressive-distillation",
    summary="halves the sampling steps of a trained diffusion model, again and again, each student teaching the next",
    paper="Salimans and Ho 2022, arXiv:2202.00512",
    options={
        "visits": Option(4, "steps of the last student, each one network evaluation", at_least=1),
        "halvings": Option(3, "students; the first learns from visits times 2^halvings steps", at_least=1, at_most=12),
        "steps": Option(600, "training iterations of each student", at_least=1),
        "batch": Option(32, "images an iteration", at_least=1),
        "lr": Option(0.0005, "peak learning rate of Adam, for each student as for `ddpm`", above=0),
        "weighting": Option(
            "truncated-snr",
            "of the error at each noise level: the larger of 1 and the ratio of signal to noise, or 1 plus that",
            choices=["truncated-snr", "snr+1"],
        ),
        "guidance": Option(1.0, "w of the first teacher's classifier-free guidance, which is learnt", at_least=0),
        "balance": Option(0.5, "0: every image equally often, 1: every class equally often", at_least=0, at_most=1),
        "ema": Option(0.99, "decay of the average of weights that is handed on", at_least=0, below=1),
    },
    shapes="images uint8 [N,H,W,C] and labels int64 [N] -> samples uint8 [M,H,W,C] of labels int64 [M]",
    teachers={"ddpm": {"predict": "velocity"}, "edm": {}},
)
class ProgressiveDistillation(Student):
    """Algorithm 2, with the levels of the teacher's own sampler; each student is an average of weights.

    The last student is sampled by DDIM at the levels that it was trained for, and there alone. A teacher must not
    tell the noise: at the first level that says nothing of the image (their section 4).
    """

    name = "progressive-distillation"

    def __init__(self, *, visits: int, halvings: int, weighting: str, **options: Any):
        super().__init__(**options)
        self.visits, self.halvings, self.weighting = visits, halvings, weighting
        self.round = 0
        self.evaluations = visits

    def fit(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        classes: int,
        streams: Streams,
        log: Callable[..., None],
        checkpoints: Checkpoints,
    ) -> None:
        """Train one student after the other; arguments and errors as for `assay.synthesize.diffuser.Diffuser.fit`.

        Raises:
            MethodError: the teacher knows fewer noise levels than the first student would see.
        """
        self.ladder()
        phases = Phases(checkpoints)
        for number in range(self.halvings):
            self.round, before = number, number * self.steps
            phase = phases.next(before)
            if finished := phase.finished():
                self.restore(finished, images.shape[1:], classes)
            else:
                self.scope = ("round", number)
                told = partial(_later, log, before)
                super().fit(images, labels, classes, streams, told, phase)
                phase.finish(self._trained())
            self.taught = self._trained()

    def loss(self, net: UNet, x: Tensor, noise: Tensor, y: Tensor, draw: torch.Generator) -> Tensor:
        """Weighted mean square error of the image that a step starts from, at levels drawn evenly (their section 3)."""
        levels = torch.tensor(self.ladder())
        stride = 2 ** (self.round + 1)
        at = stride * torch.randint((len(levels) - 1) // stride, (len(x),), generator=draw)
        sigma, middle, end = levels[at], levels[at + stride // 2], levels[at + stride]
        noisy = x + sigma[:, None, None, None] * noise
        # Guidance is in what the first student has learnt, so those after it have nothing to add.
        guidance = self.guidance if self.round == 0 else 0.0
        with torch.no_grad():
            goal = target(partial(self.shown, y=y, guidance=guidance), noisy, sigma, middle, end)
        error = (self.denoised(net, noisy, sigma, y) - goal).square().flatten(1).mean(1)
        ratio = 1 / sigma**2
        return ((ratio.clamp(min=1) if self.weighting == "truncated-snr" else ratio + 1) * error).mean()

    def ladder(self) -> list[float]:
        """The noise levels of the first teacher, falling, 0 at the end; each student takes every other one.

        Raises:
            MethodError: the teacher has not so many.
        """
        wanted = self.visits * 2**self.halvings
        found = self.teacher.sigmas(wanted)
        if len(found) != wanted + 1:
            raise MethodError(
                f"{self.name}: {self.visits} visits and {self.halvings} halvings start from {wanted} steps, and the "
                f"teacher has {len(found) - 1} levels; choose fewer halvings"
            )
        return found

    def sigmas(self, visits: int) -> list[float]:  # noqa: ARG002
        """Those that the last student was trained for."""
        return self.ladder()[:: 2**self.halvings]

    def sample(  # type: ignore[override]
        self, labels: np.ndarray, streams: Streams, reference: tuple[np.ndarray, np.ndarray]
    ) -> np.ndarray:
        """One image for each of `labels`, int64 [M]: uint8 [M,H,W,C]. Of `reference` only the shape matters."""
        sampling = Sampling(partial(ddim, eta=0.0), self.visits, guidance=0.0, scaling=1.0)
        return super().sample(labels, streams, reference, sampling)


def target(shown: Callable[[Tensor, Tensor], Tensor], x: Tensor, sigma: Tensor, middle: Tensor, end: Tensor) -> Tensor:
    """The image that one DDIM step from `sigma` to `end` must see to arrive where two of the teacher's arrive.

    The target of algorithm 2, for x = image + sigma noise: a step goes to x' = c + r (x - c), c being the image that is
    seen and r the ratio of the levels, so that c = (x' - r x) / (1 - r).

    Args:
        shown: `(x, sigma) -> images` of the teacher.
        x: noisy images, float [B,C,H,W].
        sigma: their noise levels, float [B].
        middle: where the teacher's first step ends, float [B].
        end: where its second step ends, float [B]; may be 0.
    """
    first, second = ((low / high)[:, None, None, None] for high, low in ((sigma, middle), (middle, end)))
    seen = shown(x, sigma)
    halfway = seen + first * (x - seen)
    seen = shown(halfway, middle)
    arrived = seen + second * (halfway - seen)
    whole = first * second
    return (arrived - whole * x) / (1 - whole)


def _later(log: Callable[..., None], before: int, step: int, **values: float) -> None:
    log(before + step, **values)
