"""Back doors: whether a model trained on poisoned images does what the attacker wants.

figures.json: {}
"""

from __future__ import annotations

import numpy as np

from assay.evaluate.accuracy.accuracy import accuracy
from assay.evaluate.accuracy.confusion import confusion
from assay.evaluate.result import Result, UndefinedError
from assay.evaluate.trial import Predictions, Trial
from assay.study.registry import Metric, method


@method(
    "evaluation",
    "backdoor",
    summary="how often a trigger makes the model say what the attacker wants, and accuracy without it",
    paper="Gu et al. 2017, arXiv:1708.06733",
    reads=["test", "triggered"],
    metrics={
        "attack-success": Metric(
            "share of test images of other classes that are predicted as the attacker's once they bear the trigger",
            "lower", 0.0, 1.0,
        ),
        "backdoor-clean-accuracy": Metric("accuracy on test images without the trigger", "higher", 0.0, 1.0),
    },
    shapes="logits [N,K], labels [N] -> numbers",
)  # fmt: skip
def family(trial: Trial) -> Result:
    """Judge an arm whose dataset has `poison`; for one whose dataset has none, the success is undefined."""
    result = Result()
    triggered = trial.sets.get("triggered", UndefinedError("the dataset was not poisoned"))
    result.add("attack-success", {}, _share, triggered)
    result.add("backdoor-clean-accuracy", {}, _share, trial.set("test"))
    return result


def _share(predictions: Predictions) -> float:
    if np.any(predictions.labels < 0):
        raise UndefinedError("some images have no class")
    return accuracy(confusion(predictions.logits, predictions.labels))
