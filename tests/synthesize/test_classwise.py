"""Borderline-SMOTE and mixing on images of few pixels, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from assay.errors import MethodError
from assay.streams import Streams
from assay.synthesize.borderline_smote import BorderlineSmote, in_danger
from assay.synthesize.mixing import Mixing

STREAMS = Streams({"generator": 0})


def grey(values):
    return np.array(values, np.uint8).reshape(-1, 1, 1, 1)


# On a line: a safe group of class 1 at 0..3, two at the border to class 0 at 100, and one lost deep among class 0.
VALUES = [0, 1, 2, 3, 96, 98, 100, 101, 103, 200, 201, 202, 203]
LABELS = np.array([1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0])


def test_images_in_danger_are_those_with_some_neighbours_elsewhere():
    flat = np.array(VALUES, np.float32)[:, None]
    members = np.flatnonzero(LABELS == 1)
    # 96 sees 98, 100, 101: two of three elsewhere. 201 sees 200, 202, 203: all elsewhere, so noise.
    assert members[in_danger(flat, LABELS, members, 3)].tolist() == [4, 5]


def test_new_images_start_at_the_border_alone():
    made = BorderlineSmote(neighbours=1, surroundings=3).sample(np.ones(50, int), STREAMS, (grey(VALUES), LABELS))
    assert (made >= 96).all()
    assert (made <= 98).all()
    assert len(np.unique(made)) == 3


def test_a_class_without_border_draws_from_all(capsys):
    values, labels = [0, 10, 20, 30, 200, 210, 220, 230], np.repeat([0, 1], 4)
    made = BorderlineSmote(neighbours=3, surroundings=3).sample(np.zeros(40, int), STREAMS, (grey(values), labels))
    assert (made <= 30).all()
    assert len(np.unique(made)) > 10
    assert "class number 0 has no image at its border" in capsys.readouterr().out


def test_mixing_draws_between_any_two_of_the_class():
    values, labels = [0, 100, 200, 255], np.array([0, 0, 0, 1])
    made = Mixing(alpha=1.0).sample(np.zeros(3000, int), STREAMS, (grey(values), labels)).ravel()
    # Three pairs, each with a uniform share: the mean is that of the images, and half of them come from 0 with 200,
    # or from the two halves beside it.
    assert made.max() <= 200
    assert float(made.mean()) == pytest.approx(100, abs=4)
    assert float((made > 100).mean()) == pytest.approx(0.5, abs=0.03)


def test_small_alpha_copies_and_large_alpha_averages():
    reference = (grey([0, 200]), np.zeros(2, int))
    copies = Mixing(alpha=0.01).sample(np.zeros(200, int), STREAMS, reference).ravel()
    means = Mixing(alpha=1000.0).sample(np.zeros(200, int), STREAMS, reference).ravel()
    assert (np.minimum(copies, 200 - copies.astype(int)) < 5).mean() > 0.9
    assert np.abs(means.astype(int) - 100).max() < 15


@pytest.mark.parametrize("generator", [Mixing(alpha=1.0), BorderlineSmote(neighbours=2, surroundings=2)])
def test_a_single_image_is_not_enough(generator):
    with pytest.raises(MethodError, match="class number 1 has 1 image and it needs two"):
        generator.sample(np.array([1]), STREAMS, (grey([0, 1, 2]), np.array([0, 0, 1])))


@pytest.mark.parametrize("generator", [Mixing(alpha=1.0), BorderlineSmote(neighbours=2, surroundings=2)])
def test_a_class_draws_by_itself(generator):
    images = np.random.default_rng(1).integers(0, 256, (8, 2, 2, 1), dtype=np.uint8)
    known = np.repeat([0, 1], 4)
    alone = generator.sample(np.array([1, 1]), STREAMS, (images, known))
    beside = generator.sample(np.array([0, 1, 0, 1]), STREAMS, (images, known))
    assert (alone == beside[[1, 3]]).all()
    assert (generator.sample(np.array([1, 1]), Streams({"generator": 1}), (images, known)) != alone).any()
