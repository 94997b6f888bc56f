"""Adversarial attacks: what is left of accuracy, by budget and attack, and signs of masked gradients."""

from __future__ import annotations

from typing import Any

from assay.report.compare import columns, comparison, keyed_table, options_of
from assay.report.html import join, note, tag
from assay.report.material import Material
from assay.report.page import Section


def section(material: Material) -> Section | None:
    """Tables alone: a budget is a setting and no scale."""
    budgets = options_of(material, "adversarial", "robust-accuracy", "budget")
    if not budgets:
        return None
    shown = columns(material, "adversarial-summary")
    parts: list[Any] = [
        note(
            "Accuracy on test images that attacks change within a budget; images that are predicted wrongly as they "
            "are count as not robust. No finite set of attacks proves robustness."
        ),
        comparison(material, shown, "Robustness by arm") if shown else None,
    ]
    for budget in budgets:
        parts += [
            tag("h3", f"Within {budget}"),
            keyed_table(material, "adversarial", "robust-accuracy", "attack", budget=budget),
        ]
    signs = keyed_table(material, "adversarial-summary", "masking-sign", "sign")
    if signs is not None:
        parts += [
            tag("h3", "Signs of masked gradients"),
            note(
                "1 where noise misleads more often than PGD, FGSM more often than PGD, a larger budget less often than "
                "a smaller one, or PGD without a bound leaves images predicted rightly: then attacks fail, and there "
                "may be no robustness."
            ),
            signs,
        ]
    return Section("adversarial", "Adversarial attacks", join(parts), short="Attacks")
