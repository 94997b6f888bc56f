"""Records: the small files by which Snakemake and people see what became of jobs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.run.execute import Outcome, execute
from assay.run.files import read_json, write_json
from assay.run.layout import Layout
from assay.run.plans import Plans
from assay.study.jobs import Record


def fulfil(
    layout: Layout, study: str, path: str, digest: str, known: Mapping[str, Outcome] | None = None
) -> dict[str, Any]:
    """Do the jobs of a record that are not done yet, and write the record with a link beside it.

    Args:
        layout: the results folder.
        study: the study's folder below it.
        path: the record, such as `baseline/seed-0/train`.
        digest: which plan of it is meant.
        known: what came of jobs that were just done, by digest.

    Returns:
        The record as written.
    """
    plans = Plans(layout)
    record = plans.record(study, path, digest)
    forced_at = forced(layout, study).get(path, 0.0)
    outcomes = [
        (known or {}).get(each) or execute(plans.job(each), layout, forced_at=forced_at) for each in record.jobs
    ]
    body = describe(record, outcomes)
    file = layout.study(study) / f"{path}.json"
    clear_way(layout.study(study), path)
    _link(layout, file.with_suffix(""), record, outcomes)
    write_json(file, body)
    return body


def describe(record: Record, outcomes: list[Outcome]) -> dict[str, Any]:
    """The body of a record. Its numbers are those of the computation, so writing it again gives the same bytes."""
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    chained = len(outcomes) == 1 or record.stage in ("adjust", "compress")
    headline = outcomes[-1].headline if outcomes and chained else {}
    return {
        "record": record.path,
        "stage": record.stage,
        "status": "failed" if failed else "done",
        "reason": failed[0].reason if failed else None,
        "digest": record.digest,
        "headline": headline,
        "jobs": [
            {
                "digest": outcome.job.digest,
                "stage": outcome.job.stage,
                "label": outcome.job.label,
                "part": part,
                "folder": outcome.job.folder,
                "status": outcome.status,
                "seconds": outcome.run.get("seconds"),
            }
            for outcome, part in zip(outcomes, record.parts, strict=True)
        ],
        "cost": {
            "seconds": round(sum(outcome.run.get("seconds", 0.0) for outcome in outcomes), 3),
            "cpu_seconds": round(sum(outcome.run.get("cpu_seconds", 0.0) for outcome in outcomes), 3),
            "peak_memory_bytes": max((outcome.run.get("peak_memory_bytes", 0) for outcome in outcomes), default=0),
        },
    }


def clear_way(folder: Path, path: str) -> None:
    """Remove links that stand where the folders of a record belong.

    A dataset that begins to differ by seed has records below its name, where the link of its one record stood; what is
    written below that would end up in the store.
    """
    place = folder
    for part in path.split("/")[:-1]:
        place = place / part
        if place.is_symlink():
            place.unlink()


def _link(layout: Layout, beside: Path, record: Record, outcomes: list[Outcome]) -> None:
    """Links from the record to the sealed folders: one, or a folder of links by part."""
    named = [
        (outcome, (part or outcome.job.label).rpartition("/")[2])
        for outcome, part in zip(outcomes, record.parts, strict=True)
    ]
    done = [(outcome, name) for outcome, name in named if outcome.status == "done"]
    if len(outcomes) == 1:
        targets = {beside: done[0][0]} if done else {}
    else:
        targets = {beside / name: outcome for outcome, name in done}
    if beside.is_symlink() and beside not in targets:
        beside.unlink()
    elif len(outcomes) != 1 and beside.is_dir():
        # What failed this time, or is no longer asked for, must not seem to be there.
        for link in beside.iterdir():
            if link.is_symlink() and link not in targets:
                link.unlink()
    for link, outcome in targets.items():
        link.parent.mkdir(parents=True, exist_ok=True)
        target = os.path.relpath(layout.root / outcome.job.folder, link.parent)
        if link.is_symlink():
            if os.readlink(link) == target:
                continue
            link.unlink()
        elif link.is_dir():
            # A record that held several jobs before, or a dataset that differed by seed, and is one now.
            shutil.rmtree(link)
        link.symlink_to(target)


def forced(layout: Layout, study: str) -> dict[str, float]:
    """Records that the present run was told to make afresh, with when it was told."""
    return read_json(layout.private / "forced" / f"{study}.json") or {}
