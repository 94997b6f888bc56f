"""Calibration: whether a predicted probability is how often the prediction is right.

figures.json:
    {"reliability": {calibrator: {"edges": [bins + 1],        of the confidence, equal width
                                  "count": [bins],            test images in each bin
                                  "confidence": [bins],       mean confidence, null in an empty bin
                                  "accuracy": [bins],         share predicted rightly, null in an empty bin
                                  "fitted": {name: number}}}}  what the calibrator learnt, e.g. {"temperature": 1.7}
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assay.evaluate.calibration.adaptive_ece import adaptive_ece
from assay.evaluate.calibration.bins import reliability
from assay.evaluate.calibration.brier import brier
from assay.evaluate.calibration.ece import ece
from assay.evaluate.calibration.mce import mce
from assay.evaluate.calibration.nll import nll
from assay.evaluate.result import Result, attempt
from assay.evaluate.trial import Trial
from assay.study.registry import Metric, Option, method


@method(
    "evaluation",
    "calibration",
    summary="calibration error, likelihood and Brier score, before and after calibration on the validation split",
    paper="Guo et al. 2017, arXiv:1706.04599",
    options={
        "methods": Option(["none", "temperature"], "calibrators; `none` always comes along"),
        "bins": Option(15, "bins of the confidence in ece, adaptive-ece and mce", at_least=1),
    },
    reads=["val", "test"],
    methods={"methods": "calibrator"},
    always=["none"],
    metrics={
        "ece": Metric(
            "expected calibration error, equal-width bins", "lower", 0.0, 1.0,
            keys={"calibration": "methods"}, defaults={"calibration": "none"},
            paper="Guo et al. 2017, arXiv:1706.04599",
        ),
        "adaptive-ece": Metric(
            "expected calibration error, bins of equal mass", "lower", 0.0, 1.0,
            keys={"calibration": "methods"}, defaults={"calibration": "none"},
            paper="Nixon et al. 2019, arXiv:1904.01685",
        ),
        "mce": Metric(
            "largest calibration error of a bin", "lower", 0.0, 1.0,
            keys={"calibration": "methods"}, defaults={"calibration": "none"},
            paper="Guo et al. 2017, arXiv:1706.04599",
        ),
        "nll": Metric(
            "mean negative log-likelihood of the true class", "lower", 0.0, unit="nats",
            keys={"calibration": "methods"}, defaults={"calibration": "none"},
        ),
        "brier": Metric(
            "mean squared distance of the probabilities to the one-hot label", "lower", 0.0, 2.0,
            keys={"calibration": "methods"}, defaults={"calibration": "none"},
            paper="Brier 1950, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2",
        ),
    },
    shapes="logits [N,K], labels [N] -> numbers",
)  # fmt: skip
def family(trial: Trial, methods: dict[str, Callable[[], Any]], bins: int) -> Result:
    """Fit each calibrator on the validation split and judge its probabilities on the test split.

    Raises:
        MethodError: a calibrator cannot be fitted.
    """
    result = Result(figures={"reliability": {}})
    val, test = trial.set("val"), trial.set("test")
    for name, make in methods.items():
        calibrator = make()
        calibrator.fit(val.logits, val.labels)
        keys = {"calibration": name}
        note = getattr(calibrator, "note_", None)
        given = attempt(calibrator.probabilities, test.logits)
        for metric, measure in (("ece", ece), ("adaptive-ece", adaptive_ece), ("mce", mce)):
            result.add(metric, keys, measure, given, test.labels, bins, note=note)
        result.add("nll", keys, nll, given, test.labels, note=note)
        result.add("brier", keys, brier, given, test.labels, note=note)
        if not isinstance(given, Exception):
            diagram = reliability(given, test.labels, bins)
            result.figures["reliability"][name] = {**diagram, "fitted": getattr(calibrator, "fitted_", {})}
    return result
