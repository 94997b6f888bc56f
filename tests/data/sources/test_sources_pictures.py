"""Published sets that come as picture files: CINIC-10, Tiny-ImageNet, DTD and Places365."""

from __future__ import annotations

import io

import numpy as np
import pytest
from assay.data.readers import pictures
from assay.data.readers.cifar import CLASSES
from assay.data.readers.pictures import square
from assay.data.sources.cinic10 import cinic10
from assay.data.sources.dtd import CLASSES as TEXTURES
from assay.data.sources.dtd import dtd
from assay.data.sources.places365_small import places365_small
from assay.data.sources.tiny_imagenet import tiny_imagenet
from assay.errors import MethodError
from PIL import Image
from published_stand_in import Folder, claim, pack_tar, pack_zip, picture

RNG = np.random.default_rng(0)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def pixels(size=32, wide=None):
    return RNG.integers(0, 256, (size, wide or size, 3), dtype=np.uint8)


def decoded(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def test_a_picture_of_the_right_size_keeps_its_pixels():
    image = pixels(32)
    assert (square(picture(image), "x", 32) == image).all()


def test_the_centre_of_a_wide_picture_is_cut_out_and_resized():
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40] = 200  # the square in the middle
    made = square(picture(wide), "x", 10)
    assert made.shape == (10, 10, 3)
    assert (made == 200).all()
    assert (square(picture(wide.transpose(1, 0, 2)), "x", 10) == 200).all()


def test_grey_pictures_become_rgb_and_broken_or_vast_ones_are_refused(monkeypatch):
    grey = pixels(8)[..., 0]
    assert (square(picture(grey), "x", 8) == grey[..., None]).all()
    with pytest.raises(MethodError, match=r"a\.png cannot be decoded"):
        square(picture(pixels(32))[:-500], "a.png", 32)
    with pytest.raises(MethodError, match=r"a\.png cannot be decoded"):
        square(b"GIF89a no", "a.png", 32)
    monkeypatch.setattr(pictures, "MOST_PIXELS", 100)
    with pytest.raises(MethodError, match="has 11 x 10 pixels: refused as a bomb"):
        square(picture(pixels(10, 11)), "x", 32)


CINIC = {
    (part, label, name): pixels()
    for part in ("train", "valid", "test")
    for label, name in ((0, "cifar10-train-1"), (0, "n02690373_3"), (9, "n1_2"))
}


def cinic_files():
    names = list(CINIC)
    RNG.shuffle(names)
    return {
        "README.md": b"x",
        **{
            f"{part}/{CLASSES[int(k)]}/{name}.png": picture(CINIC[part, int(k), name])
            for part, k, name in (tuple(map(str, key)) for key in names)
        },
    }


def test_cinic10_is_ordered_by_class_and_name(folder, monkeypatch):
    claim(monkeypatch, cinic10, {"train": 3, "val": 3, "test": 3})
    folder.put("cinic10/CINIC-10.tar.gz", pack_tar(cinic_files()))
    raw = cinic10(folder.given)
    assert raw.parts.tolist() == ["train"] * 3 + ["val"] * 3 + ["test"] * 3
    assert raw.labels.tolist() == [0, 0, 9] * 3
    assert (raw.images == np.stack(list(CINIC.values()))).all()
    assert raw.classes == CLASSES


def test_cinic10_that_is_wrong_is_refused(folder, monkeypatch):
    claim(monkeypatch, cinic10, {"train": 3, "val": 3, "test": 3})
    files = cinic_files()
    del files["valid/truck/n1_2.png"]
    folder.put("cinic10/CINIC-10.tar.gz", pack_tar(files))
    with pytest.raises(MethodError, match="cinic10: expected train 3, val 3, test 3 images, found train 3, val 2"):
        cinic10(folder.given)
    folder.put("cinic10/CINIC-10.tar.gz", pack_tar({k: v for k, v in files.items() if "valid" not in k}))
    with pytest.raises(MethodError, match="none of the pictures"):
        cinic10(folder.given)
    folder.put("cinic10/CINIC-10.tar.gz", pack_tar({**files, "train/truck/n1_2.png": b"text"}))
    with pytest.raises(MethodError, match=r"CINIC-10\.tar\.gz: train/truck/n1_2\.png cannot be decoded"):
        cinic10(folder.given)


