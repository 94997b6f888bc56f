"""Consistency distillation: a network that goes from any point of a path to where the path ends, in one evaluation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call

from assay import Option, method
from assay.streams import Streams
from assay.synthesize.diffuser import Network, follow
from assay.synthesize.edm import Edm, preconditioning
from assay.synthesize.student import Student
from assay.synthesize.unet import UNet
from assay.train.checkpoint import model_state


@method(
    "generator",
    "consistency-distillation",
    summary="distils an EDM into a network that makes an image in one evaluation, or a better one in a few",
    paper="Song et al. 2023, arXiv:2303.01469; Song and Dhariwal 2023, arXiv:2310.14189 (pseudo-Huber distance)",
    options={
        "levels": Option(18, "noise levels N, between neighbours of which the teacher steps", at_least=2),
        "steps": Option(2000, "training iterations", at_least=1),
        "batch": Option(32, "images an iteration", at_least=1),
        "lr": Option(0.0005, "peak learning rate of Adam, as for `edm`", above=0),
        "distance": Option(
            "l2",
            "between what two neighbouring points lead to; the paper's LPIPS needs weights that nothing here has",
            choices=["l2", "l1", "pseudo-huber"],
        ),
        "target-decay": Option(0.95, "mu, of the average of weights that gives the target", at_least=0, below=1),
        "guidance": Option(1.0, "w of the teacher's classifier-free guidance, which is learnt", at_least=0),
        "balance": Option(0.5, "0: every image equally often, 1: every class equally often", at_least=0, at_most=1),
        "ema": Option(0.995, "decay of the average of weights that samples come from", at_least=0, below=1),
    },
    shapes="images uint8 [N,H,W,C] and labels int64 [N] -> samples uint8 [M,H,W,C] of labels int64 [M]",
    sampler="consistency",
    network="consistency",
    teachers={"edm": {}},
)
class ConsistencyDistillation(Student):
    """Algorithm 2, with Heun's method as the solver, lambda = 1 and levels and preconditioning of the teacher.

    The lowest level of the teacher is epsilon, where paths end.
    """

    name = "consistency-distillation"

    def __init__(self, *, levels: int, distance: str, target_decay: float, **options: Any):
        super().__init__(**options)
        self.points, self.distance, self.target_decay = levels, distance, target_decay

    def begin(self, net: UNet, streams: Streams) -> None:
        """Network and target start from the weights of the teacher."""
        super().begin(net, streams)
        self.also = model_state(net)

    def stepped(self, net: UNet) -> None:
        """The target follows."""
        follow(self.also, net, self.target_decay)

    def loss(self, net: UNet, x: Tensor, noise: Tensor, y: Tensor, draw: torch.Generator) -> Tensor:
        """Equation 7: the mean distance between what two neighbouring points of a path lead to."""
        levels = torch.tensor(self.teacher.sigmas(self.points)[:-1])
        at = torch.randint(self.points - 1, (len(x),), generator=draw)
        sigma, end = levels[at], levels[at + 1]
        noisy = x + sigma[:, None, None, None] * noise
        with torch.no_grad():
            nearer = heun_step(partial(self.shown, y=y, guidance=self.guidance), noisy, sigma, end)
            goal = self.denoised(lambda *seen: functional_call(net, self.also, seen), nearer, end, y)
        return apart(self.denoised(net, noisy, sigma, y), goal, self.distance).mean()

    def denoised(self, net: Network, x: Tensor, sigma: Tensor, y: Tensor) -> Tensor:
        """The consistency function f(x, sigma) of equation 5, of which the image at epsilon is the value.

        With the teacher's D = c_skip x + c_out F it is f = r D + (c_skip' - r c_skip) x, where r = c_out' / c_out =
        1 - epsilon / sigma; the coefficients with a dash are those of `boundary`.
        """
        teacher = self._edm()
        own, _ = boundary(sigma, teacher.sigma_data, teacher.sigma_min)
        skip, _, _ = preconditioning(sigma, teacher.sigma_data)
        share = 1 - teacher.sigma_min / sigma
        left, right = share[:, None, None, None], (own - share * skip)[:, None, None, None]
        return left * teacher.denoised(net, x, sigma, y) + right * x

    def bounded(self, clean: Tensor) -> Tensor:
        """All of it."""
        return clean

    def sigmas(self, visits: int) -> list[float]:
        """The teacher's, as many as `visits` above epsilon, and 0: at epsilon there is nothing left to do."""
        return [*self.teacher.sigmas(visits + 1)[:-2], 0.0]

    def _edm(self) -> Edm:
        teacher = self.teacher
        assert isinstance(teacher, Edm), "the card names its teachers"
        return teacher


def boundary(sigma: Tensor, sigma_data: float, epsilon: float) -> tuple[Tensor, Tensor]:
    """c_skip and c_out of appendix C, each of the shape of `sigma`: 1 and 0 at epsilon, where f is the identity."""
    above = sigma - epsilon
    return sigma_data**2 / (above**2 + sigma_data**2), sigma_data * above / (sigma_data**2 + sigma**2).sqrt()


def heun_step(shown: Callable[[Tensor, Tensor], Tensor], x: Tensor, sigma: Tensor, end: Tensor) -> Tensor:
    """One step of Heun's method along the path of `x`, float [B,C,H,W], from levels `sigma` to `end` > 0, both [B].

    Args:
        shown: `(x, sigma) -> images` of the teacher.
        x: noisy images.
        sigma: their noise levels.
        end: where the step ends.
    """
    high, low = sigma[:, None, None, None], end[:, None, None, None]
    slope = (x - shown(x, sigma)) / high
    ahead = x + (low - high) * slope
    return x + (low - high) * (slope + (ahead - shown(ahead, end)) / low) / 2


def apart(made: Tensor, goal: Tensor, distance: str) -> Tensor:
    """How far images float [B,C,H,W] lie from others, float [B].

    `l2` and `l1` are means over pixels. `pseudo-huber` is sqrt(|d|^2 + c^2) - c with c = 0.00054 sqrt(pixels) (Song and
    Dhariwal 2023, section 3.3), divided by sqrt(pixels) so that it too does not grow with the image.
    """
    difference = (made - goal).flatten(1)
    if distance == "l1":
        return difference.abs().mean(1)
    square = difference.square().mean(1)
    c = 0.00054
    return square if distance == "l2" else (square + c**2).sqrt() - c
