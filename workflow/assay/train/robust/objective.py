"""Training that knows which image is which from epoch to epoch, so that it can doubt labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from assay.augment.draw import Draw
from assay.errors import MethodError
from assay.models.classifier import Classifier
from assay.train.epochs import begin
from assay.train.images import Images
from assay.train.infer import logits_alone
from assay.train.objective import Augment, augmented
from assay.train.pixels import StreamedPixels

#: Images at a time where no gradient is kept.
_BATCH = 1024

#: Operations by which another view's draws lie apart; no list of augmentations is as long.
_VIEW = 1000


@dataclass
class Batch:
    """Augmented images `[B,C,H,W]` and targets `[B,K]`, float32, with the images' numbers `[B]`, int64.

    `draw` has random numbers for the method itself. `view(number, first)` gives the same images augmented anew, by the
    first so many of the arm's augmentations or by all (None); views of other numbers, from 1, draw independently.
    """

    x: Tensor
    targets: Tensor
    indices: Tensor
    draw: Draw
    view: Callable[[int, int | None], Tensor]


@dataclass
class Training:
    """What a method works with.

    `networks` are trained together; the first is handed on. `loss` is the arm's, `(logits, targets) -> [B]`. `val`
    holds pixels uint8 `[N,C,H,W]` and labels `[N]` of the val split, where there is one. `generator` is on the CPU, for
    what a method draws before training.
    """

    networks: Sequence[Classifier]
    images: Images
    loss: Callable[[Tensor, Tensor], Tensor]
    generator: torch.Generator
    bf16: bool = False
    val: tuple[Tensor | StreamedPixels, Tensor] | None = None

    def features(self, network: Classifier, x: Tensor) -> Tensor:
        """Features float32 `[B,D]` of a batch, with a gradient."""
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.bf16):
            features = network.features(x)
        return features.float()

    def logits(self, network: Classifier, x: Tensor) -> Tensor:
        """Logits float32 `[B,K]` of a batch, with a gradient."""
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.bf16):
            logits: Tensor = network(x)
        return logits.float()

    def judged(self, network: Classifier) -> Tensor:
        """Logits float32 `[N,K]` of all train images as they are, in evaluation mode, without gradients."""
        return logits_alone(network, self.images.pixels, _BATCH)


class Robust(Protocol):
    """A method of kind robust, made with its options.

    It may have a method `finish()` as well, called once after the training, which may change the first network's
    weights.
    """

    #: How many networks are trained together.
    networks: int
    #: Whether it remembers each image's own label, which an augmentation that mixes targets would take away.
    remembers: bool

    def prepare(self, training: Training) -> None:
        """Called once, before anything else."""

    def epoch(self, number: int, of: int) -> None:
        """Epoch `number`, counted from 0, of `of` begins; not called again where a run resumes within an epoch."""

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The scalar to minimise, and the first network's logits `[B,K]`."""

    def state(self) -> dict[str, Any]:
        """A copy of all that was learnt or set so far: nested dicts of tensors and numbers."""

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""


class RobustObjective:
    """Augmented batches, and what a method makes of them.

    Args:
        method: prepared here.
        training: see there.
        loss: the arm's, `(logits, targets, counts) -> [B]`; may change by epoch, see `assay.train.epochs`.
        augments: in order; each draws as its own operation, and the method as one after the last.
        seed: of the stream `augment`.
        epochs: how many there will be.
    """

    def __init__(
        self,
        method: Robust,
        training: Training,
        loss: Callable[..., Tensor],
        augments: Sequence[Augment],
        seed: int,
        epochs: int,
    ):
        self.method = method
        self.images = training.images
        self.arms_loss = loss
        self.augments = augments
        self.seed = seed
        self.epochs = epochs
        self.begun = -1
        self.seen = False
        method.prepare(training)

    def __call__(self, epoch: int, indices: Tensor, repeats: Tensor) -> tuple[Tensor, Tensor]:
        """Scalar loss and the first network's accuracy on one batch; see `assay.train.objective.Supervised`.

        Raises:
            MethodError: an augmentation mixes targets, and the method remembers each image's own.
        """
        begin(self.arms_loss, epoch, self.epochs)
        if epoch != self.begun:
            self.method.epoch(epoch, self.epochs)
            self.begun = epoch
        pixels, plain = self.images.batch(indices)
        ids = self.images.draw_ids(indices, repeats)
        x, targets = augmented(pixels, plain, self.augments, self.seed, epoch, ids)
        if self.method.remembers and not self.seen and not torch.equal(targets, plain):
            raise MethodError("an augmentation mixes labels, and this robust method follows each image's own; drop one")
        self.seen = True
        draw = Draw(self.seed, epoch, ids, len(self.augments))

        def view(number: int, first: int | None) -> Tensor:
            op = number * _VIEW
            return augmented(pixels, plain, self.augments[:first], self.seed, epoch, ids, op)[0]

        loss, logits = self.method.loss(Batch(x, targets, indices, draw, view))
        predicted = logits.detach().argmax(dim=1, keepdim=True)
        return loss, targets.gather(1, predicted).mean()

    def finish(self) -> None:
        """Let the method have the last word on the first network."""
        finish = getattr(self.method, "finish", None)
        if finish is not None:
            finish()

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps: the method's state and the epoch that it has begun."""
        return {"begun": self.begun, "method": self.method.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.begun = state["begun"]
        self.method.restore(state["method"])
