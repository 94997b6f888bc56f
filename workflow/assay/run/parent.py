"""Whether a process still lives."""

from __future__ import annotations

import os


def alive(pid: int) -> bool:
    """Whether a process with this number exists and has not ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            # A zombie has ended; only its parent has not asked yet.
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return True
