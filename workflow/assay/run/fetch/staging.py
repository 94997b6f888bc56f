"""Everything that a study needs from elsewhere, put into one folder that can be carried to where no network is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from assay.data.archive import Archive, Package
from assay.data.dataset import Dataset, Split
from assay.data.given import Given
from assay.data.raw import Raw
from assay.data.shape import match
from assay.errors import MethodError
from assay.run.execute import of_the_machine
from assay.run.fetch.download import into_place
from assay.run.fetch.progress import megabytes
from assay.run.fetch.shelf import Shelf
from assay.run.files import canonical
from assay.run.lock import locked
from assay.streams import Streams
from assay.study.registry import Registry, bind

#: What a source that makes its images draws them from; which files it asks for does not depend on it.
_STREAMS = {"split": 0, "alteration": 0, "generator": 0}


class Staging:
    """Hands out published files from one folder and puts there what is missing; see `assay.data.archive.Files`.

    Args:
        here: the folder as a shelf, mirror and cache in one.
        elsewhere: where a file may lie already, so that it is copied and not fetched anew.
        tell: takes a line for each file.
    """

    def __init__(self, here: Shelf, elsewhere: Shelf, tell: Callable[[str], None]):
        #: Name of each file that the folder holds now to its size in bytes.
        self.staged: dict[str, int] = {}
        self._elsewhere = elsewhere
        self._here = here
        self._tell = tell

    def get(self, wanted: Archive | Package) -> Path:
        """A file in the folder, whole and verified; raises as `Shelf.get` does."""
        file, how = self._here.find(wanted), "already there"
        if file is None:
            other = self._elsewhere.find(wanted)
            file, how = (self._copy(other, wanted), "copied") if other else (self._here.fetch(wanted), "fetched")
        if wanted.name not in self.staged:
            size = self.staged[wanted.name] = file.stat().st_size
            self._tell(f"{wanted.name}: {how}, {megabytes(size)}")
        return file

    def has(self, wanted: Archive | Package) -> bool:
        """Whether `get` needs no network."""
        return self._here.has(wanted) or self._elsewhere.has(wanted)

    def _copy(self, source: Path, wanted: Archive | Package) -> Path:
        file = self._here.downloads / wanted.name
        file.parent.mkdir(parents=True, exist_ok=True)
        with locked(file.with_name(f".{file.name}.lock"), about=str(os.getpid()), keep=False):
            part = file.with_name(f".{file.name}.copy.part")
            shutil.copyfile(source, part)
            into_place(part, file)
        return file


def stage(study: dict[str, Any], registry: Registry, files: Staging) -> list[str]:
    """Read every source of a resolved study, so that all files it asks for lie in the folder and are known to be good.

    Those that read a user's own `path` are read too: they may ask for published files besides.

    Returns:
        What could not be had or read, a line each; everything else is staged all the same.

    Raises:
        OSError: the disk gave out.
    """
    return _Readings(study, registry, files).run()


def own_files(study: dict[str, Any]) -> list[str]:
    """The files and folders of the user's own that a study reads, and that it needs where it runs."""
    found = [arm[key] for arm in study["arms"].values() for key in ("weights", "predictions") if arm[key]]
    found += [arm["init"]["weights"] for arm in study["arms"].values() if arm["init"] and "weights" in arm["init"]]
    entries = [value for dataset in study["datasets"].values() for value in dataset.values() if isinstance(value, dict)]
    found += [entry["path"] for entry in entries if "method" in entry and isinstance(entry.get("path"), str)]
    return sorted(set(found))


class _Readings:
    """Each source is read once."""

    def __init__(self, study: dict[str, Any], registry: Registry, files: Staging):
        self._datasets: dict[str, Any] = study["datasets"]
        self._registry = registry
        self._files = files
        self._seen: dict[str, Dataset | None] = {}
        self._faults: list[str] = []

    def run(self) -> list[str]:
        for name, declared in self._datasets.items():
            if declared["source"]:
                self._shape(name)
        return self._faults

    def _shape(self, name: str) -> Dataset | None:
        """A dataset with the shape and classes of the source behind `name`, one image of it; None when it failed."""
        while self._datasets[name]["from"]:
            name = self._datasets[name]["from"]
        declared = self._datasets[name]
        key = canonical([declared["source"], declared["like"]])
        if key not in self._seen:
            self._seen[key] = self._read(name, declared)
        return self._seen[key]

    def _read(self, name: str, declared: dict[str, Any]) -> Dataset | None:
        like = self._shape(declared["like"]) if declared["like"] else None
        if declared["like"] and like is None:
            self._faults.append(f"{name}: not read, since {declared['like']}, whose shape it takes on, could not be")
            return None
        try:
            raw = bind(self._registry, "source", declared["source"])(Given(Streams(_STREAMS), like, self._files))
        except MethodError as error:
            self._faults.append(f"{name}: {error}")
        except Exception as error:
            if of_the_machine(error):
                raise
            self._faults.append(f"{name}: {type(error).__name__}: {error}")
        else:
            return _sample(raw, like)
        return None


def _sample(raw: Raw, like: Dataset | None) -> Dataset:
    """One image of what a source gave, in the shape that it will have."""
    images, labels = raw.images[:1], raw.labels[:1]
    if like is not None:
        images = match(images, *next(iter(like.splits.values())).images.shape[1:])
    assert raw.ids is not None
    return Dataset(list(raw.classes), {"test": Split(images.copy(), labels, raw.ids[:1].astype(str), labels)})
