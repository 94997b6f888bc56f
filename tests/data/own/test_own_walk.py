"""Listing a folder: in one order, hidden files aside, every folder once whatever links say."""

from __future__ import annotations

import os

import pytest
from assay.data.own.walk import UnreadableError, tree


@pytest.fixture
def root(tmp_path):
    for name in ("cat/b.png", "cat/a.png", "cat/deep/c.png", "dog/a.png"):
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(b"xyz")
    return tmp_path / "set"


def names(root):
    return [file.name for file in tree(str(root)).files]


def test_files_are_sorted_and_have_their_sizes(root):
    found = tree(str(root))
    assert [file.name for file in found.files] == ["cat/a.png", "cat/b.png", "cat/deep/c.png", "dog/a.png"]
    assert found.folders == ["cat", "cat/deep", "dog"]
    os.utime(root / "cat/a.png", ns=(5, 7))
    assert tree(str(root)).files[0] == ("cat/a.png", 3, 7)


def test_hidden_files_are_set_aside(root):
    (root / ".DS_Store").write_bytes(b"")
    (root / "cat/._a.png").write_bytes(b"")
    (root / "cat/Thumbs.db").write_bytes(b"")
    (root / ".git").mkdir()
    (root / ".git/x.png").write_bytes(b"")
    assert len(names(root)) == 4
    assert tree(str(root)).hidden == [".DS_Store", ".git", "cat/._a.png", "cat/Thumbs.db"]


def test_a_circle_of_links_ends(root):
    (root / "cat/round").symlink_to(root, target_is_directory=True)
    (root / "self").symlink_to("self")
    found = tree(str(root))
    assert found.repeated == ["cat/round"]
    assert [file.name for file in found.files if file.size >= 0] == [
        "cat/a.png", "cat/b.png", "cat/deep/c.png", "dog/a.png"
    ]  # fmt: skip
    assert [file.name for file in found.files if file.size < 0] == ["self"]


def test_two_links_to_a_folder_elsewhere_count_once_and_real_folders_come_first(root, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/z.png").write_bytes(b"z")
    (root / "b-link").symlink_to(tmp_path / "other")
    (root / "a-link").symlink_to(tmp_path / "other")
    (root / "aa-cat").symlink_to(root / "cat")
    found = tree(str(root))
    assert "a-link/z.png" in names(root)
    assert found.repeated == ["aa-cat", "b-link"]


def test_links_that_lead_above_the_root_do_not_read_it_again(root, tmp_path):
    (tmp_path / "beside.png").write_bytes(b"z")
    (root / "up").symlink_to(tmp_path)
    found = tree(str(root))
    assert names(root).count("cat/a.png") == 1
    assert "up/beside.png" in names(root)
    assert found.repeated == ["up/set"]


def test_a_folder_that_cannot_be_read_is_named(root, monkeypatch):
    real = os.scandir

    def scandir(path):
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(UnreadableError, match=r"cat/deep.*Permission denied"):
        tree(str(root))


def test_a_folder_without_the_right_to_read_it(root):
    (root / "cat/deep").chmod(0)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        told = "it was read"
        try:
            os.chdir(root)
            if os.getuid() == 0:
                os.setuid(65534)  # root may read everything
            tree(".")
        except BaseException as error:
            told = f"{type(error).__name__} {error}"
        os.write(write, told.encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 1000) == b"UnreadableError the folder './cat/deep' cannot be read: Permission denied"
