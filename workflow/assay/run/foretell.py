"""What a run would do and how long it would take, from what such jobs took before."""

from __future__ import annotations

import re
from collections import defaultdict
from statistics import median

from assay.run.check import look
from assay.run.files import read_json
from assay.run.prepare import Prepared
from assay.study.claims import too_few
from assay.study.jobs import STAGES


def foretell(prepared: Prepared) -> list[str]:
    """Lines for people: the jobs that are not done, by stage, with the seconds that their like took."""
    state = look(prepared)
    plan = prepared.plan
    undone = [plan.jobs[digest] for digest in plan.jobs if digest in state.undone]
    lines = [f"study {plan.folder}: {len(plan.jobs)} jobs planned, {len(plan.jobs) - len(undone)} done"]
    if words := too_few(plan.study):
        lines.append(words)
    if not undone:
        broken = len(state.broken)
        return [*lines, f"{broken} records to be written, nothing to compute" if broken else "nothing to do"]
    history = _history(prepared)
    total, blind = 0.0, 0
    for stage in STAGES:
        jobs = [job for job in undone if job.stage == stage]
        if not jobs:
            continue
        like = [history.get(_likeness(stage, job.label), history.get((stage, ""))) for job in jobs]
        known = [seconds for seconds in like if seconds is not None]
        total += sum(known)
        blind += len(jobs) - len(known)
        lines.append(f"\n{stage}: {len(jobs)} jobs" + (f", {sum(known):.1f} s" if known else ""))
        groups: dict[str, int] = defaultdict(int)
        for job in jobs:
            groups[_likeness(job.stage, job.label)[1]] += 1
        lines += [f"    {name}" + (f"  x {count}" if count > 1 else "") for name, count in groups.items()]
    lines.append(f"\n{len(undone)} jobs, about {total:.0f} s of computation judging by earlier jobs")
    if blind:
        lines.append(f"({blind} of them are of a stage that never ran here and are not counted)")
    return lines


def _likeness(stage: str, label: str) -> tuple[str, str]:
    """Jobs that are alike but for their seed (`-s3`, `-a3i0o0`) take about as long as each other."""
    return stage, re.sub(r"-(?:s-?\d+|(?:[a-z]-?\d+){2,})(?=-|$)", "", label)


def _history(prepared: Prepared) -> dict[tuple[str, str], float]:
    """Median seconds of the jobs in the store by likeness, and by stage alone under the label ""."""
    taken: dict[tuple[str, str], list[float]] = defaultdict(list)
    for file in prepared.layout.store.glob("*/*/run.json"):
        run = read_json(file)
        if run:
            for key in (_likeness(run["stage"], run["label"]), (run["stage"], "")):
                taken[key].append(run["seconds"])
    return {key: median(values) for key, values in taken.items()}
