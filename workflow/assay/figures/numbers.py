"""Numbers as a reader wants them: aligned, no more digits than they deserve, the true minus sign."""

from __future__ import annotations

import math
from typing import Any

MISSING = "–"


def missing(value: Any) -> bool:
    """Whether there is no number to show: None, NaN or infinite."""
    return value is None or not math.isfinite(value)


def plain(value: float | None, decimals: int) -> str:
    """A number with a fixed count of decimals."""
    return MISSING if missing(value) else _minus(f"{value:,.{decimals}f}")


def signed(value: float | None, decimals: int) -> str:
    """A difference, its sign always written."""
    return MISSING if missing(value) else _minus(f"{value:+,.{decimals}f}")


def short(value: float | None) -> str:
    """A number of any size in three significant digits: 0.0123, 4.56, 78.9, 12.3 k, 4.56 M."""
    if value is None or missing(value):
        return MISSING
    if value == int(value) and abs(value) < 10_000:
        return _minus(f"{int(value)}")
    for factor, unit in ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e4, " k")):
        if abs(value) >= factor:
            return _minus(f"{value / (1e3 if unit == ' k' else factor):.3g}{unit}")
    if abs(value) >= 100:
        return _minus(f"{value:.0f}")
    if abs(value) < 1e-4:
        return _minus(f"{value:.1e}")
    return _minus(f"{value:.3g}")


def decimals_for(values: list[float], low: float | None = None, high: float | None = None) -> int:
    """How many decimals a column of these values needs: three for a metric within 0..1, else three digits."""
    if low == 0 and high == 1:
        return 3
    finite = [abs(value) for value in values if not missing(value)]
    largest = max(finite, default=0.0)
    if largest == 0 or all(value == int(value) for value in finite):
        return 0
    return max(0, min(6, 2 - math.floor(math.log10(largest))))


def scale_of(unit: str, values: list[float]) -> tuple[float, str]:
    """What to divide a column by so that its numbers are short, and the unit that they are then in.

    Seconds become ms or µs, bytes KiB to GiB, and large counts k to G, by the largest value.
    """
    largest = max((abs(value) for value in values if not missing(value)), default=0.0)
    steps: tuple[tuple[float, float, str], ...]
    if unit == "s":
        steps = ((1.0, 1.0, "s"), (1e-3, 1e-3, "ms"), (0.0, 1e-6, "µs"))
    elif unit == "B":
        steps = tuple(
            (1024.0**power, 1024.0**power, name) for power, name in ((3, "GiB"), (2, "MiB"), (1, "KiB"), (0, "B"))
        )
    else:
        # A unit that repeats the metric's name says nothing; the caller leaves it out.
        steps = tuple(
            (1e4 if power == 1 else 1e3**power, 1e3**power, f"{name} {unit}".strip())
            for power, name in ((3, "G"), (2, "M"), (1, "k"))
        )
    return next(((factor, words) for least, factor, words in steps if largest >= least), (1.0, unit))


def duration(seconds: float | None) -> str:
    """Seconds in the two largest units that matter: 0.4 s, 12 s, 3 min 20 s, 5 h 07 min."""
    if seconds is None or missing(seconds):
        return MISSING
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def memory(size: float | None) -> str:
    """Bytes with a binary unit."""
    if size is None or missing(size):
        return MISSING
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1024:
            return f"{size:.0f} {unit}" if unit in ("B", "KiB") else f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:.3g} TiB"


def plural(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _minus(text: str) -> str:
    return text.replace("-", "−")
