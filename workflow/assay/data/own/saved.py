"""Which files a Parquet file, a folder of them or a saved Hugging Face dataset consists of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from assay.data.own.columns import Columns, Part
from assay.data.own.labels import PARTS
from assay.data.own.walk import tree
from assay.errors import MethodError


def open_columns(path: str) -> Columns:
    """The files behind a path: one file, a folder of Parquet files, or what `save_to_disk` of `datasets` wrote.

    Raises:
        MethodError: no such path, nothing in it that can be read, splits that are neither train, val nor test.
    """
    place = Path(path)
    if place.is_file():
        return Columns(path, [Part(None, [place])], {})
    if not place.is_dir():
        raise MethodError(f"parquet: there is no file or folder {path}")
    if (place / "dataset_dict.json").is_file():
        names = _json(place / "dataset_dict.json").get("splits")
        if not isinstance(names, list) or not names:
            raise MethodError(f"parquet: {place / 'dataset_dict.json'} names no splits")
        parts: list[Part] = []
        features: dict[str, Any] = {}
        for name in names:
            saved, features = _saved(place / _bare(name, place))
            parts.append(Part(_split(name, path), saved))
        return Columns(path, parts, features)
    if (place / "state.json").is_file() or (place / "dataset_info.json").is_file():
        saved, features = _saved(place)
        return Columns(path, [Part(None, saved)], features)
    return Columns(path, _by_names(place), {})


def _saved(folder: Path) -> tuple[list[Path], dict[str, Any]]:
    """The Arrow files of one saved split, in their order, and the features of its columns."""
    listed = _json(folder / "state.json").get("_data_files") if (folder / "state.json").is_file() else None
    if isinstance(listed, list):
        names = [entry.get("filename") if isinstance(entry, dict) else None for entry in listed]
        files = [folder / _bare(name, folder / "state.json") for name in names]
    else:
        files = sorted(folder.glob("*.arrow"))
    if not files:
        raise MethodError(f"parquet: {folder} holds no Arrow files")
    for file in files:
        if not file.is_file():
            raise MethodError(f"parquet: {folder / 'state.json'} names {file.name}, which is not there")
    info = folder / "dataset_info.json"
    features = _json(info).get("features") if info.is_file() else None
    return files, features if isinstance(features, dict) else {}


def _by_names(folder: Path) -> list[Part]:
    """The Parquet files below a folder, by the splits that they are called by."""
    names = [file.name for file in tree(str(folder)).files if file.name.endswith(".parquet")]
    if not names:
        raise MethodError(f"parquet: {folder} holds neither Parquet files nor a saved dataset")
    splits: dict[str | None, list[Path]] = {}
    for name in names:
        stem = Path(name).stem.split("-")[0].lower()
        splits.setdefault(PARTS.get(stem), []).append(folder / name)
    if None in splits and len(splits) > 1:
        raise MethodError(f"parquet: {folder}: {splits[None][0].name} is called by no split, though others are")
    return [Part(split, files) for split, files in splits.items()]


def _split(name: str, path: str) -> str:
    if name.lower() not in PARTS:
        raise MethodError(f"parquet: {path}: split {name!r} is none of train, val and test; name its folder in `path`")
    return PARTS[name.lower()]


def _bare(name: Any, where: Path) -> str:
    """A name of a file or folder right there, and nowhere else.

    Raises:
        MethodError: an absolute path, or one that leads out.
    """
    if not isinstance(name, str) or name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name:
        raise MethodError(f"parquet: {where}: expected the name of a file beside it, found {name!r}")
    return name


def _json(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise MethodError(f"parquet: {file} is not there") from None
    except (ValueError, RecursionError):
        raise MethodError(f"parquet: {file} is not JSON") from None
    if not isinstance(value, dict):
        raise MethodError(f"parquet: {file}: expected a mapping")
    return value
