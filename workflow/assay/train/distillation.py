"""A student beside its teachers: what the method sees of both, and what is trained along."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from assay.distill.contract import Batch, Output, Setting, Shape
from assay.distill.layers import Layers
from assay.distill.maps import Maps
from assay.errors import MethodError
from assay.models.classifier import Classifier, build
from assay.models.initialise import initialise
from assay.streams import Streams
from assay.study.registry import Registry
from assay.train.epochs import begin, bound
from assay.train.images import Images
from assay.train.pixels import to_unit
from assay.train.setup import frozen, place

#: Images at a time where no gradient is kept.
_BATCH = 1024


class Distillation:
    """A distillation method at work.

    Args:
        method: `(student, teacher, batch) -> scalar`; an `nn.Module` is prepared here, see `assay.distill.contract`.
        model: the student, on its device.
        teachers: on the same device, in evaluation mode.
        images: what the student is trained on.
        another: makes an untrained network like the student.
        generator: of the initial weights of what is trained beside the student.
        size: of the images.
        still: whether a sample is the same image each time, so that its teachers need to see it only once.
        bf16: whether networks run under autocast to bfloat16.

    Raises:
        MethodError: networks that do not have what the method reads.
    """

    def __init__(
        self,
        method: Callable[[Output, Output | None, Batch], Tensor],
        model: Classifier,
        teachers: Sequence[Classifier],
        images: Images,
        another: Callable[[], Classifier],
        generator: torch.Generator,
        size: int,
        *,
        still: bool = False,
        bf16: bool = False,
    ):
        self.method = method
        self.model = model
        self.teachers = teachers
        self.images = images
        self.bf16 = bf16
        found: dict[str, Callable[[Classifier, int], Maps | Layers]] = {"maps": Maps, "layers": Layers}
        wanted = next((looks for what, looks in found.items() if what in reads(method)), None)
        self.maps = wanted(model, size) if wanted else None
        self.teacher_maps = [wanted(teacher, size) for teacher in teachers] if wanted else []
        self.still = still and not wanted  # maps of all images would take too much memory
        self.known: tuple[Tensor, Tensor] | None = None
        self.beside: nn.Module | None = None
        if isinstance(method, nn.Module):
            own = self.maps.shapes if isinstance(self.maps, Maps) else []
            # Constructors of torch's layers draw from the global state; those draws are undone here and replaced.
            with torch.random.fork_rng(devices=[]):
                method.prepare(  # type: ignore[operator]
                    Setting(
                        model, teachers, images.labels.cpu(), own, self._shapes(), another, self._plain, self._answer
                    )
                )
            initialise(method, generator)
            self.beside = method.to(images.pixels.device)

    def _plain(self, model: Classifier, x: Tensor) -> Output:
        return output(model, x, bf16=self.bf16)

    def _answer(self, x: Tensor, number: int, made: Tensor) -> Output:
        """What the teachers give for images when their joint map `number` is `made`."""
        maps = [each for each in self.teacher_maps if isinstance(each, Maps)]
        outputs = []
        for one, its, part in zip(
            self.teachers, maps, made.split([each.shapes[number][0] for each in maps], dim=1), strict=True
        ):
            with its.replaced(number, part):
                outputs.append(self._plain(one, x))
        return joint(outputs)

    def _shapes(self) -> list[Shape]:
        """The shapes of the joint maps of all teachers."""
        maps = [each for each in self.teacher_maps if isinstance(each, Maps)]
        return [
            (sum(shape[0] for shape in shapes), *shapes[0][1:])
            for shapes in zip(*(each.shapes for each in maps), strict=True)
        ]

    def begin(self, epoch: int, of: int) -> None:
        """Tell the method that an epoch begins."""
        begin(self.method, epoch, of)

    def student(self, x: Tensor) -> Output:
        """What the student gives for images `[B,C,H,W]`."""
        return output(self.model, x, self.maps, bf16=self.bf16)

    @torch.no_grad()
    def teacher(self, x: Tensor, indices: Tensor) -> Output | None:
        """What the teachers give for images `[B,C,H,W]` with numbers `[B]`; None without teachers."""
        if not self.teachers:
            return None
        if self.still:
            self.known = self.known or self._all()
            logits, features = self.known
            return Output(logits[indices], features[indices])
        return self._joint(x)

    def _joint(self, x: Tensor) -> Output:
        maps: Sequence[Maps | Layers | None] = self.teacher_maps or [None] * len(self.teachers)
        return joint([output(one, x, its, bf16=self.bf16) for one, its in zip(self.teachers, maps, strict=True)])

    def _all(self) -> tuple[Tensor, Tensor]:
        """Logits `[N,K]` and features `[N,D]` of all images by the teachers."""
        pixels = self.images.pixels
        parts = [self._joint(to_unit(pixels[at : at + _BATCH])) for at in range(0, len(pixels), _BATCH)]
        return torch.cat([part.logits for part in parts]), torch.cat([part.features for part in parts])

    def __call__(self, student: Output, teacher: Output | None, batch: Batch) -> Tensor:
        """The scalar to minimise."""
        return self.method(student, teacher, batch)

    def finish(self) -> None:
        """Let the method have the last word on the student."""
        finish = getattr(self.method, "finish", None)
        if finish is not None:
            finish(self.model)


def reads(method: object) -> list[str]:
    """What the card of a bound method says that it reads."""
    found: list[str] = getattr(getattr(method, "func", method), "assay_reads", [])
    return found


def output(model: Classifier, x: Tensor, maps: Maps | Layers | None = None, *, bf16: bool) -> Output:
    """What a network gives for images `[B,C,H,W]`, float32."""
    taken: AbstractContextManager[list[Tensor]] = maps.taken() if maps else nullcontext([])
    with taken as found, torch.autocast(x.device.type, torch.bfloat16, enabled=bf16):
        features = model.features(x)
        logits = model.head(features)
    return Output(logits.float(), features.float(), found)


def joint(outputs: Sequence[Output]) -> Output:
    """Several teachers as one: the logarithm of their mean probability, and features and maps side by side.

    One teacher stays as it is.
    """
    if len(outputs) == 1:
        return outputs[0]
    log_p = torch.stack([output.logits.log_softmax(dim=1) for output in outputs])
    logits = log_p.logsumexp(dim=0) - math.log(len(outputs))
    maps = [torch.cat(same, dim=1) for same in zip(*(output.maps for output in outputs), strict=True)]
    return Output(logits, torch.cat([output.features for output in outputs], dim=1), maps)


def distillation(
    registry: Registry,
    spec: Mapping[str, Any],
    model: Classifier,
    teachers: Sequence[Classifier],
    images: Images,
    streams: Streams,
    size: int,
    *,
    bf16: bool,
) -> Distillation | None:
    """The distillation that a training's spec asks for, or None.

    Raises:
        MethodError: a method without the teachers it needs, teachers without a method, or see `Distillation`.
    """
    entry = spec.get("distill")
    entry = entry and {key: value for key, value in entry.items() if key != "teacher"}
    method = bound(registry, "distill", entry) if entry else None
    needed = method is not None and "itself" not in reads(method)
    if needed != bool(teachers):
        raise MethodError(f"the spec says distill: {entry and entry['method']}, and there are {len(teachers)} teachers")
    if method is None:
        return None
    device = images.pixels.device

    def another() -> Classifier:
        """Its weights are drawn together with all that is trained beside the student, so any generator will do."""
        made = build(registry, spec["model"], len(model.mean), images.classes, size, torch.Generator())
        made.mean.copy_(model.mean)
        made.std.copy_(model.std)
        return place(made, device)

    return Distillation(
        method,
        model,
        [frozen(teacher, device) for teacher in teachers],
        images,
        another,
        streams.torch("init", "distill"),
        size,
        still=not spec["augment"],
        bf16=bf16,
    )
