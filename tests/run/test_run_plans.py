"""The database of plans: what a digest means, under which name its folder stands, what came before."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from assay.run.layout import Layout
from assay.run.plans import Plans
from assay.study.jobs import Job, Plan

Jobs = Callable[..., Job]


def _plan(folder: str, **records: Job) -> Plan:
    plan = Plan({"folder": folder, "arms": {}})
    for path, job in records.items():
        plan.add(path, job.stage, [job], [])
    return plan


def test_jobs_and_records_are_found_by_digest(layout: Layout, job: Jobs) -> None:
    plans, one = Plans(layout), job("one", part="test")
    plans.save(_plan("small", train=one))
    assert plans.job(one.digest) == one
    assert plans.job(one.digest[:16]) == one
    record = plans.record("small", "train", one.digest[:16])
    assert record.jobs == [one.digest]
    assert record.parts == ["test"]
    with pytest.raises(KeyError, match="no plan names a job"):
        plans.job("0" * 64)
    with pytest.raises(KeyError, match="no plan of other names train"):
        plans.record("other", "train", one.digest)


def test_without_a_database_nothing_is_known(layout: Layout) -> None:
    with pytest.raises(KeyError):
        Plans(layout).job("0" * 64)
    assert Plans(layout).earlier("small", "train", "0" * 64) is None


def test_equal_work_stands_in_one_folder_whatever_a_study_calls_it(layout: Layout, job: Jobs) -> None:
    first, second = job("one"), job("one")
    second.label, second.part = "by-another-name", "mine"
    assert first.digest == second.digest
    plans = Plans(layout)
    plans.save(_plan("a", x=first))
    other = _plan("b", x=second)
    plans.save(other)
    assert other.jobs[second.digest].folder == first.folder
    assert plans.job(first.digest).folder == first.folder
    # Each study keeps its own word for the part.
    assert plans.record("a", "x", first.digest).parts == [None]
    assert plans.record("b", "x", first.digest).parts == ["mine"]


def test_a_lost_database_does_not_move_what_is_in_the_store(
    layout: Layout, job: Jobs, sealed: Callable[..., Path]
) -> None:
    made = sealed(job("one"))
    again = job("one")
    again.label = "renamed"
    plan = _plan("a", x=again)
    Plans(layout).save(plan)
    assert layout.root / plan.jobs[again.digest].folder == made


def test_what_an_unchanged_digest_is_made_with_is_kept_up_to_date(layout: Layout, job: Jobs) -> None:
    """A checkout that moved has its plug-ins elsewhere."""
    one, moved = job("one"), job("one")
    one.methods, moved.methods = [["augment", "x", "m", "x", "/old/m.py"]], [["augment", "x", "m", "x", "/new/m.py"]]
    plans = Plans(layout)
    plans.save(_plan("a", x=one))
    plans.save(_plan("a", x=moved))
    assert plans.job(one.digest).methods == moved.methods


def test_the_plan_before_is_remembered(layout: Layout, job: Jobs) -> None:
    plans, jobs = Plans(layout), [job("one", lr=rate) for rate in (1, 2, 3)]
    for each in jobs:
        plans.save(_plan("small", train=each))
    earlier = plans.earlier("small", "train", jobs[2].digest)
    assert earlier is not None
    assert earlier.jobs == [jobs[1].digest]
    assert plans.earlier("other", "train", jobs[2].digest) is None


def test_kin_differ_in_code_alone(layout: Layout, job: Jobs) -> None:
    one, other, stranger = job("one"), job("one"), job("one", lr=2)
    other.code, other.digest = {"assay.code": "1"}, ""
    other.__post_init__()
    plans = Plans(layout)
    plans.save(_plan("a", x=one, y=stranger))
    plans.save(_plan("a", x=other))
    assert [kin.digest for kin in plans.kin(other)] == [one.digest]


def test_many_studies_are_planned_at_once(layout: Layout, job: Jobs) -> None:
    def save(number: int) -> None:
        shared = job("shared")
        shared.label = f"name-{number}"
        Plans(layout).save(_plan(f"study-{number}", x=shared, y=job(f"own-{number}")))

    threads = [threading.Thread(target=save, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    plans = Plans(layout)
    labels = {plans.job(job("shared").digest).label}
    for number in range(8):
        record = plans.record(f"study-{number}", "x", job("shared").digest)
        labels.add(plans.job(record.jobs[0]).label)
        assert plans.job(job(f"own-{number}").digest)
    assert len(labels) == 1


def test_a_change_that_was_cut_off_is_rolled_back(layout: Layout, job: Jobs, tmp_path: Path) -> None:
    """A writer killed in mid-change leaves a journal that whoever comes next, a reader too, has to undo."""
    plans = Plans(layout)
    plans.save(_plan("a", x=job("one")))
    base = sqlite3.connect(layout.plans, isolation_level=None)
    base.execute("pragma cache_size = 2")
    base.execute("begin immediate")
    filler = json.dumps({"x": "y" * 3000})
    base.executemany("insert into jobs values (?, ?, ?, ?)", [(f"d{n}", f"d{n}", "k", filler) for n in range(200)])
    # The files as a kill would leave them: pages written, the journal still there.
    left = tmp_path / "left"
    left.mkdir()
    for file in layout.private.glob("plans.sqlite*"):
        shutil.copy(file, left)
    base.close()
    assert (left / "plans.sqlite-journal").exists()
    shutil.rmtree(layout.private)
    left.rename(layout.private)
    assert plans.job(job("one").digest).label == "one"
    rows: list[Any] = plans._rows("select count(*) from jobs where digest like ?", "d%")
    assert rows == [(0,)]
