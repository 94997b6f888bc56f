"""What a distillation method is called with.

A method is a function `f(student, teacher, batch, **options) -> scalar`, or a class that is an `nn.Module`, made with
its options and then prepared once. A class may own parameters, which are trained beside the student, and buffers, which
it fills itself; both are in the checkpoint and neither is in the model that is handed on. See `Method`.

The card's `reads` says what a method needs beyond logits and features:

- `maps`: the feature maps of student and teachers (see `assay.distill.maps`).
- `layers`: what each layer of student and teachers gives, in the place of maps (see `assay.distill.layers`).
- `labels`: each image's label, so that images without one are refused.
- `head`: the head of a teacher, so that there may be no more than one.
- `itself`: it has no teacher and is called with None in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor

from assay.augment.draw import Draw
from assay.models.classifier import Classifier

#: Channels, height and width of a feature map.
Shape = tuple[int, int, int]


@dataclass
class Output:
    """What a network gave for a batch, all float32.

    `logits` `[B,K]`, `features` `[B,D]` and, for a method that reads them, `maps`: `[B,C,h,w]` each, from the largest
    to the smallest; for one that reads layers `[B,...]` each, from the first to the last. Several teachers have
    features side by side, and maps likewise.
    """

    logits: Tensor
    features: Tensor
    maps: list[Tensor] = field(default_factory=list)


@dataclass
class Batch:
    """The images that student and teacher saw.

    Attributes:
        loss: the task's loss of each image under the student, `[B]`; 0 for an image without a label.
        targets: `[B,K]` as augmented; rows of 0 for images without a label.
        x: `[B,C,H,W]` as augmented.
        indices: int64 `[B]`, the images' numbers.
        draw: random numbers for the method itself.
        task: the task's loss `[B]` of other logits `[B,K]` and features `[B,D]`.
    """

    loss: Tensor
    targets: Tensor
    x: Tensor
    indices: Tensor
    draw: Draw
    task: Callable[[Tensor, Tensor], Tensor]


@dataclass
class Setting:
    """What a class is prepared with.

    Attributes:
        student: the network to train.
        teachers: trained networks, which stay as they are; empty for a method that reads `itself`.
        labels: int64 `[N]`, the label of each image, -1 for none.
        maps: the shape of each map of the student, empty unless the method reads maps.
        teacher_maps: those of all teachers together.
        another: makes an untrained network like the student, with other initial weights.
        output: what a network gives for images `[B,C,H,W]`, with a gradient, without maps.
        answer: what the teachers give for images `[B,C,H,W]` when map number i of theirs is replaced by `[B,C',h,w]`,
            with a gradient to that, without maps.
    """

    student: Classifier
    teachers: Sequence[Classifier]
    labels: Tensor
    maps: Sequence[Shape]
    teacher_maps: Sequence[Shape]
    another: Callable[[], Classifier]
    output: Callable[[Classifier, Tensor], Output]
    answer: Callable[[Tensor, int, Tensor], Output]

    @property
    def width(self) -> int:
        """The dimension of the student's features."""
        return self.student.head.in_features

    @property
    def teacher_width(self) -> int:
        """That of all teachers' features side by side."""
        return sum(teacher.head.in_features for teacher in self.teachers)


class Method(Protocol):
    """A distillation method in the form of a class, which is an `nn.Module` as well.

    It may have a method `epoch(number, of)`, told before each epoch and again on resuming (see `assay.train.epochs`),
    and a method `finish(student)`, which has the last word on the student's weights: it is called before each
    validation and after training, and may be called any number of times.
    """

    def prepare(self, setting: Setting) -> None:
        """Called once, before anything else; layers made here get their initial weights afterwards."""

    def __call__(self, student: Output, teacher: Output | None, batch: Batch) -> Tensor:
        """The scalar to minimise."""
