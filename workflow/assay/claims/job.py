"""The computation of the stage `claims`: a verdict for each claim of a study.

A claim is *supported* when the interval of the mean difference over seeds lies entirely on the claimed side, *refuted*
when it lies entirely on the other, and *inconclusive* otherwise; a claim of several parts when enough of its parts do.
Both directions are corrected by Holm's method over all primary claims of the study: with probability at least
`1 - alpha` no false one among them is called supported, and with that probability no true one is called refuted. A
secondary claim is tested at its own level, uncorrected. Claims over counts (parameters, FLOPs) that no seed changes
need no test and take no part in the correction; claims for which something is missing take part and are never decided.
With too few seeds for the level no comparison is decided, whatever its values (`assay.claims.floor`).
"""

from __future__ import annotations

from typing import Any

from assay.claims.comparison import Comparison
from assay.claims.compound import Compound
from assay.claims.conditions import Conditions, differences
from assay.claims.curves import curves
from assay.claims.floor import fewest, floor
from assay.claims.holm import Corrected, holm
from assay.claims.looks import level
from assay.claims.power import detectable
from assay.claims.sides import Values, sides
from assay.claims.spread import Spread
from assay.claims.tree import functions_in, written

Claim = Comparison | Spread | Compound


def decide(spec: dict[str, Any], values: Values, conditions: Conditions | None = None) -> list[dict[str, Any]]:
    """The verdicts of a study's claims, in their order.

    Args:
        spec: `{"claims": [{"tree", "alpha", "primary"}], "seeds": [...]}`, trees as `assay.claims.tree` describes them;
            `looks`, where it is there, holds the numbers of seeds at which the study is looked at, this one among them.
        values: gives a metric of an arm by seed, None where it is undefined or its trial failed.
        conditions: what the trials were made with; a claim whose trials differ in it is never decided.

    Returns:
        One mapping for each claim, plain JSON:

        - `verdict`: `supported`, `refuted` or `inconclusive`; `note`: why, in a sentence, or "".
        - `effect`: mean of left - right over seeds; `sd`: standard deviation of these differences. Of standard
          deviations, the share by which the left one is larger. None for a claim of several parts.
        - `interval`: `[low, high]` of the effect at `level`, corrected for the number of claims, or None.
        - `boundary`: what the interval is compared with. A claim with > or >= wants it above, one with < or <= below;
          one with ~ wants it between -boundary and boundary.
        - `p`, `p_holm`: one-sided p that the claim is false, and the same corrected and no smaller than the number of
          seeds allows; `p_against`, `p_against_holm`: that it is true; `p_sign_flip`: as `p`, by the sign-flip test.
          None where something is missing.
        - `test`: its name; `n`: seeds that entered it.
        - `seeds_needed`: for an inconclusive claim, seeds in all for 80% power at the difference seen, or None.
        - `detectable`: the difference from the boundary that n seeds detect with 80% power at this level, or None.
        - `missing`: the metrics without a value, such as `mixup.ece (seed 3)`.
        - `seeds`, `left`, `right`: both sides by seed, None where missing.
        - `parts`: of a claim of several parts, for each comparison in it `claim` (as one writes it), `op`, `verdict` at
          the level that it has in the whole, `effect`, `interval`, `boundary`, `p`, `p_against`, `n`; else [].
        - `curves`: what functions and shapes run over, `{"name", "x", "y": [point][seed]}` each.
        - `tree`, `alpha`, `primary`: as given. `spends`: the part of alpha that this look may use.
    """
    seeds = spec["seeds"]
    made = [_claim(claim["tree"], seeds, values) for claim in spec["claims"]]
    alphas = [float(claim["alpha"]) for claim in spec["claims"]]
    if spec.get("looks"):
        alphas = [level(alpha, spec["looks"], len(seeds)) for alpha in alphas]
    tested = [index for index, claim in enumerate(made) if claim.missing or not claim.is_count]
    family = [index for index in tested if spec["claims"][index]["primary"]]
    levels = [alphas[index] for index in family]
    support = holm([made[index].counted for index in family], levels)
    against = holm([made[index].counted_against for index in family], levels)
    corrected = {
        index: (Corrected(made[index].counted, 1), Corrected(made[index].counted_against, 1)) for index in tested
    } | dict(zip(family, zip(support, against, strict=True), strict=True))
    return [
        {
            **_unlike(
                _judge(made[index], alphas[index], *corrected[index]) if index in corrected else _count(made[index]),
                differences(claim["tree"], seeds, conditions or {}) if index in corrected else [],
            ),
            **_sides(made[index]),
            "test": made[index].test,
            "n": made[index].n,
            "missing": made[index].missing,
            "seeds": list(seeds),
            "curves": curves(claim["tree"], seeds, values),
            "tree": claim["tree"],
            "alpha": claim["alpha"],
            "primary": claim["primary"],
            "spends": alphas[index],
        }
        for index, claim in enumerate(spec["claims"])
    ]


def _unlike(verdict: dict[str, Any], differences: list[str]) -> dict[str, Any]:
    """The verdict, which is none where trials were not made alike: what differs may be the cause of what is seen."""
    if not differences:
        return verdict
    note = f"not decided, since the trials were not made alike: {_listed(differences, '; ')}"
    return {**verdict, "verdict": "inconclusive", "note": "; ".join(filter(None, (note, verdict["note"])))}


