"""What an evaluation returns: rows of metrics and data for figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


class UndefinedError(ValueError):
    """A metric has no value on this input. The message says why; it becomes the row's note."""


@dataclass(frozen=True)
class Row:
    """One value of a metric.

    Attributes:
        metric: name, as in the card of the family.
        keys: every key that the card declares for the metric, with its value as text (numbers as `0.1`, `256`).
        value: finite, or None when it is undefined.
        note: why it is undefined, or what a reader should know of it.
    """

    metric: str
    keys: dict[str, str]
    value: float | None
    note: str | None = None


@dataclass
class Result:
    """What an evaluation returns.

    Attributes:
        rows: the metrics, in a fixed order.
        figures: plain lists and numbers for plots; each family's docstring tells their shape.
    """

    rows: list[Row] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def add(
        self,
        metric: str,
        keys: Mapping[str, str],
        measure: Callable[..., float],
        *arguments: Any,
        note: str | None = None,
    ) -> float | None:
        """Append a metric's row with the value of `measure(*arguments)`, and return that value.

        `measure` may raise `UndefinedError`: the value is then None and the message the note, as for a value not
        finite. An argument that is itself an `UndefinedError` makes the metric undefined for that reason.
        """
        value: float | None = None
        try:
            for argument in arguments:
                if isinstance(argument, UndefinedError):
                    raise argument
            value = float(measure(*arguments))
            if not math.isfinite(value):
                raise UndefinedError(f"the value is {value}")
        except UndefinedError as reason:
            value, note = None, str(reason)
        self.rows.append(Row(metric, dict(keys), value, note))
        return value


def attempt(function: Callable[..., Any], *arguments: Any) -> Any:
    """What `function(*arguments)` returns, or the `UndefinedError` that it raised, for `Result.add` to pass on."""
    try:
        return function(*arguments)
    except UndefinedError as reason:
        return reason


def plain(values: np.ndarray, digits: int = 6) -> list[Any]:
    """An array as (nested) lists for a figure, rounded, with None for what is not finite."""
    return [
        plain(value, digits)
        if isinstance(value, np.ndarray)
        else round(float(value), digits)
        if np.isfinite(value)
        else None
        for value in np.asarray(values)
    ]
