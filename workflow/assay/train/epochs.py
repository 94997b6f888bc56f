"""Methods that change from epoch to epoch.

A loss, and a way to rebalance, is a function, or a class whose instances are called like one. An instance with
`epoch(number, of)` is told before each epoch that number `number`, counted from 0, of `of` begins; on a resumed run it
is told again. What it does may depend on nothing but that, so there is no state to save.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from assay.study.registry import Registry, bind


def bound(registry: Registry, kind: str, entry: Mapping[str, Any]) -> Callable[..., Any]:
    """The method of an entry with its options applied: the function, or an instance of the class."""
    made = bind(registry, kind, dict(entry))
    if isinstance(made, partial) and isinstance(made.func, type):
        return made()
    return made


def begin(made: object, number: int, of: int) -> None:
    """Tell a method that an epoch begins, if it wants to know."""
    epoch = getattr(made, "epoch", None)
    if epoch is not None:
        epoch(number, of)
