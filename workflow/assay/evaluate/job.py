"""The computation of the stage `evaluate`: one family of metrics on one trial."""

from __future__ import annotations

from typing import Any

from assay.errors import MethodError
from assay.evaluate.result import Result
from assay.evaluate.trial import Trial
from assay.study.registry import Registry, bind, load


def evaluate(spec: dict[str, Any], registry: Registry, trial: Trial) -> Result:
    """Run a family on a trial.

    Args:
        spec: `{"family": name, "options": {option: value}}`, every option filled in. An option that lists methods
            holds entries `{"method": name, option: value}`; the family receives it as a mapping from the method's
            name to what makes the method.
        registry: where the family and its methods are found.
        trial: predictions on the sets that the family reads, and the model if it reads that.

    Raises:
        MethodError: the trial lacks what the family reads, or a method cannot be fitted; a method named twice.
    """
    family = load(registry.card("evaluation", spec["family"]))
    options = {}
    for option, value in spec["options"].items():
        kind = family.assay_nested.get(option)
        options[option.replace("-", "_")] = value if kind is None else _bound(registry, kind, value)
    result: Result = family(trial, **options)
    return result


def _bound(registry: Registry, kind: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    makers = {entry["method"]: bind(registry, kind, entry) for entry in entries}
    if len(makers) < len(entries):
        raise MethodError(f"a {kind} is named twice among {', '.join(entry['method'] for entry in entries)}")
    return makers
