"""The worst of all attacks, and signs that they were fooled.

figures.json:
    {"images": N, "accuracy": number, "worst": {budget: number}}
"""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.evaluate.adversarial.family import unpacked
from assay.evaluate.adversarial.masking import SIGNS
from assay.evaluate.result import Result, UndefinedError
from assay.evaluate.trial import Trial
from assay.study.registry import Metric, method


@method(
    "evaluation",
    "adversarial-summary",
    summary="accuracy under the worst of all attacks, and warning signs of masked gradients",
    paper="Croce & Hein 2020, arXiv:2003.01690; Athalye et al. 2018, arXiv:1802.00420",
    reads=[],
    follows="adversarial",
    metrics={
        "attacked-clean-accuracy": Metric(
            "accuracy on the attacked images as they are", "higher", 0.0, 1.0,
        ),
        "worst-robust-accuracy": Metric(
            "share of images predicted rightly, as they are and after every attack", "higher", 0.0, 1.0,
            keys={"budget": "budgets"}, defaults={"budget": "linf-8/255"},
        ),
        "masking-sign": Metric(
            "1 where attacks behave as they do when gradients are masked", "lower", 0.0, 1.0,
            keys={"sign": "signs"}, paper="Carlini et al. 2019, arXiv:1902.06705",
        ),
    },
    shapes="robust bool [attacks,N] -> numbers",
)  # fmt: skip
def summary(trial: Trial) -> Result:
    """Sum up what the family `adversarial` found.

    The key `sign` takes `random` (noise misleads more than PGD), `single-step` (FGSM more than PGD), `larger-budget`
    (a larger budget misleads less) and `unbounded` (PGD without a bound leaves images right).
    """
    attacks = {name: drawn for figures in trial.found for name, drawn in figures["attacks"].items()}
    count = trial.found[0]["images"] if trial.found else 0
    clean = unpacked(trial.found[0]["clean"], count) if trial.found else np.zeros(0, bool)
    result = Result(figures={"images": count, "worst": {}})
    result.figures["accuracy"] = result.add("attacked-clean-accuracy", {}, _share, clean)
    for name in dict.fromkeys(name for drawn in attacks.values() for name in drawn):
        parts = {attack: drawn[name] for attack, drawn in attacks.items() if name in drawn}
        tried = [attack for attack, part in parts.items() if "robust" in part]
        left = clean.copy()
        for attack in tried:
            left &= unpacked(parts[attack]["robust"], count)
        note = f"over {', '.join(tried)}" + _skipped(parts)
        result.figures["worst"][name] = result.add("worst-robust-accuracy", {"budget": name}, _share, left, note=note)
    found = {
        attack: {name: part["accuracy"] for name, part in drawn.items() if "accuracy" in part}
        for attack, drawn in attacks.items()
    }
    for sign, measure in SIGNS.items():
        result.add("masking-sign", {"sign": sign}, measure, found)
    return result


def _skipped(parts: dict[str, dict[str, Any]]) -> str:
    missing = [f"{attack} ({part['undefined']})" for attack, part in parts.items() if "undefined" in part]
    return f"; left out: {'; '.join(missing)}" if missing else ""


def _share(marks: np.ndarray) -> float:
    if not len(marks):
        raise UndefinedError("there are no images")
    return float(marks.mean())
