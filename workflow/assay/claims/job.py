"""The computation of the stage `claims`: a verdict for each claim of a study.

A claim is *supported* when the interval of the mean difference over seeds lies entirely on the claimed side, *refuted*
when it lies entirely on the other, and *inconclusive* otherwise. Both directions are corrected by Holm's method over
all claims of the study: with probability at least `1 - alpha` no false claim of the study is called supported, and
with that probability no true one is called refuted. Claims over counts (parameters, FLOPs) that no seed changes need
no test and take no part in the correction; claims for which something is missing take part and are never decided.
"""

from __future__ import annotations

from typing import Any

from assay.claims.comparison import Comparison
from assay.claims.holm import Corrected, holm
from assay.claims.power import detectable
from assay.claims.sides import Values, sides


def decide(spec: dict[str, Any], values: Values) -> list[dict[str, Any]]:
    """The verdicts of a study's claims, in their order.

    Args:
        spec: `{"claims": [{"tree", "alpha", "primary"}], "seeds": [...]}`, trees as `assay.claims.language` makes them.
        values: gives a metric of an arm by seed, None where it is undefined or its trial failed.

    Returns:
        One mapping for each claim, plain JSON:

        - `verdict`: `supported`, `refuted` or `inconclusive`; `note`: why, in a sentence, or "".
        - `effect`: mean of left - right over seeds; `sd`: standard deviation of these differences.
        - `interval`: `[low, high]` of the effect at `level`, corrected for the number of claims, or None.
        - `boundary`: what the interval is compared with. A claim with > or >= wants it above, one with < or <= below;
          one with ~ wants it between -boundary and boundary.
        - `p`, `p_holm`: one-sided p that the claim is false, and the same corrected; `p_against`, `p_against_holm`:
          that it is true; `p_sign_flip`: as `p`, by the sign-flip test. None where something is missing.
        - `test`: its name; `n`: seeds that entered it.
        - `seeds_needed`: for an inconclusive claim, seeds in all for 80% power at the difference seen, or None.
        - `detectable`: the difference from the boundary that n seeds detect with 80% power at this level, or None.
        - `missing`: the metrics without a value, such as `mixup.ece (seed 3)`.
        - `seeds`, `left`, `right`: both sides by seed, None where missing.
        - `tree`, `alpha`, `primary`: as given.
    """
    made = [Comparison(claim["tree"], sides(claim["tree"], spec["seeds"], values)) for claim in spec["claims"]]
    alphas = [float(claim["alpha"]) for claim in spec["claims"]]
    tested = [index for index, comparison in enumerate(made) if comparison.sides.missing or not comparison.is_count]
    levels = [alphas[index] for index in tested]
    support = holm([made[index].p for index in tested], levels)
    against = holm([made[index].p_against for index in tested], levels)
    corrected = dict(zip(tested, zip(support, against, strict=True), strict=True))
    return [
        {
            **(_judge(made[index], alphas[index], *corrected[index]) if index in corrected else _count(made[index])),
            "boundary": made[index].boundary,
            "effect": made[index].effect,
            "sd": made[index].sd,
            "test": made[index].test,
            "n": made[index].n,
            "missing": made[index].sides.missing,
            "seeds": list(spec["seeds"]),
            "left": made[index].sides.left,
            "right": made[index].sides.right,
            "tree": claim["tree"],
            "alpha": claim["alpha"],
            "primary": claim["primary"],
        }
        for index, claim in enumerate(spec["claims"])
    ]


def _judge(comparison: Comparison, alpha: float, support: Corrected, against: Corrected) -> dict[str, Any]:
    """The verdict of a tested claim from its corrected p values."""
    verdict = "supported" if support.p <= alpha else "refuted" if against.p <= alpha else "inconclusive"
    below, above = alpha / support.divisor, alpha / against.divisor
    if comparison.is_equivalence:
        below = above = {"supported": below, "refuted": above / 2}.get(verdict, min(below, above / 2))
    interval = comparison.bounds(below, above)
    complete = not comparison.sides.missing and comparison.n > 1
    needed = None
    if verdict == "inconclusive" and complete:
        needed = comparison.seeds_needed(alpha / support.divisor, alpha / against.divisor)
    return {
        "verdict": verdict,
        "note": _note(comparison, verdict, needed),
        "interval": list(interval) if interval else None,
        "level": 1 - below - above if interval else None,
        "p": comparison.p if complete else None,
        "p_holm": support.p if complete else None,
        "p_against": comparison.p_against if complete else None,
        "p_against_holm": against.p if complete else None,
        "p_sign_flip": comparison.p_sign_flip if complete else None,
        "seeds_needed": needed,
        "detectable": detectable(comparison.sd or 0.0, comparison.n, alpha / support.divisor, sides=1),
    }


def _count(comparison: Comparison) -> dict[str, Any]:
    """The verdict of a claim over counts that are the same for every seed."""
    return {
        "verdict": "supported" if comparison.holds() else "refuted",
        "note": "both sides are counts that no seed changes, so no test is needed",
        "interval": None,
        "level": None,
        "p": None,
        "p_holm": None,
        "p_against": None,
        "p_against_holm": None,
        "p_sign_flip": None,
        "seeds_needed": None,
        "detectable": None,
    }


def _note(comparison: Comparison, verdict: str, needed: int | None) -> str:
    missing = comparison.sides.missing
    if missing:
        return "not decided, since values are missing: " + _listed(missing)
    if comparison.n < 2:
        return "one seed tells nothing of how the next would differ; give the study at least two"
    words = []
    if comparison.is_constant:
        words.append("every seed has the same difference, so a sign-flip test stands in for the t test")
    if verdict == "inconclusive" and needed:
        words.append(f"{needed} seeds in all would settle it with 80% power, were the differences to go on like this")
    elif verdict == "inconclusive":
        words.append(
            "the difference seen is at the boundary or far smaller than its spread; no number of seeds is advised"
        )
    return "; ".join(words)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
