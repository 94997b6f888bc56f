"""A class-conditional denoising diffusion model, trained from scratch on the images of a study."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from assay import Option, method
from assay.errors import MethodError
from assay.streams import Streams
from assay.synthesize.diffusion import diffuse, noise_of, path, schedule, step_back, velocity
from assay.synthesize.unet import UNet
from assay.train.checkpoint import Checkpoints, model_state, optimizer_state, restore_optimizer

#: Training iterations between two lines of the curve.
INTERVAL = 50
#: Images that are sampled at once.
BATCH = 256

#: The noise that is seen in images [B,C,H,W] at step t (int) of classes int64 [B].
Denoiser = Callable[[Tensor, int, Tensor], Tensor]


@method(
    "generator",
    "ddpm",
    summary="class-conditional diffusion with a compact U-Net, classifier-free guidance and DDIM sampling",
    paper="Ho et al. 2020, arXiv:2006.11239; Ho and Salimans 2022, arXiv:2207.12598; Song et al. 2021, 2010.02502",
    options={
        "steps": Option(600, "training iterations", at_least=1),
        "batch": Option(32, "images an iteration", at_least=1),
        "lr": Option(
            0.002, "peak learning rate of Adam; warmed up over a tenth of the steps, then cosine to 0", above=0
        ),
        "width": Option(16, "channels at full size, a multiple of 8", at_least=8),
        "balance": Option(0.5, "0: every image equally often, 1: every class equally often", at_least=0, at_most=1),
        "levels": Option(1000, "noise levels T", at_least=2),
        "schedule": Option("cosine", "how noise grows", choices=["cosine", "linear"]),
        "predict": Option("velocity", "what the network tells of a noisy image", choices=["velocity", "noise"]),
        "ema": Option(0.995, "decay of the average of weights that samples come from", at_least=0, below=1),
        "label-dropout": Option(0.1, "share of images trained without their class", at_least=0, below=1),
        "guidance": Option(1.0, "w of classifier-free guidance; 0 is the conditional model", at_least=0),
        "sampling-steps": Option(20, "noise levels visited when sampling", at_least=2),
        "eta": Option(0.0, "noise put back when sampling: 0 is DDIM, 1 with all steps is DDPM", at_least=0, at_most=1),
    },
    shapes="images uint8 [N,H,W,C] and labels int64 [N] -> samples uint8 [M,H,W,C] of labels int64 [M]",
)
class Ddpm:
    """DDPM (Ho et al. 2020), trained with a mean square error over random noise levels (equation 14).

    The network predicts the noise, as there, or the velocity (Salimans and Ho 2022, arXiv:2202.00512), which learns in
    far fewer steps: the default.

    The label of some images is withheld in training, so that one network predicts noise with and without a class;
    samples take (1 + w) eps(x, y) - w eps(x) (Ho and Salimans 2022, equation 6).
    """

    def __init__(
        self,
        *,
        steps: int,
        batch: int,
        lr: float,
        width: int,
        balance: float,
        levels: int,
        schedule: str,
        predict: str,
        ema: float,
        label_dropout: float,
        guidance: float,
        sampling_steps: int,
        eta: float,
    ):
        if width % 8:
            raise MethodError(f"ddpm: width must be a multiple of 8, such as {8 * math.ceil(width / 8)}, not {width}")
        self.steps, self.batch, self.lr, self.width = steps, batch, lr, width
        self.balance, self.decay, self.label_dropout = balance, ema, label_dropout
        self.guidance, self.sampling_steps, self.eta = guidance, sampling_steps, eta
        self.schedule, self.levels, self.predict = schedule, levels, predict
        self.net: UNet | None = None

    def fit(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        classes: int,
        streams: Streams,
        log: Callable[..., None],
        checkpoints: Checkpoints,
    ) -> None:
        """Train on all images.

        Each iteration draws from a place of its own in stream `generator`, so a resumed training goes on bit for bit.

        Args:
            images: uint8 [N,H,W,C].
            labels: int64 [N] in 0..classes-1.
            classes: K; a class without images is never learnt.
            streams: stream `generator` is used.
            log: called as `log(step, loss=..., lr=...)` every 50 iterations, `loss` being the mean since the last call.
            checkpoints: where the state is kept and found.

        Raises:
            MethodError: no images, or a loss that is not finite.
        """
        if len(images) == 0:
            raise MethodError("ddpm: there are no images to learn from")
        alpha_bar = schedule(self.schedule, self.levels)
        x = to_unit(images)
        y = torch.from_numpy(np.array(labels, np.int64))
        weights = torch.bincount(y, minlength=classes).double()[y] ** -self.balance
        net = self._build(images.shape[1:], classes)
        net.reset(streams.torch("generator", "init"))
        average = model_state(net)
        optimizer = torch.optim.Adam(net.parameters(), lr=self.lr, fused=True)
        start, losses = 0, torch.zeros(INTERVAL, dtype=torch.float64)
        if saved := checkpoints.load():
            start, average = saved["step"], saved["average"]
            losses.copy_(saved["losses"])
            net.load_state_dict(saved["net"])
            restore_optimizer(optimizer, saved["optimizer"])
            print(f"resuming at step {start} of {self.steps}")
        net.train()
        for step in range(start, self.steps):
            draw = streams.torch("generator", "step", step)
            chosen = torch.multinomial(weights, self.batch, replacement=True, generator=draw)
            t = torch.randint(self.levels, (self.batch,), generator=draw)
            kept = torch.rand(self.batch, generator=draw) >= self.label_dropout
            noise = torch.randn(self.batch, *x.shape[1:], generator=draw)
            told = torch.where(kept, y[chosen], classes)
            seen = net(diffuse(x[chosen], noise, alpha_bar[t]), (t + 0.5) / self.levels, told)
            target = noise if self.predict == "noise" else velocity(x[chosen], noise, alpha_bar[t])
            loss = mse_loss(seen, target)
            rate = self.lr * _rate(step, self.steps)
            optimizer.param_groups[0]["lr"] = rate
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            _follow(average, net, min(self.decay, (1 + step) / (10 + step)))
            losses[step % INTERVAL] = loss.detach()
            if (step + 1) % INTERVAL == 0 or step + 1 == self.steps:
                mean = float(losses[: step % INTERVAL + 1].mean())
                if not math.isfinite(mean):
                    raise MethodError(f"ddpm: the loss became {mean} at step {step + 1}; a lower lr may help")
                log(step + 1, loss=mean, lr=rate)
            if checkpoints.due():
                checkpoints.save(
                    {
                        "step": step + 1,
                        "losses": losses.clone(),
                        "net": model_state(net),
                        "average": {name: value.clone() for name, value in average.items()},
                        "optimizer": optimizer_state(optimizer),
                    }
                )
        net.load_state_dict(average)
        self.net = net.eval()

    def state(self) -> dict[str, Tensor]:
        """The averaged weights."""
        return model_state(self._trained())

    def restore(self, state: dict[str, Tensor], shape: tuple[int, int, int], classes: int) -> None:
        """Take weights that `state` gave, for images of `shape` [H,W,C] in `classes` classes."""
        self.net = self._build(shape, classes)
        self.net.load_state_dict(state)
        self.net.eval()

    def sample(self, labels: np.ndarray, streams: Streams, reference: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """One image for each of `labels`, int64 [M]: uint8 [M,H,W,C]. Of `reference` only the shape matters.

        Each batch of 256 draws from a place of its own in stream `generator`.
        """
        alpha_bar = schedule(self.schedule, self.levels).tolist()
        seen = self._denoiser(self._trained(), alpha_bar)
        height, width, channels = reference[0].shape[1:]
        out = np.empty((len(labels), height, width, channels), np.uint8)
        with torch.inference_mode():
            for first in range(0, len(labels), BATCH):
                y = torch.from_numpy(np.array(labels[first : first + BATCH], np.int64))
                draw = streams.torch("generator", "sample", first)
                x = torch.randn(len(y), channels, height, width, generator=draw)
                x = denoise(x, y, seen, alpha_bar, self.sampling_steps, self.eta, draw)
                out[first : first + BATCH] = to_bytes(x)
        return out

    def _denoiser(self, net: UNet, alpha_bar: list[float]) -> Denoiser:
        none = net.label.num_embeddings - 1

        def seen(x: Tensor, t: int, y: Tensor) -> Tensor:
            out: Tensor = net(x, torch.full((len(x),), (t + 0.5) / self.levels), y)
            return out if self.predict == "noise" else noise_of(x, out, alpha_bar[t])

        return guided(seen, none, self.guidance)

    def _build(self, shape: tuple[int, ...], classes: int) -> UNet:
        # Constructors of torch's layers draw from the global state; `reset` and `restore` replace what they drew.
        with torch.random.fork_rng(devices=[]):
            return UNet(shape[2], min(shape[:2]), classes, self.width)

    def _trained(self) -> UNet:
        if self.net is None:
            raise MethodError("ddpm: call fit or restore before state or sample")
        return self.net


def guided(seen: Denoiser, none: int, guidance: float) -> Denoiser:
    """Classifier-free guidance: (1 + w) eps(x, y) - w eps(x, none); with w = 0 the conditional prediction itself."""
    if guidance == 0:
        return seen

    def both(x: Tensor, t: int, y: Tensor) -> Tensor:
        conditional, free = seen(torch.cat([x, x]), t, torch.cat([y, torch.full_like(y, none)])).chunk(2)
        return (1 + guidance) * conditional - guidance * free

    return both


def denoise(
    x: Tensor, y: Tensor, seen: Denoiser, alpha_bar: list[float], visits: int, eta: float, draw: torch.Generator | None
) -> Tensor:
    """Go from noise to images.

    Args:
        x: standard normal, float [B,C,H,W].
        y: classes, int64 [B].
        seen: predicts the noise.
        alpha_bar: see `schedule`.
        visits: noise levels visited.
        eta: see `step_back`.
        draw: where the noise of eta > 0 comes from.

    Returns:
        float [B,C,H,W] in -1..1.
    """
    steps = path(len(alpha_bar), visits)
    for t, following in zip(steps, [*steps[1:], None], strict=True):
        end = 1.0 if following is None else alpha_bar[following]
        fresh = torch.randn(x.shape, generator=draw, dtype=x.dtype) if eta > 0 and end < 1 else None
        x = step_back(x, seen(x, t, y), alpha_bar[t], end, eta, fresh)
    return x


def to_unit(images: np.ndarray) -> Tensor:
    """Images uint8 [N,H,W,C] as float32 [N,C,H,W] in -1..1."""
    return torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).contiguous().float() / 127.5 - 1


def to_bytes(x: Tensor) -> np.ndarray:
    """The inverse of `to_unit`, rounded."""
    whole = ((x.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return whole.permute(0, 2, 3, 1).contiguous().numpy()


def _rate(step: int, steps: int) -> float:
    """Share of the peak learning rate: linear over the first tenth of the steps, then half a cosine down to 0."""
    warm = max(1, steps // 10)
    return min((step + 1) / warm, 0.5 + 0.5 * math.cos(math.pi * max(0, step - warm) / max(1, steps - warm)))


@torch.no_grad()
def _follow(average: dict[str, Tensor], net: UNet, decay: float) -> None:
    """Move the average of weights towards those of `net` by 1 - decay."""
    weights = net.state_dict()
    torch._foreach_lerp_(list(average.values()), [weights[name] for name in average], 1 - decay)
