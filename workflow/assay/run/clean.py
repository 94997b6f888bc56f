"""What no study names any more: found, sized, and removed when the user says so."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.run.files import read_json
from assay.run.layout import Layout
from assay.run.store import Store
from assay.study.compose import compose
from assay.study.errors import ConfigError


@dataclass
class Waste:
    """A file or folder that nothing names, and its size in bytes."""

    path: Path
    size: int


def find(layout: Layout) -> list[Waste]:
    """Everything under the results folder that no study in the tree names.

    A study is in the tree while the config that its plan was made from exists and still declares it.
    """
    named: set[Path] = set()
    digests: set[str] = set()
    gone: list[Path] = []
    for file in sorted(layout.root.glob("*/study.json")):
        body = read_json(file)
        if body is None or not _in_tree(body):
            gone.append(file.parent)
            continue
        named |= {layout.root / job["folder"] for job in body["jobs"].values()}
        digests |= set(body["jobs"])
        gone += _stale_records(file.parent, set(body["records"]))
    folders = [path for path in layout.store.glob("*/[!.]*") if path not in named]
    folders += Store(layout).left_behind()
    shorts = {digest[:16] for digest in digests}
    works = [path for path in layout.work.glob("*") if path.name not in shorts]
    failures = [path for path in layout.failures.glob("*.json") if path.stem not in digests]
    return [Waste(path, _size(path)) for path in sorted([*folders, *works, *failures, *gone])]


def _in_tree(body: dict[str, Any]) -> bool:
    """Whether the config of a plan still declares the study, and its variant; a config with faults counts as before."""
    file = Path(body["file"])
    if not file.exists():
        return False
    try:
        declared = compose(file, body["study"]["variant"])
    except ConfigError as error:
        return not any(problem.path == "variants" for problem in error.problems)
    return declared.get("study") == body["study"]["study"]


def _stale_records(folder: Path, records: set[str]) -> list[Path]:
    """Records of arms, datasets or seeds that the plan has no more, with the links and logs beside them."""
    kept = {Path(path) for path in records}
    kept |= {parent for path in kept for parent in path.parents}
    stale = []
    for top in sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()):
        if top.name in ("gates", "tables") or top.name.startswith("."):
            continue
        if Path(top.name) not in kept:
            stale.append(top)
            continue
        stale += [path for record in sorted(top.rglob("*.json")) for path in _stale(record, folder, records, kept)]
    tops = [path for record in sorted(folder.glob("*.json")) for path in _stale(record, folder, records, kept)]
    return [*stale, *tops]


def _stale(record: Path, folder: Path, records: set[str], kept: set[Path]) -> list[Path]:
    """A record that the plan has no more and what belongs to it; nothing for one that it has, or that is none."""
    path = record.relative_to(folder).with_suffix("")
    if path.as_posix() in records or any((folder / parent).is_symlink() for parent in list(path.parents)[:-1]):
        return []
    body = read_json(record)
    if not isinstance(body, dict) or "record" not in body:
        return []
    beside = [record.with_suffix(".log"), *([record.with_suffix("")] if path not in kept else [])]
    return [record, *(path for path in beside if _there(path))]


def _there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _size(path: Path) -> int:
    if path.is_symlink() or path.is_file():
        return path.lstat().st_size
    return sum(file.lstat().st_size for file in path.rglob("*") if file.is_file())


def remove(waste: list[Waste]) -> None:
    """Remove what `find` found."""
    for each in waste:
        if each.path.is_symlink() or each.path.is_file():
            each.path.unlink(missing_ok=True)
        else:
            shutil.rmtree(each.path, ignore_errors=True)
