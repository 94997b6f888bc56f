"""A user's own images in a config: what must be there before any job, and what tells that they changed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from assay.data.own.walk import UnreadableError
from assay.study.errors import ConfigError
from assay.study.load import load_study
from assay.study.own_data import fingerprint, signature
from assay.study.registry import scan

CONFIG = """\
study: s
datasets:
  mine:
    source:
      method: {method}
      path: {path}
      {option}
    split: {{val: 0.2, test: 0.2}}
arms:
  base: {{dataset: mine, model: linear}}
"""


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("pictures/cat/a.png", "pictures/cat/deep/b.png", "pictures/dog/c.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(name.encode())
    Path("pictures/list.csv").write_text("path,label\ncat/a.png,cat\ndog/c.png,dog\nnone.png,dog\n")
    return tmp_path


def problems(method: str, path: str, option: str = "") -> list[str]:
    Path("config.yaml").write_text(CONFIG.format(method=method, path=path, option=option))
    try:
        load_study(Path("config.yaml"), registry=scan())
    except ConfigError as error:
        return [str(problem) for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("method", "path", "option", "says"),
    [
        ("folder", "pictures", "", None),
        ("csv", "pictures/list.csv", "", None),
        ("parquet", "pictures", "", None),
        ("folder", "picures", "", "6: datasets.mine.source.path: there is no folder 'picures'; did you mean 'pict"),
        ("folder", "pictures/dgo", "", "there is no folder 'pictures/dgo'; did you mean 'pictures/dog'?"),
        ("folder", "pictures/list.csv", "", "6: datasets.mine.source.path: expected a folder, which"),
        ("csv", "pictures", "", "6: datasets.mine.source.path: expected a file, which"),
        ("csv", "pictures/lst.csv", "", "did you mean 'pictures/list.csv'?"),
        ("csv", "pictures/list.csv", "label-column: lable", "7: datasets.mine.source.label-column: pictures/list.csv "
         "has no column 'lable'; it has 'path', 'label'; did you mean 'label'?"),
        ("csv", "pictures/list.csv", "split-column: split", "no column 'split'"),
        ("csv", "pictures/cat/a.png", "", "no column 'path'"),
        ("parquet", "nowhere", "", "there is no file or folder 'nowhere'"),
        ("folder", "pictures", "resolution: 0", "7: datasets.mine.source.resolution: expected a whole number >= 1"),
        ("folder", "pictures", "channels: 2", "7: datasets.mine.source.channels: expected one of 1, 3 or null"),
        ("folder", "pictures", "corrupt: ignore", "expected one of refuse, skip"),
        ("folder", "pictures", "corupt: skip", "no such option"),
    ],
)  # fmt: skip
def test_paths_and_options_are_checked_before_any_job(method, path, option, says):
    found = problems(method, path, option)
    assert any(says in each for each in found) if says else not found, found


def test_a_path_that_may_not_be_read_is_told(monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, _: "pictures" not in str(path))
    assert "6: datasets.mine.source.path: 'pictures' is there but may not be read" in problems("folder", "pictures")[0]


FOLDER = {"method": "folder", "path": "pictures"}
LIST = {"method": "csv", "path": "pictures/list.csv", "delimiter": ",", "path-column": "path"}


def touch(name: str) -> None:
    """Give a file another time and nothing else."""
    about = os.stat(name)
    os.utime(name, ns=(about.st_atime_ns, about.st_mtime_ns + 1_000_000))


CHANGES = {
    "a new time deep below": lambda: touch("pictures/cat/deep/b.png"),
    "an image more": lambda: Path("pictures/dog/d.png").write_bytes(b"d"),
    "an image less": lambda: Path("pictures/cat/deep/b.png").unlink(),
    "another name": lambda: Path("pictures/dog/c.png").rename("pictures/dog/d.png"),
    "another class": lambda: Path("pictures/dog/c.png").rename("pictures/cat/c.png"),
    "an empty class": lambda: Path("pictures/eel").mkdir(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_folder_that_changed_is_noticed(change):
    before, cheap = fingerprint(FOLDER), signature(FOLDER)
    assert (fingerprint(FOLDER), signature(FOLDER)) == (before, cheap)
    CHANGES[change]()
    assert fingerprint(FOLDER) != before
    assert signature(FOLDER) != cheap


def test_what_is_not_read_does_not_count():
    before = fingerprint(FOLDER)
    Path("pictures/.DS_Store").write_bytes(b"x")
    Path("pictures/cat/round").symlink_to(Path("pictures").resolve())
    assert fingerprint(FOLDER) == before


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        (lambda: touch("pictures/cat/a.png"), True),
        (lambda: Path("none.png").write_bytes(b"x"), False),
        (lambda: Path("pictures/none.png").write_bytes(b"x"), True),
        (lambda: Path("pictures/dog/c.png").unlink(), True),
        (lambda: touch("pictures/cat/deep/b.png"), False),
        (lambda: Path("pictures/list.csv").write_text("path,label\ncat/a.png,dog\n"), True),
    ],
)
def test_a_list_counts_with_the_images_it_names(change, noticed):
    before, cheap = fingerprint(LIST), signature(LIST)
    change()
    assert (fingerprint(LIST) != before) is noticed
    assert (signature(LIST) != cheap) is noticed


def test_a_single_file_counts_by_its_content():
    source = {"method": "npz", "path": "pictures/cat/a.png"}
    before, cheap = fingerprint(source), signature(source)
    touch("pictures/cat/a.png")
    assert fingerprint(source) == before
    assert signature(source) != cheap
    Path("pictures/cat/a.png").write_bytes(b"other")
    assert fingerprint(source) != before


def test_a_folder_that_cannot_be_read_is_an_error_and_never_equals_what_was(monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    before = signature(FOLDER)
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UnreadableError, match="'pictures' cannot be read: Permission denied"):
        fingerprint(FOLDER)
    assert signature(FOLDER) != before


def test_many_files_are_looked_at_in_no_time():
    for number in range(5000):
        Path(f"pictures/cat/{number}.png").touch()
    start = time.process_time()
    signature(FOLDER)
    # Of 50,000 files it takes about half a second; ten times the share allows for a busy machine.
    assert time.process_time() - start < 1.0
