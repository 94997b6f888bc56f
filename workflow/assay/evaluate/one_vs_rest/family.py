"""One against the rest: how well the probability of each class tells its images from all others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from assay.evaluate.one_vs_rest.areas import average_precision, class_auroc, sensitivity
from assay.evaluate.probabilities import probabilities
from assay.evaluate.result import Result, UndefinedError, attempt
from assay.evaluate.trial import Trial
from assay.study.registry import Metric, Option, method


@method(
    "evaluation",
    "one-vs-rest",
    summary="areas under the ROC and the precision-recall curve of each class, and sensitivity at a given specificity",
    paper="Hand & Till 2001, doi:10.1023/A:1010920819831",
    options={
        "splits": Option(["test"], "which splits to judge on", item=str, choices=["test", "val"]),
        "specificities": Option(
            [0.9, 0.95], "shares of the other classes' images that are to be left out", item=float, above=0, at_most=1,
        ),
    },
    reads=["val", "test"],
    metrics={
        "macro-auroc": Metric(
            "mean over classes of class-auroc", "higher", 0.0, 1.0,
            keys={"split": "splits"}, defaults={"split": "test"},
            paper="Provost & Domingos 2003, doi:10.1023/A:1024099825458",
        ),
        "macro-auprc": Metric(
            "mean over classes of class-auprc", "higher", 0.0, 1.0,
            keys={"split": "splits"}, defaults={"split": "test"},
        ),
        "class-auroc": Metric(
            "probability that an image of the class gets a higher probability of it than another, ties counting half",
            "higher", 0.0, 1.0,
            keys={"class": "classes", "split": "splits"}, defaults={"split": "test"},
            paper="Fawcett 2006, doi:10.1016/j.patrec.2005.10.010",
        ),
        "class-auprc": Metric(
            "average precision of the class: mean over its images of the precision where they are found",
            "higher", 0.0, 1.0,
            keys={"class": "classes", "split": "splits"}, defaults={"split": "test"},
            paper="Davis & Goadrich 2006, doi:10.1145/1143844.1143874",
        ),
        "sensitivity": Metric(
            "largest recall of the class at which so many of the other images are left out", "higher", 0.0, 1.0,
            keys={"class": "classes", "specificity": "specificities", "split": "splits"},
            defaults={"specificity": "0.9", "split": "test"},
        ),
    },
    shapes="logits [N,K], labels [N] -> numbers",
)  # fmt: skip
def family(trial: Trial, splits: list[str], specificities: list[float]) -> Result:
    """Judge each class's probability on each of `splits`.

    The key `class` takes the name of a class, or `rarest`: the one with the fewest train images. Thresholds of
    `sensitivity` are those of the split that is judged, so it reads the curve and promises nothing of a threshold set
    before.
    """
    result = Result()
    names = {**{name: number for number, name in enumerate(trial.classes)}, "rarest": trial.rarest}
    for split in splits:
        predictions = trial.set(split)
        given = attempt(probabilities, predictions.logits)
        labels, keys = predictions.labels, {"split": split}
        for name, area in _AREAS.items():
            found = [attempt(_of_class, area, given, labels, number) for number in range(len(trial.classes))]
            missing = [trial.classes[number] for number, one in enumerate(found) if isinstance(one, UndefinedError)]
            note = f"without {', '.join(missing)}" if missing else None
            result.add(f"macro-{name}", keys, _mean, found, note=note)
        for word, number in names.items():
            note = f"class {trial.classes[number]}" if word == "rarest" else None
            of_class = {"class": word, **keys}
            for name, area in _AREAS.items():
                result.add(f"class-{name}", of_class, _of_class, area, given, labels, number, note=note)
            for least in specificities:
                at = {"class": word, "specificity": f"{least:g}", **keys}
                result.add("sensitivity", at, _of_class, sensitivity, given, labels, number, least, note=note)
    return result


_AREAS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {"auroc": class_auroc, "auprc": average_precision}


def _of_class(
    measure: Callable[..., float], given: np.ndarray | UndefinedError, labels: np.ndarray, number: int, *more: float
) -> float:
    if isinstance(given, UndefinedError):
        raise given
    return measure(given[:, number], labels == number, *more)


def _mean(found: list[float | UndefinedError]) -> float:
    known = [one for one in found if not isinstance(one, UndefinedError)]
    if not known:
        raise next(one for one in found if isinstance(one, UndefinedError))
    return float(np.mean(known))
