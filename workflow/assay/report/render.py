"""`report.html`: one page that holds a study's evidence and needs nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from assay.figures.numbers import duration, plural
from assay.report.html import Markup, tag
from assay.report.material import Material
from assay.report.page import Section, assemble
from assay.report.paper import files
from assay.report.sections import (
    across,
    adversarial,
    arms,
    chance,
    config,
    conformal,
    confusion,
    corruption,
    costs,
    curves,
    dag,
    datasets,
    environment,
    failures,
    groups,
    ood,
    parents,
    recall,
    references,
    reliability,
    samples,
    selective,
    tradeoff,
    tuning,
    verdicts,
)
from assay.run.files import write_text
from assay.run.results import Results
from assay.study.registry import scan

#: The page from top to bottom.
SECTIONS: tuple[Callable[[Material], Section | None], ...] = (
    verdicts.section,
    arms.section,
    across.section,
    chance.section,
    tuning.section,
    curves.section,
    recall.section,
    confusion.section,
    reliability.section,
    ood.section,
    conformal.section,
    selective.section,
    corruption.section,
    adversarial.section,
    groups.section,
    parents.section,
    tradeoff.section,
    samples.section,
    failures.section,
    datasets.section,
    dag.section,
    environment.section,
    costs.section,
    references.section,
    config.section,
)


def write(folder: Path) -> None:
    """Write `report.html` into a study's folder, after the tables and the methods paragraph that it links to.

    Raises:
        FileNotFoundError: the folder holds no study.
    """
    material = _material(folder)
    files.write(material)
    write_text(folder / "report.html", _page(material))


def render(folder: Path) -> str:
    """The report of the study whose results stand in `folder`, such as `results/digits`.

    The same results give the same text at the same commit: it holds no time but those of the jobs.

    Raises:
        FileNotFoundError: the folder holds no study.
    """
    return _page(_material(folder))


def _material(folder: Path) -> Material:
    results = Results(folder)
    return Material(results, scan([Path(file) for file in results.study.get("plugins", [])]))


def _page(material: Material) -> str:
    sections = [made for section in SECTIONS if (made := section(material)) is not None]
    return assemble(f"{material.study['study']} · Assay", _header(material), sections, _footer(material))


def _header(material: Material) -> Markup:
    study = material.study
    kind = " · ".join(["Assay study", *(f"{key} {study[key]}" for key in ("variant", "scale") if study.get(key))])
    return tag(
        "header",
        tag("p", kind, class_="kicker"),
        tag("h1", study["study"]),
        tag("p", study["description"], class_="summary") if study.get("description") else None,
        tag("p", summary(material), class_="summary"),
        _alerts(material),
    )


def summary(material: Material) -> str:
    """The study in one line: what was run, what came of it, what it took."""
    verdicts_ = Counter(verdict["verdict"] for verdict in material.results.verdicts())
    trials = Counter(trial.status for trial in material.trials.values())
    judged = ", ".join(f"{verdicts_[word]} {word}" for word in verdicts.WORDS if verdicts_[word])
    parts = [
        f"{plural(len(material.arms), 'arm')} × {plural(len(material.seeds), 'seed')}",
        f"{plural(sum(verdicts_.values()), 'claim')}: {judged}" if judged else "",
        *(f"{plural(trials[word], 'trial')} {word}" for word in ("failed", "missing") if trials[word]),
        f"{duration(sum(run.get('cpu_seconds') or 0.0 for run in material.runs.values()))} of processor time",
    ]
    return " · ".join(part for part in parts if part)


def _alerts(material: Material) -> Markup | None:
    """What a reader has to know before the numbers."""
    found = []
    failed = {trial.arm: None for trial in material.failed()}
    if failed:
        found.append(
            tag(
                "p",
                f"{plural(len(material.failed()), 'trial')} failed ({', '.join(failed)}): ",
                tag("a", "see why", href="#failures"),
                ".",
            )
        )
    if environment.warnings(material):
        found.append(
            tag(
                "p",
                "The trials did not all run in one environment: ",
                tag("a", "see how they differ", href="#environment"),
                ".",
            )
        )
    if material.study.get("scale"):
        found.append(
            tag(
                "p",
                f"This is a {material.study['scale']} run: it shows that everything works; its numbers mean nothing.",
            )
        )
    return tag("div", *found, class_="warn") if found else None


def _footer(material: Material) -> Markup:
    finished = max((run.get("finished", 0.0) for run in material.runs.values()), default=0.0)
    when = datetime.fromtimestamp(finished, UTC).strftime("%Y-%m-%d %H:%M UTC") if finished else "no job yet"
    return tag("span", f"Last job finished {when} · made by Assay")
