"""A small SVG plotter whose drawings take the page's own fonts and colours, so one drawing serves light and dark.

Marks are drawn with `currentColor` inside groups of class `c0` ... `c7`, `ink` or `soft`, which `drawing.css` colours
by theme. A `Plot` is about 300 units wide, three to a row of the page or one to a row of a phone, so that text
keeps its size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assay.figures.markup import Markup, join, tag
from assay.figures.numbers import short

COLOURS = 8
MARKERS = ("circle", "square", "diamond", "up", "down", "cross", "hexagon", "star")
DASHES = ("", "6 3", "2 2", "8 3 2 3")

Numbers = Sequence[float] | np.ndarray


@dataclass(frozen=True)
class Style:
    """How one series looks. Colour, marker and dash all differ, so that colour never stands alone."""

    number: int

    @property
    def colour(self) -> str:
        """The class that colours it."""
        return f"c{self.number % COLOURS}"

    @property
    def marker(self) -> str:
        """The shape of its points."""
        return MARKERS[self.number % len(MARKERS)]

    @property
    def dash(self) -> str:
        """The dashes of its lines; series 0 to 7 differ in colour and share none with 8 to 15."""
        return DASHES[(self.number // COLOURS + (self.number % COLOURS >= 4)) % len(DASHES)]


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """About `count` round values (steps of 1, 2 or 5 times a power of ten) within [low, high]."""
    span = high - low
    if span <= 0:
        return [low]
    rough = span / max(count, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    digits = max(0, -math.floor(math.log10(step)) + 1)
    return [round(index * step, digits) for index in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten within [low, high], with 2 and 5 between where the range is short."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    factors = (1, 2, 5) if math.log10(high / low) < 1.7 else (1,)
    values = [factor * 10.0**power for power in range(first, last + 1) for factor in factors]
    inside = [value for value in values if low * 0.999 <= value <= high * 1.001]
    stride = math.ceil(len(inside) / 6)
    return inside[::stride] if stride > 1 else inside


def padded(values: Numbers, share: float = 0.06) -> tuple[float, float]:
    """The range of the finite values with some air; (0, 1) when there are none."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    air = (high - low) * share or abs(low) * share or 0.5
    return low - air, high + air


