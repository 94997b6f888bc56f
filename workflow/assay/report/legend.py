"""The signs that stand for arms: chips in tables, and legends whose entries hide and show an arm."""

from __future__ import annotations

from collections.abc import Sequence

from assay.figures.svg import Style, marker
from assay.report.html import Markup, tag
from assay.report.material import Material


def chip(style: Style) -> Markup:
    """The marker of a series, as large as a letter; hidden from screen readers, since its name stands beside it."""
    drawn = tag("path", d=marker(style.marker, 6, 6, 4.4), fill="currentColor")
    return tag("svg", drawn, viewBox="0 0 12 12", class_=f"chip {style.colour}", aria_hidden="true")


def swatch(style: Style) -> Markup:
    """A short piece of a series' line."""
    drawn = tag("path", d="M0 5H22", class_="line", stroke_width=2.4, stroke_dasharray=style.dash or None)
    return tag("svg", drawn, viewBox="0 0 22 10", class_=f"swatch {style.colour}", aria_hidden="true")


def named(material: Material, arm: str) -> Markup:
    """An arm's chip and name."""
    return tag("span", chip(material.style(arm)), arm)


def arms_legend(material: Material, arms: Sequence[str]) -> Markup:
    """Buttons that hide and show an arm in the figures of the section they stand in."""
    buttons = (
        tag(
            "button", chip(material.style(arm)), arm,
            type="button", data_arm=material.number(arm), aria_pressed="true", title=f"Hide or show {arm}",
        )
        for arm in arms
    )  # fmt: skip
    return tag("div", *buttons, class_="legend", role="group", aria_label="Arms: press to hide or show")


def series_legend(series: Sequence[tuple[str, Style]]) -> Markup:
    """What the lines of a figure stand for, when they are not arms."""
    return tag("div", *(tag("span", swatch(style), name) for name, style in series), class_="legend")
