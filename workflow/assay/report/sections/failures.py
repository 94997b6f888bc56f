"""Arms that failed: which trials, why, and the end of their log."""

from __future__ import annotations

from assay.figures.numbers import plural
from assay.report.html import join, note, tag
from assay.report.legend import named
from assay.report.material import Material
from assay.report.page import Section
from assay.run.withheld import without_names

#: Lines of a log that are shown.
TAIL = 40


def section(material: Material) -> Section | None:
    """One entry for each arm and reason; None when nothing failed."""
    groups: dict[tuple[str, str], list[int]] = {}
    for trial in material.failed():
        groups.setdefault((trial.arm, trial.reason or "no reason was recorded"), []).append(trial.seed)
    if not groups:
        return None
    parts = [note("A failed trial is left out of every number above. The next run of the study tries it again.")]
    for (arm, reason), seeds in groups.items():
        parts.append(
            tag(
                "h3",
                named(material, arm),
                tag("span", f" · {plural(len(seeds), 'seed')}: {', '.join(map(str, seeds))}", class_="soft"),
            )
        )
        parts.append(tag("div", tag("p", tag("code", without_names(reason, material.results.plan))), class_="warn"))
        if material.shows_private(arm):
            parts.append(note("The log is not shown: the arm sees a private dataset."))
            continue
        log = _tail(material, arm, seeds[0])
        if log:
            parts.append(tag("details", tag("summary", f"End of the log, seed {seeds[0]}"), tag("pre", log)))
    return Section("failures", "Failed trials", join(parts), short="Failures")


def _tail(material: Material, arm: str, seed: int) -> str:
    """The last lines of the log of the first failed job of a trial."""
    return "\n".join(material.log_of_failure(arm, seed).splitlines()[-TAIL:])
