"""The store: a folder is whole or not there, and what was altered behind its back is found."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from assay.run.files import canonical, sha256_text
from assay.run.layout import Layout
from assay.run.lock import locked
from assay.run.store import Store
from assay.study.jobs import Job

Jobs = Callable[..., Job]
Sealed = Callable[..., Path]


def _flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[0] ^= 1
    file.write_bytes(bytes(content))


def test_a_sealed_folder_is_found_by_its_whole_digest(store: Store, job: Jobs, sealed: Sealed) -> None:
    one = job("one")
    assert store.seal(one) is None
    place = sealed(one, {"a.txt": "a", "deep/b.txt": "b"})
    assert place.parent == store.layout.store / "data"
    assert place.name == f"one-{one.digest[:16]}"
    seal = store.seal(one)
    assert seal is not None
    assert set(seal["contents"]) == {"a.txt", "deep/b.txt", "run.json"}
    # sha256sum of the letter a
    assert seal["contents"]["a.txt"]["sha256"] == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    seal["digest"] = one.digest[:16] + "0" * 48
    (place / "seal.json").write_text(json.dumps(seal))
    assert store.seal(one) is None, "another job whose digest begins alike"


def test_contents_are_told_apart_by_bytes_not_by_how_the_job_went(store: Store, job: Jobs, sealed: Sealed) -> None:
    one = job("one")
    seals = []
    for files in ({"a": "1", "log.txt": "x"}, {"a": "1", "log.txt": "y"}, {"a": "2", "log.txt": "x"}, {"b": "1"}):
        sealed(one, files)
        seal = store.seal(one)
        assert seal
        seals.append(seal["content"])
    assert seals[0] == seals[1]
    assert len(set(seals)) == 3
    assert seals[3] == sha256_text(canonical({"b": sha256_text("1")}))


def test_a_job_stands_for_the_inputs_that_it_was_made_from(store: Store, job: Jobs, sealed: Sealed) -> None:
    one = job("one")
    assert not store.stands(one, {})
    sealed(one, inputs={"dataset": "x"})
    assert store.stands(one, {"dataset": "x"})
    assert not store.stands(one, {"dataset": "y"})


@pytest.mark.parametrize("change", ["flip", "flip and put the time back", "truncate", "remove"])
def test_an_altered_file_is_found(store: Store, job: Jobs, sealed: Sealed, change: str) -> None:
    place = sealed(job(), {"a.bin": "some content", "other": "x"})
    known: dict[str, Any] = {}
    assert store.altered(place, known) is None
    file = place / "a.bin"
    before = file.stat()
    if change == "truncate":
        os.truncate(file, 3)
    elif change == "remove":
        file.unlink()
    else:
        _flip(file)
        if change != "flip":
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    expected = "lacks a.bin" if change == "remove" else "a.bin is not what was sealed"
    assert store.altered(place, known) == expected
    assert store.altered(place, known) == expected, "a fault is not forgotten"


def test_a_copied_folder_is_hashed_once(
    store: Store, job: Jobs, sealed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout that moved to another disk has other inode times; that is no fault and is looked into once."""
    place = sealed(job(), {"a.bin": "some content"})
    (place / "a.bin").touch()
    known: dict[str, Any] = {}
    assert store.altered(place, known) is None
    assert known == {place.name: {"a.bin": pytest.approx(known[place.name]["a.bin"])}}

    def never(path: Path) -> str:
        raise AssertionError("hashed again")

    monkeypatch.setattr("assay.run.store.sha256_file", never)
    assert store.altered(place, known) is None
    assert store.altered(place, json.loads(json.dumps(known))) is None


def test_a_folder_without_seal_has_none(store: Store, job: Jobs, sealed: Sealed) -> None:
    place = sealed(job())
    (place / "seal.json").write_text("{")
    assert store.seal(job()) is None
    assert store.altered(place, {}) == "has no seal"


def test_what_raises_while_building_leaves_nothing(store: Store, job: Jobs) -> None:
    def build() -> None:
        with store.building(job()) as hidden:
            (hidden / "half").write_text("x")
            assert hidden.name.startswith(".")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build()
    assert not list((store.layout.store / "data").iterdir())


def test_a_folder_takes_the_place_of_another(store: Store, job: Jobs, sealed: Sealed) -> None:
    sealed(job(), {"old": "1"})
    place = sealed(job(), {"new": "2"})
    assert {path.name for path in place.iterdir()} == {"new", "run.json", "seal.json"}
    assert [path.name for path in place.parent.iterdir()] == [place.name]


_BUILD = """
import sys, time
from pathlib import Path
from assay.run.layout import Layout
from assay.run.lock import locked
from assay.run.store import Store
from assay.study.jobs import Job
job = Job("data", "thing", {"name": "thing"}, {}, {"assay.code": "0"})
store = Store(Layout(Path(sys.argv[1])))
with locked(store.layout.job_lock(job.digest), keep=False), store.building(job) as hidden:
    (hidden / "half").write_text("x")
    print("building", flush=True)
    time.sleep(600)
"""


def test_what_a_dead_builder_left_is_swept_away_and_what_a_live_one_builds_is_not(layout: Layout, store: Store) -> None:
    builder = subprocess.Popen([sys.executable, "-c", _BUILD, layout.root], stdout=subprocess.PIPE, text=True)
    try:
        assert builder.stdout
        assert builder.stdout.readline() == "building\n"
        (hidden,) = layout.store.glob("*/.*")
        # A process on another machine of a cluster is none here; its lock counts, not its number.
        elsewhere = hidden.with_name(hidden.name.rpartition(".")[0] + ".999999999")
        hidden.rename(elsewhere)
        store.sweep()
        assert (elsewhere / "half").exists()
        assert not list(store.left_behind())
    finally:
        os.kill(builder.pid, signal.SIGKILL)
        builder.wait()
    assert list(store.left_behind()) == [elsewhere]
    store.sweep()
    assert not elsewhere.exists()


def test_what_a_dead_process_was_deleting_is_swept_away(store: Store, job: Jobs, sealed: Sealed) -> None:
    place = sealed(job("one"))
    gone = place.rename(place.with_name(f".{place.name}.gone.77"))
    other = sealed(job("two"))
    with locked(store.layout.job_lock(job("one").digest)):
        store.sweep()
        assert gone.exists()
    store.sweep()
    assert not gone.exists()
    assert other.exists()
