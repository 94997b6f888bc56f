"""Archives are read in memory; what no set of images needs is refused."""

from __future__ import annotations

import bz2
import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from assay.data import unpack
from assay.data.unpack import inflate, members
from assay.errors import MethodError

FILES = {"set/a.txt": b"first", "set/b/c.txt": b"second", "set/d.bin": bytes(range(256))}


def every(_: str) -> bool:
    return True


def tar(path: Path, mode: str, *extra: tarfile.TarInfo) -> Path:
    with tarfile.open(path, mode) as archive:
        for name, data in FILES.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for member in extra:
            archive.addfile(member, io.BytesIO(bytes(member.size)))
    return path


def special(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 0) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, target, size
    return member


def deb(data: bytes) -> bytes:
    """A Debian package as deb(5) says: an ar archive of three members, each padded to an even length."""
    whole = b"!<arch>\n"
    for name, content in (("debian-binary", b"2.0\n"), ("control.tar.xz", b"odd"), ("data.tar.xz", data)):
        whole += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
        whole += content + b"\n" * (len(content) % 2)
    return whole


@pytest.mark.parametrize("mode", ["w:", "w:gz", "w:bz2", "w:xz"])
def test_every_tar_is_read(tmp_path, mode):
    assert dict(members(tar(tmp_path / "x", mode), every)) == FILES


def test_zip_and_debian_package_are_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in FILES.items():
            archive.writestr(name, data)
    assert dict(members(tmp_path / "x.zip", every)) == FILES
    (tmp_path / "x.deb").write_bytes(deb(tar(tmp_path / "data", "w:xz").read_bytes()))
    assert dict(members(tmp_path / "x.deb", every)) == FILES


def test_only_what_is_wanted_is_handed_out_and_a_leading_dot_is_dropped(tmp_path):
    file = tar(tmp_path / "x", "w:gz", special("./e.txt", size=2), special("inside", tarfile.SYMTYPE, "set/a.txt"))
    assert dict(members(file, lambda name: name == "e.txt")) == {"e.txt": b"\0\0"}


@pytest.mark.parametrize(
    ("member", "says"),
    [
        (special("/etc/passwd"), "/etc/passwd leads out"),
        (special("set/../../x"), r"set/\.\./\.\./x leads out"),
        (special("C:/x"), "C:/x leads out"),
        (special("set/link", tarfile.SYMTYPE, "../../x"), "the link set/link .*leads out"),
        (special("link", tarfile.SYMTYPE, "/etc/passwd"), "the link link to /etc/passwd leads out"),
        (special("hard", tarfile.LNKTYPE, "../x"), "the link hard .*leads out"),
        (special("null", tarfile.CHRTYPE), "null is a device"),
        (special("disk", tarfile.BLKTYPE), "disk is a device"),
        (special("pipe", tarfile.FIFOTYPE), "pipe is a device or pipe"),
    ],
)
def test_unsafe_members_of_a_tar_are_refused_even_if_nobody_wants_them(tmp_path, member, says):
    with pytest.raises(MethodError, match=says):
        dict(members(tar(tmp_path / "x", "w:gz", member), lambda name: name == "set/a.txt"))


@pytest.mark.parametrize(("name", "mode"), [("../x", 0o100644), ("/x", 0o100644), ("..\\x", 0), ("link", 0o120777)])
def test_unsafe_members_of_a_zip_are_refused(tmp_path, name, mode):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        member = zipfile.ZipInfo(name)
        member.external_attr = mode << 16
        archive.writestr(member, b"x")
    with pytest.raises(MethodError, match=r"leads out|is a link"):
        dict(members(tmp_path / "x.zip", every))


@pytest.mark.parametrize("kind", ["tar", "zip", "gz", "bz2"])
def test_a_bomb_is_refused(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(unpack, "SMALL", 1000)
    bomb = bytes(10_000_000)
    file = tmp_path / "x"
    if kind == "tar":
        with tarfile.open(file, "w:gz") as archive:
            archive.addfile(special("zeros", size=len(bomb)), io.BytesIO(bomb))
    elif kind == "zip":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("zeros", bomb)
    else:
        file.write_bytes({"gz": gzip, "bz2": bz2}[kind].compress(bomb))
    with pytest.raises(MethodError, match="refused as a bomb"):
        inflate(file) if kind in ("gz", "bz2") else dict(members(file, every))


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz", "zip", "deb"])
def test_a_file_cut_short_is_refused(tmp_path, mode):
    file = tmp_path / "x"
    if mode == "zip":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("a", bytes(1000))
    else:
        tar(file, "w:xz" if mode == "deb" else mode)
    whole = deb(file.read_bytes()) if mode == "deb" else file.read_bytes()
    file.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(MethodError, match="x is damaged or cut short"):
        dict(members(file, every))


def test_gzip_and_bzip2_are_inflated_and_plain_bytes_pass(tmp_path):
    for packed in (gzip.compress(b"text"), bz2.compress(b"text"), b"text"):
        assert inflate(packed) == b"text"
    (tmp_path / "x.gz").write_bytes(gzip.compress(b"text" * 100)[:-9])
    with pytest.raises(MethodError, match=r"x\.gz is damaged or cut short"):
        inflate(tmp_path / "x.gz")
