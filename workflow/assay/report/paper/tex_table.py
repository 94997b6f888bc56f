"""A table as LaTeX, for the package booktabs."""

from __future__ import annotations

from assay.figures.numbers import MISSING
from assay.report.compare import ALPHA, POWER, Column, written
from assay.report.paper.grid import Grid
from assay.statistics.interval import BCA, Named, T

_ESCAPED = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "µ": r"\textmu{}", "\N{MINUS SIGN}": r"\textminus{}", MISSING: "--", "\n": " ",
}  # fmt: skip

_ARROWS = {"higher": r" $\uparrow$", "lower": r" $\downarrow$"}

_KINDS = {T: "Student's t", BCA: "BCa bootstrap"}


def escape(text: str) -> str:
    """A text as LaTeX sets it, whatever it holds."""
    return "".join(_ESCAPED.get(letter, letter) for letter in text)


def write_tex(grid: Grid, study: str) -> str:
    """A `table` with one row an arm and the minimum detectable difference as the last row.

    A mean is bold where its arm is better than every other one beyond doubt. Numbers are rounded as in the report.
    """
    lines = [
        "% Needs \\usepackage{booktabs}.",
        r"\begin{table}",
        r"  \centering",
        f"  \\caption{{{_caption(grid, study)}}}",
        f"  \\label{{tab:{''.join(letter if letter.isalnum() else '-' for letter in f'{study}-{grid.family}')}}}",
        f"  \\begin{{tabular}}{{l{'r' * len(grid.columns)}}}",
        r"    \toprule",
        f"    {' & '.join(['Arm', *(_head(one) for one in grid.columns)])} \\\\",
        r"    \midrule",
    ]
    for arm in grid.arms:
        cells = [
            _cell(one, grid.cells[arm, number], grid.best[number] == arm) for number, one in enumerate(grid.columns)
        ]
        lines.append(f"    {' & '.join([escape(arm), *cells])} \\\\")
    least = [_write(one, value) for one, value in zip(grid.columns, grid.detectable, strict=True)]
    lines += [
        r"    \midrule",
        f"    {' & '.join(['Detectable', *least])} \\\\",
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _caption(grid: Grid, study: str) -> str:
    kinds = " or ".join(_KINDS[kind] for kind in grid.kinds)
    sentences = [
        f"Study {study}, {grid.family}: mean over {len(grid.seeds)} seeds"
        + (f" with its 95% interval ({kinds})." if kinds else "."),
        f"Bold: better than every other arm that has values, in two-sided t tests paired by seed at {ALPHA:g} after "
        "Holm's correction over the comparisons of a column.",
        f"Detectable: the difference to {grid.arms[0]} that a paired t test over these seeds finds with "
        f"{100 * POWER:.0f}% power.",
    ]
    short = grid.short()
    return escape(" ".join([*sentences, *([f"Values are missing ({'; '.join(short)})."] if short else [])]))


def _head(one: Column) -> str:
    unit = f" ({one.scale[1]})" if one.scale[1] else ""
    keys = f" [{written(one.keys)}]" if one.keys else ""
    return escape(one.name + unit + keys) + _ARROWS.get(one.metric.better, "")


def _cell(one: Column, found: Named | None, first: bool) -> str:
    if found is None:
        return "--"
    mean = f"\\textbf{{{_write(one, found.mean)}}}" if first else _write(one, found.mean)
    if found.low is None or found.high is None:
        return mean
    if found.kind == T:
        return f"{mean} $\\pm$ {_write(one, found.high - found.mean)}"
    return f"{mean} [{_write(one, found.low)}, {_write(one, found.high)}]"


def _write(one: Column, value: float | None) -> str:
    return escape(one.write(value))
