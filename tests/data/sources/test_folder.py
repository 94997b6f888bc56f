"""Folders of pictures: what is read, and that whatever is odd is refused or counted."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from assay.data.archive import NoFiles
from assay.data.decode import ALPHA, DEEP, FRAMES
from assay.data.given import Given
from assay.data.job import build
from assay.data.own.labels import EMPTY
from assay.data.own.pictures import SKIPPED
from assay.data.sources.folder import HIDDEN, OUTSIDE, REPEATED, folder
from assay.errors import MethodError
from assay.streams import Streams
from assay.study.registry import scan
from PIL import Image

OPTIONS = {
    "layout": "auto", "resolution": None, "channels": None, "corrupt": "refuse", "empty": "refuse", "licence": "",
    "citation": "",
}  # fmt: skip
STREAMS = {"split": 0, "alteration": 0, "generator": 0}


def read(path, **changes):
    return folder(Given(Streams({}), None, NoFiles()), path=str(path), **{**OPTIONS, **changes})


def draw(file: Path, value: int = 0, size: tuple[int, int] = (4, 4), mode: str = "L", **options) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value).save(file, **options)
    return file


@pytest.fixture
def root(tmp_path):
    """Two classes of two images each; the value of a pixel tells which image it is."""
    for number, name in enumerate(("cat/a", "cat/deep/er/b", "dog/c", "dog/d")):
        draw(tmp_path / "set" / f"{name}.png", number)
    return tmp_path / "set"


def test_a_class_is_a_folder_with_all_below_it(root):
    raw = read(root)
    assert raw.classes == ["cat", "dog"]
    assert raw.ids.tolist() == ["cat/a.png", "cat/deep/er/b.png", "dog/c.png", "dog/d.png"]
    assert raw.labels.tolist() == [0, 0, 1, 1]
    assert raw.images[:, 0, 0, 0].tolist() == [0, 1, 2, 3]
    assert raw.images.shape == (4, 4, 4, 1)
    assert raw.parts is None
    assert raw.decisions == {}


def test_it_reads_what_torchvision_reads(root, tmp_path):
    from torchvision.datasets import ImageFolder

    rng = np.random.default_rng(0)
    for number in range(6):
        draw(tmp_path / "more" / str(number % 3) / f"{number}.png", mode="RGB", value=tuple(rng.integers(0, 256, 3)))
    theirs, ours = ImageFolder(str(tmp_path / "more")), read(tmp_path / "more")
    assert ours.classes == theirs.classes
    assert ours.labels.tolist() == theirs.targets
    assert all((np.asarray(picture) == image).all() for (picture, _), image in zip(theirs, ours.images, strict=True))


def test_folders_called_like_splits_are_official_splits(tmp_path):
    for part, names in (("train", "ab"), ("validation", "b"), ("test", "ab")):
        for name in names:
            draw(tmp_path / part / name / "x.png")
    raw = read(tmp_path)
    assert raw.classes == ["a", "b"]
    assert raw.parts.tolist() == ["test", "test", "train", "train", "val"]
    assert raw.labels.tolist() == [0, 1, 0, 1, 1]


def test_vehicles_may_be_trains(tmp_path):
    for name in ("car", "train"):
        draw(tmp_path / name / "x.png")
    assert read(tmp_path).classes == ["car", "train"]
    draw(tmp_path / "test" / "x.png")
    with pytest.raises(MethodError, match=r"called like splits \(test, train\) beside others"):
        read(tmp_path)
    assert read(tmp_path, layout="classes").classes == ["car", "test", "train"]
    with pytest.raises(MethodError, match=r"alone, found car"):
        read(tmp_path, layout="splits")


def test_two_names_of_one_split_are_refused(tmp_path):
    for part in ("train", "val", "valid"):
        draw(tmp_path / part / "a" / "x.png")
    with pytest.raises(MethodError, match="val, valid are the same split"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda content: content[: len(content) // 2], "cannot be decoded"),
        (lambda _: b"", "empty"),
        (lambda _: b"these are words", "no picture"),
        (lambda content: content[:48] + b"\0\0\0\0" + content[52:], "cannot be decoded"),
    ],
    ids=["truncated", "zero bytes", "no image", "corrupted"],
)
def test_a_damaged_file_is_named_and_refused_or_skipped(root, capsys, spoil, says):
    rng = np.random.default_rng(0)
    for name in ("dog/c.png", "dog/e.png"):
        noise = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (4, 4), dtype=np.uint8)).save(noise, "PNG")
        (root / name).write_bytes(spoil(noise.getvalue()))
    with pytest.raises(MethodError, match=rf"2 of 5 images cannot be read: dog/c\.png .*{says}.*, dog/e\.png.*skip"):
        read(root)
    assert "dog/e.png" in capsys.readouterr().out
    raw = read(root, corrupt="skip")
    assert raw.ids.tolist() == ["cat/a.png", "cat/deep/er/b.png", "dog/d.png"]
    assert raw.images[:, 0, 0, 0].tolist() == [0, 1, 3]
    assert raw.labels.tolist() == [0, 0, 1]
    assert raw.decisions[SKIPPED]["count"] == 2
    assert [name.split()[0] for name in raw.decisions[SKIPPED]["ids"]] == ["dog/c.png", "dog/e.png"]


def test_every_skipped_file_is_listed_and_a_class_that_loses_all_is_empty(root):
    for number in range(30):
        (root / f"cat/bad-{number:02d}.png").write_bytes(b"")
    assert len(read(root, corrupt="skip").decisions[SKIPPED]["ids"]) == 30
    for name in ("c", "d"):
        (root / f"dog/{name}.png").write_bytes(b"")
    with pytest.raises(MethodError, match="no images of dog"):
        read(root, corrupt="skip")
    for name in ("a", "deep/er/b"):
        (root / f"cat/{name}.png").write_bytes(b"")
    with pytest.raises(MethodError, match=r"34 of 34 images cannot be read.*14 more"):
        read(root, corrupt="skip")


def test_what_is_no_ordinary_file_is_not_waited_for(root):
    os.mkfifo(root / "cat/pipe.png")
    (root / "dog/broken.png").symlink_to("nowhere.png")
    with pytest.raises(
        MethodError, match=r"pipe.png is no ordinary file, dog/broken.png cannot be opened: No such file"
    ):
        read(root)


def test_a_faulty_disk_is_no_damaged_file(root, monkeypatch):
    import assay.data.own.pictures as module

    def fail(*_, **__):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(module, "open", fail, raising=False)
    with pytest.raises(OSError, match="Input/output"):
        read(root, corrupt="skip")


def test_sizes_that_differ_are_listed_with_counts(root):
    draw(root / "dog/wide.png", 9, (6, 4))
    with pytest.raises(MethodError, match=r"differ in size: 4 x 4 \(4\), 6 x 4 \(1\); set `resolution`"):
        read(root)
    raw = read(root, resolution=8)
    assert raw.images.shape == (5, 8, 8, 1)
    assert raw.images[:, 3, 3, 0].tolist() == [0, 1, 2, 3, 9]
    assert {sentence.split()[0]: entry["count"] for sentence, entry in raw.decisions.items()} == {
        "resized": 5, "stretched": 1
    }  # fmt: skip


def test_channels_that_differ_are_listed_with_counts(root):
    draw(root / "dog/red.png", (255, 0, 0), mode="RGB")
    with pytest.raises(MethodError, match=r"differ in channels: grey \(4\), colour \(1\); set `channels`"):
        read(root)
    assert read(root, channels=1).images[-1].max() == 76
    assert read(root, channels=3).images.shape == (5, 4, 4, 3)


def test_odd_pictures_are_counted_and_stand_in_the_card(root):
    Image.fromarray(np.full((4, 4), 257 * 9, np.uint16)).save(root / "cat/deep.png")
    draw(root / "cat/clear.png", (70, 0), mode="LA")
    frames = [Image.new("L", (4, 4), value) for value in (5, 6)]
    frames[0].save(root / "cat/moving.png", save_all=True, append_images=frames[1:])
    spec = {"source": {"method": "folder", "path": str(root), **OPTIONS}, "streams": STREAMS}
    card = build(spec, scan()).card
    assert card["decisions"] == {
        ALPHA: {"count": 1, "ids": ["cat/clear.png"]},
        DEEP: {"count": 1, "ids": ["cat/deep.png"]},
        FRAMES: {"count": 1, "ids": ["cat/moving.png"]},
    }
    derived = {"source": None, "classes": {"keep": ["dog", "cat"]}, "streams": STREAMS}
    assert build(derived, scan(), parent=build(spec, scan())).card["decisions"] == card["decisions"]


def test_a_class_without_images_is_refused_by_name_or_kept(root):
    (root / "bird/inner").mkdir(parents=True)
    with pytest.raises(MethodError, match="no images of bird"):
        read(root)
    raw = read(root, empty="keep")
    assert raw.classes == ["bird", "cat", "dog"]
    assert raw.labels.tolist() == [1, 1, 2, 2]
    assert raw.decisions == {EMPTY: {"count": 1, "ids": ["bird"]}}


def test_a_class_that_training_never_sees_is_refused(tmp_path):
    for name in ("train/a", "train/b", "test/a", "test/b", "test/c"):
        draw(tmp_path / name / "x.png")
    with pytest.raises(MethodError, match="no images of train/c"):
        read(tmp_path)
    assert read(tmp_path, empty="keep").classes == ["a", "b", "c"]


def test_one_class_alone_is_nothing_to_learn_from(tmp_path):
    for number in range(4):
        draw(tmp_path / "only" / f"{number}.png")
    spec = {"source": {"method": "folder", "path": str(tmp_path), **OPTIONS}, "streams": STREAMS}
    assert list(build(spec, scan()).splits) == ["test"]  # a set of outliers needs no more
    with pytest.raises(MethodError, match="one class, only, so there is nothing to learn"):
        build({**spec, "split": {"val": 0.25, "test": 0.25}}, scan())


def test_links_hidden_files_and_files_of_no_class_are_counted(root):
    (root / "cat/round").symlink_to(root)
    (root / ".DS_Store").write_bytes(b"")
    (root / "README.txt").write_text("mine")
    raw = read(root)
    assert len(raw.images) == 4
    assert raw.decisions == {
        HIDDEN: {"count": 1, "ids": [".DS_Store"]},
        REPEATED: {"count": 1, "ids": ["cat/round"]},
        OUTSIDE: {"count": 1, "ids": ["README.txt"]},
    }


def test_a_class_that_is_a_link_to_another_is_no_second_copy(root):
    (root / "kitten").symlink_to("cat")
    raw = read(root)
    assert raw.classes == ["cat", "dog"]
    assert raw.decisions[REPEATED]["ids"] == ["kitten"]


def test_a_decompression_bomb_is_refused(root):
    import struct
    import zlib

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(10**7))), (b"IEND", b""))
    body = b"".join(struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks)
    (root / "cat/bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    with pytest.raises(MethodError, match=r"cat/bomb.png .*decompression bomb"):
        read(root)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda root: root / "nowhere", "no folder"),
        (lambda root: root / "cat/a.png", "no folder"),
        (lambda root: root / "cat/deep/er", "no folders of classes"),
    ],
)
def test_what_is_no_folder_of_classes_is_refused(root, make, says):
    with pytest.raises(MethodError, match=says):
        read(make(root))


def test_a_name_that_is_no_text_is_refused(root):
    os.rename(os.fsencode(root / "cat/a.png"), os.fsencode(root / "cat") + b"/\xff.png")
    with pytest.raises(MethodError, match="not in UTF-8"):
        read(root)
