"""SMOTE: new images lie between two real ones of their class, and not on them."""

from __future__ import annotations

import numpy as np
import pytest
from assay.errors import MethodError
from assay.streams import Streams
from assay.synthesize.smote import Smote

STREAMS = Streams({"generator": 0})


def test_a_class_of_two_images_gives_points_on_the_line_between_them():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 4, 4, 3), dtype=np.uint8)
    labels = np.array([0, 1, 0, 0, 1, 0])
    made = Smote(neighbours=5).sample(np.array([1] * 30), STREAMS, (images, labels))
    a, b = images[[1, 4]].astype(float).reshape(2, -1)
    shares = []
    for image in made.astype(float).reshape(30, -1):
        share = (image - a) @ (b - a) / ((b - a) @ (b - a))
        assert -0.01 <= share <= 1.01
        assert np.abs(image - (a + share * (b - a))).max() <= 1  # rounding of pixels
        shares.append(share)
    assert np.std(shares) > 0.15  # uniform in 0..1 has 0.29; copies of the two would lie at 0 and 1
    assert np.mean((np.array(shares) > 0.1) & (np.array(shares) < 0.9)) > 0.5


def test_neighbours_come_from_the_same_class_and_are_the_nearest():
    # Class 0 has two far-apart pairs; with one neighbour nothing lies between the pairs.
    values = np.array([0, 10, 200, 210, 100], np.uint8)
    images = values.reshape(5, 1, 1, 1)
    made = Smote(neighbours=1).sample(np.zeros(200, np.int64), STREAMS, (images, np.array([0, 0, 0, 0, 1]))).ravel()
    assert ((made <= 10) | ((made >= 200) & (made <= 210))).all()
    assert (made < 50).any()
    assert (made > 50).any()
    assert len(set(made.tolist())) > 8


def test_labels_may_come_in_any_order():
    images = np.repeat(np.array([[0, 20], [200, 220]], np.uint8).ravel(), 4).reshape(4, 2, 2, 1)
    asked = np.array([1, 0, 1, 1, 0])
    made = Smote(neighbours=1).sample(asked, STREAMS, (images, np.array([0, 0, 1, 1])))
    assert ((made[:, 0, 0, 0] > 100) == asked).all()


def test_fewer_images_than_neighbours_reduce_k_and_one_image_is_an_error(capsys):
    images = np.arange(3, dtype=np.uint8).reshape(3, 1, 1, 1)
    Smote(neighbours=5).sample(np.array([0]), STREAMS, (images, np.array([0, 0, 1])))
    assert "k is 1, not 5" in capsys.readouterr().out
    with pytest.raises(MethodError, match="class number 1 has 1 image and it needs two"):
        Smote(neighbours=5).sample(np.array([1]), STREAMS, (images, np.array([0, 0, 1])))


def test_a_class_draws_by_itself():
    images = np.random.default_rng(1).integers(0, 256, (8, 2, 2, 1), dtype=np.uint8)
    known = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    alone = Smote(neighbours=3).sample(np.array([1, 1]), STREAMS, (images, known))
    beside = Smote(neighbours=3).sample(np.array([0, 1, 0, 1]), STREAMS, (images, known))
    assert (alone == beside[[1, 3]]).all()
    other = Smote(neighbours=3).sample(np.array([1, 1]), Streams({"generator": 1}), (images, known))
    assert (other != alone).any()
