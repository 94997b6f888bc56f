"""Named streams of randomness, so that fixing one source of variation never shifts another.

A stream is a name (`init`, `order`, `augment`, `split`, `alteration`, `generator`) and a number. Each generator is
seeded by a hash of both and of whatever else tells draws apart (an epoch, a class), never taken from a shared one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


class Streams:
    """The streams of one job: stream name to its number, as the job's spec states them."""

    def __init__(self, numbers: Mapping[str, int]):
        self.numbers = dict(numbers)

    def seed(self, stream: str, *parts: object) -> int:
        """A seed in [0, 2**63) for `stream`; equal arguments give equal seeds on every platform.

        Raises:
            KeyError: a stream that the job's spec does not state.
        """
        text = "/".join(str(part) for part in (stream, self.numbers[stream], *parts))
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1

    def numpy(self, stream: str, *parts: object) -> np.random.Generator:
        """A NumPy generator (PCG64) at the start of the stream."""
        return np.random.default_rng(self.seed(stream, *parts))

    def torch(self, stream: str, *parts: object) -> torch.Generator:
        """A CPU torch generator at the start of the stream."""
        import torch

        return torch.Generator().manual_seed(self.seed(stream, *parts))
