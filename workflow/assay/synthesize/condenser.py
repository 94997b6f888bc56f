"""What all condensed sets share: a few images of each class that are learnt to stand for all real ones."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from assay.data.counts import value_counts
from assay.errors import MethodError
from assay.models.classifier import Classifier
from assay.models.initialise import initialise
from assay.models.plain.convnet import convnet
from assay.streams import Streams
from assay.synthesize.siamese import siamese
from assay.train.checkpoint import Checkpoints, model_state, optimizer_state, restore_optimizer

#: Steps between two lines of the curve.
INTERVAL = 50
#: Momentum of the images' descent, as in the authors' code of every method here.
MOMENTUM = 0.5


class Condenser(ABC):
    """A set of `per-class` images of each class, moved by gradient descent on what networks make of them.

    Each network is a ConvNet with weights drawn anew. Images are learnt as networks see them, normalised by the means
    and deviations of the real pixels, which is where the authors' learning rates hold.

    A stored set holds pixels of 8 bits. So images are kept within the range of pixels after every step, where the
    authors let them leave it; what is left to lose is rounding, by at most 1/510, and the log says what that does to
    the loss. The state holds the images before rounding.
    """

    #: Its name in messages.
    name: str

    def __init__(
        self,
        *,
        per_class: int,
        steps: int,
        lr: float,
        batch: int,
        start: str,
        siamese: bool,
        contrastive: bool,
        flip: bool,
        width: int,
        depth: int,
        matches: int = 1,
    ):
        self.per_class, self.steps, self.lr, self.batch = per_class, steps, lr, batch
        self.start, self.siamese, self.contrastive, self.flip = start, siamese, contrastive, flip
        self.width, self.depth, self.matches = width, depth, matches
        self.images: Tensor | None = None

    @abstractmethod
    def loss(self, net: Classifier, real: list[Tensor], made: list[Tensor], *, contrastive: bool) -> Tensor:
        """How differently a network treats the two sets, a scalar.

        Args:
            net: a ConvNet of the current weights.
            real: for each class, a batch of real images, normalised, float [B,C,H,W]; B may differ.
            made: for each class, the learnt images, altered as the real ones are, float [M,C,H,W].
            contrastive: whether the classes are matched beside each other and not each alone.
        """

    def contrasts(self, step: int) -> bool:  # noqa: ARG002
        """Whether classes are matched beside each other at a step."""
        return self.contrastive

    def train(self, net: Classifier, made: Tensor, draw: torch.Generator) -> None:  # noqa: B027
        """Train the network on the learnt images, float [K,M,C,H,W], before the next of several matches on it."""

    def fit(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        classes: int,
        streams: Streams,
        log: Callable[..., None],
        checkpoints: Checkpoints,
    ) -> None:
        """Learn the images; arguments as for `assay.synthesize.diffuser.Diffuser.fit`.

        Each step draws from a place of its own in stream `generator`, so a resumed run goes on bit for bit.

        Raises:
            MethodError: a class with fewer images than are to be learnt of it, or a loss that is not finite.
        """
        real = Real(images, labels, classes)
        scarce = min(range(classes), key=lambda label: len(real.rows[label]))
        if len(real.rows[scarce]) < self.per_class:
            raise MethodError(
                f"{self.name}: class number {scarce} has {len(real.rows[scarce])} images, fewer than the "
                f"{self.per_class} that are to be learnt of each; lower per-class"
            )
        made = self._first(real, streams.torch("generator", "start")).requires_grad_()
        net = self._build(real)
        optimizer = torch.optim.SGD([made], lr=self.lr, momentum=MOMENTUM)
        start, losses = 0, torch.zeros(INTERVAL, dtype=torch.float64)
        if saved := checkpoints.load():
            start = saved["step"]
            losses.copy_(saved["losses"])
            made.data.copy_(saved["images"])
            net.load_state_dict(saved["net"])
            restore_optimizer(optimizer, saved["optimizer"])
            print(f"resuming at step {start} of {self.steps}")
        for step in range(start, self.steps):
            number, place = divmod(step, self.matches)
            if place == 0:
                initialise(net, streams.torch("generator", "network", number))
            draw = streams.torch("generator", "step", step)
            loss = self.loss(net, *self._pairs(real, made, draw), contrastive=self.contrasts(step))
            (made.grad,) = torch.autograd.grad(loss, made)
            optimizer.step()
            real.within_(made)
            if place + 1 < self.matches:
                self.train(net, made.detach(), draw)
            losses[step % INTERVAL] = loss.detach()
            if (step + 1) % INTERVAL == 0 or step + 1 == self.steps:
                mean = float(losses[: step % INTERVAL + 1].mean())
                if not math.isfinite(mean):
                    raise MethodError(f"{self.name}: the loss became {mean} at step {step + 1}; a lower lr may help")
                log(step + 1, loss=mean)
            if checkpoints.due():
                state = {"net": model_state(net), "optimizer": optimizer_state(optimizer)}
                checkpoints.save({"step": step + 1, "losses": losses.clone(), "images": made.detach().clone(), **state})
        self.images = real.unit(made.detach())
        initialise(net, streams.torch("generator", "network", "last"))
        exact, rounded = (self._judged(net, real, x, streams) for x in (self.images, to_bytes(self.images) / 255))
        print(f"{self.name}: on a new network the loss is {exact:.6g}, and {rounded:.6g} after rounding to 8 bits")

    def state(self) -> dict[str, Tensor]:
        """The images before rounding, float32 [K,per-class,C,H,W] in 0..1."""
        return {"images": self._learnt()}

    def restore(self, state: dict[str, Tensor], shape: tuple[int, int, int], classes: int) -> None:
        """Take images that `state` gave, of `shape` [H,W,C] in `classes` classes.

        Raises:
            MethodError: they have another shape.
        """
        height, width, channels = shape
        expected = (classes, self.per_class, channels, height, width)
        if tuple(state["images"].shape) != expected:
            raise MethodError(f"{self.name}: images {list(state['images'].shape)}, expected {list(expected)}")
        self.images = state["images"]

    def sample(self, labels: np.ndarray, streams: Streams, reference: tuple[np.ndarray, np.ndarray]) -> np.ndarray:  # noqa: ARG002
        """The learnt images for `labels`, int64 [M], each class in the order learnt: uint8 [M,H,W,C].

        Raises:
            MethodError: another number of a class than was learnt: the images are one set, and no more can be drawn.
        """
        learnt = to_bytes(self._learnt()).permute(0, 1, 3, 4, 2).numpy()
        out = np.empty((len(labels), *learnt.shape[2:]), np.uint8)
        for label in np.unique(labels):
            wanted = np.flatnonzero(labels == label)
            if len(wanted) != self.per_class:
                raise MethodError(
                    f"{self.name}: {self.per_class} images of each class were learnt as one set, and {len(wanted)} are "
                    f"asked for; expected `synthetic: {{per-class: {self.per_class}}}`"
                )
            out[wanted] = learnt[label]
        return out

    def _first(self, real: Real, draw: torch.Generator) -> Tensor:
        """Real images drawn at random, or noise; normalised, float [K,per-class,C,H,W]."""
        if self.start == "real":
            return torch.stack([real.batch(label, self.per_class, draw) for label in range(len(real.rows))])
        made = torch.randn(len(real.rows), self.per_class, *real.shape, generator=draw)
        real.within_(made)
        return made

    def _pairs(self, real: Real, made: Tensor, draw: torch.Generator) -> tuple[list[Tensor], list[Tensor]]:
        """For each class, a batch of real images and the learnt ones with their mirror images, altered alike."""
        pairs = []
        for label, own in enumerate(self.shown(made)):
            pair = (real.batch(label, self.batch, draw), own)
            if self.siamese:
                alter = siamese(draw, real.shape[1])
                pair = (alter(pair[0]), alter(pair[1]))
            pairs.append(pair)
        return [pair[0] for pair in pairs], [pair[1] for pair in pairs]

    def shown(self, made: Tensor) -> Tensor:
        """What networks see of images float [K,M,C,H,W]: with `flip`, their mirror images as well, [K,2M,C,H,W].

        Son et al. 2024, arXiv:2407.08113: the set is matched as the union of both, so that one image need
        not show on both sides what real images show on either.
        """
        return torch.cat([made, made.flip(4)], 1) if self.flip else made

    def _judged(self, net: Classifier, real: Real, images: Tensor, streams: Streams) -> float:
        made = real.normalised(images).requires_grad_()
        pairs = self._pairs(real, made, streams.torch("generator", "step", "last"))
        return float(self.loss(net, *pairs, contrastive=self.contrasts(self.steps)).detach())

    def _build(self, real: Real) -> Classifier:
        # Constructors of torch's layers draw from the global state; `initialise` replaces what they drew.
        channels, size, _ = real.shape
        with torch.random.fork_rng(devices=[]):
            net: Classifier = convnet(channels, len(real.rows), size, width=self.width, depth=self.depth)
        return net

    def _learnt(self) -> Tensor:
        if self.images is None:
            raise MethodError(f"{self.name}: call fit or restore before state or sample")
        return self.images


class Real:
    """The real images, and the way from pixels to what networks see.

    Args:
        images: uint8 [N,H,W,C].
        labels: int64 [N].
        classes: K.
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray, classes: int):
        self.images = images
        self.rows = [np.flatnonzero(labels == label) for label in range(classes)]
        self.shape = (images.shape[3], *images.shape[1:3])
        values = np.arange(256) / 255
        counts = value_counts(images) / max(1, len(images) * images.shape[1] * images.shape[2])
        mean = counts @ values
        deviation = np.sqrt((counts * (values - mean[:, None]) ** 2).sum(1))
        self.mean = torch.from_numpy(mean).float()[:, None, None]
        self.std = torch.from_numpy(np.where(deviation > 0, deviation, 1)).float()[:, None, None]

    def batch(self, label: int, count: int, draw: torch.Generator) -> Tensor:
        """`count` different images of a class, or all where there are fewer: normalised, float [B,C,H,W]."""
        rows = self.rows[label]
        chosen = rows[torch.randperm(len(rows), generator=draw)[:count].numpy()]
        return self.normalised(torch.from_numpy(self.images[chosen]).permute(0, 3, 1, 2).contiguous().float() / 255)

    def normalised(self, unit: Tensor) -> Tensor:
        """Pixels in 0..1, float [...,C,H,W], as networks see them."""
        return (unit - self.mean) / self.std

    def unit(self, seen: Tensor) -> Tensor:
        """The inverse of `normalised`, within 0..1."""
        return (seen * self.std + self.mean).clamp(0, 1)

    @torch.no_grad()
    def within_(self, seen: Tensor) -> None:
        """Bring normalised images back into the range of pixels, in place."""
        seen.copy_(seen.clamp(self.normalised(torch.tensor(0.0)), self.normalised(torch.tensor(1.0))))


def to_bytes(unit: Tensor) -> Tensor:
    """Pixels in 0..1 rounded to uint8."""
    return (unit * 255).round().to(torch.uint8)
