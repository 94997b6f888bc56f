"""A drawing as an SVG file of its own, with title and legend, for viewers that know nothing of the page."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from assay.figures.markup import Markup, join, tag
from assay.figures.svg import Drawing, Style, coordinate, text

#: Screen pixels for each unit of the drawing.
SCALE = 2
#: Units: air around, height of the title and of a legend's row, and width of a letter and of what stands before it.
AIR, TITLE, ROW, LETTER, SWATCH = 8.0, 18.0, 15.0, 6.2, 28.0
#: Characters that XML does not allow, however they are written.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@cache
def stylesheet() -> str:
    """`drawing.css`: the colours of both themes, and the looks of marks."""
    return Path(__file__).with_name("drawing.css").read_text(encoding="utf-8")


@cache
def _light() -> str:
    """The looks of marks in the light theme, its colours written out: not every viewer knows variables."""
    sheet = re.sub(r"/\*.*?\*/", "", stylesheet(), flags=re.DOTALL)
    colours = dict(re.findall(r"(--[\w-]+): ([^;]+);", sheet[: sheet.index("@media")]))
    marks = sheet[sheet.index("svg text") :]
    return re.sub(r"var\((--[\w-]+)\)", lambda found: colours[found[1]], marks)


def alone(drawing: Drawing, title: str) -> str:
    """The text of an SVG file: title, legend and plot, dark on white."""
    plot = drawing.plot
    width = plot.width + 2 * AIR
    rows = _legend(drawing, plot.width)
    top = AIR + TITLE + ROW * (1 + max((row for row, _ in rows), default=-1))
    height = top + plot.height + AIR
    whole = tag(
        "svg",
        tag("title", title),
        tag("desc", drawing.label),
        tag("style", Markup(_light())),
        tag("rect", width="100%", height="100%", fill="#fff"),
        text(AIR, AIR + 10, title, class_="strong"),
        join(drawn for _, drawn in rows),
        tag("g", plot.frame(), join(plot.marks), transform=f"translate({AIR:g} {coordinate(top)})"),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {coordinate(width)} {coordinate(height)}",
        width=coordinate(SCALE * width),
        height=coordinate(SCALE * height),
    )
    return _FORBIDDEN.sub("\ufffd", str(whole))


def _legend(drawing: Drawing, room: float) -> list[tuple[int, Markup]]:
    """The entries of the legend, each with the row that it stands in."""
    entries: list[tuple[int, Markup]] = []
    row, left = 0, 0.0
    for name, style in drawing.legend if len(drawing.legend) > 1 else ():
        wide = SWATCH + LETTER * len(name) + 12
        if left and left + wide > room:
            row, left = row + 1, 0.0
        x, y = AIR + left, AIR + TITLE + ROW * row
        entries.append((row, _entry(x, y, name, style)))
        left += wide
    return entries


def _entry(x: float, y: float, name: str, style: Style) -> Markup:
    dashes = style.dash or None
    line = tag(
        "path", d=f"M{coordinate(x)} {coordinate(y + 5)}h22", class_="line", stroke_width=2.4, stroke_dasharray=dashes
    )
    return join([tag("g", line, class_=style.colour), text(x + SWATCH, y + 8.6, name)])
