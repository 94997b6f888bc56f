"""The two ways to show progress: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live as RichLive
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from snakemake_logger_plugin_assay.progress import Progress


def clock(seconds: float) -> str:
    """Seconds as `1:05` or `2:01:05`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Lines:
    """One plain line for each finished job, for logs and pipes."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def begin(self, progress: Progress) -> None:
        """Say what there is to do."""
        counts = ", ".join(f"{total} {stage}" for stage, (_, total) in progress.stages.items())
        if counts:
            self.say(f"{progress.total} jobs: {counts}")

    def started(self, words: str) -> None:
        """A job that starts is not worth a line."""

    def ended(self, words: str) -> None:
        """Nor is one that is over; `finished` or a message says how."""

    def finished(self, words: str, progress: Progress) -> None:
        """Say what is done and how long the rest will take."""
        left = progress.seconds_left()
        eta = f", {clock(left)} left" if left is not None and progress.finished < progress.total else ""
        passed = clock(time.monotonic() - progress.started)
        self.say(f"[{progress.finished}/{progress.total}, {passed}{eta}] {words}")

    def say(self, text: str) -> None:
        """Print a message."""
        print(text, file=self._stream, flush=True)

    def end(self) -> None:
        """Nothing to put back."""


class Live:
    """A table that stays in place: a bar for each stage, what runs now, the time left."""

    def __init__(self, stream: TextIO):
        self._console = Console(file=stream)
        self._live: RichLive | None = None
        self._running: list[str] = []

    def begin(self, progress: Progress) -> None:
        """Start to draw."""
        if progress.total:
            # Drawn anew each time, so that the clock goes on while jobs are long.
            self._live = RichLive(get_renderable=lambda: self._drawn(progress), console=self._console)
            self._live.start()

    def started(self, words: str) -> None:
        """Note a job that runs."""
        self._running.append(words)

    def ended(self, words: str) -> None:
        """Take note that a job no longer runs."""
        if words in self._running:
            self._running.remove(words)

    def finished(self, words: str, progress: Progress) -> None:
        """The table shows it the next time it is drawn."""

    def say(self, text: str) -> None:
        """Print a message above the table."""
        self._console.print(text, highlight=False, markup=False)

    def end(self) -> None:
        """Leave the last table standing."""
        if self._live:
            self._live.stop()
            self._live = None

    def _drawn(self, progress: Progress) -> Group:
        table = Table.grid(padding=(0, 2))
        for stage, (done, total) in progress.stages.items():
            table.add_row(stage, ProgressBar(total=total, completed=done, width=32), f"{done}/{total}")
        left = progress.seconds_left()
        passed = clock(time.monotonic() - progress.started)
        words = f"{progress.finished}/{progress.total} jobs, {passed} passed"
        words += f", about {clock(left)} left" if left is not None and progress.finished < progress.total else ""
        now = list(self._running)
        running = ", ".join(now[:3]) + (f" and {len(now) - 3} more" if now[3:] else "")
        return Group(table, Text(words), Text(f"now: {running}" if running else "", style="dim", overflow="ellipsis"))
