"""The values that a tuning run chose, put into a spec."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Mapping
from typing import Any

from assay.errors import MethodError


def choose(spec: dict[str, Any], choice: Mapping[str, Any] | None) -> dict[str, Any]:
    """A copy of `spec` in which each dotted path of `choice` holds the chosen value.

    A part of a path that meets a list is the place in it, or the name of the method that stands there:
    `augment.mixup.alpha`, `augment.0.alpha`. Shorter paths come first, so a chosen method may get chosen options.

    Raises:
        MethodError: a path that the spec does not have.
    """
    spec = copy.deepcopy(spec)
    for path, value in sorted((choice or {}).items(), key=lambda item: item[0].count(".")):
        *parents, last = path.split(".")
        place: Any = spec
        for part in parents:
            place = place[_key(place, part, path)]
        place[_key(place, last, path)] = value
    return spec


def _key(place: Any, part: str, path: str) -> Any:
    if isinstance(place, list):
        names = [entry.get("method") if isinstance(entry, dict) else None for entry in place]
        known = {str(index): index for index in range(len(place))}
        known |= {name: index for index, name in reversed(list(enumerate(names))) if name}
    elif isinstance(place, dict):
        known = {key: key for key in place}
    else:
        known = {}
    if part not in known:
        near = difflib.get_close_matches(part, list(known), 1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; there is {', '.join(known) or 'nothing'}"
        raise MethodError(f"the chosen value for {path!r} has no place in the spec: no {part!r} there{hint}")
    return known[part]
