"""A detector's options, chosen on validation images and validation outliers alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

from assay.errors import MethodError
from assay.evaluate.ood.auroc import auroc
from assay.evaluate.ood.scoring import Scorer
from assay.evaluate.result import UndefinedError
from assay.evaluate.trial import Trial


def tuned(
    trial: Trial, make: Callable[..., Any], on: str, grid: dict[str, list[Any]]
) -> tuple[Callable[..., Any], dict[str, Any]]:
    """The detector with the options of a grid under which the AUROC of validation outliers against val is highest.

    As OpenOOD v1.5 tunes. Of equal points the first stands. A point with which the detector cannot be fitted, or has no
    AUROC, is passed over.

    Args:
        trial: its sets `val` and `on` are looked at, and what the detector is fitted to.
        make: makes the detector.
        on: the set of validation outliers, none of the sets that results are told for.
        grid: option to the values that are tried, all combinations of them.

    Returns:
        What makes the detector with its best options, and for figures `{"on": set, "options": {option: value},
        "points": [{"options": {option: value}, "auroc": number or None}]}`.

    Raises:
        UndefinedError: no point has an AUROC.
    """
    best: tuple[float, dict[str, Any]] | None = None
    points: list[dict[str, Any]] = []
    reason = ""
    for values in product(*grid.values()):
        options = dict(zip(grid, values, strict=True))
        try:
            scorer = Scorer(trial, _with(make, options))
            found = auroc(scorer.scores(trial.set("val"), "val"), scorer.scores(trial.set(on), on))
        except (MethodError, UndefinedError) as error:
            points.append({"options": options, "auroc": None})
            reason = reason or str(error)
            continue
        points.append({"options": options, "auroc": round(found, 6)})
        if best is None or found > best[0]:
            best = found, options
    if best is None:
        raise UndefinedError(f"no point of the grid can be judged on {on}: {reason}")
    return _with(make, best[1]), {"on": on, "options": best[1], "points": points}


def _with(make: Callable[..., Any], options: dict[str, Any]) -> Callable[..., Any]:
    return partial(make, **{name.replace("-", "_"): value for name, value in options.items()})
