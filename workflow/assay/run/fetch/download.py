"""Fetching an archive: each of its addresses in turn, with patience, verified, into place in one step."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from urllib.parse import urlsplit

from assay.data.archive import Archive
from assay.run.fetch.http import bring, mark_file
from assay.run.fetch.patience import NotHadError, Patience, TroubleError
from assay.run.fetch.progress import Progress, tell
from assay.run.fetch.verify import fault

#: Bytes by which a file must have grown for a broken connection to count as progress.
_GROWN = 1 << 20

#: What a page in place of a file begins with, as proxies and portals send it.
_PAGE = (b"<!doctype html", b"<html")


class Downloader:
    """Fetches archives. A server that could not be reached is asked only once for each further file."""

    def __init__(self, patience: Patience | None = None):
        self.patience = patience or Patience()
        self._out_of_reach: set[str] = set()

    def fetch(self, wanted: Archive, file: Path) -> None:
        """Put an archive at `file`. Whoever calls holds the file's lock.

        Raises:
            NotHadError: no address gave it.
            OSError: the disk did not take it.
        """
        reasons = []
        for url in wanted.urls:
            part = part_of(file, url)
            progress = Progress(wanted.name, self.patience.report)
            try:
                self._bring(url, part, wanted, progress)
                wrong = fault(part, wanted)
                if wrong:
                    page = ", and is a web page" if _is_page(part) else ""
                    discard(part)
                    raise TroubleError(f"the file {wrong}{page}", again=False)
            except TroubleError as trouble:
                reasons.append(f"{url}: {trouble.reason}")
                tell(f"{wanted.name}: {reasons[-1]}")
                continue
            progress.end(part.stat().st_size, url)
            into_place(part, file)
            for each in wanted.urls:
                discard(part_of(file, each))
            return
        raise NotHadError(reasons or ["no address of it is known"])

    def _bring(self, url: str, part: Path, wanted: Archive, progress: Progress) -> None:
        """Try an address until it gave the file, or nothing new so many times in a row that it is given up."""
        host = urlsplit(url).netloc
        furthest = part.stat().st_size if part.exists() else 0
        failures = 0
        while True:
            try:
                return bring(url, part, wanted.size, self.patience, progress)
            except TroubleError as trouble:
                size = part.stat().st_size if part.exists() else 0
                if size >= furthest + _GROWN:
                    furthest, failures = size, 0
                failures += 1
                # A name that does not resolve, or a port that nobody listens on, seldom mends itself in seconds.
                most = self.patience.tries if trouble.reached else min(self.patience.tries, 2)
                given_up = failures >= most or (not trouble.reached and host in self._out_of_reach)
                if not trouble.reached and (given_up or not trouble.again):
                    self._out_of_reach.add(host)
                if given_up or not trouble.again:
                    tried = f" ({failures} tries)" if failures > 1 else ""
                    raise TroubleError(trouble.reason + tried, again=False) from None
                wait = self.patience.wait(failures, trouble.wait)
                tell(f"{wanted.name}: {url}: {trouble.reason}; again in {wait:.1f} s")
                time.sleep(wait)


def part_of(file: Path, url: str) -> Path:
    """Where the bytes of an address gather until they are whole; each address has its own."""
    return file.with_name(f".{file.name}.{hashlib.sha256(url.encode()).hexdigest()[:8]}.part")


def discard(part: Path) -> None:
    """Remove a part and its mark."""
    part.unlink(missing_ok=True)
    mark_file(part).unlink(missing_ok=True)


def into_place(part: Path, file: Path) -> None:
    """Rename a whole part to its file, once its bytes are surely on disk."""
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    part.replace(file)
    mark_file(part).unlink(missing_ok=True)


def _is_page(part: Path) -> bool:
    with part.open("rb") as stream:
        return stream.read(64).lstrip().lower().startswith(_PAGE)
