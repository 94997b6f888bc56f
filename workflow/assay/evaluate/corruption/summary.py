"""What corruptions do on average, and against a named arm.

figures.json:
    {"severities": [S], "accuracy": [S], "ece": [S]}     means over corruptions
"""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.evaluate.corruption.mean_corruption_error import corruption_error, relative_corruption_error
from assay.evaluate.result import Result, UndefinedError, attempt
from assay.evaluate.trial import Trial
from assay.study.registry import Metric, Option, method

Found = dict[str, dict[str, Any]]


@method(
    "evaluation",
    "corruption-summary",
    summary="means over corruptions, and mean corruption errors against a named arm",
    paper="Hendrycks & Dietterich 2019, arXiv:1903.12261",
    options={
        "reference": Option(
            None, "the arm, with the same seed, whose errors are the measure of mean corruption errors",
            type=str, optional=True,
        ),
    },
    reads=[],
    follows="corruption",
    metrics={
        "mean-corrupted-accuracy": Metric(
            "mean over corruptions of the accuracy under them", "higher", 0.0, 1.0,
            keys={"severity": "severities"}, defaults={"severity": "mean"},
        ),
        "mean-corrupted-ece": Metric(
            "mean over corruptions of the expected calibration error under them", "lower", 0.0, 1.0,
            keys={"severity": "severities"}, defaults={"severity": "mean"},
        ),
        "corruption-drop": Metric(
            "accuracy on the same images as they are, less the mean under corruptions", "lower", -1.0, 1.0,
        ),
        "corruption-error": Metric(
            "errors under a corruption over those of the reference, summed over severities", "lower", 0.0,
            keys={"corruption": "corruptions"},
        ),
        "mean-corruption-error": Metric(
            "mCE: mean over corruptions of the errors over those of the reference; 1 is the reference", "lower", 0.0,
            paper="Hendrycks & Dietterich 2019, arXiv:1903.12261",
        ),
        "relative-mean-corruption-error": Metric(
            "relative mCE: the same of what each corruption adds to the error on images as they are", "lower",
            paper="Hendrycks & Dietterich 2019, arXiv:1903.12261",
        ),
    },
    shapes="accuracies by corruption and severity -> numbers",
)  # fmt: skip
def summary(trial: Trial, reference: str | None) -> Result:
    """Sum up what the family `corruption` found.

    A corruption that is undefined for these images is left out of the means, and their notes name it.
    """
    corruptions = _corruptions(trial.found)
    known = {name: one for name, one in corruptions.items() if one["undefined"] is None}
    missing = [name for name in corruptions if name not in known]
    note = f"over {len(known)} corruptions; left out: {', '.join(missing)}" if missing else None
    severities = next(iter(corruptions.values()))["severities"] if corruptions else []
    result = Result(figures={"severities": severities})
    means: dict[str, float | None] = {}
    for name in ("accuracy", "ece"):
        values = attempt(_table, known, name)
        for place, level in enumerate(severities):
            result.add(f"mean-corrupted-{name}", {"severity": str(level)}, _mean_at, values, place, note=note)
        result.figures[name] = [row.value for row in result.rows if row.metric == f"mean-corrupted-{name}"]
        means[name] = result.add(f"mean-corrupted-{name}", {"severity": "mean"}, np.mean, values, note=note)
    clean = _clean(trial.found)
    result.add("corruption-drop", {}, _less, clean, means["accuracy"], note=note)
    _against(result, trial, reference, corruptions, note)
    return result


def _against(result: Result, trial: Trial, reference: str | None, corruptions: Found, note: str | None) -> None:
    """The metrics that need a reference."""
    if trial.reference is None:
        why = UndefinedError("no arm is named as `reference`")
        for name in corruptions:
            result.add("corruption-error", {"corruption": name}, float, why)
        for metric in ("mean-corruption-error", "relative-mean-corruption-error"):
            result.add(metric, {}, float, why)
        return
    others, told = _corruptions(trial.reference), f"against {reference}" + (f"; {note}" if note else "")
    each, relative = {}, {}
    cleans = [attempt(_error, _clean(found)) for found in (trial.found, trial.reference)]
    for name, own in corruptions.items():
        errors, measure = attempt(_errors, own), attempt(_errors, others.get(name))
        each[name] = result.add(
            "corruption-error", {"corruption": name}, corruption_error, errors, measure, note=f"against {reference}"
        )
        row = Result()
        relative[name] = row.add("", {}, relative_corruption_error, errors, cleans[0], measure, cleans[1])
        if own["undefined"] is not None:
            del each[name], relative[name]
    result.add("mean-corruption-error", {}, _mean_of, each, note=told)
    result.add("relative-mean-corruption-error", {}, _mean_of, relative, note=told)


def _corruptions(found: list[dict[str, Any]]) -> Found:
    return {name: one for figures in found for name, one in figures["corruptions"].items()}


def _clean(found: list[dict[str, Any]]) -> float | None:
    return found[0]["clean"]["accuracy"] if found else None


def _table(known: Found, name: str) -> np.ndarray:
    """Values float64 [corruptions, S]."""
    if not known:
        raise UndefinedError("no corruption is defined for these images")
    return np.array([one[name] for one in known.values()], float)


def _mean_at(values: np.ndarray, place: int) -> float:
    return float(values[:, place].mean())


def _less(clean: float | None, under: float | None) -> float:
    if clean is None or under is None:
        raise UndefinedError("one of the two accuracies is undefined")
    return clean - under


def _error(accuracy: float | None) -> float:
    if accuracy is None:
        raise UndefinedError("the accuracy on the images as they are is undefined")
    return 1 - accuracy


def _errors(one: dict[str, Any] | None) -> np.ndarray:
    if one is None:
        raise UndefinedError("the reference was not judged on this corruption")
    if one["undefined"] is not None:
        raise UndefinedError(one["undefined"])
    return 1 - np.array(one["accuracy"], float)


def _mean_of(values: dict[str, float | None]) -> float:
    missing = [name for name, value in values.items() if value is None]
    if missing or not values:
        raise UndefinedError(f"undefined for {', '.join(missing)}" if missing else "no corruption is defined")
    return float(np.mean([value for value in values.values() if value is not None]))
