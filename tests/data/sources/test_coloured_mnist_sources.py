"""Coloured and multi-colour MNIST on made digits: how often colours and labels agree, and the pixels."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest
from assay.data.archive import NoFiles
from assay.data.given import Given
from assay.data.job import build
from assay.data.raw import Raw
from assay.data.sources.coloured_mnist import coloured_mnist
from assay.data.sources.multi_colour_mnist import LEFT, RIGHT, multi_colour_mnist
from assay.errors import MethodError
from assay.streams import Streams
from assay.study.registry import scan

GIVEN = Given(Streams({"generator": 6}), None, NoFiles())
TRAIN, TEST = 12_000, 8_000


@pytest.fixture(autouse=True)
def base(monkeypatch):
    """Stands for MNIST: 20,000 random images with an empty rim and full strokes in the middle."""
    rng = np.random.default_rng(0)
    images = np.zeros((TRAIN + TEST, 28, 28, 1), np.uint8)
    images[:, 4:24, 4:24] = rng.integers(0, 256, (len(images), 20, 20, 1), dtype=np.uint8)
    images[:, 12:16, 12:16] = 255
    labels = rng.integers(0, 10, len(images))
    parts = np.repeat(["train", "test"], [TRAIN, TEST])
    raw = Raw(images, labels, [str(k) for k in range(10)], parts=parts, licence="mine", citation="me")
    module = ModuleType("assay.data.sources.mnist")
    module.mnist = lambda _: raw
    monkeypatch.setitem(sys.modules, "assay.data.sources.mnist", module)
    return raw


def coloured(noise=0.25, train=(0.2, 0.1), test=0.9, side=14):
    return coloured_mnist(GIVEN, noise=noise, train=list(train), test=test, side=side)


def near(measured, expected, count):
    return abs(measured - expected) <= 4 * np.sqrt(expected * (1 - expected) / count)


def test_the_colour_is_flipped_as_often_as_the_environment_says():
    raw = coloured()
    red = raw.images[..., 0].any((1, 2))
    for rate, part, count in ((0.2, "train", TRAIN // 2), (0.1, "train", TRAIN // 2), (0.9, "test", TEST)):
        members = raw.groups == f"e={rate:g}"
        assert members.sum() == count
        assert (raw.parts[members] == part).all()
        assert near((red != raw.labels)[members].mean(), rate, count)


def test_a_quarter_of_the_labels_is_wrong_in_every_environment(base):
    raw = coloured()
    assert (raw.original == (base.labels >= 5)).all()
    for name in np.unique(raw.groups):
        members = raw.groups == name
        assert near((raw.labels != raw.original)[members].mean(), 0.25, members.sum())


def test_colour_and_label_noise_are_drawn_apart():
    raw = coloured()
    red = raw.images[..., 0].any((1, 2))
    noisy, off = raw.labels != raw.original, red != raw.labels
    members = raw.groups == "e=0.2"
    # The colour follows the noisy label, so it agrees with the digit as often as two flips give.
    assert near((noisy & off)[members].mean(), 0.25 * 0.2, members.sum())


def test_the_digit_stands_in_one_channel(base):
    raw = coloured(side=28)
    assert (raw.images.max(3) == base.images[..., 0]).all()
    assert not (raw.images[..., 0].any((1, 2)) & raw.images[..., 1].any((1, 2))).any()
    assert not raw.images[..., 2].any()
    assert (coloured(side=14).images == raw.images[:, ::2, ::2]).all()


def test_without_noise_and_flips_everything_agrees(base):
    raw = coloured(noise=0.0, train=[0.0], test=1.0)
    red = raw.images[..., 0].any((1, 2))
    assert (raw.labels == raw.original).all()
    assert (red == (raw.labels == 1) ^ (raw.parts == "test")).all()


def test_no_environment_to_learn_from_is_refused():
    with pytest.raises(MethodError, match="at least one environment"):
        coloured(train=[])


def test_a_dataset_keeps_the_right_labels_and_marks_the_noisy_ones():
    source = {"method": "coloured-mnist", "noise": 0.25, "train": [0.2, 0.1], "test": 0.9, "side": 14}
    made = build({"source": source, "streams": {"split": 0, "alteration": 0, "generator": 6}}, scan())
    raw = coloured()
    assert sorted(made.card["groups"]["train"]) == ["e=0.1", "e=0.2"]
    for name, split in made.splits.items():
        assert (split.original == raw.original[raw.parts == name]).all()
        assert (split.flags["noisy"] == (split.labels != split.original)).all()
        assert split.flags["noisy"].any()


def halves(raw, base):
    """Which of the ten colours each half of an image has, by the corner outside every stroke."""
    corners = raw.images[:, 0, [0, 27]] / 255
    return [
        np.argmin(((corners[:, half, None] - palette) ** 2).sum(2), axis=1) for half, palette in ((0, LEFT), (1, RIGHT))
    ]


def test_each_half_has_its_digits_colour_as_often_as_said(base):
    raw = multi_colour_mnist(GIVEN, left=0.9, right=0.6, jitter=0.005)
    train = raw.parts == "train"
    left, right = (colours == raw.labels for colours in halves(raw, base))
    assert near(left[train].mean(), 0.9, TRAIN)
    assert near(right[train].mean(), 0.6, TRAIN)
    assert near((left & right)[train].mean(), 0.54, TRAIN)
    names = np.array(["neither", "right", "left", "both"])[2 * left + right]
    assert (names == raw.groups).all()


def test_in_the_test_split_colours_tell_nothing(base):
    raw = multi_colour_mnist(GIVEN, left=0.99, right=0.95, jitter=0.005)
    test = raw.parts == "test"
    for colours in halves(raw, base):
        table = np.zeros((10, 10))
        np.add.at(table, (raw.labels[test], colours[test]), 1)
        expected = table.sum(1, keepdims=True) / 10
        assert ((table - expected) ** 2 / expected).sum() < 150  # chi-squared with 90 degrees of freedom: p of 7e-5


def test_wrong_colours_are_spread_over_the_nine_others(base):
    raw = multi_colour_mnist(GIVEN, left=0.0, right=0.0, jitter=0.0)
    train = raw.parts == "train"
    for colours in halves(raw, base):
        steps = np.bincount((colours - raw.labels)[train] % 10, minlength=10)
        assert steps[0] == 0
        assert np.abs(steps[1:] - TRAIN / 9).max() < 4.5 * np.sqrt(TRAIN / 9)


def test_a_pixel_is_the_sum_of_digit_and_colour(base):
    raw = multi_colour_mnist(GIVEN, left=1.0, right=1.0, jitter=0.0)
    colour = np.rint(255 * np.where(np.arange(28)[:, None, None] < 14, LEFT[raw.labels[5]], RIGHT[raw.labels[5]]))
    wide = base.images[5].astype(int) + colour.transpose(1, 0, 2)
    assert (raw.images[5] == np.minimum(wide, 255)).all()


def test_jitter_is_the_deviation_of_a_channel(base):
    raw = multi_colour_mnist(GIVEN, left=1.0, right=1.0, jitter=0.05)
    reds = raw.images[(raw.labels == 3) & (raw.parts == "train")][:, 0, 0, 0] / 255  # 0.2: far from both ends
    assert reds.mean() == pytest.approx(0.2, abs=0.006)
    assert reds.std() == pytest.approx(0.05, rel=0.1)
