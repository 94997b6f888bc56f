"""Claims of which several parts, or most of them, have to hold.

That at least u of n parts hold is shown by the u-th smallest of their p values, times n - u + 1 (Benjamini and Heller
2008, doi:10.1111/j.1541-0420.2007.00984.x, with Bonferroni's combination): were fewer than u true, at least n - u + 1
would be false, and some p among these would have to be that small. For all of n it is the largest p as it is
(Berger 1982, doi:10.1080/00401706.1982.10487790), for any of n it is Bonferroni's. No independence is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from assay.claims.comparison import Comparison
from assay.claims.spread import Spread


def at_least(p: Sequence[float], wanted: int) -> float:
    """p of the null that fewer than `wanted` of the claims with these p values are true."""
    return min(1.0, (len(p) - wanted + 1) * sorted(p)[wanted - 1])


@dataclass(frozen=True)
class Compound:
    """A claim that at least `wanted` of its parts hold."""

    parts: list[Comparison | Spread | Compound]
    wanted: int
    form: str

    @cached_property
    def missing(self) -> list[str]:
        """The metrics without a value, each once."""
        return list(dict.fromkeys(name for part in self.parts for name in part.missing))

    @property
    def n(self) -> int:
        """Seeds that have all values."""
        return min(part.n for part in self.parts)

    @property
    def is_count(self) -> bool:
        """Whether every part is over counts that no seed changes."""
        return all(part.is_count for part in self.parts)

    @cached_property
    def p(self) -> float:
        """p of the null that the claim is false; 1 where something is missing, whichever part it is in."""
        return 1.0 if self.missing else at_least([part.counted for part in self.parts], self.wanted)

    @cached_property
    def p_against(self) -> float:
        """p of the null that the claim is true: that no more than n - wanted of the parts are false."""
        false = len(self.parts) - self.wanted + 1
        return 1.0 if self.missing else at_least([part.counted_against for part in self.parts], false)

    @property
    def counted(self) -> float:
        """As `p`; its parts already count for no less than their seeds can show."""
        return self.p

    @property
    def counted_against(self) -> float:
        """As `p_against`."""
        return self.p_against

    @property
    def test(self) -> str:
        """The name of the test."""
        tests = dict.fromkeys(part.test for part in self.leaves)
        how = "all" if self.wanted == len(self.parts) else f"at least {self.wanted}"
        return f"{how} of {len(self.parts)}: {', '.join(tests)}"

    @property
    def leaves(self) -> list[Comparison | Spread]:
        """The comparisons in it, in order."""
        return [
            leaf for part in self.parts for leaf in (part.leaves if isinstance(part, Compound) else [part])
        ]  # fmt: skip

    def holds(self) -> bool:
        """Whether the claim holds of the means taken as exact."""
        return sum(part.holds() for part in self.parts) >= self.wanted

    def share(self, alpha: float, *, against: bool = False) -> float:
        """The level of each part at which so many of them decide the claim at level alpha."""
        wanted = len(self.parts) - self.wanted + 1 if against else self.wanted
        return alpha / (len(self.parts) - wanted + 1)
