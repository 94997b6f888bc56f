"""Who teaches: the given models, the best of several assistants, or a network that was never trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from assay.errors import MethodError
from assay.models.classifier import Classifier
from assay.streams import Streams
from assay.study.registry import Registry
from assay.train.setup import frozen, validation
from assay.train.start import drawn

if TYPE_CHECKING:
    from assay.data.dataset import Dataset
    from assay.data.streamed import Streamed


def teaching(
    spec: Mapping[str, Any],
    registry: Registry,
    dataset: Dataset,
    images: np.ndarray | Streamed,
    streams: Streams,
    teachers: Sequence[Classifier],
    assistants: Sequence[Classifier],
    device: torch.device,
    *,
    limit: int | None = None,
    state: Callable[..., None] | None = None,
) -> list[Classifier]:
    """The networks that teach a student.

    Args:
        spec: `guide` (`{"model": entry, "init": entry or None}`) of an untrained network, or none.
        registry, dataset, streams, limit, state: see `assay.train.job.train`.
        images: uint8 `[N,H,W,C]`, by which an untrained network normalises.
        teachers, assistants: trained ones; of assistants one teaches in the only teacher's place.
        device: where assistants are tried.

    Raises:
        MethodError: assistants, and no val split to compare them on.
    """
    if spec.get("guide"):
        guide = drawn(spec["guide"], registry, dataset, streams, ["guide"], spec["guide"]["model"])
        guide.fit_normalisation(images)
        return [guide]
    if not assistants:
        return list(teachers)
    found = []
    for model in (teachers[0], *assistants):
        tried = validation(frozen(model, device), dataset.splits.get("val"), device, limit)
        if tried is None:
            raise MethodError("distill: assistants are compared on val, and the dataset has no val split")
        found.append((tried()["val.accuracy"], sum(weight.numel() for weight in model.parameters())))
    chosen = best(found[0], found[1:])
    for number, (accuracy, size) in enumerate(found[1:]):
        mark = ", which teaches" if number == chosen else ""
        print(f"assistant {number}: {accuracy:.4f} on val with {size:,} weights{mark}")
    if state:
        state(assistant=chosen)
    return [assistants[chosen]]


def best(teacher: tuple[float, int], assistants: Sequence[tuple[float, int]]) -> int:
    """The number of the assistant that loses least accuracy for what it is smaller: the flattest way down.

    The negative performance-scale derivative of automatic multi-step distillation (Han et al. 2024, arXiv:2407.04208),
    `-(P_T - P_A) / (1 - S_A)`, is to be largest, P being the accuracy on val and S_A the assistant's share of the
    teacher's weights. There the assistants are pruned from the teacher and trained together; here they are arms. Of
    equals the smallest is taken.

    Args:
        teacher: accuracy and number of weights.
        assistants: likewise.

    Raises:
        MethodError: an assistant that is no smaller than the teacher.
    """
    accuracy, size = teacher
    if large := [number for number, (_, other) in enumerate(assistants) if other >= size]:
        raise MethodError(f"distill: assistant {large[0]} has no fewer weights than the teacher, {size:,}")
    rise = [(other - accuracy) / (1 - weights / size) for other, weights in assistants]
    return max(range(len(assistants)), key=lambda number: (rise[number], -assistants[number][1]))
