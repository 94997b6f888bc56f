"""Corruption: accuracy and calibration on test images that are noisy, blurred, snowed on or badly stored.

Fifteen corruptions and four extra ones of Hendrycks & Dietterich 2019, at five severities, with the strengths of
CIFAR-10-C. Frost is left out: it needs the authors' photographs. Images are corrupted on the fly, and alike in every
arm and seed.

figures.json:
    {"images": N, "clean": {"accuracy": number, "ece": number},
     "corruptions": {corruption: {"severities": [S], "accuracy": [S], "ece": [S], "undefined": null or why}}}
A number is null where it is undefined.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.evaluate.accuracy.accuracy import accuracy
from assay.evaluate.accuracy.confusion import confusion
from assay.evaluate.calibration.ece import ece
from assay.evaluate.corruption.corrupted import Corruption, logits_on
from assay.evaluate.probabilities import probabilities
from assay.evaluate.result import Result, UndefinedError, attempt
from assay.evaluate.trial import Trial
from assay.study.registry import Metric, Option, method

_BINS = 15


@method(
    "evaluation",
    "corruption",
    summary="accuracy and calibration on corrupted test images, with the strengths of CIFAR-10-C",
    paper="Hendrycks & Dietterich 2019, arXiv:1903.12261",
    options={
        "corruptions": Option(
            [
                "gaussian-noise", "shot-noise", "impulse-noise", "defocus-blur", "glass-blur", "motion-blur",
                "zoom-blur", "snow", "fog", "brightness", "contrast", "elastic-transform", "pixelate",
                "jpeg-compression",
            ],
            "corruptions; the default is the paper's fifteen without frost",
        ),
        "severities": Option([1, 2, 3, 4, 5], "how strong they are", item=int, at_least=1, at_most=5),
        "images": Option(
            None, "test images that are looked at, the first of one random order; null: all",
            type=int, at_least=1, optional=True,
        ),
    },
    reads=["model", "images"],
    methods={"corruptions": "corruption"},
    metrics={
        "corrupted-accuracy": Metric(
            "accuracy on test images under a corruption", "higher", 0.0, 1.0,
            keys={"corruption": "corruptions", "severity": "severities"}, defaults={"severity": "mean"},
        ),
        "corrupted-ece": Metric(
            "expected calibration error in 15 bins on test images under a corruption", "lower", 0.0, 1.0,
            keys={"corruption": "corruptions", "severity": "severities"}, defaults={"severity": "mean"},
            paper="Ovadia et al. 2019, arXiv:1906.02530",
        ),
    },
    shapes="images uint8 [N,H,W,C] -> logits [N,K] -> numbers",
)  # fmt: skip
def family(trial: Trial, corruptions: dict[str, Corruption], severities: list[int], images: int | None) -> Result:
    """Judge the model on each corruption at each severity.

    The key `severity` takes a number, or `mean`: the mean over those that are listed.
    """
    model, split = trial.judged(images)
    measures = {"accuracy": _accuracy, "ece": _ece}
    clean = logits_on(model, split, "", _untouched, 0, trial.tta)
    result = Result(figures={"images": len(split), "clean": {}, "corruptions": {}})
    for name, measure in measures.items():
        result.figures["clean"][name] = Result().add(name, {}, measure, clean, split.labels)
    for word, corruption in corruptions.items():
        logits = [attempt(logits_on, model, split, word, corruption, level, trial.tta) for level in severities]
        drawn: dict[str, Any] = {"severities": severities}
        result.figures["corruptions"][word] = drawn
        for name, measure in measures.items():
            keys = {"corruption": word}
            values = [
                result.add(f"corrupted-{name}", {**keys, "severity": str(level)}, measure, found, split.labels)
                for level, found in zip(severities, logits, strict=True)
            ]
            why = result.rows[-1].note
            result.add(f"corrupted-{name}", {**keys, "severity": "mean"}, _mean, values, why)
            drawn[name] = values
        drawn["undefined"] = result.rows[-1].note
    return result


def _untouched(images: np.ndarray, *_: object) -> np.ndarray:
    return images


def _accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    return accuracy(confusion(logits, labels))


def _ece(logits: np.ndarray, labels: np.ndarray) -> float:
    return ece(probabilities(logits), labels, _BINS)


def _mean(values: list[float | None], why: str | None) -> float:
    if None in values:
        raise UndefinedError(why or "undefined at a severity")
    return float(np.mean(np.array(values, float)))
