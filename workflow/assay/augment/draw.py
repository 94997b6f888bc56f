"""Random numbers that belong to a sample and an epoch, not to a batch or a device.

Every number is a hash of (seed, epoch, operation, sample, call, index): there is no state to share, so the draws of a
sample are the same whatever the batch size, its neighbours or the device. The hash is splitmix64 (Steele, Lea and
Flood 2014, doi:10.1145/2660193.2660195) in 64-bit integer tensor operations, which wrap alike on every device.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import torch
from torch import Tensor

_MASK = (1 << 64) - 1

#: Devices whose integers of 64 bits nobody promises to wrap: numbers are made on the CPU and brought there.
ELSEWHERE = ("mps",)


def _signed(value: int) -> int:
    """The int64 with the same 64 bits."""
    value &= _MASK
    return value - (1 << 64) if value >> 63 else value


_GAMMA = _signed(0x9E3779B97F4A7C15)
_FIRST = _signed(0xBF58476D1CE4E5B9)
_SECOND = _signed(0x94D049BB133111EB)


def _shift(x: Tensor, bits: int) -> Tensor:
    """Logical shift to the right; torch's own is arithmetic."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def mix(x: Tensor) -> Tensor:
    """The finaliser of splitmix64 on int64 tensors of any shape: a bijection in which every bit depends on all."""
    x = (x ^ _shift(x, 30)) * _FIRST
    x = (x ^ _shift(x, 27)) * _SECOND
    return x ^ _shift(x, 31)


def keys(ids: Sequence[str]) -> Tensor:
    """Sample ids to the int64 `[N]` numbers that `Draw` counts by, equal for equal ids in any dataset."""
    digests = b"".join(hashlib.blake2b(str(name).encode(), digest_size=8).digest() for name in ids)
    return torch.frombuffer(bytearray(digests), dtype=torch.int64) if digests else torch.zeros(0, dtype=torch.int64)


class Draw:
    """The random numbers of one operation for one batch.

    Each call takes the next place in the operation's sequence, so a method that draws twice gets independent
    numbers, and one that draws in a fixed order gets the same ones each time.

    Args:
        seed: of the stream, any int below 2**63.
        epoch: epoch number.
        ids: int64 `[B]`, one number a sample. A sample that comes twice in an epoch needs a second number. All that is
            drawn lies on their device.
        op: place of the operation in the list of augmentations.
    """

    def __init__(self, seed: int, epoch: int, ids: Tensor, op: int = 0):
        self.seed, self.epoch, self.ids, self.op = seed, epoch, ids, op
        scope = hashlib.blake2b(f"{seed}/{epoch}/{op}".encode(), digest_size=8).digest()
        home = ids.cpu() if ids.device.type in ELSEWHERE else ids
        self.base = mix(home ^ int.from_bytes(scope, "little", signed=True))
        self.calls = 0

    def steady(self) -> Draw:
        """Numbers that belong to a sample and stay the same in every epoch."""
        return Draw(self.seed, -1, self.ids, self.op)

    def __len__(self) -> int:
        return len(self.base)

    @property
    def device(self) -> torch.device:
        """Where the numbers lie: the device of the ids."""
        return self.ids.device

    def _bits(self, n: int) -> Tensor:
        """Uniform 64-bit integers, int64 `[B,n]`, where they are made."""
        self.calls += 1
        start = mix(self.base + _signed(self.calls * _GAMMA))
        return mix(start[:, None] + torch.arange(1, n + 1, device=start.device) * _GAMMA)

    def bits(self, n: int) -> Tensor:
        """Uniform 64-bit integers, int64 `[B,n]`."""
        return self._bits(n).to(self.device)

    def uniform(self, n: int = 1) -> Tensor:
        """Uniform float32 `[B,n]` in [0,1): multiples of 2**-24."""
        return (_shift(self._bits(n), 40).float() * 2.0**-24).to(self.device)

    def integers(self, low: int, high: int, n: int = 1) -> Tensor:
        """Uniform int64 `[B,n]` in low..high-1; the bias is below `(high - low) / 2**32`."""
        if not 0 < high - low <= 1 << 31:
            raise ValueError(f"integers needs low < high and a range of at most 2**31, got {low}..{high}")
        return (low + _shift(_shift(self._bits(n), 32) * (high - low), 32)).to(self.device)

    def normal(self, n: int = 1) -> Tensor:
        """Standard normal float32 `[B,n]` by Box and Muller."""
        radius = (-2.0 * self._positive(n).log()).sqrt()
        return radius * torch.cos(2.0 * torch.pi * self.uniform(n))

    def beta(self, a: float, b: float) -> Tensor:
        """Beta(a,b) float32 `[B,1]`, as the share of one Gamma variable in the sum of two."""
        return torch.sigmoid(self._log_gamma(a) - self._log_gamma(b))

    def dirichlet(self, alpha: float, n: int) -> Tensor:
        """Symmetric Dirichlet(alpha) float32 `[B,n]`, as the shares of n Gamma variables in their sum."""
        return torch.cat([self._log_gamma(alpha) for _ in range(n)], dim=1).softmax(dim=1)

    def _positive(self, n: int) -> Tensor:
        """Uniform float32 `[B,n]` in (0,1), for logarithms."""
        return ((_shift(self._bits(n), 40).float() + 0.5) * 2.0**-24).to(self.device)

    def _log_gamma(self, shape: float) -> Tensor:
        """Logarithm of Gamma(shape, 1) variables `[B,1]` by Marsaglia and Tsang 2000 (doi:10.1145/358407.358414).

        All tries are drawn at once and the first accepted one is taken, so no sample waits for another. Each try is
        accepted with probability above 0.95; that 16 fail has probability below 1e-20, and then the first stands.
        A shape below 1 is boosted by `U^(1/shape)`, in logarithms, where it cannot underflow.
        """
        tries = 16
        d = (shape if shape >= 1 else shape + 1) - 1 / 3
        normal = self.normal(tries)
        v = (1 + normal / (9 * d) ** 0.5) ** 3
        log_v = v.clamp_min(1e-30).log()
        accepted = (v > 0) & (self._positive(tries).log() < normal**2 / 2 + d * (1 - v + log_v))
        first = accepted.to(torch.uint8).argmax(dim=1, keepdim=True)
        log_gamma = math.log(d) + log_v.gather(1, first)
        boost = self._positive(1).log() / shape
        return log_gamma + boost if shape < 1 else log_gamma