#: The classes in an order of their own; numbers within a class do not sort as text.
TINY_TRAIN = {
    ("n02124075", 2): picture(pixels(64), "JPEG"),
    ("n02124075", 10): picture(pixels(64)[..., 0], "JPEG"),
    ("n01443537", 0): picture(pixels(64), "JPEG"),
}
TINY_TEST = [("val_1.JPEG", "n01443537"), ("val_0.JPEG", "n02124075")]


def tiny_files():
    root = "tiny-imagenet-200"
    files = {
        f"{root}/wnids.txt": b"n02124075\nn01443537\n",
        f"{root}/words.txt": b"n01443537\tgoldfish, Carassius auratus\nn02124075\tEgyptian cat\nn0\tother\n",
        f"{root}/val/val_annotations.txt": "".join(f"{n}\t{w}\t0\t0\t9\t9\n" for n, w in TINY_TEST).encode(),
        f"{root}/test/images/test_0.JPEG": picture(pixels(64), "JPEG"),
        f"{root}/train/n01443537/n01443537_boxes.txt": b"x",
    }
    files |= {f"{root}/train/{wnid}/images/{wnid}_{n}.JPEG": data for (wnid, n), data in TINY_TRAIN.items()}
    return files | {f"{root}/val/images/{name}": picture(pixels(64), "JPEG") for name, _ in TINY_TEST}


def test_tiny_imagenet_has_the_official_classes_and_its_validation_images_as_test(folder, monkeypatch):
    claim(monkeypatch, tiny_imagenet, {"train": 3, "test": 2})
    files = tiny_files()
    folder.put("tiny-imagenet/tiny-imagenet-200.zip", pack_zip(files))
    raw = tiny_imagenet(folder.given, resolution=64)
    assert raw.classes == ["Egyptian cat", "goldfish"]
    assert raw.labels.tolist() == [0, 0, 1, 1, 0]
    assert raw.parts.tolist() == ["train"] * 3 + ["test"] * 2
    expected = [*TINY_TRAIN.values(), *(files[f"tiny-imagenet-200/val/images/{name}"] for name, _ in TINY_TEST)]
    assert (raw.images == np.stack([decoded(data) for data in expected])).all()
    small = tiny_imagenet(folder.given, resolution=32)
    assert small.images.shape == (5, 32, 32, 3)
    assert small.images.mean() == pytest.approx(raw.images.mean(), abs=1)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("wnids.txt", None, r"no wnids\.txt in the archive"),
        ("wnids.txt", b"n02124075\n", r"wnids\.txt does not list the classes n01443537"),
        ("val/images/val_0.JPEG", None, r"no picture tiny-imagenet-200/val/images/val_0\.JPEG"),
        ("val/val_annotations.txt", b"val_0.JPEG\tn9\t0\n", "test has labels below the first class"),
        ("val/val_annotations.txt", b"val_0.JPEG\tn02124075\t0\n", "expected train 3, test 2 images, found .*test 1"),
    ],
)
def test_tiny_imagenet_that_is_wrong_is_refused(folder, monkeypatch, name, data, says):
    claim(monkeypatch, tiny_imagenet, {"train": 3, "test": 2})
    files = tiny_files() | {f"tiny-imagenet-200/{name}": data}
    folder.put("tiny-imagenet/tiny-imagenet-200.zip", pack_zip({k: v for k, v in files.items() if v is not None}))
    with pytest.raises(MethodError, match=says):
        tiny_imagenet(folder.given, resolution=64)


DTD_LISTS = {"train": ["zigzagged/a.jpg", "banded/b.jpg"], "val": ["banded/c.jpg"], "test": ["dotted/d.jpg"]}


def dtd_files():
    files = {f"dtd/labels/{part}2.txt": "\n".join(rows).encode() + b"\n" for part, rows in DTD_LISTS.items()}
    files["dtd/labels/train1.txt"] = b"banded/other.jpg\n"
    for rows in DTD_LISTS.values():
        files |= {f"dtd/images/{row}": picture(pixels(40, 60), "JPEG") for row in rows}
    return files


