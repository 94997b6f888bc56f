"""Test-time adaptation: what a model gains on corrupted images by adapting to them, and what it forgets.

The corrupted test images come once, in batches and in one fixed order in which classes are mixed; each batch is
predicted as it comes. Afterwards the model judges the same images uncorrupted, without learning from them.

figures.json:
    {"images": N, "adaptations": {adaptation: {corruption: {"severities": [S], "accuracy": [S]}}}}
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from assay.data.dataset import Split
from assay.errors import MethodError
from assay.evaluate.accuracy.accuracy import accuracy
from assay.evaluate.accuracy.confusion import confusion
from assay.evaluate.adaptation.none import NoAdaptation
from assay.evaluate.corruption.corrupted import Corruption, corrupted
from assay.evaluate.result import Result, UndefinedError, attempt
from assay.evaluate.subset import first
from assay.evaluate.trial import Trial
from assay.models.classifier import Classifier
from assay.study.registry import Metric, Option, method
from assay.train.pixels import to_pixels, to_unit


@method(
    "evaluation",
    "adaptation",
    summary="accuracy on corrupted images after adapting to them, and what is forgotten of clean ones",
    paper="Wang et al. 2021, arXiv:2006.10726",
    options={
        "methods": Option(["bn-statistics", "tent", "eata"], "how models adapt; `none` always comes along"),
        "corruptions": Option(["gaussian-noise", "motion-blur", "fog", "contrast"], "corruptions to adapt to"),
        "severities": Option([5], "how strong they are", item=int, at_least=1, at_most=5),
        "batch": Option(200, "images that come at a time; in the papers 200 of CIFAR-10, 64 of ImageNet", at_least=1),
        "images": Option(
            None, "test images that come, the first of one random order; null: all",
            type=int, at_least=1, optional=True,
        ),
    },
    reads=["model", "images"],
    methods={"methods": "adaptation", "corruptions": "corruption"},
    always=["none"],
    metrics={
        "adapted-accuracy": Metric(
            "accuracy on corrupted images that are predicted as they come", "higher", 0.0, 1.0,
            keys={"adaptation": "methods", "corruption": "corruptions", "severity": "severities"},
            defaults={"severity": "5"},
        ),
        "adaptation-gain": Metric(
            "that accuracy less the one without adaptation", "higher", -1.0, 1.0,
            keys={"adaptation": "methods", "corruption": "corruptions", "severity": "severities"},
            defaults={"severity": "5"},
        ),
        "forgetting": Metric(
            "accuracy on the same images uncorrupted, before less after adapting", "lower", -1.0, 1.0,
            keys={"adaptation": "methods", "corruption": "corruptions", "severity": "severities"},
            defaults={"severity": "5"}, paper="Niu et al. 2022, arXiv:2204.02610",
        ),
    },
    shapes="images uint8 [N,H,W,C] -> logits [N,K] -> numbers",
)  # fmt: skip
def family(
    trial: Trial,
    methods: dict[str, Callable[[], Any]],
    corruptions: dict[str, Corruption],
    severities: list[int],
    batch: int,
    images: int | None,
) -> Result:
    """Adapt the trained model anew to each corruption at each severity.

    The Fisher information that EATA asks for is taken from val, else from train. Views of `tta` are not used.
    """
    model, split = trial.judged(images)
    source = _source(trial, model.mean.device)
    result = Result(figures={"images": len(split), "adaptations": {name: {} for name in methods}})
    plain = NoAdaptation()
    plain.start(model, source)
    before = attempt(_accuracy, _in_batches(plain.predict, split.images, batch, model.mean.device), split.labels)
    for word, corruption in corruptions.items():
        for name in methods:
            result.figures["adaptations"][name][word] = {"severities": severities, "accuracy": []}
        for level in severities:
            seen = attempt(corrupted, split.images, split.ids, word, corruption, level)
            without, _ = _adapted(NoAdaptation(), model, source, seen, split, batch)
            for name, make in methods.items():
                keys = {"adaptation": name, "corruption": word, "severity": str(level)}
                after, clean = _adapted(make(), model, source, seen, split, batch)
                found = result.add("adapted-accuracy", keys, float, after)
                result.add("adaptation-gain", keys, _less, after, without)
                result.add("forgetting", keys, _less, before, clean)
                result.figures["adaptations"][name][word]["accuracy"].append(found)
    return result


def _adapted(method: Any, model: Classifier, source: Tensor, seen: Any, split: Split, batch: int) -> tuple[Any, Any]:
    """The accuracies of a stream and of the images as they are after it, or why there are none."""
    if isinstance(seen, UndefinedError):
        return seen, seen
    try:
        method.start(model, source)
    except UndefinedError as reason:
        return reason, reason
    device = model.mean.device
    stream = _in_batches(method.adapt, seen, batch, device)
    clean = _in_batches(method.predict, split.images, batch, device)
    return tuple(attempt(_accuracy, logits, split.labels) for logits in (stream, clean))


def _in_batches(
    predict: Callable[[Tensor], Tensor], images: np.ndarray, batch: int, device: torch.device
) -> np.ndarray:
    parts = [
        predict(to_unit(to_pixels(images[start : start + batch]).to(device))).cpu().numpy()
        for start in range(0, len(images), batch)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, 1), np.float32)


def _source(trial: Trial, device: torch.device) -> Tensor:
    """Images that the model was made with, float32 [M,C,H,W]: at most 2000 of val, else of train."""
    assert trial.split is not None  # `judged` was here before
    try:
        split = trial.split("val")
    except MethodError:
        split = trial.split("train")
    return to_unit(to_pixels(split.images[first(split.ids, 2000)]).to(device))


def _accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    return accuracy(confusion(logits, labels))


def _less(one: float, other: float) -> float:
    return one - other
