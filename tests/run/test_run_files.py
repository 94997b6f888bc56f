"""Small files: nobody sees half of one, whatever happens in the middle of writing."""

from __future__ import annotations

import json
import math
import os
import threading
from pathlib import Path

import pytest
from assay.run.files import (
    append_line,
    canonical,
    read_json,
    read_lines,
    sha256_file,
    write_if_changed,
    write_json,
    write_text,
)
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_equal_values_have_one_text(value: object) -> None:
    text = canonical(value)
    assert json.loads(text) == value
    assert canonical(json.loads(text)) == text


def test_the_order_of_keys_does_not_count() -> None:
    assert canonical({"b": 1, "a": [2]}) == canonical({"a": [2], "b": 1}) == '{"a":[2],"b":1}'


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_json_cannot_hold_is_refused(value: float, tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        canonical(value)
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("where", ["os.fsync", "pathlib.Path.replace"])
def test_a_write_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    file = tmp_path / "a.json"
    write_json(file, {"a": 1})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(where, full)
    with pytest.raises(OSError, match="No space left"):
        write_json(file, {"a": 2})
    assert read_json(file) == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_readers_see_whole_files_while_one_writes(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    sizes = [10, 100_000]
    write_json(file, "x" * sizes[0])
    seen: set[int] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(len(json.loads(file.read_text())))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(40):
        write_json(file, "x" * sizes[number % 2])
    done.set()
    reader.join(timeout=30)
    assert seen <= set(sizes)
    assert seen


def test_a_file_is_rewritten_only_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "a.txt"
    assert write_if_changed(file, "one")
    os.utime(file, ns=(1, 1))
    assert not write_if_changed(file, "one")
    assert file.stat().st_mtime_ns == 1
    assert write_if_changed(file, "two")
    assert file.read_text() == "two"


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"a": 1} x'])
def test_what_is_no_json_reads_as_nothing(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(content)
    assert read_json(file) is None
    assert read_json(tmp_path / "none.json") is None
    assert read_json(file / "below a file.json") is None


def test_lines_of_writers_at_the_same_time_do_not_mix(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "journal.jsonl"
    threads = [
        threading.Thread(target=lambda n=n: [append_line(file, {"n": n, "x": "y" * 500}) for _ in range(30)])
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    lines = read_lines(file)
    assert len(lines) == 120
    assert {line["n"] for line in lines} == {0, 1, 2, 3}


def test_a_last_line_that_is_not_whole_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    append_line(file, {"a": 1})
    with file.open("a") as stream:
        stream.write('{"a": 2')
    assert read_lines(file) == [{"a": 1}]
    assert read_lines(tmp_path / "none.jsonl") == []


def test_the_digest_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "abc")
    # The test vector of FIPS 180-2.
    assert sha256_file(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
