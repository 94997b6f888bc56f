"""Tables that compare arms: mean and interval over seeds, every seed as a dot, and the detectable difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from assay.claims.power import detectable
from assay.figures.numbers import MISSING, decimals_for, plain, scale_of
from assay.figures.svg import Axis, Style, coordinate, padded
from assay.report.html import Markup, join, note, tag
from assay.report.legend import named
from assay.report.material import Material, Measured
from assay.report.tables import Head, cell, row_head, table
from assay.statistics.interval import BCA, Named, interval
from assay.study.registry import Metric

#: Level of the test and chance of finding a difference, for the detectable difference under each table.
ALPHA, POWER = 0.05, 0.8

_ARROWS = {"higher": ("↑", "higher is better"), "lower": ("↓", "lower is better")}


@dataclass(frozen=True)
class Column:
    """One metric under given keys, over all arms: `values` is arm -> seed -> value, finite ones alone."""

    name: str
    keys: dict[str, str]
    metric: Metric
    values: dict[str, dict[int, float]]

    @cached_property
    def found(self) -> list[float]:
        """All its values."""
        return [value for seeds in self.values.values() for value in seeds.values()]

    @cached_property
    def scale(self) -> tuple[float, str]:
        """What its numbers are divided by, and the unit they are then in."""
        unit = "" if self.metric.unit in self.name else self.metric.unit
        return scale_of(unit, self.found)

    @cached_property
    def decimals(self) -> int:
        """How many decimals its numbers have."""
        return decimals_for([value / self.scale[0] for value in self.found], self.metric.low, self.metric.high)

    def write(self, value: float | None) -> str:
        """A value of this column, without the unit."""
        return plain(None if value is None else value / self.scale[0], self.decimals)


def columns(material: Material, family: str) -> list[Column]:
    """The headline columns of a family, in the order of its card.

    A setting is a headline when each key has the value that a claim means when it leaves the key out; a key without
    such a value must be `rarest`.
    """
    card = material.registry.get("evaluation", family)
    names = list(card.metrics) if card else [name for one, name in material.metrics if one == family]
    made = []
    for name in names:
        about = material.metric(family, name)
        rows = material.metrics.get((family, name), [])
        made.append(_column([row for row in rows if _is_headline(row.keys, about)], name, about))
    return [column for column in made if column is not None]


def column(material: Material, family: str, name: str, keys: dict[str, str]) -> Column | None:
    """One metric under given keys; those left out take the value that a claim would mean. None when nobody has it."""
    about = material.metric(family, name)
    wanted = {**about.defaults, **keys}
    return _column([row for row in material.metrics.get((family, name), []) if row.keys == wanted], name, about)


def _is_headline(keys: dict[str, str], about: Metric) -> bool:
    return all(value == about.defaults.get(key, "rarest") for key, value in keys.items())


def _column(rows: list[Measured], name: str, about: Metric) -> Column | None:
    values: dict[str, dict[int, float]] = {}
    for row in rows:
        if row.value is not None:
            values.setdefault(row.arm, {})[row.seed] = row.value
    if not values:
        return None
    # The split is said only where it is not the one that everything is judged on.
    default = ("split", about.defaults.get("split"))
    return Column(name, {key: value for key, value in rows[0].keys.items() if (key, value) != default}, about, values)


def written(keys: dict[str, str]) -> str:
    """Keys as a claim writes them, without the brackets."""
    return ", ".join(f"{key}={value}" for key, value in keys.items())


def comparison(material: Material, shown: Sequence[Column], label: str, *, explained: bool = False) -> Markup:
    """Arms by columns, sortable, with the minimum detectable difference under each; `explained` says what that is."""
    arms = [arm for arm in material.arms if any(arm in one.values for one in shown)]
    heads = [Head("Arm"), *(Head(head(one)) for one in shown)]
    ranges = [padded([value for seeds in one.values.values() for value in seeds.values()]) for one in shown]
    rows = [
        [
            row_head(named(material, arm), arm),
            *(_cell(one, arm, span, material.style(arm)) for one, span in zip(shown, ranges, strict=True)),
        ]
        for arm in arms
    ]
    reference = arms[0] if arms else ""
    found = [least(one, reference) for one in shown]
    foot = [
        row_head("detectable"),
        *(cell(one.write(value) if value is not None else MISSING) for one, value in zip(shown, found, strict=True)),
    ]
    drawn = table(heads, rows, label=label, foot=foot, pinned=True)
    if not explained or all(value is None for value in found):
        return drawn
    words = (
        f"Detectable: the smallest difference to {reference} that a paired t test over these seeds would find with "
        f"{100 * POWER:.0f}% power at α = {ALPHA:g}, from the spread of the differences seen here."
    )
    return join([drawn, note(words)])


def head(one: Column) -> Markup:
    """The head of a column: metric, unit, which direction is better, keys."""
    arrow, words = _ARROWS.get(one.metric.better, ("", ""))
    unit = f" ({one.scale[1]})" if one.scale[1] else ""
    return tag(
        "span", one.name, unit,
        ["\u00a0", tag("span", arrow, title=words, role="img", aria_label=words)] if arrow else None,
        tag("br") if one.keys else None, ", ".join(_worded(*item) for item in one.keys.items()) or None,
        title="; ".join(filter(None, [one.metric.summary, written(one.keys)])) or None,
    )  # fmt: skip


def _worded(key: str, value: str) -> str:
    """A key as short as it can be understood: a number needs to be told of what, a name does not."""
    return f"{key}={value}" if value.replace(".", "").isdigit() else value


def _cell(one: Column, arm: str, span: tuple[float, float], style: Style) -> Markup:
    seeds = one.values.get(arm, {})
    found = interval(list(seeds.values()))
    if found is None:
        return cell(MISSING, "")
    spread = tag("span", f" {ends}", class_="spread") if (ends := _ends(one, found)) else None
    return cell([one.write(found.mean), spread, strip(one, seeds, span, style)], f"{found.mean:.6g}")


def _ends(one: Column, found: Named) -> str:
    """`± half` of an interval whose halves are equal, else both ends; empty without one."""
    if found.low is None or found.high is None:
        return ""
    if found.kind == BCA:
        return f"[{one.write(found.low)}, {one.write(found.high)}]"
    return f"± {one.write(found.high - found.mean)}"


def strip(one: Column, seeds: dict[int, float], span: tuple[float, float], style: Style) -> Markup | None:
    """All seeds of a cell as dots on the column's common range, with the interval as a bar and the mean as a stroke."""
    if len({value for values in one.values.values() for value in values.values()}) < 2:
        return None
    axis = Axis(*span, 2, 98)
    found = interval(list(seeds.values()))
    told = ", ".join(f"seed {seed}: {one.write(value)}" for seed, value in seeds.items())
    dots = "".join(f"M{coordinate(axis(value))} 6h0" for value in seeds.values())
    parts = [tag("path", d="M2 15H98", class_="grid")]
    if found and found.low is not None and found.high is not None:
        parts.append(
            tag(
                "path",
                d=f"M{coordinate(axis(found.low))} 12H{coordinate(axis(found.high))}",
                class_="line",
                stroke_width=2.4,
            )
        )
    if found:
        parts.append(tag("path", d=f"M{coordinate(axis(found.mean))} 9.5V14.5", class_="line", stroke_width=2))
    parts.append(tag("path", d=dots, class_="line", stroke_width=4, opacity=0.55))
    return tag(
        "svg",
        tag("title", told),
        *parts,
        viewBox="0 0 100 18",
        class_=f"strip {style.colour}",
        role="img",
        aria_label=told,
        data_figure="strip",
    )


