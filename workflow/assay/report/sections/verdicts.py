"""Verdicts: what was claimed before the run, and what came of it."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from assay.claims.tree import metrics_in
from assay.figures.numbers import decimals_for, missing, plain, plural, signed
from assay.figures.svg import Plot, Style, marker, path
from assay.report.html import Markup, figure, join, note, tag
from assay.report.material import Material
from assay.report.page import Section
from assay.report.sections.verdict_parts import curves, parts
from assay.run.declared import looked, when
from assay.statistics.effect import hedges

WORDS = ("supported", "refuted", "inconclusive")

#: Tick, cross and tilde in a circle of radius 7 around (8, 8).
_SIGNS = {
    "supported": "M4.8 8.3 7.1 10.6 11.3 5.6",
    "refuted": "M5.4 5.4 10.6 10.6M10.6 5.4 5.4 10.6",
    "inconclusive": "M4.6 9.1C5.6 6.6 7 6.8 8 8S10.4 9.4 11.4 6.9",
}


def section(material: Material) -> Section | None:
    """A tally, then each claim with its evidence; None when the study makes no claims."""
    declared = material.study["claims"]
    if not declared:
        return None
    verdicts = material.results.verdicts()
    if not verdicts:
        words = [tag("li", claim["claim"], " ", tag("code", claim["expect"], class_="soft")) for claim in declared]
        body = join([note("The claims have not been judged yet."), tag("ul", *words)])
        return Section("verdicts", "Verdicts", body)
    counts = Counter(verdict["verdict"] for verdict in verdicts)
    tally = tag(
        "ul", *(tag("li", sign(word, f"{counts[word]} {word}")) for word in WORDS if counts[word]), class_="tally"
    )
    explained = note(
        "Differences are left side minus right side, paired by seed; a dot is one seed, the bar the interval of the "
        "mean, and the shaded side is where the claim holds."
    )
    fooled = looked(material.results.declared(), material.study)
    body = join(
        [
            tag("div", tag("p", fooled), class_="warn") if fooled else None,
            tally,
            explained,
            tag("ol", *(evidence(verdict, _budgets(material, verdict)) for verdict in verdicts), class_="claims"),
        ]
    )
    return Section("verdicts", "Verdicts", body)


def sign(verdict: str, words: str | None = None) -> Markup:
    """A verdict as icon and word."""
    icon = tag(
        "svg",
        tag("circle", cx=8, cy=8, r=7, fill="none", stroke="currentColor", stroke_width=1.5),
        tag("path", d=_SIGNS[verdict], class_="line", stroke_width=1.7),
        viewBox="0 0 16 16", aria_hidden="true",
    )  # fmt: skip
    return tag("span", icon, words or verdict, class_=f"verdict {verdict}")


def _budgets(material: Material, verdict: dict[str, Any]) -> str:
    """How many points each arm of a claim was tuned over; empty when none was tuned."""
    arms = dict.fromkeys(leaf["arm"] for leaf in metrics_in(verdict["tree"]))
    tried = {arm: len((material.study["arms"][arm]["search"] or {}).get("points", [])) for arm in arms}
    return ", ".join(f"{arm} {count or 'none'}" for arm, count in tried.items()) if any(tried.values()) else ""


def evidence(verdict: dict[str, Any], budgets: str = "") -> Markup:
    """One claim: verdict, sentence, expression, effect, test, and the figure of its differences.

    `budgets` tells how many points its arms were tuned over, when any was.
    """
    labels = [tag("span", "secondary", class_="tag") if verdict.get("primary") is False else None]
    declared = verdict.get("declared")
    if declared and declared["after_results"]:
        labels.append(tag("span", "declared after results", class_="tag"))
    left = tag(
        "div",
        tag("div", sign(verdict["verdict"]), " ", *labels),
        tag("h3", verdict["claim"]),
        tag("code", verdict["expect"], class_="expect"),
        tag(
            "dl",
            *(tag("div", tag("dt", name), tag("dd", value)) for name, value in _facts(verdict, budgets)),
            class_="facts",
        ),
        tag("p", verdict["note"], class_="note") if verdict.get("note") else None,
        tag("p", "Source: ", verdict["source"], class_="note") if verdict.get("source") else None,
    )
    return tag("li", left, tag("div", curves(verdict), _differences(verdict)), parts(verdict), class_="claim")


def _facts(verdict: dict[str, Any], budgets: str) -> list[tuple[str, str]]:
    effect, interval = verdict.get("effect"), verdict.get("interval")
    facts = []
    if not missing(effect):
        digits = _digits(verdict)
        facts.append(("effect", signed(effect, digits)))
        if interval:
            ends = ", ".join(signed(bound, digits) for bound in interval)
            facts.append((f"{100 * verdict['level']:.4g}% interval", f"[{ends}]"))
    if verdict.get("test"):
        facts.append(("test", verdict["test"]))
        if "paired t" in verdict["test"] and (size := hedges([one for one, _ in _paired(verdict)])) is not None:
            facts.append(("effect size (d_z, Hedges)", signed(size, 2)))
    against = verdict["verdict"] == "refuted"
    p = verdict.get("p_against_holm" if against else "p_holm")
    if p is not None:
        facts.append(("p against (Holm)" if against else "p (Holm)", "< 0.0001" if p < 1e-4 else plain(p, 4)))
    if declared := verdict.get("declared"):
        facts.append(("declared", when(declared["time"])))
    facts.append(("seeds", str(verdict.get("n", 0))))
    if verdict.get("seeds_needed") is not None:
        facts.append(("seeds needed", f"{verdict['seeds_needed']:,}"))
    if verdict["verdict"] == "inconclusive" and not missing(verdict.get("detectable")):
        facts.append(("detectable", plain(verdict["detectable"], _digits(verdict))))
    if budgets:
        facts.append(("points tuned over", budgets))
    return facts


def _digits(verdict: dict[str, Any]) -> int:
    bounds = verdict.get("interval") or [verdict["effect"]]
    width = max((abs(bound - verdict["effect"]) for bound in bounds if not missing(bound)), default=0.0)
    if width > 0:
        return max(0, min(6, 1 - math.floor(math.log10(width))))
    return decimals_for([verdict["effect"]])


def _paired(verdict: dict[str, Any]) -> list[tuple[float, int]]:
    """Left minus right of each seed that has both, with the seed."""
    pairs = zip(verdict.get("left") or [], verdict.get("right") or [], verdict.get("seeds") or [], strict=False)
    return [(left - right, seed) for left, right, seed in pairs if not (missing(left) or missing(right))]


def _differences(verdict: dict[str, Any]) -> Markup | None:
    """The paired differences on a line, with the claimed side shaded."""
    points = _paired(verdict)
    if not points:
        return None
    side = claimed(verdict)
    bounds = [bound for bound in side or () if math.isfinite(bound)]
    interval = verdict.get("interval") or []
    shown = [value for value, _ in points] + [bound for bound in interval if not missing(bound)] + [0.0]
    shown += bounds
    air = (max(shown) - min(shown)) * 0.08 or 0.01
    plot = Plot((min(shown) - air, max(shown) + air), (0.0, 1.0), size=(336, 96), margin=(8, 6, 8, 22), named_y=[])
    if side:
        left, right = plot.x(max(side[0], plot.x.low)), plot.x(min(side[1], plot.x.high))
        plot.add(
            tag(
                "rect",
                x=round(left, 1),
                y=plot.y.end,
                width=round(max(right - left, 0), 1),
                height=plot.y.start - plot.y.end,
            ),
            class_="claimed",
        )
    plot.rule(x=0.0, class_="zero")
    for bound in bounds:
        if bound != 0:
            plot.rule(x=bound)
    for at, (value, seed) in enumerate(points):
        height = 0.3 + 0.5 * (at + 0.5) / len(points) - 0.25
        plot.dot(value, height, Style(0), f"seed {seed}: {value:+.4g}", class_="dot faint", r=3.4)
    if len(interval) == 2 and not any(missing(bound) for bound in interval):
        ends = [(plot.x(bound), plot.y(0.78)) for bound in interval]
        caps = [path([(x, y - 5), (x, y + 5)]) for x, y in ends]
        plot.add(tag("path", d=path(ends) + "".join(caps), class_="line", stroke_width=2), class_="ink c6")
    if not missing(verdict.get("effect")):
        drawn = marker("diamond", plot.x(verdict["effect"]), plot.y(0.78), 4.6)
        plot.add(tag("path", d=drawn, class_="mean"), class_="c6")
    words = f"Paired differences of {plural(len(points), 'seed')}: " + ", ".join(f"{value:+.3g}" for value, _ in points)
    return figure(plot.draw(words), kind="differences")


def claimed(verdict: dict[str, Any]) -> tuple[float, float] | None:
    """The range of differences, left minus right, in which the claim holds."""
    operator, boundary = (verdict.get("tree") or {}).get("op", ""), verdict.get("boundary") or 0.0
    if operator == "~":
        return -boundary, boundary
    if operator[:1] in (">", "<"):
        return (boundary, math.inf) if operator.startswith(">") else (-math.inf, boundary)
    return None
