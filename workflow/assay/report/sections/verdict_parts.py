"""What a claim of several parts, or over a curve, rests on: a table of its comparisons, and its curves."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.figures.numbers import missing, signed
from assay.figures.svg import Plot, Style, padded
from assay.report.html import Markup, figure, tag


def parts(verdict: dict[str, Any]) -> Markup | None:
    """A row for each comparison of a claim: what it says, what came of it, effect and interval; None without parts."""
    if not verdict.get("parts"):
        return None
    rows = [
        tag(
            "tr",
            tag("td", tag("code", part["claim"])),
            tag("td", part["verdict"], class_=f"verdict {part['verdict']}"),
            tag("td", _effect(part), class_="number"),
        )
        for part in verdict["parts"]
    ]
    head = tag("tr", *(tag("th", word, scope="col") for word in ("part", "at its level", "effect")))
    needed = (verdict.get("tree") or {}).get("at-least")
    words = f"The claim asks for {needed} of them." if needed and needed < len(rows) else None
    drawn = tag("table", tag("thead", head), tag("tbody", *rows), aria_label="Parts of the claim")
    return tag("div", drawn, tag("p", words, class_="note") if words else None, class_="parts wide")


def _effect(part: dict[str, Any]) -> str:
    if missing(part["effect"]):
        return "–"
    ends = f" [{', '.join(signed(bound, 4) for bound in part['interval'])}]" if part["interval"] else ""
    return signed(part["effect"], 4) + ends


def curves(verdict: dict[str, Any]) -> Markup | None:
    """The curves of a claim: the mean over seeds, with the seeds as dots; None without curves."""
    drawn = verdict.get("curves") or []
    if not drawn:
        return None
    x = drawn[0]["x"]
    named = any(isinstance(place, str) for place in x)
    places = [float(number) for number in range(len(x))] if named else [float(place) for place in x]
    heights = [value for curve in drawn for point in curve["y"] for value in point if not missing(value)]
    if not heights:
        return None
    words = list(zip(places, map(str, x), strict=True)) if named else None
    plot = Plot(padded(places), padded(heights), size=(336, 200), x_label=drawn[0]["key"], named_x=words)
    for number, curve in enumerate(drawn):
        style = Style(number)
        means = [np.mean([value for value in point if not missing(value)] or [np.nan]) for point in curve["y"]]
        for place, point, label in zip(places, curve["y"], x, strict=True):
            for value in point:
                if not missing(value):
                    plot.dot(place, value, style, f"{label}: {value:.4g}", class_="dot faint", r=2.4)
        kept = [(place, float(mean)) for place, mean in zip(places, means, strict=True) if np.isfinite(mean)]
        plot.line([place for place, _ in kept], [mean for _, mean in kept], style)
    told = "; ".join(
        f"{curve['name']}: " + ", ".join(
            f"{label} {np.mean([value for value in point if not missing(value)]):.4g}"
            for label, point in zip(curve["x"], curve["y"], strict=True) if any(not missing(value) for value in point)
        ) for curve in drawn
    )  # fmt: skip
    return figure(plot.draw(f"Means over seeds along {drawn[0]['key']}. {told}"), kind="curve-of-claim")
