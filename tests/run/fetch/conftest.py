"""What the tests of fetching share: a server, a patience that does not last, and archives with their true digests."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from assay.data.archive import Archive
from assay.run.fetch.download import Downloader
from assay.run.fetch.patience import Patience
from assay.run.fetch.shelf import Shelf
from served import Server, serving

#: Long enough for a machine under load, short enough for a test.
QUICK = Patience(connect=5, read=5, pause=0.01, longest=0.05, report=0.0)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy stands between a test and its own server, and no mirror of whoever runs the tests is looked at."""
    for name in ("ASSAY_MIRROR", "ASSAY_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


@pytest.fixture(scope="session")
def body() -> bytes:
    """Three megabytes without a pattern."""
    return np.random.default_rng(3).bytes(3_000_000)


@pytest.fixture
def archive(server: Server, body: bytes) -> Callable[..., Archive]:
    """`archive(*files, **changes)`: the archive of `body` that its authors serve as `files`."""

    def make(*files: str, **changes: Any) -> Archive:
        urls = tuple(server.url(file) for file in files)
        made = Archive("toy/a.bin", urls, hashlib.md5(body).hexdigest(), hashlib.sha256(body).hexdigest(), len(body))
        return replace(made, **changes)

    return make


@pytest.fixture
def make_shelf(tmp_path: Path) -> Callable[..., Shelf]:
    """`make_shelf(mirrors, patience changes)`: a shelf over `downloads`."""

    def make(*mirrors: Path, offline: bool = False, **patience: Any) -> Shelf:
        downloader = Downloader(replace(QUICK, **patience))
        return Shelf(mirrors, tmp_path / "downloads", offline=offline, downloader=downloader)

    return make
