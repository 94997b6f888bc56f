"""`assay evidence`: the verdicts of a study as a Markdown page for `docs/evidence/`, exactly as they came out."""

from __future__ import annotations

import math
from typing import Any

from assay.run.circumstances import Circumstances, circumstances, command_of, moment
from assay.run.declared import looked
from assay.run.results import Results
from assay.run.withheld import without_names

#: The columns of the table.
COLUMNS = ("claim", "expectation", "verdict", "effect", "interval", "p", "seeds", "source")


def verdict_page(results: Results) -> str:
    """What was run, with which command, on what, and the verdict of every claim.

    Raises:
        ValueError: the study has no claims, or they are not decided yet.
    """
    study, verdicts = results.study, results.verdicts()
    if not study["claims"]:
        raise ValueError(f"{study['folder']} claims nothing")
    if not verdicts:
        raise ValueError(f"the claims of {study['folder']} are not decided yet; run `{command_of(results)}`")
    made = circumstances(results)
    lines = [f"## {study['folder']}", ""]
    lines += [" ".join(study["description"].split()), ""] if study.get("description") else []
    lines += ["```sh", command_of(results), "```", "", *_facts(results, made), "", _count(verdicts), ""]
    lines += [_row(COLUMNS), _row("---" for _ in COLUMNS), *(_row(_cells(verdict)) for verdict in verdicts)]
    notes = [f"- {verdict['claim']}: {verdict['note']}" for verdict in verdicts if verdict.get("note")]
    notes += [f"- {warning}" for warning in [looked(results.declared(), study)] if warning]
    notes += [
        f"- {trial.arm}, seed {trial.seed}, failed: {without_names(trial.reason or 'no reason', results.plan)}"
        for trial in results.failures
    ]
    return "\n".join(lines + (["", *notes] if notes else [])) + "\n"


def _facts(results: Results, made: Circumstances) -> list[str]:
    packages = ", ".join(f"{name} {' and '.join(versions)}" for name, versions in made.packages.items())
    seeds = results.study["seeds"]
    lines = [
        f"- Seeds: {', '.join(map(str, seeds))}; {len(results.arms)} arms",
        f"- Device: {' and '.join(made.devices) or 'unknown'}; precision {' and '.join(made.precisions) or 'unknown'}",
        f"- Versions: Python {' and '.join(made.pythons) or 'unknown'}; {packages or 'unknown'}",
        f"- Commit: {' and '.join(made.commits) or 'unknown'}",
    ]
    if made.started is not None and made.finished is not None:
        lines.append(
            f"- Time: {moment(made.started)} to {moment(made.finished)}; its {made.jobs} jobs of {made.planned} "
            f"took {made.seconds:,.0f} s together"
        )
    return lines


def _count(verdicts: list[dict[str, Any]]) -> str:
    words = ("supported", "refuted", "inconclusive")
    found = [f"{sum(verdict['verdict'] == word for verdict in verdicts)} {word}" for word in words]
    return f"Verdicts: {', '.join(found)}."


def _cells(verdict: dict[str, Any]) -> list[str]:
    against = verdict["verdict"] == "refuted"
    p = verdict.get("p_against_holm" if against else "p_holm")
    bounds = verdict.get("interval")
    level = f" ({100 * verdict['level']:.4g}%)" if bounds and verdict.get("level") else ""
    late = (verdict.get("declared") or {}).get("after_results")
    marks = [word for word, holds in (("secondary", verdict.get("primary") is False), ("late", late)) if holds]
    return [
        verdict["claim"],
        f"`{verdict['expect']}`",
        verdict["verdict"] + (f" ({', '.join(marks)})" if marks else ""),
        _number(verdict.get("effect")),
        f"{_number(bounds[0])} to {_number(bounds[1])}{level}" if bounds else "–",
        "–" if p is None else ("against: " if against else "") + ("< 0.0001" if p < 1e-4 else f"{p:.4f}"),
        str(verdict.get("n", 0)),
        verdict.get("source") or "–",
    ]


def _number(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "–"
    return f"{value:+.4g}"


def _row(cells: Any) -> str:
    return "| " + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in cells) + " |"
