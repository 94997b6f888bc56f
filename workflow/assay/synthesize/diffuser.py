"""What all diffusion models here share: the loop that trains them, their averaged weights, and sampling in batches."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from assay.errors import MethodError
from assay.streams import Streams
from assay.synthesize import importance
from assay.synthesize.assignment import immiscible
from assay.synthesize.importance import Ratio, aimed
from assay.synthesize.pixels import to_bytes, to_unit
from assay.synthesize.represented import Represented, standardised
from assay.synthesize.sampling import Sampling
from assay.synthesize.unet import UNet
from assay.train.checkpoint import Checkpoints, Phases, model_state, optimizer_state, restore_optimizer

#: Training iterations between two lines of the curve.
INTERVAL = 50
#: Images that are sampled at once; what a network makes of them then stays in the caches of a core.
BATCH = 64


#: Noisy images, levels and classes to what a network tells of them, as `UNet.forward`.
Network = Callable[[Tensor, Tensor, Tensor], Tensor]


class Diffuser(ABC):
    """A class-conditional diffusion model on a U-Net.

    The label of some images is withheld in training, so that one network knows images with and without a class: what
    classifier-free guidance needs (Ho and Salimans 2022, arXiv:2207.12598, algorithm 1).
    """

    #: Its name in messages.
    name: str

    def __init__(
        self,
        *,
        steps: int,
        batch: int,
        lr: float,
        width: int,
        balance: float,
        ema: float,
        label_dropout: float,
        noise_assignment: str,
        ratio_steps: int,
    ):
        if width % 8:
            raise MethodError(
                f"{self.name}: width must be a multiple of 8, such as {8 * math.ceil(width / 8)}, not {width}"
            )
        self.steps, self.batch, self.lr, self.width = steps, batch, lr, width
        self.balance, self.decay, self.label_dropout = balance, ema, label_dropout
        self.immiscible = noise_assignment == "immiscible"
        self.ratio_steps = ratio_steps
        self.unbiased: tuple[np.ndarray, np.ndarray] | None = None
        self.ratio: Ratio | None = None
        self.features: Tensor | None = None
        self.net: UNet | None = None
        #: What tells the draws of several trainings in a row apart.
        self.scope: tuple[object, ...] = ()
        #: Tensors beside network and average that a training needs to go on.
        self.also: dict[str, Tensor] = {}

    @abstractmethod
    def loss(self, net: UNet, x: Tensor, noise: Tensor, y: Tensor, draw: torch.Generator) -> Tensor:
        """The scalar that training minimises.

        Args:
            net: in training mode.
            x: clean images in -1..1, float [B,C,H,W].
            noise: standard normal, of the same shape.
            y: classes or K for none, int64 [B].
            draw: where noise levels come from.
        """

    @abstractmethod
    def levels(self, count: int, draw: torch.Generator) -> Tensor:
        """Noise levels sigma as training draws them, float [count]."""

    def correct(self, images: np.ndarray, labels: np.ndarray) -> None:
        """Learn the distribution of these images, few and unbiased, from those that `fit` gets and these; see
        `assay.synthesize.importance`.
        """
        self.unbiased = images, labels

    def represent(self, features: np.ndarray) -> None:
        """Be told features, float32 [N,D], of the images that `fit` gets, in place of their classes; see
        `assay.synthesize.represented`.
        """
        self.features = standardised(features)

    def aimed(self, x: Tensor, noise: Tensor, sigma: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The image and the noise that the network is to tell, and the weight [B] of each."""
        if self.ratio is None:
            return x, noise, x.new_ones(len(x))
        return aimed(self.ratio, x, noise, sigma, y)

    @abstractmethod
    def denoised(self, net: Network, x: Tensor, sigma: Tensor, y: Tensor) -> Tensor:
        """The images that the network expects behind `x` = images + sigma noise, float [B,C,H,W]; `sigma` is [B]."""

    def bounded(self, clean: Tensor) -> Tensor:
        """What sampling takes of the images that a network expects: all, or what lies within bounds."""
        return clean

    def denoise(self, net: Network, x: Tensor, sigma: float, y: Tensor) -> Tensor:
        """The images that sampling takes to be behind `x`, all of which have noise of the same `sigma`."""
        return self.bounded(self.denoised(net, x, torch.full((len(x),), sigma), y))

    @abstractmethod
    def sigmas(self, visits: int) -> list[float]:
        """The noise levels that a sampler visits, falling, and 0 at the end."""

    @abstractmethod
    def start(self, noise: Tensor, sigma: float) -> Tensor:
        """Where sampling starts: `noise` is standard normal, and `sigma` the highest level."""

    def begin(self, net: UNet, streams: Streams) -> None:
        """Give the network the weights that training starts from."""
        net.reset(streams.torch("generator", "init"))

    def stepped(self, net: UNet) -> None:  # noqa: B027
        """Called after each step of the optimiser; does nothing unless a model has more to keep in step."""

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
            raise MethodError(f"{self.name}: there are no images to learn from")
        x = to_unit(images)
        y = torch.from_numpy(np.array(labels, np.int64))
        weights = torch.bincount(y, minlength=classes).double()[y] ** -self.balance
        if self.unbiased is not None:
            phases = Phases(checkpoints)
            data = importance.mixed((x, y), (to_unit(self.unbiased[0]), torch.from_numpy(self.unbiased[1])), weights)
            with torch.random.fork_rng(devices=[]):
                self.ratio = Ratio(images.shape[3], classes, self.width)
            first, checkpoints = phases.next(0), phases.next(self.ratio_steps)
            importance.fit(self.ratio, data, self.ratio_steps, self.label_dropout, self.levels, streams, first)
            x, y, weights, _ = data
        told = y if self.features is None else torch.arange(len(y))
        net = self._build(images.shape[1:], classes, None if self.features is None else (self.features, y))
        self.begin(net, streams)
        average = model_state(net)
        optimizer = torch.optim.Adam(net.parameters(), lr=self.lr, fused=True)
        start, losses = 0, torch.zeros(INTERVAL, dtype=torch.float64)
        if saved := checkpoints.load():
            start, average = saved["step"], saved["average"]
            losses.copy_(saved["losses"])
            self.also = saved["also"]
            net.load_state_dict(saved["net"])
            restore_optimizer(optimizer, saved["optimizer"])
            print(f"resuming at step {start} of {self.steps}")
        net.train()
        for step in range(start, self.steps):
            draw = streams.torch("generator", *self.scope, "step", step)
            chosen = torch.multinomial(weights, self.batch, replacement=True, generator=draw)
            kept = torch.rand(self.batch, generator=draw) >= self.label_dropout
            noise = torch.randn(self.batch, *x.shape[1:], generator=draw)
            if self.immiscible:
                noise = immiscible(x[chosen], noise)
            loss = self.loss(net, x[chosen], noise, torch.where(kept, told[chosen], net.none), draw)
            rate = self.lr * _rate(step, self.steps)
            optimizer.param_groups[0]["lr"] = rate
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            self.stepped(net)
            follow(average, net, min(self.decay, (1 + step) / (10 + step)))
            losses[step % INTERVAL] = loss.detach()
            if (step + 1) % INTERVAL == 0 or step + 1 == self.steps:
                mean = float(losses[: step % INTERVAL + 1].mean())
                if not math.isfinite(mean):
                    raise MethodError(f"{self.name}: the loss became {mean} at step {step + 1}; a lower lr may help")
                log(step + 1, loss=mean, lr=rate)
            if checkpoints.due():
                checkpoints.save(
                    {
                        "step": step + 1,
                        "losses": losses.clone(),
                        "net": model_state(net),
                        "average": {name: value.clone() for name, value in average.items()},
                        "optimizer": optimizer_state(optimizer),
                        "also": {name: value.clone() for name, value in self.also.items()},
                    }
                )
        net.load_state_dict(average)
        self.net = net.eval()

    def state(self) -> dict[str, Tensor]:
        """The averaged weights."""
        return model_state(self._trained())

    def restore(self, state: dict[str, Tensor], shape: tuple[int, int, int], classes: int) -> None:
        """Take weights that `state` gave, for images of `shape` [H,W,C] in `classes` classes."""
        known = (state["label.features"], state["label.labels"]) if "label.features" in state else None
        self.net = self._build(shape, classes, known)
        self.net.load_state_dict(state)
        self.net.eval()

    def sample(
        self, labels: np.ndarray, streams: Streams, reference: tuple[np.ndarray, np.ndarray], sampling: Sampling
    ) -> np.ndarray:
        """One image for each of `labels`, int64 [M]: uint8 [M,H,W,C]. Of `reference` only the shape matters.

        Each batch of 64 draws from a place of its own in stream `generator`, and goes to `sampling.parts` when it is
        made, so a resumed sampling goes on bit for bit.
        """
        net = self._trained()
        label = net.label
        sigmas = self.sigmas(sampling.steps)
        height, width, channels = reference[0].shape[1:]
        out, start, sampling.evaluations = sampling.parts.open((len(labels), height, width, channels))
        if torch.is_autocast_enabled("cpu"):
            # Weights that are cast once, and normalisation in the same format, take a third less time than autocast.
            net = copy.deepcopy(net).to(torch.get_autocast_dtype("cpu"))

        def denoise(x: Tensor, sigma: float, y: Tensor) -> Tensor:
            return self.denoise(net, x, sigma, y)

        with torch.inference_mode(), torch.autocast("cpu", enabled=False):
            for first in range(start, len(labels), BATCH):
                asked = np.array(labels[first : first + BATCH], np.int64)
                if isinstance(label, Represented):
                    asked = label.chosen(asked, streams.numpy("generator", "features", first))
                y = torch.from_numpy(asked)
                draw = streams.torch("generator", "sample", first)
                noise = torch.randn(len(y), channels, height, width, generator=draw)
                x = sampling(denoise, self.start(noise, sigmas[0]), sigmas, y, net.none, draw)
                out[first : first + BATCH] = to_bytes(x)
                sampling.parts.keep(first + len(y), sampling.evaluations)
        return out

    def _build(self, shape: tuple[int, ...], classes: int, represented: tuple[Tensor, Tensor] | None = None) -> UNet:
        # Constructors of torch's layers draw from the global state; `reset` and `restore` replace what they drew.
        with torch.random.fork_rng(devices=[]):
            net = UNet(shape[2], min(shape[:2]), classes, self.width)
            if represented is not None:
                net.label, net.none = Represented(*represented, 4 * self.width), len(represented[1])
            return net

    def _trained(self) -> UNet:
        if self.net is None:
            raise MethodError(f"{self.name}: call fit or restore before state or sample")
        return self.net


def _rate(step: int, steps: int) -> float:
    """Share of the peak learning rate: linear over the first tenth of the steps, then half a cosine down to 0."""
    warm = max(1, steps // 10)
    return min((step + 1) / warm, 0.5 + 0.5 * math.cos(math.pi * max(0, step - warm) / max(1, steps - warm)))


@torch.no_grad()
def follow(average: dict[str, Tensor], net: torch.nn.Module, decay: float) -> None:
    """Move the average of weights towards those of `net` by 1 - decay."""
    weights = net.state_dict()
    torch._foreach_lerp_(list(average.values()), [weights[name] for name in average], 1 - decay)
