"""Reading the files of an archive without trusting it.

Members are handed out in memory, so nothing an archive says decides where anything is written. What no published set
needs is refused all the same, since it tells of a file that is not what it claims to be: absolute paths, paths through
a parent folder, links that lead out, device files, and contents that grow beyond a limit when unpacked.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import posixpath
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from assay.errors import MethodError

#: An archive may unpack to this many times its own size; real sets of images reach 10 (MNIST: 5), bombs 1,000.
RATIO = 100
#: Up to this size (256 MiB) contents are harmless however well they were packed.
SMALL = 1 << 28

_BROKEN = (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, zlib.error, lzma.LZMAError)


def members(file: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """The regular files of a zip, tar (plain, gzip, bzip2, xz) or Debian package whose names are wanted.

    Args:
        file: the archive; its kind is told by its first bytes.
        wanted: from a member's name, without a leading `./`, to whether it is read.

    Yields:
        Name and contents, in the order of the archive.

    Raises:
        MethodError: an archive that is damaged or cut short, that has a member which is unsafe, or that unpacks to
            more than `RATIO` times its size (and more than `SMALL`).
    """
    budget = _Budget(file.name, file.stat().st_size)
    try:
        with file.open("rb") as stream:
            start = stream.read(8)
            stream.seek(0)
            if start == b"!<arch>\n":
                yield from _tar(io.BytesIO(_debian(stream, file.name)), wanted, budget)
            elif start[:2] == b"PK":
                yield from _zip(stream, wanted, budget)
            else:
                yield from _tar(stream, wanted, budget)
    except _BROKEN as error:
        raise MethodError(f"{file.name} is damaged or cut short: {error}") from None


def inflate(packed: bytes | Path, name: str = "") -> bytes:
    """The contents of one gzip or bzip2 file; what is packed by neither comes back as it is.

    Raises:
        MethodError: damaged, cut short, or larger than the limit of `members` when unpacked.
    """
    name = name or (packed.name if isinstance(packed, Path) else "the file")
    data = packed.read_bytes() if isinstance(packed, Path) else packed
    if data[:2] != b"\x1f\x8b" and data[:3] != b"BZh":
        return data
    budget = _Budget(name, len(data))
    try:
        with (
            gzip.GzipFile(fileobj=io.BytesIO(data)) if data[:1] == b"\x1f" else bz2.BZ2File(io.BytesIO(data)) as stream
        ):
            whole = stream.read(budget.left + 1)
    except _BROKEN as error:
        raise MethodError(f"{name} is damaged or cut short: {error}") from None
    budget.spend(len(whole))
    return whole


class _Budget:
    """How many bytes an archive may still unpack to."""

    def __init__(self, name: str, packed: int):
        self.name = name
        self.left = max(SMALL, RATIO * packed)

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise MethodError(f"{self.name} unpacks to more than {RATIO} times its size: refused as a bomb")


def _tar(stream: IO[bytes], wanted: Callable[[str], bool], budget: _Budget) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=stream, mode="r:*") as archive:
        for member in archive:
            name = _safe(member.name, budget.name)
            if member.issym() or member.islnk():
                base = posixpath.dirname(member.name) if member.issym() else ""
                target = posixpath.normpath(posixpath.join(base, member.linkname))
                _safe(target, budget.name, f"the link {member.name} to {member.linkname}")
            elif not (member.isfile() or member.isdir()):
                raise MethodError(f"{budget.name}: {member.name} is a device or pipe, which no set of images holds")
            budget.spend(member.size)
            if member.isfile() and wanted(name):
                reader = archive.extractfile(member)
                assert reader is not None
                yield name, reader.read()


def _zip(stream: IO[bytes], wanted: Callable[[str], bool], budget: _Budget) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(stream) as archive:
        for member in archive.infolist():
            name = _safe(member.filename, budget.name)
            kind = member.external_attr >> 28  # the file type of Unix, 0 where another system made the archive
            if kind not in (0, 0o4, 0o10):
                raise MethodError(f"{budget.name}: {member.filename} is a link or device, which no set of images holds")
            budget.spend(member.file_size)
            if not member.is_dir() and wanted(name):
                yield name, archive.read(member)


def _debian(stream: IO[bytes], name: str) -> bytes:
    """The `data.tar.*` of a Debian package: an `ar` archive, whose headers are 60 bytes each (deb(5))."""
    stream.seek(8)
    while header := stream.read(60):
        if len(header) < 60 or header[58:] != b"`\n" or not header[48:58].strip().isdigit():
            break
        size = int(header[48:58])
        if header.startswith(b"data.tar"):
            data = stream.read(size)
            if len(data) < size:
                break
            return data
        stream.seek(size + size % 2, io.SEEK_CUR)
    raise MethodError(f"{name} is damaged or cut short: a Debian package without its data")


def _safe(name: str, archive: str, what: str = "") -> str:
    """A member's name without a leading `./`."""
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or parts[0].endswith(":"):
        raise MethodError(f"{archive}: {what or name} leads out of the archive: refused")
    return name.removeprefix("./")