@dataclass(frozen=True)
class Axis:
    """From data to drawing units along one direction."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """The position of a value; what lies outside the range is put on its edge."""
        low, high = self.low, self.high
        if self.log:
            value, low, high = (math.log10(max(number, 1e-300)) for number in (value, low, high))
        share = (value - low) / ((high - low) or 1.0)
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)

    def ticks(self, count: int) -> list[float]:
        """Round values along it."""
        return log_ticks(self.low, self.high) if self.log else ticks(self.low, self.high, count)


def coordinate(value: float) -> str:
    """A coordinate with one decimal, as short as it can be written."""
    return f"{value:.1f}".removesuffix(".0").replace("-0.", "-.") if value else "0"


def path(points: Sequence[tuple[float, float]], close: bool = False) -> str:
    """The `d` of a line through the points."""
    if not points:
        return ""
    steps = [f"{coordinate(x)} {coordinate(y)}" for x, y in points]
    return "M" + "L".join(steps) + ("Z" if close else "")


def marker(shape: str, x: float, y: float, r: float = 3.2) -> str:
    """The `d` of a marker of radius r centred on (x, y)."""
    if shape == "circle":
        return f"M{coordinate(x - r)} {coordinate(y)}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0Z"
    if shape == "cross":
        t = r * 0.38
        corners = [
            (-t, -r),
            (t, -r),
            (t, -t),
            (r, -t),
            (r, t),
            (t, t),
            (t, r),
            (-t, r),
            (-t, t),
            (-r, t),
            (-r, -t),
            (-t, -t),
        ]
        return path([(x + dx, y + dy) for dx, dy in corners], close=True)
    sides, turn, size = {
        "square": (4, 45, 1.2),
        "diamond": (4, 0, 1.3),
        "up": (3, -90, 1.3),
        "down": (3, 90, 1.3),
        "hexagon": (6, 0, 1.15),
        "star": (10, -90, 1.5),
    }[shape]
    corners = []
    for index in range(sides):
        radius = r * size * (0.5 if shape == "star" and index % 2 else 1.0)
        angle = math.radians(turn + 360 * index / sides)
        corners.append((x + radius * math.cos(angle), y + radius * math.sin(angle)))
    return path(corners, close=True)


def svg(
    width: float, height: float, *children: object, label: str, class_: str = "plot", **attributes: object
) -> Markup:
    """An `svg` element that scales with its column and says to a screen reader what it shows."""
    return tag(
        "svg", *children, viewBox=f"0 0 {coordinate(width)} {coordinate(height)}", width=coordinate(width),
        height=coordinate(height), role="img", aria_label=label, class_=class_, **attributes,
    )  # fmt: skip


def text(x: float, y: float, words: str, anchor: str = "start", class_: str | None = None, turn: float = 0) -> Markup:
    """Words at a place; `anchor` is start, middle or end."""
    return tag(
        "text", words, x=coordinate(x), y=coordinate(y), class_=class_,
        text_anchor=None if anchor == "start" else anchor,
        transform=f"rotate({turn:g} {coordinate(x)} {coordinate(y)})" if turn else None,
    )  # fmt: skip


class Plot:
    """Axes with marks on them. Marks keep the order in which they are added.

    `x` and `y` are (low, high) in data units; `named_x` and `named_y` replace numeric ticks by (value, word) pairs.
    """

    def __init__(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        *,
        size: tuple[float, float] = (300, 205),
        x_label: str = "",
        y_label: str = "",
        x_log: bool = False,
        named_x: Sequence[tuple[float, str]] | None = None,
        named_y: Sequence[tuple[float, str]] | None = None,
        grid: bool = True,
        margin: tuple[float, float, float, float] | None = None,
    ):
        self.width, self.height = size
        left, top, right, bottom = margin or (46 if y_label else 36, 8, 8, 36 if x_label else 20)
        self.x = Axis(*x, left, self.width - right, x_log)
        self.y = Axis(*y, self.height - bottom, top)
        self.x_label, self.y_label, self.grid = x_label, y_label, grid
        self.named_x, self.named_y = named_x, named_y
        self.marks: list[Markup] = []

    def add(self, *children: object, class_: str = "", arm: int | None = None) -> None:
        """Put markup on the plot; `arm` is the number by which the legend can hide it."""
        self.marks.append(tag("g", *children, class_=class_ or None, data_arm=arm))

    def points(self, xs: Numbers, ys: Numbers) -> list[tuple[float, float]]:
        """Drawing coordinates of the finite points."""
        pairs = zip(xs, ys, strict=True)
        return [(self.x(x), self.y(y)) for x, y in pairs if math.isfinite(x) and math.isfinite(y)]

    def line(self, xs: Numbers, ys: Numbers, style: Style, arm: int | None = None, width: float = 1.7) -> None:
        """A line through the points."""
        drawn = tag(
            "path", d=path(self.points(xs, ys)), class_="line", stroke_width=width, stroke_dasharray=style.dash or None
        )
        self.add(drawn, class_=style.colour, arm=arm)

    def band(self, xs: Numbers, low: Numbers, high: Numbers, style: Style, arm: int | None = None) -> None:
        """The area between two lines."""
        around = self.points(xs, low) + self.points(xs, high)[::-1]
        self.add(tag("path", d=path(around, close=True), class_="band"), class_=style.colour, arm=arm)

    def steps(self, edges: Numbers, heights: Numbers, style: Style, *, filled: bool) -> None:
        """A histogram's outline, down to the axis at both ends; `edges` has one entry more than `heights`."""
        corners = [(self.x(edges[0]), self.y(0.0))]
        for left, right, height in zip(edges, edges[1:], heights, strict=False):
            corners += [(self.x(left), self.y(height)), (self.x(right), self.y(height))]
        corners.append((self.x(edges[-1]), self.y(0.0)))
        self.add(tag("path", d=path(corners), class_="area" if filled else "step"), class_=style.colour)

    def dot(
        self,
        x: float,
        y: float,
        style: Style,
        title: str = "",
        arm: int | None = None,
        r: float = 3.2,
        class_: str = "dot",
    ) -> None:
        """One point; `title` shows when the pointer rests on it."""
        if not (math.isfinite(x) and math.isfinite(y)):
            return
        drawn = tag(
            "path",
            tag("title", title) if title else None,
            d=marker(style.marker, self.x(x), self.y(y), r),
            class_=class_,
        )
        self.add(drawn, class_=style.colour, arm=arm)

    def bar_between(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        style: Style,
        arm: int | None = None,
        width: float = 1.6,
    ) -> None:
        """A straight stroke, for intervals."""
        drawn = path([(self.x(start[0]), self.y(start[1])), (self.x(end[0]), self.y(end[1]))])
        self.add(tag("path", d=drawn, class_="line", stroke_width=width), class_=style.colour, arm=arm)

    def rule(self, *, x: float | None = None, y: float | None = None, class_: str = "rule") -> None:
        """A dashed line across the plot at one value."""
        if x is not None:
            ends = [(self.x(x), self.y.start), (self.x(x), self.y.end)]
        else:
            ends = [(self.x.start, self.y(y or 0.0)), (self.x.end, self.y(y or 0.0))]
        self.add(tag("path", d=path(ends), class_=class_))

    def diagonal(self) -> None:
        """The dashed line on which y equals x."""
        ends = [(self.x(value), self.y(value)) for value in (self.x.low, self.x.high)]
        self.add(tag("path", d=path(ends), class_="rule"))

    def words(
        self,
        x: float,
        y: float,
        words: str,
        *,
        dx: float = 0,
        dy: float = 0,
        anchor: str = "start",
        class_: str | None = None,
        arm: int | None = None,
    ) -> None:
        """Text at a point of the data."""
        self.add(text(self.x(x) + dx, self.y(y) + dy, words, anchor, class_), arm=arm)

    def frame(self) -> Markup:
        """Grid, ticks and labels."""
        parts: list[Markup] = []
        bottom, left = self.y.start, self.x.start
        named = self.named_x if self.named_x is not None else [(value, short(value)) for value in self.x.ticks(5)]
        for value, words in named:
            x = self.x(value)
            parts.append(tag("path", d=path([(x, bottom), (x, bottom + 3)]), class_="tick"))
            parts.append(text(x, bottom + 14, words, "middle"))
        named = self.named_y if self.named_y is not None else [(value, short(value)) for value in self.y.ticks(4)]
        for value, words in named:
            y = self.y(value)
            if self.grid:
                parts.append(tag("path", d=path([(left, y), (self.x.end, y)]), class_="grid"))
            parts.append(text(left - 6, y + 3.6, words, "end"))
        parts.append(tag("path", d=path([(left, bottom), (self.x.end, bottom)]), class_="axis"))
        if self.x_label:
            parts.append(text((left + self.x.end) / 2, self.height - 5, self.x_label, "middle", "label"))
        if self.y_label:
            middle = (self.y.start + self.y.end) / 2
            parts.append(text(10, middle, self.y_label, "middle", "label", turn=-90))
        return tag("g", *parts, class_="frame")

    def draw(self, label: str) -> Markup:
        """The finished drawing; `label` says in words what it shows."""
        return svg(self.width, self.height, self.frame(), join(self.marks), label=label)


@dataclass(frozen=True)
class Drawing:
    """A plot with the words that belong to it.

    Attributes:
        label: what it shows, in a sentence.
        legend: the names of its series.
    """

    plot: Plot
    label: str
    legend: Sequence[tuple[str, Style]] = ()

    def draw(self) -> Markup:
        """The plot alone; its legend stands where the page puts it."""
        return self.plot.draw(self.label)
