"""Checks of evaluations that look beyond the predictions of one arm."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from assay.study.problems import Problems
from assay.study.registry import Registry

_BUDGET = re.compile(r"(?:linf|l2)-(\d+(?:\.\d+)?(?:/\d+)?|\.\d+)")


def check_evaluate(study: dict[str, Any], registry: Registry, problems: Problems) -> None:
    """Note families whose results are read and not computed, arms that are no measure, and budgets that are none."""
    for family, options in study["evaluate"].items():
        card = registry.get("evaluation", family)
        if card is None:
            continue
        if card.follows and card.follows not in study["evaluate"]:
            problems.add(
                ("evaluate", family), f"it sums up {card.follows}, so name that one; {family} comes along by itself"
            )
        if "reference" in options and options["reference"] is not None:
            _reference(study, family, options["reference"], problems)
        for number, text in enumerate(options.get("budgets") or []):
            if not is_budget(text):
                problems.add(
                    ("evaluate", family, "budgets", number),
                    f"expected a norm and a number above 0, such as linf-8/255 or l2-0.5, found {text!r}",
                )


def _reference(study: dict[str, Any], family: str, arm: str, problems: Problems) -> None:
    path = ("evaluate", family, "reference")
    if arm not in study["arms"]:
        problems.unknown(path, "arm", arm, study["arms"])
    elif study["arms"][arm]["predictions"] is not None:
        problems.add(path, f"{arm} has predictions alone, no model that could be the measure")


def is_budget(text: str) -> bool:
    """Whether a text is a norm and a number above 0."""
    found = _BUDGET.fullmatch(text)
    try:
        return bool(found) and Fraction(found[1]) > 0  # type: ignore[index]
    except ZeroDivisionError:
        return False
