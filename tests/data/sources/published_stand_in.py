"""What the tests of published sets share: files in a folder, small sets, and whole ones from registries."""

from __future__ import annotations

import glob
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from assay.data.archive import Archive, Package, UnavailableError
from assay.data.given import Given
from assay.streams import Streams
from PIL import Image


class Folder:
    """Hands out the files that lie in a folder under the names that sources give them, and notes what was asked."""

    def __init__(self, root: Path):
        self.root = root
        self.asked: list[str] = []

    def get(self, wanted: Archive | Package) -> Path:
        self.asked.append(wanted.name)
        if not self.has(wanted):
            raise UnavailableError(f"{wanted.name} is not in the folder")
        return self.root / wanted.name

    def has(self, wanted: Archive | Package) -> bool:
        return (self.root / wanted.name).exists()

    def put(self, name: str, data: bytes) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_bytes(data)

    @property
    def given(self) -> Given:
        return Given(Streams({}), None, self)


class Registries(Folder):
    """Fetches packages by their own clients, once, into the user's cache; addresses lead nowhere."""

    def __init__(self) -> None:
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        super().__init__(Path(cache) / "assay-tests")

    def get(self, wanted: Archive | Package) -> Path:
        if isinstance(wanted, Package) and not self.has(wanted):
            command = {"npm": ["npm", "pack", "--silent"], "apt": ["apt-get", "download", "-q"]}[wanted.client]
            (self.root / wanted.name).parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.root) as folder:
                subprocess.run([*command, wanted.package], cwd=folder, check=True, capture_output=True, timeout=300)
                (file,) = glob.glob(f"{folder}/*")
                shutil.move(file, self.root / wanted.name)
        return super().get(wanted)


def claim(monkeypatch, source, counts, digest="") -> None:
    """Let a source's card expect a small set."""
    monkeypatch.setattr(source, "assay_origin", replace(source.assay_origin, counts=counts, digest=digest))


def pack_tar(files: dict[str, bytes], mode: str = "w:gz") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def pack_zip(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


def picture(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    packed = io.BytesIO()
    Image.fromarray(pixels).save(packed, kind, **({"quality": 95} if kind == "JPEG" else {}))
    return packed.getvalue()


def npy(array: np.ndarray) -> bytes:
    packed = io.BytesIO()
    np.save(packed, array)
    return packed.getvalue()


def idx(array: np.ndarray) -> bytes:
    """The idx format: two zero bytes, 8 for bytes, the number of dimensions, sizes as big-endian int32, the bytes."""
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.astype(np.uint8).tobytes()
