"""The publisher that runs beside a study and keeps MLflow up with it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from assay.run.lock import Busy, locked
from assay.track.publish import Publisher

#: Seconds between passes, and the longest pause after errors.
INTERVAL, LONGEST_PAUSE = 2.0, 60.0


def follow(folder: Path, stop: Callable[[], bool], *, interval: float = INTERVAL) -> None:
    """Publish curves while they grow and finished trials as their records appear, until `stop()` is true.

    Meant for a process of its own. It holds the publisher's lock during a pass only, so that `publish` gets its turn,
    and never raises for the server's sake: what goes wrong is noted in `.track/errors.log`, printed once, and tried
    again after a pause that doubles up to a minute. Whatever is missing in the end, `publish(final=True)` completes.

    Args:
        folder: the study's folder, `results/<study>`; it may not exist yet.
        stop: asked several times a second.
        interval: seconds between passes.
    """
    publisher: Publisher | None = None
    pause, told = interval, False
    while not stop():
        began = time.monotonic()
        try:
            publisher = publisher or Publisher(folder)
            with locked(publisher.lock, wait=False, about="assay follow"):
                errors = publisher.run(final=False).errors
        except (FileNotFoundError, Busy):
            errors = []
        except Exception as error:
            # Tracking must never cost a study anything.
            errors = [f"{type(error).__name__}: {error}"]
            publisher = None
        if errors:
            _note(folder, errors)
            if not told:
                print(f"tracking: {errors[0]}", file=sys.stderr, flush=True)
            told = True
            pause = min(2 * pause, LONGEST_PAUSE)
        else:
            pause, told = interval, False
        # A pass over a large study takes longer; it may use a fifth of the time at most.
        _sleep(max(pause, 4 * (time.monotonic() - began)), stop)


def _sleep(seconds: float, stop: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not stop():
        time.sleep(min(0.2, seconds))


def _note(folder: Path, errors: list[str]) -> None:
    file = Path(folder) / ".track" / "errors.log"
    if not file.parent.parent.exists():
        return
    file.parent.mkdir(exist_ok=True)
    stamp = time.strftime("%Y-%m-%d %H:%M:%S")
    with file.open("a", encoding="utf-8") as handle:
        handle.writelines(f"{stamp} {error}\n" for error in errors)
