"""Tuning that is planned: the points of a search follow from the arm's name, the space and the number of trials alone.

Points are drawn at random without repeats (Bergstra and Bengio 2012, JMLR 13), each coordinate of each trial from a
hash of its own. So more trials add points and change none, and a study knows all its jobs before the first one runs.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import re
from typing import Any

_NUMBER = r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*"
_RANGE = re.compile(rf"\s*(log|uniform|int)\s*\({_NUMBER},{_NUMBER}\)\s*")
#: Spaces with no more points than this are written out, so that the last trials need not be found by chance.
_WRITTEN_OUT = 10_000


def dimension(written: Any) -> dict[str, Any]:
    """`{"kind": "log" | "uniform" | "int", "low", "high"}` or `{"kind": "choice", "values"}` of what a space says.

    Raises:
        ValueError: neither a range nor a list of distinct choices, with what was expected.
    """
    if isinstance(written, list):
        if not written or any(value in written[:number] for number, value in enumerate(written)):
            raise ValueError("expected a list of distinct choices")
        return {"kind": "choice", "values": written}
    match = _RANGE.fullmatch(written) if isinstance(written, str) else None
    if not match:
        raise ValueError(f"expected log(a, b), uniform(a, b), int(a, b) or a list of choices, found {written!r}")
    kind, low, high = match[1], float(match[2]), float(match[3])
    if not low < high or not math.isfinite(high - low):
        raise ValueError(f"expected a range from low to high, found {written!r}")
    if kind == "log" and low <= 0:
        raise ValueError(f"expected a range above 0 for log, found {written!r}")
    if kind == "int":
        if low != int(low) or high != int(high):
            raise ValueError(f"expected whole numbers for int, found {written!r}")
        return {"kind": kind, "low": int(low), "high": int(high)}
    return {"kind": kind, "low": low, "high": high}


def size(space: dict[str, dict[str, Any]]) -> int | None:
    """How many points a space has, or None when a range of numbers makes them endless."""
    sizes = []
    for part in space.values():
        if part["kind"] in ("log", "uniform"):
            return None
        sizes.append(len(part["values"]) if part["kind"] == "choice" else part["high"] - part["low"] + 1)
    return math.prod(sizes)


def points(arm: str, space: dict[str, dict[str, Any]], trials: int) -> list[dict[str, Any]]:
    """The first `trials` points of an arm's search; a space of fewer points gives them all.

    Raises:
        ValueError: ranges whose ends are the same to six digits.
    """
    space = dict(sorted(space.items()))
    salt = json.dumps([arm, space], sort_keys=True)
    count = size(space)
    if count is not None and count <= _WRITTEN_OUT:
        every = [dict(zip(space, values, strict=True)) for values in itertools.product(*map(_values, space.values()))]
        return sorted(every, key=lambda point: _hash(salt, json.dumps(point, sort_keys=True)))[:trials]
    found: dict[str, dict[str, Any]] = {}
    for number in range(20 * trials):
        point = {path: _at(part, _unit(salt, number, path)) for path, part in space.items()}
        found.setdefault(json.dumps(point), point)
        if len(found) == trials:
            return list(found.values())
    raise ValueError(f"the ranges are too narrow for {trials} different points")


def _values(part: dict[str, Any]) -> list[Any]:
    return part["values"] if part["kind"] == "choice" else list(range(part["low"], part["high"] + 1))


def _at(part: dict[str, Any], unit: float) -> Any:
    """The value of a dimension at a place in [0, 1)."""
    if part["kind"] == "choice":
        return part["values"][int(unit * len(part["values"]))]
    if part["kind"] == "int":
        return part["low"] + int(unit * (part["high"] - part["low"] + 1))
    low, high = part["low"], part["high"]
    value = low * (high / low) ** unit if part["kind"] == "log" else low + (high - low) * unit
    # Six digits are more than tuning can tell apart, and keep a last bit of libm's pow from naming another point.
    return float(f"{value:.6g}")


def _unit(*parts: object) -> float:
    return int(_hash(*parts)[:13], 16) / 16**13


def _hash(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()