def _claim(tree: dict[str, Any], seeds: list[int], values: Values) -> Claim:
    if "at-least" in tree:
        return Compound([_claim(part, seeds, values) for part in tree["of"]], tree["at-least"], tree["form"])
    kind = Spread if "sd" in functions_in(tree) else Comparison
    return kind(tree, sides(tree, seeds, values))


def _sides(claim: Claim) -> dict[str, Any]:
    """The numbers of the two sides; a claim of several parts has none of its own."""
    if isinstance(claim, Compound):
        return {"boundary": None, "effect": None, "sd": None, "left": [], "right": []}
    left, right = claim.sides.left, claim.sides.right
    return {"boundary": claim.boundary, "effect": claim.effect, "sd": claim.sd, "left": left, "right": right}


def _judge(claim: Claim, alpha: float, support: Corrected, against: Corrected) -> dict[str, Any]:
    """The verdict of a tested claim from its corrected p values."""
    verdict = "supported" if support.p <= alpha else "refuted" if against.p <= alpha else "inconclusive"
    below, above = alpha / support.divisor, alpha / against.divisor
    complete = not claim.missing and claim.n > 1
    needed = _needed(claim, below, above) if verdict == "inconclusive" and complete else None
    interval, share = (None, None) if isinstance(claim, Compound) else _interval(claim, verdict, below, above)
    spread = None if isinstance(claim, Compound) else claim.sd
    return {
        "verdict": verdict,
        "note": _note(claim, verdict, needed, alpha, support.divisor),
        "interval": interval,
        "level": share,
        "p": claim.p if complete else None,
        "p_holm": support.p if complete else None,
        "p_against": claim.p_against if complete else None,
        "p_against_holm": against.p if complete else None,
        "p_sign_flip": claim.p_sign_flip if complete and isinstance(claim, Comparison) else None,
        "seeds_needed": needed,
        "detectable": detectable(spread or 0.0, claim.n, below, sides=1),
        "parts": _parts(claim, below, above) if isinstance(claim, Compound) else [],
    }


def _interval(
    claim: Comparison | Spread, verdict: str, below: float, above: float
) -> tuple[list[float] | None, float | None]:
    """The interval that tells the same as the test at these levels of support and refutation, and its level."""
    if claim.is_equivalence:
        below = above = {"supported": below, "refuted": above / 2}.get(verdict, min(below, above / 2))
    interval = claim.bounds(below, above)
    return (list(interval), 1 - below - above) if interval else (None, None)


def _needed(claim: Claim, below: float, above: float) -> int | None:
    """Seeds in all that would settle a claim; for several parts, those that the slowest of them takes."""
    if not isinstance(claim, Compound):
        return claim.seeds_needed(below, above)
    if claim.wanted < len(claim.parts):
        return None
    found = [_needed(part, below, above) for part in claim.parts if not part.is_count and part.counted > below]
    return None if None in found else max((count for count in found if count), default=None)


def _parts(claim: Compound, below: float, above: float) -> list[dict[str, Any]]:
    """The comparisons of a claim of several parts, each at its level."""
    support, refutation = claim.share(below), claim.share(above, against=True)
    made = []
    for part in claim.parts:
        if isinstance(part, Compound):
            made += _parts(part, support, refutation)
            continue
        verdict = (
            "supported" if part.counted <= support else "refuted" if part.counted_against <= refutation
            else "inconclusive"
        )  # fmt: skip
        made.append(
            {
                "claim": written(part.tree),
                "op": part.tree["op"],
                "verdict": verdict,
                "effect": part.effect,
                "interval": _interval(part, verdict, support, refutation)[0],
                "boundary": part.boundary,
                "p": None if part.missing else part.counted,
                "p_against": None if part.missing else part.counted_against,
                "n": part.n,
            }
        )
    return made


def _count(claim: Claim) -> dict[str, Any]:
    """The verdict of a claim over counts that are the same for every seed."""
    return {
        "verdict": "supported" if claim.holds() else "refuted",
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
        "parts": _parts(claim, 0.0, 0.0) if isinstance(claim, Compound) else [],
    }


def _note(claim: Claim, verdict: str, needed: int | None, alpha: float, divisor: int) -> str:
    if claim.missing:
        return "not decided, since values are missing: " + _listed(claim.missing)
    if claim.n < 2:
        return "one seed tells nothing of how the next would differ; give the study at least two"
    words = []
    if isinstance(claim, Comparison) and claim.is_constant:
        words.append("every seed has the same difference, so a sign-flip test stands in for the t test")
    if verdict == "inconclusive" and floor(claim.n) > alpha / divisor:
        among = f" among the {divisor} that are corrected together" if divisor > 1 else ""
        words.append(
            f"{claim.n} seeds cannot decide a claim{among} at {alpha:.3g}, whatever their values; "
            f"{fewest(alpha, divisor)} can"
        )
    if verdict == "inconclusive" and needed:
        words.append(f"{needed} seeds in all would settle it with 80% power, were the differences to go on like this")
    elif verdict == "inconclusive" and isinstance(claim, Comparison):
        words.append(
            "the difference seen is at the boundary or far smaller than its spread; no number of seeds is advised"
        )
    return "; ".join(words)


def _listed(names: list[str], between: str = ", ") -> str:
    return between.join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
