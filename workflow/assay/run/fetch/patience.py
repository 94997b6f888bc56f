"""How long the network is waited for, and what it means when it fails."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """Times in seconds, none of them endless.

    Attributes:
        connect: to reach a server.
        read: of silence in the middle of an answer.
        tries: in a row that bring nothing new, before an address is given up.
        pause: before the second try; doubled before each further one, and drawn between half and all of that, so that
            many jobs do not come back at the same moment.
        longest: a pause, whatever the doubling or a server's `Retry-After` says.
        window: over which the rate must reach `slowest`, so that a server that drips cannot hold a job.
        slowest: bytes per second.
        report: between two lines of progress.
        client: for the whole run of a registry's client.
    """

    connect: float = 15.0
    read: float = 60.0
    tries: int = 5
    pause: float = 1.0
    longest: float = 30.0
    window: float = 60.0
    slowest: float = 1024.0
    report: float = 5.0
    client: float = 1800.0

    def wait(self, failures: int, asked: float | None) -> float:
        """Seconds before the next try after `failures` in a row; `asked` is what the server wants."""
        if asked is not None:
            return min(asked, self.longest)
        return min(self.pause * 2 ** (failures - 1), self.longest) * random.uniform(0.5, 1.0)


class TroubleError(Exception):
    """An address did not give the file.

    Args:
        reason: for people.
        again: whether another try may help.
        reached: whether the server was reached at all.
        wait: seconds that the server asks to wait.
    """

    def __init__(self, reason: str, *, again: bool, reached: bool = True, wait: float | None = None):
        self.reason = reason
        self.again = again
        self.reached = reached
        self.wait = wait
        super().__init__(reason)


class NotHadError(Exception):
    """No way led to a file; `reasons` has a line for each way that was tried."""

    def __init__(self, reasons: list[str]):
        self.reasons = reasons
        super().__init__("; ".join(reasons))
