"""Seeds: how an arm's trainings differ from each other, and what they are worth together.

Each seed is compared with all others of its arm on the same test images. What is one number for the whole arm (the
ensemble of all seeds, the two variances) stands under the study's first seed alone, so that no table takes copies of it
for replicates.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.errors import MethodError
from assay.evaluate.calibration.brier import brier
from assay.evaluate.calibration.ece import ece
from assay.evaluate.calibration.nll import nll
from assay.evaluate.probabilities import probabilities
from assay.evaluate.result import Result, UndefinedError, attempt
from assay.evaluate.seeds.changes import churn, disagreement, negative_flips
from assay.evaluate.seeds.variance import distribution_variance, test_set_variance
from assay.evaluate.trial import Predictions, Trial
from assay.study.registry import Metric, Option, method

_ELSEWHERE = UndefinedError("one number for all seeds, which stands under the study's first")


@method(
    "evaluation",
    "seeds",
    summary="disagreement and churn between an arm's seeds, their ensemble, and variance of accuracy on test set and "
    "distribution",
    paper="Jordan 2023, arXiv:2304.01910; Lakshminarayanan et al. 2017, arXiv:1612.01474",
    options={"bins": Option(15, "bins of the confidence in ensemble-ece", at_least=1)},
    reads=["test", "seeds"],
    metrics={
        "disagreement": Metric(
            "share of test images predicted otherwise by another seed, mean over the others", "lower", 0.0, 1.0,
            paper="Fort et al. 2019, arXiv:1912.02757",
        ),
        "churn": Metric(
            "share of test images whose predicted class changes from a seed to the next (the last to the first)",
            "lower", 0.0, 1.0, paper="Milani Fard et al. 2016, Launch and Iterate",
        ),
        "negative-flips": Metric(
            "share of test images that are right under a seed and wrong under the next", "lower", 0.0, 1.0,
            paper="Yan et al. 2021, arXiv:2011.09161",
        ),
        "ensemble-gain": Metric(
            "accuracy of the ensemble of all seeds less that of the seed", "higher", -1.0, 1.0,
            paper="Lakshminarayanan et al. 2017, arXiv:1612.01474",
        ),
        "ensemble-accuracy": Metric(
            "accuracy of the mean probability of all seeds", "higher", 0.0, 1.0,
            paper="Lakshminarayanan et al. 2017, arXiv:1612.01474",
        ),
        "ensemble-nll": Metric(
            "mean negative log-likelihood of the true class under the mean probability of all seeds", "lower", 0.0,
            unit="nats", paper="Lakshminarayanan et al. 2017, arXiv:1612.01474",
        ),
        "ensemble-brier": Metric(
            "Brier score of the mean probability of all seeds", "lower", 0.0, 2.0,
            paper="Lakshminarayanan et al. 2017, arXiv:1612.01474",
        ),
        "ensemble-ece": Metric(
            "expected calibration error of the mean probability of all seeds, equal-width bins", "lower", 0.0, 1.0,
            paper="Guo et al. 2017, arXiv:1706.04599",
        ),
        "test-set-variance": Metric(
            "variance of test accuracy over seeds", "lower", 0.0, paper="Jordan 2023, arXiv:2304.01910",
        ),
        "distribution-variance": Metric(
            "variance over seeds that accuracy would have on infinitely many images, estimated without bias", "lower",
            paper="Jordan 2023, arXiv:2304.01910",
        ),
    },
    shapes="logits [S,N,K], labels [N] -> numbers",
)  # fmt: skip
def family(trial: Trial, bins: int) -> Result:
    """Compare a trial's test predictions with those of all seeds of its arm.

    Raises:
        MethodError: the seeds were not tested on the same images in the same order, as where the split varies.
    """
    result = Result()
    seeds, labels = trial.seeds, trial.set("test").labels
    if any(not np.array_equal(one.ids, seeds[0].ids) for one in seeds):
        raise MethodError("the seeds of the arm have different test images (`vary` holds split or alteration)")
    own = trial.place
    after = (own + 1) % len(seeds)
    predicted = np.stack([one.logits.argmax(axis=1) for one in seeds])
    right = predicted == labels
    alone = UndefinedError("there is one seed") if len(seeds) < 2 else None
    mean: Any = alone or attempt(ensemble, seeds)
    result.add("disagreement", {}, disagreement, predicted[own], np.delete(predicted, own, axis=0))
    result.add("churn", {}, churn, alone or predicted[own], predicted[after])
    result.add("negative-flips", {}, negative_flips, alone or right[own], right[after])
    result.add("ensemble-gain", {}, _gain, mean, labels, right[own])
    whole = mean if own == 0 else _ELSEWHERE
    result.add("ensemble-accuracy", {}, _accuracy, whole, labels)
    result.add("ensemble-nll", {}, nll, whole, labels)
    result.add("ensemble-brier", {}, brier, whole, labels)
    result.add("ensemble-ece", {}, ece, whole, labels, bins)
    result.add("test-set-variance", {}, test_set_variance, right if own == 0 else _ELSEWHERE)
    result.add("distribution-variance", {}, distribution_variance, right if own == 0 else _ELSEWHERE)
    return result


def ensemble(seeds: list[Predictions]) -> np.ndarray:
    """The mean probability float64 [N,K] over seeds.

    Raises:
        UndefinedError: a row of logits has no softmax.
    """
    result: np.ndarray = np.mean([probabilities(one.logits) for one in seeds], axis=0)
    return result


def _accuracy(given: np.ndarray, labels: np.ndarray) -> float:
    if len(labels) == 0:
        raise UndefinedError("there are no images")
    return float((given.argmax(axis=1) == labels).mean())


def _gain(given: np.ndarray, labels: np.ndarray, right: np.ndarray) -> float:
    return _accuracy(given, labels) - float(right.mean())
