"""What supervised training minimises: the task's loss, or a student's loss under a teacher."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay.augment.draw import Draw
from assay.distill.contract import Batch, Output
from assay.models.classifier import Classifier
from assay.train.distillation import Distillation, output
from assay.train.dynamics import Recorder
from assay.train.epochs import begin
from assay.train.images import Images
from assay.train.losses.features import applied

#: `(images, targets, draw) -> (images, targets)`.
Augment = Callable[[Tensor, Tensor, Draw], tuple[Tensor, Tensor]]

#: `(features [B,D], draw) -> [S,B,D]`.
Dropout = Callable[[Tensor, Draw], Tensor]


class Supervised:
    """Augmented batches, and the loss of a classifier on them.

    Args:
        model: the classifier to train.
        images: what it is trained on.
        augments: in order; each draws as its own operation.
        seed: of the stream `augment`.
        loss: `(logits, targets, counts) -> [B]`; may change by epoch, see `assay.train.epochs`, or look at features,
            see `assay.train.losses.features`.
        epochs: how many there will be.
        distill: what the student learns beside the task, or None.
        dropout: makes S samples of the features, or None. The loss is the mean of the S losses, and the teacher is the
            same for all. It draws as the operation after the last augmentation.
        bf16: whether networks run under autocast to bfloat16; losses are computed in float32.
        watch: notes how each image fares.
        part: cuts the rows out of a batch that the network is to see, where others see the rest.
    """

    def __init__(
        self,
        model: Classifier,
        images: Images,
        augments: Sequence[Augment],
        seed: int,
        loss: Callable[..., Tensor],
        *,
        epochs: int = 1,
        distill: Distillation | None = None,
        dropout: Dropout | None = None,
        bf16: bool = False,
        watch: Recorder | None = None,
        part: Callable[[Tensor], Tensor] | None = None,
    ):
        self.model = model
        self.images = images
        self.augments = augments
        self.seed = seed
        self.loss = loss
        self.epochs = epochs
        self.distill = distill
        self.dropout = dropout
        self.bf16 = bf16
        self.watch = watch
        self.part = part

    def __call__(self, epoch: int, indices: Tensor, repeats: Tensor) -> tuple[Tensor, Tensor | None]:
        """Scalar loss and accuracy of one batch; no accuracy where some images have no label.

        Under soft targets the accuracy is the mean weight that the target gives to the predicted class. It is of the
        logits without dropout, as are those that are watched.
        """
        begin(self.loss, epoch, self.epochs)
        if self.part and not self.augments:
            indices, repeats = self.part(indices), self.part(repeats)
        x, targets = self.images.batch(indices)
        ids = self.images.draw_ids(indices, repeats)
        x, targets = augmented(x, targets, self.augments, self.seed, epoch, ids)
        if self.part and self.augments:
            # Not before: some augmentations blend images of the whole batch.
            x, targets, ids = self.part(x), self.part(targets), self.part(ids)
            indices, repeats = self.part(indices), self.part(repeats)
        draw = Draw(self.seed, epoch, ids, len(self.augments))
        if self.distill is None:
            student = output(self.model, x, bf16=self.bf16)
            loss = torch.stack([self._task(targets, one).mean() for one in self._samples(student, draw)]).mean()
        else:
            self.distill.begin(epoch, self.epochs)
            student = self.distill.student(x)
            loss = self._taught(student, self.distill.teacher(x, indices), x, targets, indices, draw)
        if self.watch:
            self.watch(epoch, indices, repeats, student.logits, targets, self.images.labels[indices])
        if self.images.unlabelled:
            return loss, None
        predicted = student.logits.detach().argmax(dim=1, keepdim=True)
        return loss, targets.gather(1, predicted).mean()

    def _taught(
        self, student: Output, teacher: Output | None, x: Tensor, targets: Tensor, indices: Tensor, draw: Draw
    ) -> Tensor:
        """The student's loss under the method, the mean over the samples of its features."""
        assert self.distill

        def task(logits: Tensor, features: Tensor) -> Tensor:
            return self._task(targets, Output(logits, features))

        return torch.stack(
            [
                self.distill(one, teacher, Batch(self._task(targets, one), targets, x, indices, draw, task))
                for one in self._samples(student, draw)
            ]
        ).mean()

    def _samples(self, student: Output, draw: Draw) -> list[Output]:
        """What the head makes of each sample of the features."""
        if self.dropout is None:
            return [student]
        features = self.dropout(student.features, draw)
        with torch.autocast(features.device.type, torch.bfloat16, enabled=self.bf16):
            logits = self.model.head(features)
        return [Output(*sample, student.maps) for sample in zip(logits.float(), features, strict=True)]

    def _task(self, targets: Tensor, made: Output) -> Tensor:
        """The task's loss `[B]`, which is 0 for images without a label."""
        loss = applied(self.loss, made.logits, targets, self.images.counts, made.features)
        return loss * targets.any(dim=1) if self.images.unlabelled else loss


class OnFeatures:
    """The loss of a linear head on features that are given.

    Args:
        head: features `[B,D]` to logits `[B,K]`.
        features: float32 `[N,D]`.
        labels: int64 `[N]`.
        loss: `(logits, targets, counts) -> [B]`.
    """

    def __init__(self, head: nn.Linear, features: Tensor, labels: Tensor, loss: Callable[..., Tensor]):
        self.head = head
        self.features = features
        self.targets = F.one_hot(labels, head.out_features).float()
        self.counts = labels.bincount(minlength=head.out_features)
        self.loss = loss

    def __call__(self, epoch: int, indices: Tensor, repeats: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Scalar loss and accuracy of one batch."""
        targets = self.targets[indices]
        logits = self.head(self.features[indices])
        accuracy = targets.gather(1, logits.detach().argmax(dim=1, keepdim=True)).mean()
        return self.loss(logits, targets, self.counts).mean(), accuracy


def augmented(
    x: Tensor, targets: Tensor, augments: Sequence[Augment], seed: int, epoch: int, ids: Tensor, op: int = 0
) -> tuple[Tensor, Tensor]:
    """Images `[B,C,H,W]` and targets `[B,K]` after each augmentation in order, each drawing as its own operation.

    Args:
        seed: of the stream `augment`.
        ids: int64 `[B]`, see `Images.draw_ids`.
        op: place of the first as a drawing operation.
    """
    for place, augment in enumerate(augments, start=op):
        x, targets = augment(x, targets, Draw(seed, epoch, ids, place))
    return x, targets
