"""Selective prediction: how right a model is on the images that it does not hand to a person.

A defer rule gives each image a confidence; the least confident are handed on. Rules are fitted on the validation
split, and so are the thresholds of `kept-share` and `kept-accuracy`; everything else looks at all thresholds on the
test split.

figures.json:
    {"rules": {rule: {"coverage": [P], "risk": [P]}},   share of errors among the accepted, P <= 200 points
     "best": {"coverage": [P], "risk": [P]}}            with every error handed on first
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from assay.evaluate.result import Result, UndefinedError, attempt, plain
from assay.evaluate.selective.risk_coverage import accuracy_at, aurc, coverage_at, e_aurc, risk_curve
from assay.evaluate.selective.thresholds import kept, kept_accuracy, threshold
from assay.evaluate.trial import Predictions, Trial
from assay.study.registry import Metric, Option, method

#: Points of a drawn curve.
POINTS = 200


@method(
    "evaluation",
    "selective",
    summary="risk and coverage when the least confident predictions are handed to a person",
    paper="Geifman & El-Yaniv 2017, arXiv:1705.08500; Geifman et al. 2019, arXiv:1805.08206",
    options={
        "rules": Option(["max-softmax", "energy"], "defer rules; `max-softmax` always comes along"),
        "coverages": Option(
            [0.8, 0.9, 0.95], "shares of images that are kept", item=float, above=0, at_most=1,
        ),
        "risks": Option([0.01, 0.05], "shares of errors that are allowed", item=float, at_least=0, below=1),
    },
    reads=["val", "test"],
    methods={"rules": "defer"},
    always=["max-softmax"],
    metrics={
        "aurc": Metric(
            "mean over all coverages of the share of errors among the images kept", "lower", 0.0, 1.0,
            keys={"rule": "rules"}, defaults={"rule": "max-softmax"},
            paper="Geifman et al. 2019, arXiv:1805.08206",
        ),
        "e-aurc": Metric(
            "aurc beyond that of the best order, in which every error is handed on first", "lower", 0.0, 1.0,
            keys={"rule": "rules"}, defaults={"rule": "max-softmax"},
            paper="Geifman et al. 2019, arXiv:1805.08206",
        ),
        "selective-accuracy": Metric(
            "accuracy on the share of test images with the highest confidence", "higher", 0.0, 1.0,
            keys={"coverage": "coverages", "rule": "rules"}, defaults={"coverage": "0.9", "rule": "max-softmax"},
            paper="Geifman & El-Yaniv 2017, arXiv:1705.08500",
        ),
        "coverage-at-risk": Metric(
            "largest share of test images that can be kept with no more errors among them than allowed",
            "higher", 0.0, 1.0,
            keys={"risk": "risks", "rule": "rules"}, defaults={"risk": "0.05", "rule": "max-softmax"},
            paper="Geifman & El-Yaniv 2017, arXiv:1705.08500",
        ),
        "kept-share": Metric(
            "share of test images kept by the threshold that keeps so many validation images", "higher", 0.0, 1.0,
            keys={"coverage": "coverages", "rule": "rules"}, defaults={"coverage": "0.9", "rule": "max-softmax"},
        ),
        "kept-accuracy": Metric(
            "accuracy on the test images kept by that threshold", "higher", 0.0, 1.0,
            keys={"coverage": "coverages", "rule": "rules"}, defaults={"coverage": "0.9", "rule": "max-softmax"},
        ),
    },
    shapes="features [N,D], logits [N,K] -> confidence [N] -> numbers",
)  # fmt: skip
def family(trial: Trial, rules: dict[str, Callable[[], Any]], coverages: list[float], risks: list[float]) -> Result:
    """Rank the test images by each rule and judge what is kept.

    The keys `coverage` and `risk` take a number as `0.9` or `0.05`.

    Raises:
        MethodError: a rule cannot be fitted.
    """
    result = Result(figures={"rules": {}})
    val, test = trial.set("val"), trial.set("test")
    right = test.logits.argmax(axis=1) == test.labels
    for name, make in rules.items():
        rule = make()
        rule.fit(val.features, val.logits, val.labels)
        note, keys = getattr(rule, "note_", None), {"rule": name}
        before = attempt(rule.confidence, val.features, val.logits)
        confidence = attempt(_confidence, rule, test)
        curve = attempt(_curve, confidence, right)
        result.add("aurc", keys, aurc, curve, note=note)
        result.add("e-aurc", keys, e_aurc, curve, note=note)
        for coverage in coverages:
            at = {"coverage": f"{coverage:g}", **keys}
            least = attempt(_threshold, before, coverage)
            result.add("selective-accuracy", at, accuracy_at, curve, coverage, note=note)
            result.add("kept-share", at, kept, confidence, least, note=note)
            result.add("kept-accuracy", at, kept_accuracy, confidence, right, least, note=note)
        for risk in risks:
            result.add("coverage-at-risk", {"risk": f"{risk:g}", **keys}, coverage_at, curve, risk, note=note)
        if not isinstance(curve, UndefinedError):
            result.figures["rules"][name] = _thinned(curve)
            result.figures["best"] = _thinned(risk_curve(right.astype(float), right))
    return result


def _confidence(rule: Any, test: Predictions) -> np.ndarray:
    if len(test) == 0:
        raise UndefinedError("there are no images")
    found = np.asarray(rule.confidence(test.features, test.logits), dtype=np.float64)
    spoilt = int(np.isnan(found).sum())
    if spoilt:
        raise UndefinedError(f"{spoilt} of {len(found)} confidences are NaN")
    return found


def _curve(confidence: np.ndarray | UndefinedError, right: np.ndarray) -> np.ndarray:
    if isinstance(confidence, UndefinedError):
        raise confidence
    return risk_curve(confidence, right)


def _threshold(confidence: np.ndarray | UndefinedError, coverage: float) -> float:
    if isinstance(confidence, UndefinedError):
        raise confidence
    return threshold(confidence, coverage)


def _thinned(risks: np.ndarray) -> dict[str, list[Any]]:
    at = np.unique(np.linspace(0, len(risks) - 1, POINTS).round().astype(int))
    return {"coverage": plain((at + 1) / len(risks)), "risk": plain(risks[at])}
