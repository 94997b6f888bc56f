"""Reasons of failures as they may leave for the report and MLflow: without what names images of a private dataset."""

from __future__ import annotations

from typing import Any

WITHHELD = "it could not be made; why is told under results/ alone, since that may name images of a private dataset"


def without_names(reason: str, plan: dict[str, Any]) -> str:
    """A reason in which nothing is left of what the source of a private dataset says of its files.

    Args:
        reason: as a record holds it, `needs <label>: ...` where an input failed.
        plan: the study's, as JSON.
    """
    label = reason.removeprefix("needs ").partition(": ")[0]
    return f"needs {label}: {WITHHELD}" if reason.startswith("needs ") and label in _private_labels(plan) else reason


def _private_labels(plan: dict[str, Any]) -> set[str]:
    """The labels of the jobs that make private datasets."""
    found = set()
    for path, record in plan["records"].items():
        group, _, name = path.partition("/")
        if group == "datasets" and _is_private(name.partition("/")[0], plan["study"]["datasets"]):
            found |= {plan["jobs"][digest]["label"] for digest in record["jobs"]}
    return found


def _is_private(name: str, datasets: dict[str, Any]) -> bool:
    """Whether a dataset, made like another one or not, is private or comes from one that is."""
    declared = name if name in datasets else name.partition("-like-")[0]
    while declared in datasets:
        if datasets[declared].get("private"):
            return True
        declared = datasets[declared].get("from")
    return False
