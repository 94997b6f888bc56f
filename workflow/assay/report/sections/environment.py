"""The environment in which the jobs ran, and a warning where trials do not share it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from assay.figures.numbers import plural
from assay.report.html import Markup, join, tag
from assay.report.material import Material
from assay.report.page import Section
from assay.report.tables import Head, cell, row_head, table
from assay.run.environment import git
from assay.run.files import read_json

#: Stages whose computation leaves its mark on the numbers of a trial.
_STAGES = ("synthetic", "generator", "pretrain", "train", "adjust", "compress", "predict")


def section(material: Material) -> Section | None:
    """The differences among trials, then what the jobs ran on."""
    runs = list(material.runs.values())
    if not runs:
        return None
    commits = Counter(_commit(run) for run in runs)
    facts = {"git commit": commits, "git commit of this page": Counter([_commit({"git": git()})])}
    facts |= _counts(facts_of(run) for run in runs)
    packages = _counts({name: str(version) for name, version in (run.get("packages") or {}).items()} for run in runs)
    body = join([
        *warnings(material),
        _accepted(material),
        _listing("Environment", "Fact", facts),
        tag("details", tag("summary", plural(len(packages), "package")), _listing("Packages", "Package", packages)),
    ])  # fmt: skip
    return Section("environment", "Environment", body)


def warnings(material: Material) -> list[Markup]:
    """A box for the differences among the trials' jobs; empty when they all ran alike."""
    jobs = material.results.plan["jobs"]
    lines: dict[str, None] = {}
    for stage in _STAGES:
        seen = {
            digest: {**facts_of(run), **{name: str(version) for name, version in (run.get("packages") or {}).items()}}
            for digest, run in material.runs.items()
            if jobs[digest]["stage"] == stage
        }
        lines |= dict.fromkeys(_differences(material, seen))
    if not lines:
        return []
    words = "The trials did not all run in one environment, so differences between them may come from it:"
    items = (tag("li", line) for line in sorted(lines))
    return [tag("div", tag("p", tag("strong", words)), tag("ul", *items), class_="warn")]


def _differences(material: Material, seen: dict[str, dict[str, str]]) -> Iterator[str]:
    """A line for each value that is not the usual one among the jobs of a stage."""
    for fact, counts in _counts(seen.values()).items():
        usual, *others = [value for value, _ in counts.most_common()]
        for other in others:
            users = {
                arm for digest, facts in seen.items() if facts.get(fact) == other for arm in material.users[digest]
            }
            where = ", ".join(arm for arm in material.arms if arm in users) or "shared jobs"
            yield f"{fact}: {other} in {where}, {usual} elsewhere"


def _accepted(material: Material) -> Markup | None:
    """What was kept across a change of code that somebody declared harmless."""
    modules: Counter[str] = Counter()
    for digest in material.runs:
        folder = material.results.folder_of(digest)
        note_ = (read_json(folder / "seal.json") or {}).get("accepted") if folder else None
        modules.update(note_["changed"] if note_ else [])
    if not modules:
        return None
    lines = (tag("li", tag("code", name), f": {plural(count, 'result')}") for name, count in modules.most_common())
    words = "Results were kept although the code that made them has changed since; the change was accepted as harmless:"
    return tag("div", tag("p", tag("strong", words)), tag("ul", *lines), class_="warn")


def facts_of(run: dict[str, Any]) -> dict[str, str]:
    """What of a job's run may change its bits or its cost."""
    return {key: str(run[key]) for key in ("device", "precision", "threads", "python") if run.get(key) is not None}


def _commit(run: dict[str, Any]) -> str:
    state = run.get("git") or {}
    if not state.get("commit"):
        return "none"
    return str(state["commit"]) + (" with uncommitted changes" if state.get("dirty") else "")


def _counts(every: Any) -> dict[str, Counter[str]]:
    """Fact -> how many have each of its values."""
    found: dict[str, Counter[str]] = {}
    for facts in every:
        for fact, value in facts.items():
            found.setdefault(fact, Counter())[value] += 1
    return found


def _listing(label: str, head: str, facts: dict[str, Counter[str]]) -> Markup:
    rows = [
        [row_head(fact), cell("; ".join(value for value, _ in counts.most_common()), wrap=True)]
        for fact, counts in facts.items()
    ]
    return table([Head(head), Head("Value")], rows, label=label)
