"""Where published files come from: the mirror, else the cache, else the network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from assay.data.archive import Archive, Package, UnavailableError
from assay.errors import MethodError
from assay.run.fetch.clients import fetch_package
from assay.run.fetch.download import Downloader
from assay.run.fetch.patience import NotHadError
from assay.run.fetch.verify import fault
from assay.run.lock import locked

#: Environment variable that names a folder of files; it comes before a study's own `mirror`.
MIRROR = "ASSAY_MIRROR"
#: Environment variable that keeps Assay off the network.
OFFLINE = "ASSAY_OFFLINE"


class Shelf:
    """Hands out published files, whole and verified; see `assay.data.archive.Files`.

    Jobs that want the same file at once wait for the one that fetches it.

    Args:
        mirrors: folders that are looked at first. They are only read, and a file there that is not what its name says
            is an error: whoever put it there should know.
        downloads: the cache, where fetched files are kept.
        offline: whether the network is left alone; files that an archive names by `file:` are read all the same.
        downloader: fetches archives.
    """

    def __init__(
        self,
        mirrors: Sequence[Path],
        downloads: Path,
        *,
        offline: bool = False,
        downloader: Downloader | None = None,
    ):
        self.mirrors = list(mirrors)
        self.downloads = downloads
        self._offline = offline
        self._downloader = downloader or Downloader()

    def get(self, wanted: Archive | Package) -> Path:
        """A file that is whole and has the digests that `wanted` states.

        Raises:
            UnavailableError: it is nowhere to be had; the message says what was tried and how to provide it.
            MethodError: a mirror holds another file under its name, or the name leads out of the folder.
            OSError: the disk did not take it.
        """
        return self.find(wanted) or self.fetch(wanted)

    def has(self, wanted: Archive | Package) -> bool:
        """Whether it lies on a mirror or in the cache, so that `get` needs no network. Contents are not looked at."""
        places = [place for mirror in self.mirrors for place in _places(mirror, wanted)]
        return any(place.is_file() for place in [*places, self._cached(wanted)])

    def find(self, wanted: Archive | Package) -> Path | None:
        """The file on a mirror or in the cache, verified; None when it is in neither.

        Raises:
            MethodError: a mirror holds another file under its name, or the name leads out of the folder.
        """
        for mirror in self.mirrors:
            for place in _places(mirror, wanted):
                if place.is_file():
                    wrong = fault(place, wanted)
                    if wrong:
                        own = mirror / wanted.name
                        other = "" if place == own else f", or if it belongs to another set, put this one at {own}"
                        raise MethodError(f"the mirror's file {place} {wrong}; replace it{other}")
                    return place
        cached = self._cached(wanted)
        return cached if cached.is_file() and fault(cached, wanted) is None else None

    def fetch(self, wanted: Archive | Package) -> Path:
        """Fetch the file into the cache, or take it from there when another job was faster.

        Raises:
            UnavailableError: no way led to it.
            OSError: the disk did not take it.
        """
        cached = self._cached(wanted)
        cached.parent.mkdir(parents=True, exist_ok=True)
        with locked(cached.with_name(f".{cached.name}.lock"), about=str(os.getpid()), keep=False):
            wrong = fault(cached, wanted) if cached.is_file() else "is not there"
            if wrong is None:
                return cached
            try:
                self._bring(wanted, cached)
            except NotHadError as error:
                raise UnavailableError(self._nowhere(wanted, f"{cached} {wrong}", error.reasons)) from None
        return cached

    def _bring(self, wanted: Archive | Package, file: Path) -> None:
        left_out = f"the network was left alone ({OFFLINE} is set)"
        if isinstance(wanted, Package):
            if self._offline:
                raise NotHadError([left_out])
            fetch_package(wanted, file, self._downloader.patience)
            return
        if self._offline:
            wanted = replace(wanted, urls=tuple(url for url in wanted.urls if url.startswith("file:")))
            if not wanted.urls:
                raise NotHadError([left_out])
        self._downloader.fetch(wanted, file)

    def _cached(self, wanted: Archive | Package) -> Path:
        return self.downloads / _inside(wanted)

    def _nowhere(self, wanted: Archive | Package, cached: str, reasons: list[str]) -> str:
        """What to tell whoever asked for a file in vain: what was tried, and what they can do."""
        tried = [
            f"{mirror / wanted.name} is not there" if mirror.is_dir() else f"the mirror {mirror} is no folder"
            for mirror in self.mirrors
        ]
        place = (self.mirrors[0] if self.mirrors else self.downloads) / wanted.name
        return (
            f"{wanted.name} is not to be had. Tried: {'; '.join([*tried, cached, *reasons])}. Put the file at {place}, "
            f"or run `assay fetch STUDY --into DIR` where there is a network, and set `mirror: DIR` or {MIRROR}=DIR"
        )


def shelf(mirror: str | None, downloads: Path) -> Shelf:
    """The shelf that the environment and a study's `mirror` (None when it names none) describe."""
    mirrors = [Path(each) for each in (os.environ.get(MIRROR), mirror) if each]
    return Shelf(list(dict.fromkeys(mirrors)), downloads, offline=is_offline())


def is_offline() -> bool:
    """Whether the environment keeps Assay off the network."""
    return os.environ.get(OFFLINE, "") not in ("", "0")


def _places(mirror: Path, wanted: Archive | Package) -> list[Path]:
    """Where a mirror may hold a file: in its source's folder, or at the top, as people drop it there."""
    name = _inside(wanted)
    return list(dict.fromkeys([mirror / name, mirror / name.name]))


def _inside(wanted: Archive | Package) -> PurePosixPath:
    """The name of a file as a path that stays inside the folder it is laid below.

    Raises:
        MethodError: it does not, or it is hidden, as the parts of downloads are.
    """
    parts = wanted.name.split("/")
    if any(not part or part.startswith(".") or "\\" in part or "\0" in part for part in parts):
        raise MethodError(f"{wanted.name!r} is no name of a file below a folder: expected words divided by `/`")
    return PurePosixPath(wanted.name)
