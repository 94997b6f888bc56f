"""Votes: whether a model doubts where people do, on test images that many people labelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from assay.evaluate.result import Result, UndefinedError, attempt
from assay.evaluate.trial import Trial
from assay.evaluate.votes.agreement import vote_accuracy, vote_cross_entropy, vote_kl
from assay.study.registry import Metric, Option, method


@method(
    "evaluation",
    "votes",
    summary="agreement of the probabilities with the votes of many people on each test image, such as CIFAR-10H's",
    paper="Peterson et al. 2019, arXiv:1908.07086",
    options={"methods": Option(["none", "temperature"], "calibrators; `none` always comes along")},
    reads=["val", "test"],
    methods={"methods": "calibrator"},
    always=["none"],
    metrics={
        "vote-cross-entropy": Metric(
            "mean cross-entropy of the probabilities to the shares of votes", "lower", 0.0, unit="nats",
            keys={"calibration": "methods"}, defaults={"calibration": "none"},
            paper="Peterson et al. 2019, arXiv:1908.07086",
        ),
        "vote-kl": Metric(
            "mean divergence (Kullback-Leibler) of the shares of votes from the probabilities", "lower", 0.0,
            unit="nats",
            keys={"calibration": "methods"}, defaults={"calibration": "none"},
            paper="Kullback & Leibler 1951, doi:10.1214/aoms/1177729694",
        ),
        "vote-accuracy": Metric(
            "chance that a person's vote is the predicted class", "higher", 0.0, 1.0,
            keys={"calibration": "methods"}, defaults={"calibration": "none"},
            paper="Peterson et al. 2019, arXiv:1908.07086",
        ),
    },
    shapes="logits [N,K], votes [N,K] -> numbers",
)  # fmt: skip
def family(trial: Trial, methods: dict[str, Callable[[], Any]]) -> Result:
    """Fit each calibrator on the labels of the validation split and compare with the votes on the test split.

    Raises:
        MethodError: a calibrator cannot be fitted.
    """
    result = Result()
    val, test = trial.set("val"), trial.set("test")
    votes: Any = UndefinedError("the dataset has no votes of people on its test images")
    if test.soft is not None:
        votes = np.asarray(test.soft, dtype=np.float64)
        votes = votes / votes.sum(axis=1, keepdims=True)
    for name, make in methods.items():
        calibrator = make()
        calibrator.fit(val.logits, val.labels)
        given, keys = attempt(calibrator.probabilities, test.logits), {"calibration": name}
        note = getattr(calibrator, "note_", None)
        for metric, measure in _METRICS.items():
            result.add(metric, keys, measure, given, votes, note=note)
    return result


_METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "vote-cross-entropy": vote_cross_entropy,
    "vote-kl": vote_kl,
    "vote-accuracy": vote_accuracy,
}
