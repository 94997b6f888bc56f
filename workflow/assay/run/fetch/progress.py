"""Telling how far a download is, in plain lines: what a job prints goes to a log."""

from __future__ import annotations

import sys
import time


class Progress:
    """Prints a line on stderr every few seconds while bytes arrive.

    Args:
        name: the file, as its archive calls it.
        every: seconds between lines.
    """

    def __init__(self, name: str, every: float):
        self._name = name
        self._every = every
        self._started = self._last = time.monotonic()
        self._got = 0

    def add(self, count: int, done: int, total: int) -> None:
        """Count `count` bytes that just arrived; `done` of `total` (0: unknown) lie on disk now."""
        self._got += count
        now = time.monotonic()
        if now - self._last >= self._every:
            self._last = now
            of = f" of {megabytes(total)} ({done / total:.0%})" if total else ""
            tell(f"{self._name}: {megabytes(done)}{of}, {self._rate(now)}")

    def end(self, size: int, address: str) -> None:
        """Say that the file is there."""
        now = time.monotonic()
        tell(f"{self._name}: {megabytes(size)} in {now - self._started:.1f} s, {self._rate(now)}, from {address}")

    def _rate(self, now: float) -> str:
        return f"{megabytes(self._got / max(now - self._started, 1e-3))}/s"


def megabytes(size: float) -> str:
    """A size for people: 10^6 bytes with one decimal, kilobytes below."""
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"


def tell(line: str) -> None:
    """Print a line on stderr at once."""
    print(line, file=sys.stderr, flush=True)
