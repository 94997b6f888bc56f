"""Altered copies of a train split: the augmentation itself, written down."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from assay.augment.draw import Draw, keys
from assay.augment.translate import translate
from assay.data import copies as module
from assay.data.copies import copied
from assay.data.dataset import Split, originals
from assay.data.job import build
from assay.errors import MethodError
from assay.streams import Streams
from assay.study.errors import ConfigError
from assay.study.load import load_study
from assay.study.registry import scan

REGISTRY = scan()
STREAMS = {"split": 0, "alteration": 3, "generator": 0}
SHIFT = {"method": "translate", "share": 0.25, "fill": "zero"}
SAME = {"method": "flip", "probability": 0.0, "alternate": False}
MIRROR = {"method": "flip", "probability": 0.5, "alternate": True}


@pytest.fixture(scope="module")
def digits():
    return build({"source": {"method": "digits"}, "split": {"val": 0.1, "test": 0.5}, "streams": STREAMS}, REGISTRY)


def made(parent, count, *entries, **more):
    return build({"copies": count, "augment": list(entries), "streams": STREAMS, **more}, REGISTRY, parent=parent)


def test_a_copy_by_an_augmentation_that_does_nothing_is_the_set(digits):
    found, train = made(digits, 1, SAME).splits["train"], digits.splits["train"]
    assert np.array_equal(found.images, train.images)
    assert np.array_equal(found.labels, train.labels)
    assert found.ids.tolist() == [f"{name}:copy-1" for name in train.ids]
    assert np.array_equal(originals(found.ids), train.ids)


def test_copies_are_what_the_augmentation_makes_of_the_batch_with_the_given_draw(digits, monkeypatch):
    train = digits.splits["train"]
    monkeypatch.setattr(module, "BATCH", 100)
    found = made(digits, 2, SHIFT).splits["train"]
    assert len(found) == 2 * len(train)
    x = torch.from_numpy(train.images).permute(0, 3, 1, 2).float() / 255
    seed = Streams(STREAMS).seed("alteration", "copies")
    for copy in (0, 1):
        draw = Draw(seed, copy, keys(train.ids), 0)
        expected, _ = translate(x, torch.zeros(len(x), 10), draw, share=0.25, fill="zero")
        assert np.array_equal(found.images[copy::2, :, :, 0], (expected[:, 0] * 255).round().to(torch.uint8).numpy())
    assert (found.images[::2] != found.images[1::2]).any((1, 2, 3)).mean() > 0.9


def test_an_epoch_is_a_copy(digits):
    """Two epochs of an alternating flip show both sides, and so do two copies."""
    found, train = made(digits, 2, MIRROR).splits["train"], digits.splits["train"]
    pairs = found.images.reshape(len(train), 2, *train.images.shape[1:])
    assert np.array_equal(pairs[:, 0], pairs[:, 1][:, :, ::-1])
    assert 0.3 < (pairs[:, 0] == train.images).all((1, 2, 3)).mean() < 0.7


def test_what_is_known_of_an_image_goes_along_and_other_splits_stay(digits):
    given = digits.splits["train"].take(np.arange(6))
    given.groups = np.array(list("aabbcc"))
    given.flags = {"noisy": np.array([True, False] * 3)}
    given.soft = np.arange(60, dtype=np.float32).reshape(6, 10)
    found = copied(given, 3, [SHIFT], REGISTRY, Streams(STREAMS))
    assert found.groups.tolist() == [group for group in "aabbcc" for _ in range(3)]
    assert found.flags["noisy"].tolist() == [*[True] * 3, *[False] * 3] * 3
    assert np.array_equal(found.soft[::3], given.soft)
    assert np.array_equal(found.original, np.repeat(given.original, 3))
    whole = made(digits, 3, SHIFT)
    for name in ("val", "test"):
        assert np.array_equal(whole.splits[name].images, digits.splits[name].images)
    assert whole.card["altered"][-1] == {
        "step": "copies", "copies": 3, "augment": "translate",
        "effect": {"before": len(digits.splits["train"]), "after": 3 * len(digits.splits["train"])},
    }  # fmt: skip


def test_the_draw_is_that_of_the_image_and_the_seed(digits):
    whole = made(digits, 2, SHIFT).splits["train"]
    few = made(digits, 2, SHIFT, subset=40).splits["train"]
    places = {name: number for number, name in enumerate(whole.ids)}
    assert np.array_equal(whole.images[[places[name] for name in few.ids]], few.images)
    other = made(digits, 2, SHIFT, streams={**STREAMS, "alteration": 4}).splits["train"]
    assert (other.images != whole.images).any()


def test_copies_of_one_image_are_no_leak_and_those_of_an_image_of_test_are(digits):
    card = made(digits, 3, SAME).card
    before = digits.card["duplicates"].get("train/train", {"images": 0})["images"]
    assert card["duplicates"].get("train/train", {"images": 0})["images"] <= 3 * before
    train = digits.splits["train"]
    leak = Split(train.images[:1], train.labels[:1], np.array(["again"]), train.labels[:1].copy())
    digits_leaking = build({"streams": STREAMS}, REGISTRY, parent=digits)
    digits_leaking.splits["test"] = leak
    assert made(digits_leaking, 3, SAME).card["duplicates"]["train/test"]["images"] == 1


def test_copies_of_large_images_are_no_near_duplicates_of_each_other():
    draw = np.random.default_rng(0)
    coarse = draw.integers(0, 256, (8, 4, 4, 1), dtype=np.uint8)
    images = coarse.repeat(8, 1).repeat(8, 2)
    labels = np.arange(8) % 2
    parent = build({"source": {"method": "digits"}, "split": {"test": 0.5}, "streams": STREAMS}, REGISTRY)
    parent.splits = {"train": Split(images, labels, np.arange(8).astype(str), labels.copy())}
    assert made(parent, 4, SAME).card["near-duplicates"]["pairs"] == {}


def test_what_changes_labels_or_has_nothing_to_copy_is_refused(digits):
    with pytest.raises(MethodError, match="mixup changes labels"):
        made(digits, 2, {"method": "mixup", "alpha": 1.0})
    parent = build({"streams": STREAMS}, REGISTRY, parent=digits)
    del parent.splits["train"]
    with pytest.raises(MethodError, match="no train split to copy, only"):
        made(parent, 2, SHIFT)


def test_a_study_that_would_copy_mixed_images_is_refused_before_it_runs(tmp_path):
    text = "study: s\nseeds: 1\ndatasets:\n  d: {source: digits}\n  h: {from: d, augment: [flip, mixup], copies: 2}\n"
    (tmp_path / "config.yaml").write_text(text + "arms: {a: {dataset: h, model: linear}}\n")
    with pytest.raises(ConfigError, match=r"datasets.h.augment\[1\]: mixup mixes labels"):
        load_study(tmp_path / "config.yaml", registry=REGISTRY)