def test_dtd_follows_the_lists_of_the_partition(folder, monkeypatch):
    claim(monkeypatch, dtd, {"train": 2, "val": 1, "test": 1})
    files = dtd_files()
    folder.put("dtd/dtd-r1.0.1.tar.gz", pack_tar(files))
    raw = dtd(folder.given, resolution=40, partition=2)
    assert raw.parts.tolist() == ["train", "train", "val", "test"]
    assert [raw.classes[label] for label in raw.labels] == ["zigzagged", "banded", "banded", "dotted"]
    assert (raw.images[0] == decoded(files["dtd/images/zigzagged/a.jpg"])[:, 10:50]).all()
    assert dtd(folder.given, resolution=16, partition=2).images.shape == (4, 16, 16, 3)
    assert (len(TEXTURES), TEXTURES) == (47, sorted(TEXTURES))
    with pytest.raises(MethodError, match=r"no dtd/labels/val1\.txt|no picture dtd/images/banded/other\.jpg"):
        dtd(folder.given, resolution=16, partition=1)
    folder.put("dtd/dtd-r1.0.1.tar.gz", pack_tar(files | {"dtd/labels/val2.txt": b"furry/c.jpg\n"}))
    with pytest.raises(MethodError, match="names classes that DTD has not: furry"):
        dtd(folder.given, resolution=16, partition=2)
    folder.put("dtd/dtd-r1.0.1.tar.gz", pack_tar(files)[:-2000])
    with pytest.raises(MethodError, match="damaged or cut short"):
        dtd(folder.given, resolution=16, partition=2)


PLACES = {
    "categories_places365.txt": b"/a/airfield 0\n/c/church/indoor 1\n",
    "places365_train_standard.txt": b"/c/church/indoor/00000002.jpg 1\n/a/airfield/00000001.jpg 0\n",
    "places365_val.txt": b"Places365_val_00000001.jpg 1\nPlaces365_val_00000002.jpg 0\n",
}


@pytest.mark.parametrize("train", [False, True])
def test_places_follows_its_lists(folder, monkeypatch, train):
    claim(monkeypatch, places365_small, {"test": {"test": 2}, "train": {"train": 2, "test": 2}})
    folder.put("places365-small/filelist_places365-standard.tar", pack_tar(PLACES, "w:"))
    images = {
        "data_256/a/airfield/00000001.jpg": picture(pixels(256), "JPEG"),
        "data_256/c/church/indoor/00000002.jpg": picture(pixels(256), "JPEG"),
        "val_256/Places365_val_00000002.jpg": picture(pixels(256), "JPEG"),
        "val_256/Places365_val_00000001.jpg": picture(pixels(256), "JPEG"),
    }
    for prefix, archive in (("data_256/", "train_256_places365standard"), ("val_256/", "val_256")):
        chosen = {name: data for name, data in images.items() if name.startswith(prefix)}
        folder.put(f"places365-small/{archive}.tar", pack_tar(chosen, "w:"))
    raw = places365_small(folder.given, resolution=256, train=train)
    assert raw.classes == ["airfield", "church/indoor"]
    order = [*(reversed(list(images)[:2]) if train else []), *reversed(list(images)[2:])]
    assert (raw.images == np.stack([decoded(images[name]) for name in order])).all()
    assert raw.labels.tolist() == [1, 0] * (1 + train)
    assert raw.parts.tolist() == ["train"] * 2 * train + ["test"] * 2
    assert any("train_256" in name for name in folder.asked) == train
    assert places365_small(folder.given, resolution=64, train=False).images.shape == (2, 64, 64, 3)


def test_places_without_a_picture_of_its_list_is_refused(folder, monkeypatch):
    folder.put("places365-small/filelist_places365-standard.tar", pack_tar(PLACES, "w:"))
    only = {"val_256/Places365_val_00000001.jpg": picture(pixels(256), "JPEG")}
    folder.put("places365-small/val_256.tar", pack_tar(only, "w:"))
    with pytest.raises(MethodError, match=r"no picture val_256/Places365_val_00000002\.jpg"):
        places365_small(folder.given, resolution=64, train=False)
