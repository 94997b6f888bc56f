"""Calibration: whether a predicted probability is how often the prediction is right.

figures.json:
    {"reliability": {calibrator: {"edges": [bins + 1],        of the confidence, equal width
                                  "count": [bins],            test images in each bin
                                  "confidence": [bins],       mean confidence, null in an empty bin
                                  "accuracy": [bins],         share predicted rightly, null in an empty bin
                                  "low": [bins], "high": [bins],  ends of its 95% Wilson interval
                                  "fitted": {name: number}}}}  what the calibrator learnt, e.g. {"temperature": 1.7}
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from assay.evaluate.calibration.adaptive_ece import adaptive_ece
from assay.evaluate.calibration.bins import reliability
from assay.evaluate.calibration.brier import brier
from assay.evaluate.calibration.brier_parts import brier_parts
from assay.evaluate.calibration.classwise_ece import classwise_ece
from assay.evaluate.calibration.debiased_ce import debiased_ce
from assay.evaluate.calibration.ece import ece
from assay.evaluate.calibration.mce import mce
from assay.evaluate.calibration.nll import nll
from assay.evaluate.calibration.smooth_ece import smooth_ece
from assay.evaluate.result import Result, UndefinedError, attempt
from assay.evaluate.trial import Trial
from assay.study.registry import Metric, Option, method


@method(
    "evaluation",
    "calibration",
    summary="calibration error, likelihood and Brier score, before and after calibration on the validation split",
    paper="Guo et al. 2017, arXiv:1706.04599",
    options={
        "methods": Option(["none", "temperature"], "calibrators; `none` always comes along"),
        "bins": Option(15, "bins of the confidence, or of a class's probability", at_least=1),
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
        "classwise-ece": Metric(
            "mean over classes of the calibration error of the class's probability, equal-width bins (static)",
            "lower", 0.0, 1.0,
            keys={"calibration": "methods"}, defaults={"calibration": "none"},
            paper="Kull et al. 2019, arXiv:1910.12656; Nixon et al. 2019, arXiv:1904.01685",
        ),
        "smooth-ece": Metric(
            "calibration error of the confidence under a kernel as wide as the error itself, without bins",
            "lower", 0.0, 1.0,
            keys={"calibration": "methods"}, defaults={"calibration": "none"},
            paper="Blasiok & Nakkiran 2023, arXiv:2309.12236",
        ),
        "debiased-ce": Metric(
            "root mean square calibration error of the confidence, bins of equal mass, without their upward bias",
            "lower", 0.0, 1.0,
            keys={"calibration": "methods"}, defaults={"calibration": "none"},
            paper="Kumar et al. 2019, arXiv:1909.10155",
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
        "brier-reliability": Metric(
            "part of the Brier score: squared distance of a bin's mean probability to how often its class came, "
            "summed over classes", "lower", 0.0, 2.0,
            keys={"calibration": "methods"}, defaults={"calibration": "none"},
            paper="Murphy 1973, doi:10.1175/1520-0450(1973)012<0595:ANVPOT>2.0.CO;2",
        ),
        "brier-resolution": Metric(
            "part of the Brier score, taken off: squared distance of how often a class came in a bin to its share of "
            "all images, summed over classes", "higher", 0.0, 1.0,
            keys={"calibration": "methods"}, defaults={"calibration": "none"},
            paper="Murphy 1973, doi:10.1175/1520-0450(1973)012<0595:ANVPOT>2.0.CO;2",
        ),
        "brier-uncertainty": Metric(
            "part of the Brier score that the labels alone decide: 1 - the sum of the classes' squared shares",
            "lower", 0.0, 1.0,
            keys={"calibration": "methods"}, defaults={"calibration": "none"},
            paper="Murphy 1973, doi:10.1175/1520-0450(1973)012<0595:ANVPOT>2.0.CO;2",
        ),
        "brier-within": Metric(
            "what the variation inside of bins adds to the Brier score beside its three parts", "lower",
            keys={"calibration": "methods"}, defaults={"calibration": "none"},
            paper="Stephenson et al. 2008, doi:10.1175/2007WAF2006116.1",
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
        for metric, measure in _BINNED.items():
            result.add(metric, keys, measure, given, test.labels, bins, note=note)
        for metric, whole in _WHOLE.items():
            result.add(metric, keys, whole, given, test.labels, note=note)
        parts = given if isinstance(given, UndefinedError) else attempt(brier_parts, given, test.labels, bins)
        for part in ("reliability", "resolution", "uncertainty", "within"):
            result.add(f"brier-{part}", keys, _part, parts, part, note=note)
        if not isinstance(given, Exception):
            diagram = reliability(given, test.labels, bins)
            result.figures["reliability"][name] = {**diagram, "fitted": getattr(calibrator, "fitted_", {})}
    return result


_BINNED: dict[str, Callable[[np.ndarray, np.ndarray, int], float]] = {
    "ece": ece,
    "adaptive-ece": adaptive_ece,
    "classwise-ece": classwise_ece,
    "debiased-ce": debiased_ce,
    "mce": mce,
}
_WHOLE: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {"smooth-ece": smooth_ece, "nll": nll, "brier": brier}


def _part(parts: dict[str, float], name: str) -> float:
    return parts[name]
