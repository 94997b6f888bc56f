"""The cached plan that jobs read: one look-up by digest, whatever the size of the study."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from assay.run.layout import Layout
from assay.study.jobs import Job, Plan, Record

_SCHEMA = """
create table if not exists jobs (digest text primary key, short text, kin text, body text) without rowid;
create index if not exists jobs_short on jobs (short);
create index if not exists jobs_kin on jobs (kin);
create table if not exists records (
  study text, path text, digest text, planned real, body text, primary key (study, path, digest)
) without rowid;
"""


class Plans:
    """Jobs and records of every plan that was ever made in a results folder."""

    def __init__(self, layout: Layout):
        self.layout = layout
        self.file: Path = layout.plans

    def save(self, plan: Plan) -> None:
        """Add a plan; what is there already stays, since a digest never changes its meaning.

        A job keeps the label that it was first given, in `plan` too: its folder is named after it, and two studies may
        call the same work by different names.
        """
        self.file.parent.mkdir(parents=True, exist_ok=True)
        now = time.time()
        with closing(sqlite3.connect(self.file, timeout=60)) as base, base:
            base.executescript(_SCHEMA)
            base.execute("begin immediate")
            self._keep_labels(base, plan)
            base.executemany(
                "insert or replace into jobs values (?, ?, ?, ?)",
                [(job.digest, job.digest[:16], job.kin, json.dumps(job.as_json())) for job in plan.jobs.values()],
            )
            base.executemany(
                "insert or replace into records values (?, ?, ?, ?, ?)",
                [
                    (plan.folder, record.path, record.digest[:16], now, json.dumps(asdict(record)))
                    for record in plan.records.values()
                ],
            )

    def _keep_labels(self, base: sqlite3.Connection, plan: Plan) -> None:
        stored = _labels_in(self.layout.store)
        for job in plan.jobs.values():
            known = base.execute("select json_extract(body, '$.label') from jobs where digest = ?", (job.digest,))
            job.label = (known.fetchone() or [stored.get((job.stage, job.digest[:16]), job.label)])[0]

    def job(self, digest: str) -> Job:
        """The job with a digest, whole or its first 16 hex digits.

        Raises:
            KeyError: no plan names it.
        """
        column = "short" if len(digest) == 16 else "digest"
        rows = self._rows(f"select body from jobs where {column} = ?", digest)
        if not rows:
            raise KeyError(f"no plan names a job {digest}")
        return Job.from_json(json.loads(rows[0][0]))

    def record(self, study: str, path: str, digest: str) -> Record:
        """The record of a study under a path, as the plan with this digest (its first 16 hex digits) had it.

        Raises:
            KeyError: no plan names it.
        """
        rows = self._rows(
            "select body from records where study = ? and path = ? and digest = ?", study, path, digest[:16]
        )
        if not rows:
            raise KeyError(f"no plan of {study} names {path} with digest {digest}")
        return Record(**json.loads(rows[0][0]))

    def earlier(self, study: str, path: str, digest: str) -> Record | None:
        """The record that was planned under a path before the one with this digest, or None."""
        query = "select body from records where study = ? and path = ? and digest != ? order by planned desc limit 1"
        rows = self._rows(query, study, path, digest[:16])
        return Record(**json.loads(rows[0][0])) if rows else None

    def kin(self, job: Job) -> list[Job]:
        """Other jobs that were asked for the same as this one and ran other code."""
        rows = self._rows("select body from jobs where kin = ? and digest != ?", job.kin, job.digest)
        return [Job.from_json(json.loads(body)) for (body,) in rows]

    def _rows(self, query: str, *values: str) -> list[tuple[str]]:
        if not self.file.exists():
            return []
        # Not read-only: whoever comes after a writer that was killed has to roll its change back.
        with closing(sqlite3.connect(self.file, timeout=60)) as base:
            return base.execute(query, values).fetchall()


def _labels_in(store: Path) -> dict[tuple[str, str], str]:
    """Stage and short digest of every sealed folder to the label in its name."""
    found = {}
    for place in store.glob("*/[!.]*"):
        label, _, digest = place.name.rpartition("-")
        found[place.parent.name, digest] = label
    return found
