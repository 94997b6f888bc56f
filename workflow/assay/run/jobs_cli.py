"""The commands that jobs run: `assay train FILE`, `assay batch FILE...`, `assay gate FILE`.

FILE is a record (`results/digits/baseline/seed-0/train.json`) or a folder of the store; typed by hand they do the same
as under Snakemake.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from assay.run.files import read_json, write_json
from assay.run.layout import HERE, Layout
from assay.run.plans import Plans
from assay.run.record import forced, fulfil


def run(files: list[str], digest: str | None, layout: Layout = HERE) -> int:
    """Do the work behind records or folders of the store; the exit status.

    A method that fails is a result and exits 0: the record tells of it. Only what the machine could not do exits 1.
    """
    digests = digest.rstrip("!").split("+") if digest else [None] * len(files)
    records = []
    for file, each in zip(files, digests, strict=True):
        if Path(file).is_relative_to(layout.store):
            _folder(Path(file), layout)
            continue
        study, path = record_of(Path(file), layout)
        records.append((study, path, each or _planned(layout, study, path)))
    known = _together(records, layout)
    for study, path, each in records:
        body = fulfil(layout, study, path, each, known)
        _tell(f"{study}/{path}", body["status"], body["reason"], body["cost"]["seconds"])
        for job in body["jobs"]:
            _tell_log(job["label"], job["digest"], layout)
    return 0


def _together(records: list[tuple[str, str, str]], layout: Layout) -> dict[str, Any]:
    """What came of those jobs behind several records that may be computed together, by digest."""
    plans = Plans(layout)
    forced_at: dict[str, float] = {}
    jobs = []
    for study, path, digest in records:
        for each in plans.record(study, path, digest).jobs:
            job = plans.job(each)
            if job.together:
                jobs.append(job)
                forced_at[job.digest] = forced(layout, study).get(path, 0.0)
    if not jobs:
        return {}
    from assay.run.together import execute_together

    return dict(execute_together(jobs, layout, forced_at=forced_at))


def _folder(place: Path, layout: Layout) -> None:
    from assay.run.execute import execute

    outcome = execute(Plans(layout).job(place.name.rpartition("-")[2]), layout)
    _tell(outcome.job.folder, outcome.status, outcome.reason, outcome.run.get("seconds", 0.0))
    _tell_log(outcome.job.label, outcome.job.digest, layout)


def _tell(what: str, status: str, reason: str | None, seconds: float) -> None:
    print(f"{what}: {status}" + (f", {reason}" if reason else f" ({seconds:.2f} s of computation)"))


def _tell_log(label: str, digest: str, layout: Layout) -> None:
    """Where a job that failed left its whole output, and the end of it; nothing of one that never began."""
    failure = read_json(layout.failures / f"{digest}.json")
    if failure and failure["log"]:
        print(f"{label} printed, in whole in {layout.work / digest[:16] / 'log.txt'}:\n{failure['log']}")


def record_of(file: Path, layout: Layout) -> tuple[str, str]:
    """The study and the path of the record that a file holds.

    Raises:
        ValueError: a file outside the results folder.
    """
    try:
        relative = file.relative_to(layout.root)
    except ValueError:
        raise ValueError(f"{file} is no record: records stand under {layout.root}/<study>/") from None
    return relative.parts[0], Path(*relative.parts[1:]).with_suffix("").as_posix()


def _planned(layout: Layout, study: str, path: str) -> str:
    plan = read_json(layout.study(study) / "study.json")
    if plan is None or path not in plan["records"]:
        raise KeyError(f"the plan of {study} has no {path}; `assay plan` lists what it has")
    return plan["records"][path]["digest"]


def gate(file: str, layout: Layout = HERE) -> int:
    """Pass when no record behind a target tells of a failure; else say which do and exit 1.

    A failure that only passes on another one is counted, not listed.
    """
    from assay.study.jobs import Plan

    study, path = record_of(Path(file), layout)
    target = path.rpartition("/")[2]
    plan = Plan.from_json(read_json(layout.study(study) / "study.json"))
    bodies: dict[str, Any] = {
        member: read_json(layout.study(study) / f"{member}.json")
        for member in plan.behind(target)
        if member != "report"
    }
    failed = {member: body for member, body in bodies.items() if body is not None and body["status"] == "failed"}
    if failed:
        for member, body in failed.items():
            if not body["reason"].startswith("needs "):
                print(f"FAILED {study}/{member}: {body['reason']}", file=sys.stderr)
        passed_on = sum(body["reason"].startswith("needs ") for body in failed.values())
        print(
            f"{len(failed)} of {len(bodies)} records behind {target} failed"
            + (f", {passed_on} of them because of others" if passed_on else "")
            + "; the next run tries them again",
            file=sys.stderr,
        )
        return 1
    write_json(layout.study(study) / f"{path}.json", {"target": target, "records": len(bodies)})
    page = layout.study(study) / "report.html"
    where = f"; the report: {page}" if "report" in plan.target(target) else ""
    print(f"{target}: {len(bodies)} records done{where}")
    return 0


def report(file: str, layout: Layout = HERE) -> int:
    """Write the report of a study, and beside it the tables and the methods for a paper."""
    from assay.report.render import write

    study, _ = record_of(Path(file), layout)
    write(layout.study(study))
    return 0


def worker(file: str) -> int:
    """Be one of the processes of a job, as the file tells."""
    from assay.run.workers import work

    return work(Path(file))


def track(file: str, layout: Layout = HERE) -> int:
    """Bring MLflow up to date with a study. What did not arrive fails the record, and the next run sends it."""
    from assay.run.store import Store
    from assay.study.jobs import Plan
    from assay.track.publish import publish
    from assay.track.store import short, tracking_uri

    study, _ = record_of(Path(file), layout)
    plan = Plan.from_json(read_json(layout.study(study) / "study.json"))
    # Taken before anything is read: what is sealed meanwhile counts as not sent.
    newest = Store(layout).newest(plan.jobs.values())
    summary = publish(layout.study(study), final=True)
    print(summary)
    reason = None if summary.ok else f"MLflow is not up to date: {summary.errors[0]}"
    status = "done" if summary.ok else "failed"
    to = short(tracking_uri(layout.root))
    body = {"record": "track", "stage": "track", "status": status, "reason": reason, "to": to, "newest": newest}
    write_json(Path(file), body)
    return 0
