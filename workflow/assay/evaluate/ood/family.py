"""Out-of-distribution detection: telling test images from those of other datasets by a score.

A detector's score is higher for what looks more out-of-distribution. Fits see the train and val splits alone, tuning
val and validation outliers.

figures.json:
    {"detectors": {detector: {"edges": [41],
                              "density": {set: [40]},
                              "roc": {set: {"fpr": [P], "tpr": [P]}},
                              "options": {option: value},
                              "chosen": "default" or "config" or "tuned",
                              "tuning": {"on": set, "options": {option: value},
                                         "points": [{"options": {option: value}, "auroc": number or null}]}}}}
`edges` are of the score, at equal width; the first and last bin also hold what lies beyond them. `density` of each set,
`test` included, sums to 1. `roc` of each outlier set, outliers positive, has P <= 200 points from (0,0) to (1,1).
A set is left out where it has no scores. `options` are those that the detector ran with: its defaults, which are the
paper's values, what the config says, or what was `tuned`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from assay.errors import MethodError
from assay.evaluate.ood.aupr import aupr_in, aupr_out
from assay.evaluate.ood.auroc import auroc
from assay.evaluate.ood.curves import histograms, thinned_roc
from assay.evaluate.ood.fpr95 import fpr95, fpr95_id
from assay.evaluate.ood.scoring import Scorer
from assay.evaluate.ood.tuning import tuned
from assay.evaluate.result import Result, UndefinedError, attempt
from assay.evaluate.trial import Trial
from assay.study.registry import Metric, Option, method


@method(
    "evaluation",
    "ood",
    summary="out-of-distribution detection on near and far sets, as OpenOOD v1.5 measures it",
    paper="Zhang et al. 2023, arXiv:2306.09301",
    options={
        "detectors": Option(["msp", "energy"], "detectors; `msp` always comes along"),
        "near": Option([], "sets that resemble the classes: `hold-out` or names of datasets", item=str),
        "far": Option([], "sets that do not: `hold-out` or names of datasets", item=str),
        "tune": Option(
            None, "`on` names a dataset of validation outliers, none of those under `near` and `far`; options of the "
            "detectors named beside it, as in `knn: {k: [5, 50]}`, are chosen by AUROC on it and `val`; where none is "
            "named, those of every detector that has values to try in its card", type=dict, optional=True,
        ),
    },
    reads=["train", "test", "ood"],
    methods={"detectors": "detector"},
    always=["msp"],
    metrics={
        "auroc": Metric(
            "probability that an outlier scores higher than a test image, ties counting half", "higher", 0.0, 1.0,
            keys={"detector": "detectors", "set": "sets"}, defaults={"detector": "msp", "set": "near"},
            paper="Hendrycks & Gimpel 2017, arXiv:1610.02136",
        ),
        "aupr-in": Metric(
            "area under precision and recall, test images positive", "higher", 0.0, 1.0,
            keys={"detector": "detectors", "set": "sets"}, defaults={"detector": "msp", "set": "near"},
            paper="Hendrycks & Gimpel 2017, arXiv:1610.02136",
        ),
        "aupr-out": Metric(
            "area under precision and recall, outliers positive", "higher", 0.0, 1.0,
            keys={"detector": "detectors", "set": "sets"}, defaults={"detector": "msp", "set": "near"},
            paper="Hendrycks & Gimpel 2017, arXiv:1610.02136",
        ),
        "fpr95": Metric(
            "share of test images rejected where 95% of outliers are (OpenOOD: outliers positive)", "lower", 0.0, 1.0,
            keys={"detector": "detectors", "set": "sets"}, defaults={"detector": "msp", "set": "near"},
            paper="Zhang et al. 2023, arXiv:2306.09301",
        ),
        "fpr95-id": Metric(
            "share of outliers accepted where 95% of test images are (classic: test images positive)",
            "lower", 0.0, 1.0,
            keys={"detector": "detectors", "set": "sets"}, defaults={"detector": "msp", "set": "near"},
            paper="Liang et al. 2018, arXiv:1706.02690",
        ),
    },
    shapes="features [N,D], logits [N,K] -> scores [N] -> numbers",
)  # fmt: skip
def family(
    trial: Trial,
    detectors: dict[str, Callable[..., Any]],
    near: list[str],
    far: list[str],
    tune: dict[str, Any] | None = None,
) -> Result:
    """Score the test split and every outlier set by each detector and compare them.

    The key `set` takes the name of a set, or `near` or `far`: the unweighted mean over those sets, as in OpenOOD.
    `tune` is `{"on": set, "grids": {detector: {option: [values]}}}`.

    Raises:
        MethodError: no outlier set is named, a set has no predictions, or a detector cannot be fitted.
    """
    outliers = list(dict.fromkeys([*near, *far]))
    if not outliers:
        raise MethodError("ood needs at least one set under `near` or `far`")
    result = Result(figures={"detectors": {}})
    for name, make in detectors.items():
        grid = tune["grids"].get(name) if tune else None
        chosen = attempt(tuned, trial, make, tune["on"], grid) if tune and grid else (make, None)
        fitted = chosen if isinstance(chosen, UndefinedError) else attempt(Scorer, trial, chosen[0])
        scores = {each: _scores(trial, fitted, each) for each in ("test", *outliers)}
        found = None if isinstance(chosen, UndefinedError) else chosen[1]
        note = _told(found) if found else None
        for metric, measure in _METRICS.items():
            values = {}
            for each in outliers:
                keys = {"detector": name, "set": each}
                values[each] = result.add(metric, keys, measure, scores["test"], scores[each], note=note)
            for group, members in (("near", near), ("far", far)):
                if members:
                    keys = {"detector": name, "set": group}
                    result.add(metric, keys, _mean, {each: values[each] for each in members}, note=note)
        result.figures["detectors"][name] = _figures(scores) | _options(make, found)
    return result


_METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "auroc": auroc,
    "aupr-in": aupr_in,
    "aupr-out": aupr_out,
    "fpr95": fpr95,
    "fpr95-id": fpr95_id,
}


def _scores(trial: Trial, fitted: Any, name: str) -> Any:
    """The scores of a set, or the UndefinedError that tells why there are none."""
    predictions = trial.set(name)
    return fitted if isinstance(fitted, UndefinedError) else attempt(fitted.scores, predictions, name)


def _mean(values: dict[str, float | None]) -> float:
    missing = [name for name, value in values.items() if value is None]
    if missing:
        raise UndefinedError(f"undefined on {', '.join(missing)}")
    return float(np.mean([value for value in values.values() if value is not None]))


def _figures(scores: dict[str, Any]) -> dict[str, Any]:
    """The figures of a detector, from the scores of each set or why there are none."""
    known = {name: values for name, values in scores.items() if not isinstance(values, UndefinedError)}
    figures: dict[str, Any] = histograms(known, bins=40)
    if "test" in known:
        figures["roc"] = {name: thinned_roc(known["test"], known[name], 200) for name in known if name != "test"}
    return figures


def _told(found: dict[str, Any]) -> str:
    values = ", ".join(f"{option} = {value}" for option, value in found["options"].items())
    return f"tuned on {found['on']}: {values}"


def _options(make: Callable[..., Any], found: dict[str, Any] | None) -> dict[str, Any]:
    """Which options a detector ran with, and where they come from; see the head of this file."""
    card = getattr(getattr(make, "func", make), "assay_options", {})
    given = getattr(make, "keywords", {})
    options = {name: given.get(name.replace("-", "_"), option.default) for name, option in card.items()}
    if found:
        return {"options": options | found["options"], "chosen": "tuned", "tuning": found}
    default = all(options[name] == option.default for name, option in card.items())
    return {"options": options, "chosen": "default" if default else "config"}
