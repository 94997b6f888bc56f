"""What an arm is made from, and how it differs: distilled models beside teachers, compressed ones beside the whole."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from assay.claims.interval import mean_interval
from assay.figures.numbers import MISSING
from assay.report.compare import Column, column, columns, head, options_of
from assay.report.html import Markup, join, note, tag
from assay.report.legend import named
from assay.report.material import Material
from assay.report.page import Section
from assay.report.tables import Head, cell, row_head, table

#: Costs that depend on the model alone; how long training took is no property of it.
_COSTS = ("parameters", "nonzero-parameters", "flops", "nonzero-flops", "bytes", "disk-bytes", "latency")


def section(material: Material) -> Section | None:
    """For each parent a table: its own values, and below them what each child has and how far that is away."""
    shown = list(_shown(material))
    found = [(word, parent, children) for word, parent, children in families(material) if _measured(parent, shown)]
    parts: list[Markup] = []
    for word, parent, children in found:
        measured = [child for child in children if _measured(child, shown)]
        if measured:
            title = f"{word} {material.study['arms'][parent]['model']['method']}, "
            parts += [tag("h3", title, named(material, parent)), _table(material, word, parent, measured, shown)]
    if not parts:
        return None
    words = (
        "Each distilled model beside the arm that taught it, and each compressed one beside the same training without "
        "compression, on everything that the study measures. Below a value stands its difference to the parent, the "
        "mean over seeds of the same number with its 95% interval; for costs, by what the parent's is multiplied. A "
        "difference whose interval leaves out 0 is in bold, with ▲ where the child is better and ▼ where it is worse."
    )
    return Section("parents", "What distillation and compression cost", join([note(words), *parts]), short="Parents")


def families(material: Material) -> Iterator[tuple[str, str, list[str]]]:
    """`Teacher` or `Dense`, a parent arm, and the arms that come from it, in the order of the config."""
    arms = material.study["arms"]
    taught: dict[str, list[str]] = {}
    for name in material.arms:
        teacher = (arms[name]["distill"] or {}).get("teacher")
        if teacher and not teacher.get("untrained"):
            taught.setdefault(teacher["arm"], []).append(name)
    trained: dict[str, list[str]] = {}
    for name in material.arms:
        record = material.results.plan["records"].get(f"{name}/seed-{material.seeds[0]}/train")
        if record:
            trained.setdefault(record["jobs"][0], []).append(name)
    made: dict[str, list[str]] = {}
    for group in trained.values():
        whole = next((name for name in group if not arms[name]["compress"]), None)
        if whole and (small := [name for name in group if arms[name]["compress"]]):
            made[whole] = small
    for parent in material.arms:
        for word, children in (("Teacher", taught), ("Uncompressed", made)):
            if parent in children:
                yield word, parent, children[parent]


def _shown(material: Material) -> Iterator[Column]:
    """The headline columns of every family; where outlier sets are many, one for each."""
    for family in material.study["evaluate"]:
        for one in columns(material, family):
            if family == "ood" and one.name != "auroc":
                continue
            if family == "ood" or (family == "cost" and one.name not in _COSTS):
                continue
            yield one
        if family == "ood":
            for each in options_of(material, "ood", "auroc", "set"):
                against = column(material, "ood", "auroc", {"set": each})
                if against is not None:
                    yield Column("auroc", {"set": each}, against.metric, against.values)


def _measured(arm: str, shown: list[Column]) -> bool:
    return any(arm in one.values for one in shown)


def _table(material: Material, word: str, parent: str, children: list[str], shown: list[Column]) -> Markup:
    kept = [one for one in shown if parent in one.values]
    rows = [[row_head([named(material, parent), tag("span", " (parent)", class_="soft")], parent)]]
    rows[0] += [_value(one, parent) for one in kept]
    for child in children:
        rows.append([row_head(named(material, child), child), *(_beside(one, parent, child) for one in kept)])
    heads = [Head("Arm"), *(Head(head(one)) for one in kept)]
    return table(heads, rows, label=f"{word} {parent} and what comes from it", pinned=True, tall=len(rows) > 14)


def _value(one: Column, arm: str) -> Markup:
    values = list(one.values.get(arm, {}).values())
    return cell(one.write(float(np.mean(values))), f"{np.mean(values):.6g}") if values else cell(MISSING, "")


def _beside(one: Column, parent: str, child: str) -> Markup:
    own = one.values.get(child, {})
    if not own:
        return cell(MISSING, "")
    mean = float(np.mean(list(own.values())))
    return cell([one.write(mean), tag("br"), difference(one, parent, child)], f"{mean:.6g}")


def difference(one: Column, parent: str, child: str) -> Markup | None:
    """How far a child is from its parent by the seeds that both have: a difference, or a factor where it is a cost."""
    before, after = one.values[parent], one.values[child]
    both = sorted(before.keys() & after.keys())
    if not both:
        return None
    if one.name in _COSTS:
        base = float(np.mean([before[seed] for seed in both]))
        factor = float(np.mean([after[seed] for seed in both])) / base if base else float("nan")
        return tag("span", f"× {factor:.3g}", class_="spread")
    interval = mean_interval([after[seed] - before[seed] for seed in both])
    assert interval is not None
    text = f"{'+' if interval.mean >= 0 else '−'}{one.write(abs(interval.mean))}"
    if interval.low is None or interval.high is None:
        return tag("span", text, class_="spread")
    text += f" ± {one.write(interval.high - interval.mean)}"
    if interval.low <= 0 <= interval.high or one.metric.better not in ("higher", "lower"):
        return tag("span", text, class_="spread")
    better = (interval.mean > 0) == (one.metric.better == "higher")
    mark = tag("span", "▲" if better else "▼", role="img", aria_label="better" if better else "worse")
    return tag("strong", text, " ", mark, class_=f"spread {'supported' if better else 'refuted'}")
