"""Time-dependent importance weights: a diffusion model of unbiased images, learnt mostly from biased ones.

Kim et al. 2024, arXiv:2403.01189 (TIW-DSM). A network tells noisy unbiased images from noisy biased ones at every noise
level. What it tells is a ratio of densities; it weighs each noisy image, and its gradient corrects the score that the
denoiser is to learn. At high noise the two look alike, so the ratio is easier to learn there than between clean images.

Images are x + sigma noise, float [B,C,H,W]; sigma and labels are [B].
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay.errors import MethodError
from assay.models.initialise import initialise
from assay.streams import Streams
from assay.synthesize.unet import Block, Labels, waves
from assay.train.checkpoint import Phase, model_state, optimizer_state, restore_optimizer

#: Images an iteration, and the peak learning rate of Adam, of the network that tells the ratio.
BATCH, RATE = 64, 0.002


class Ratio(nn.Module):
    """The logarithm of the odds that a noisy image is an unbiased one; zero, no opinion, before it is trained."""

    def __init__(self, channels: int, classes: int, width: int):
        super().__init__()
        context = 4 * width
        self.width = width
        self.time = nn.Sequential(nn.Linear(width, context), nn.SiLU(), nn.Linear(context, context))
        self.label = Labels(classes + 1, context)
        self.stem = nn.Conv2d(channels, width, 3, padding=1)
        self.blocks = nn.ModuleList(Block(width, width, context) for _ in range(3))
        self.head = nn.Linear(width, 1)

    def reset(self, generator: torch.Generator) -> None:
        """Draw every weight from `generator`; the last layer starts at zero."""
        initialise(self, generator)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor, sigma: Tensor, y: Tensor) -> Tensor:
        """Log odds, float [B]."""
        level = torch.sigmoid(sigma.float().log() / 2)
        context = F.silu(self.time(waves(level, self.width)) + self.label(y))
        x = self.stem(x / (1 + sigma.to(x.dtype)[:, None, None, None] ** 2).sqrt())
        for number, block in enumerate(self.blocks):
            x = block(x, context)
            if number < len(self.blocks) - 1 and min(x.shape[2:]) > 3:
                x = F.avg_pool2d(x, 2)
        told: Tensor = self.head(F.silu(x).mean((2, 3)))[:, 0]
        return told


def mixed(
    biased: tuple[Tensor, Tensor], unbiased: tuple[Tensor, Tensor], weights: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One set of both, in which each half of the draws is of one kind, and both have the same class shares.

    Args:
        biased: images and labels int64 [N].
        unbiased: images and labels int64 [M].
        weights: of the biased images in drawing, float64 [N].

    Returns:
        Images, labels, weights, and whether each is unbiased, bool [N+M].

    Raises:
        MethodError: a class that has biased images alone.
    """
    shares = torch.zeros(int(biased[1].max()) + 1, dtype=torch.float64)
    shares.index_add_(0, biased[1], weights / weights.sum())
    known = torch.bincount(unbiased[1], minlength=len(shares))
    lacking = [str(label) for label in torch.nonzero((shares > 0) & (known[: len(shares)] == 0))[:, 0].tolist()]
    if lacking:
        raise MethodError(f"unbiased: it has no image of class number {', '.join(lacking)}; each class needs some")
    shares = F.pad(shares, (0, len(known) - len(shares)))
    return (
        torch.cat([biased[0], unbiased[0]]),
        torch.cat([biased[1], unbiased[1]]),
        torch.cat([weights / weights.sum(), shares[unbiased[1]] / known[unbiased[1]]]) / 2,
        torch.cat([torch.zeros(len(biased[1]), dtype=torch.bool), torch.ones(len(unbiased[1]), dtype=torch.bool)]),
    )


def fit(
    ratio: Ratio,
    data: tuple[Tensor, Tensor, Tensor, Tensor],
    steps: int,
    label_dropout: float,
    levels: Callable[[int, torch.Generator], Tensor],
    streams: Streams,
    checkpoints: Phase,
) -> None:
    """Train the network on what `mixed` gives, at the noise levels that `levels` draws.

    Raises:
        MethodError: a loss that is not finite.
    """
    x, y, weights, unbiased = data
    none = ratio.label.num_embeddings - 1
    ratio.reset(streams.torch("generator", "ratio", "init"))
    if found := checkpoints.finished():
        ratio.load_state_dict(found)
        return
    optimizer = torch.optim.Adam(ratio.parameters(), lr=RATE, fused=True)
    start = 0
    if saved := checkpoints.load():
        start = saved["step"]
        ratio.load_state_dict(saved["net"])
        restore_optimizer(optimizer, saved["optimizer"])
    loss = torch.zeros(())
    for step in range(start, steps):
        draw = streams.torch("generator", "ratio", "step", step)
        chosen = torch.multinomial(weights, BATCH, replacement=True, generator=draw)
        kept = torch.rand(BATCH, generator=draw) >= label_dropout
        sigma = levels(BATCH, draw)
        noise = torch.randn(BATCH, *x.shape[1:], generator=draw)
        seen = x[chosen] + sigma[:, None, None, None] * noise
        told = ratio(seen, sigma, torch.where(kept, y[chosen], none))
        loss = F.binary_cross_entropy_with_logits(told.float(), unbiased[chosen].float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if checkpoints.due():
            state = {"step": step + 1, "net": model_state(ratio), "optimizer": optimizer_state(optimizer)}
            checkpoints.save(state)
    if not math.isfinite(float(loss.detach())):
        raise MethodError("unbiased: the loss of the network that tells the ratio is not finite")
    checkpoints.finish(ratio)


def aimed(ratio: nn.Module, x: Tensor, noise: Tensor, sigma: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What a denoiser is to tell instead of the image and its noise, and how much that counts.

    Images are drawn from p, one half biased and one unbiased, and the density of unbiased ones is w p with
    w = 2 d, d being the chance of being unbiased. The minimiser of the paper's objective

        E_p w(x_t) || s(x_t) - grad log p(x_t | x_0) - grad log w(x_t) ||^2

    is grad log p + grad log w = grad log (w p), the score of unbiased images. As a denoiser is
    x_t + sigma^2 s, its aim is x_0 + sigma^2 grad log w, and that of the noise is lower by sigma grad log w.

    Returns:
        Images and noise of the same shape as `x`, that make the same noisy image, and weights w [B].
    """
    spread = sigma.to(x.dtype)[:, None, None, None]
    with torch.enable_grad(), torch.autocast(x.device.type, enabled=False):
        seen = (x + spread * noise).detach().requires_grad_()
        chance = F.logsigmoid(ratio(seen, sigma, y))
        (slope,) = torch.autograd.grad(chance.sum(), seen)
    return x + spread**2 * slope, noise - spread * slope, 2 * chance.detach().exp()
