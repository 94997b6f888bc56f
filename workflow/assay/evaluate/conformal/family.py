"""Conformal prediction: sets of classes that hold the true one with a probability chosen beforehand.

Calibrated on the validation split and judged on the test split. The promise `coverage >= 1 - alpha` holds on average
over draws of both splits, not for each; see Angelopoulos & Bates 2023, arXiv:2107.07511.

figures.json:
    {"methods": {method: {alpha as text: {"size": [K + 1],               test images whose set has 0, 1, ..., K classes
                                          "class-coverage": [K],         null for a class without test images
                                          "threshold": number or null}}}}  null when the set holds every class, or
                                                                         when there is one for each class
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

from assay.evaluate.conformal.clustered import second_draws
from assay.evaluate.conformal.coverage import class_coverage, coverage
from assay.evaluate.conformal.set_size import set_size, singleton_rate
from assay.evaluate.conformal.slab import worst_slab
from assay.evaluate.probabilities import probabilities
from assay.evaluate.result import Result, UndefinedError, attempt, plain
from assay.evaluate.trial import Predictions, Trial
from assay.streams import Streams
from assay.study.registry import Metric, Option, method

#: Share of the test split on which the worst slab is looked for.
SEARCHED = 0.25


@method(
    "evaluation",
    "conformal",
    summary="coverage and size of conformal prediction sets, calibrated on the validation split",
    paper="Angelopoulos & Bates 2023, arXiv:2107.07511",
    options={
        "methods": Option(["lac", "aps"], "how sets are made; `all-labels` always comes along"),
        "alpha": Option([0.1], "shares of test images whose set may miss the true class", item=float, above=0, below=1),
        "directions": Option(1000, "random directions in which the worst slab of the features is sought", at_least=1),
    },
    reads=["val", "test"],
    methods={"methods": "conformal"},
    always=["all-labels"],
    metrics={
        "coverage": Metric(
            "share of test images whose set holds the true class; at least 1 - alpha is promised", "higher", 0.0, 1.0,
            keys={"method": "methods", "alpha": "alpha"}, defaults={"method": "lac", "alpha": "0.1"},
        ),
        "set-size": Metric(
            "mean number of classes in a set", "lower", 0.0, unit="classes",
            keys={"method": "methods", "alpha": "alpha"}, defaults={"method": "lac", "alpha": "0.1"},
        ),
        "singleton-rate": Metric(
            "share of test images whose set holds one class", "higher", 0.0, 1.0,
            keys={"method": "methods", "alpha": "alpha"}, defaults={"method": "lac", "alpha": "0.1"},
        ),
        "class-coverage": Metric(
            "share of a class's test images whose set holds it; not promised class by class", "higher", 0.0, 1.0,
            keys={"class": "classes", "method": "methods", "alpha": "alpha"},
            defaults={"method": "lac", "alpha": "0.1"},
        ),
        "coverage-gap": Metric(
            "mean distance of the classes' coverage to 1 - alpha", "lower", 0.0, 1.0,
            keys={"method": "methods", "alpha": "alpha"}, defaults={"method": "lac", "alpha": "0.1"},
            paper="Ding et al. 2023, arXiv:2306.09335",
        ),
        "worst-slab-coverage": Metric(
            "coverage of the slab of the features with the lowest, among those with a tenth of the images; found on a "
            "quarter of the test split and measured on the rest", "higher", 0.0, 1.0,
            keys={"method": "methods", "alpha": "alpha"}, defaults={"method": "lac", "alpha": "0.1"},
            paper="Cauchois et al. 2021, arXiv:2004.10181; Romano et al. 2020, arXiv:2006.02544",
        ),
    },
    shapes="logits [N,K], labels [N] -> sets bool [N,K] -> numbers",
)  # fmt: skip
def family(trial: Trial, methods: dict[str, Callable[[], Any]], alpha: list[float], directions: int) -> Result:
    """Make sets by each method at each alpha and judge them.

    The key `alpha` takes a number as `0.1` or `0.05`; `class` a class, or `rarest`, the one with the fewest train
    images.
    """
    result = Result(figures={"methods": {}})
    val, test = trial.set("val"), trial.set("test")
    names = {**{name: number for number, name in enumerate(trial.classes)}, "rarest": trial.rarest}
    for name, make in methods.items():
        result.figures["methods"][name] = {}
        for level in alpha:
            predictor = make()
            sets = attempt(_sets, predictor, val, test, level)
            keys = {"method": name, "alpha": f"{level:g}"}
            result.add("coverage", keys, coverage, sets, test.labels)
            result.add("set-size", keys, set_size, sets)
            result.add("singleton-rate", keys, singleton_rate, sets)
            shares = []
            for word, number in names.items():
                note = f"class {trial.classes[number]}" if word == "rarest" else None
                shares.append(
                    result.add(
                        "class-coverage", {"class": word, **keys}, class_coverage, sets, test.labels, number, note=note
                    )
                )
            result.add("coverage-gap", keys, _gap, sets, shares[:-1], level)
            result.add("worst-slab-coverage", keys, _slab, sets, test, directions)
            if not isinstance(sets, UndefinedError):
                threshold = getattr(predictor, "threshold_", np.inf)
                result.figures["methods"][name][f"{level:g}"] = {
                    "size": np.bincount(sets.sum(axis=1), minlength=len(trial.classes) + 1).tolist(),
                    "class-coverage": shares[:-1],
                    "threshold": plain(np.array([threshold]))[0],
                }
    return result


def _sets(predictor: Any, val: Predictions, test: Predictions, alpha: float) -> np.ndarray:
    predictor.fit(probabilities(val.logits), val.labels, alpha, draws(val.ids))
    sets: np.ndarray = predictor.sets(probabilities(test.logits), draws(test.ids))
    return sets


def _gap(sets: np.ndarray, shares: list[float | None], alpha: float) -> float:
    known = [abs(share - (1 - alpha)) for share in shares if share is not None]
    if not known:
        raise UndefinedError("there are no images")
    return float(np.mean(known))


def _slab(sets: np.ndarray, test: Predictions, directions: int) -> float:
    if len(test) == 0:
        raise UndefinedError("there are no images")
    covered = sets[np.arange(len(test)), test.labels]
    first = second_draws(draws(test.ids)) < SEARCHED
    features = np.asarray(test.features, dtype=np.float64)
    drawn = Streams({"slab": 0}).numpy("slab").normal(size=(directions, features.shape[1]))
    return worst_slab(covered, features, first, drawn)


def draws(ids: np.ndarray) -> np.ndarray:
    """One number in [0, 1) for each image, float64 [N], from its id alone.

    Randomised sets draw from these, so that an image has the same draw in every arm and seed, and comparisons between
    them are not blurred by chance.
    """
    numbers = [int.from_bytes(hashlib.sha256(f"conformal/{name}".encode()).digest()[:8], "little") for name in ids]
    return np.array([number >> 11 for number in numbers], dtype=np.float64) / 2.0**53
