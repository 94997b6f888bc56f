"""What supervised training minimises: the task's loss, or a student's loss under a teacher."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay.augment.draw import Draw
from assay.models.classifier import Classifier
from assay.train.dynamics import Recorder
from assay.train.epochs import begin
from assay.train.images import Images
from assay.train.losses.features import applied

#: `(images, targets, draw) -> (images, targets)`.
Augment = Callable[[Tensor, Tensor, Draw], tuple[Tensor, Tensor]]

#: `(features [B,D], draw) -> [S,B,D]`.
Dropout = Callable[[Tensor, Draw], Tensor]


@dataclass
class Output:
    """What distillation sees of a network for one batch: logits `[B,K]` and features `[B,D]`."""

    logits: Tensor
    features: Tensor


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
        distill: `(student, teacher, loss) -> scalar`, or None.
        teachers: whose joint output the student sees, on the same augmented batch.
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
        distill: Callable[[Output, Output, Tensor], Tensor] | None = None,
        teachers: Sequence[Classifier] = (),
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
        self.teachers = teachers
        self.dropout = dropout
        self.bf16 = bf16
        self.watch = watch
        self.part = part

    def __call__(self, epoch: int, indices: Tensor, repeats: Tensor) -> tuple[Tensor, Tensor]:
        """Scalar loss and accuracy of one batch.

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
        student = self._output(self.model, x)
        if self.watch:
            self.watch(epoch, indices, repeats, student.logits, targets, self.images.labels[indices])
        predicted = student.logits.detach().argmax(dim=1, keepdim=True)
        accuracy = targets.gather(1, predicted).mean()
        teacher = None
        if self.distill:
            with torch.no_grad():
                teacher = joint([self._output(one, x) for one in self.teachers])
        samples = self._samples(student, Draw(self.seed, epoch, ids, len(self.augments)))
        return torch.stack([self._loss(sample, teacher, targets) for sample in samples]).mean(), accuracy

    def _samples(self, student: Output, draw: Draw) -> list[Output]:
        """What the head makes of each sample of the features."""
        if self.dropout is None:
            return [student]
        features = self.dropout(student.features, draw)
        with torch.autocast(features.device.type, torch.bfloat16, enabled=self.bf16):
            logits = self.model.head(features)
        return [Output(*sample) for sample in zip(logits.float(), features, strict=True)]

    def _loss(self, student: Output, teacher: Output | None, targets: Tensor) -> Tensor:
        loss = applied(self.loss, student.logits, targets, self.images.counts, student.features)
        return self.distill(student, teacher, loss) if self.distill and teacher else loss.mean()

    def _output(self, model: Classifier, x: Tensor) -> Output:
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.bf16):
            features = model.features(x)
            logits = model.head(features)
        return Output(logits.float(), features.float())


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


def joint(outputs: Sequence[Output]) -> Output:
    """Several teachers as one: the logarithm of their mean probability, and their features side by side.

    One teacher stays as it is.
    """
    if len(outputs) == 1:
        return outputs[0]
    log_p = torch.stack([output.logits.log_softmax(dim=1) for output in outputs])
    logits = log_p.logsumexp(dim=0) - math.log(len(outputs))
    return Output(logits, torch.cat([output.features for output in outputs], dim=1))