def least(one: Column, reference: str) -> float | None:
    """The minimum detectable paired difference of a column; None when there is nothing to compare or no spread.

    The standard deviation is pooled over the differences of each other arm to `reference`, on the seeds that both have.
    """
    base = one.values.get(reference, {})
    squares, freedom, count = 0.0, 0, 0
    for arm, seeds in one.values.items():
        both = sorted(base.keys() & seeds.keys())
        if arm == reference or len(both) < 2:
            continue
        differences = np.array([seeds[seed] - base[seed] for seed in both])
        squares += float(((differences - differences.mean()) ** 2).sum())
        freedom += len(both) - 1
        count = max(count, len(both))
    if not freedom:
        return None
    return detectable((squares / freedom) ** 0.5, count, alpha=ALPHA, power=POWER)


def options_of(material: Material, family: str, name: str, key: str) -> list[str]:
    """The values that a key of a metric takes.

    What comes along by itself stands first, since the others are compared with it.
    """
    card = material.registry.get("evaluation", family)
    always = card.always if card else []
    found = dict.fromkeys(row.keys[key] for row in material.metrics.get((family, name), []) if key in row.keys)
    return sorted(found, key=lambda one: one not in always)


def keyed_table(material: Material, family: str, name: str, key: str, **fixed: str) -> Markup | None:
    """Arms by the values of one key of a metric, the other keys as `fixed` says or as a claim would mean them."""
    options = options_of(material, family, name, key)
    made = [column(material, family, name, {**fixed, key: option}) for option in options]
    shown = [
        Column(one.name, {key: option}, one.metric, one.values)
        for one, option in zip(made, options, strict=True)
        if one is not None
    ]
    return comparison(material, shown, f"{name} by {key}") if shown else None
