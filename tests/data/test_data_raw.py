"""What a source returns is checked before anything is made of it."""

from __future__ import annotations

import numpy as np
import pytest
from assay.data.raw import Raw
from assay.errors import MethodError

IMAGES = np.zeros((3, 2, 2, 1), np.uint8)


def raw(labels, **fields):
    return Raw(IMAGES, np.array(labels), ["a", "b"], **fields)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"labels": [0, 2, 1]}, "^label 2 of image 1 is out of range: expected 0 to 1"),
        ({"labels": [0, 1, -2]}, "^label -2 of image 2"),
        ({"labels": [0.0, 1.0, 1.0]}, "^labels must be integers"),
        ({"labels": [0, 1, 1], "original": np.array([0, 3, 1])}, "^label 3 of image 1"),
        ({"labels": [0, 1, 1], "original": np.array([0, 1])}, "one of original for each of 3 images"),
    ],
)
def test_labels_that_do_not_fit_are_refused(fields, says):
    with pytest.raises(MethodError, match=says):
        raw(**fields)


def test_images_are_laid_out_as_they_are_indexed():
    planes = np.arange(2 * 3 * 4 * 4, dtype=np.uint8).reshape(2, 3, 4, 4)
    made = Raw(planes.transpose(0, 2, 3, 1), np.zeros(2, int), ["a"])
    assert made.images.flags.c_contiguous
    assert (made.images[1, 2, 3] == planes[1, :, 2, 3]).all()


def test_labels_become_int64():
    made = raw(np.array([0, 1, -1], np.int8), original=np.array([1, 1, -1], np.int16))
    assert made.labels.dtype == made.original.dtype == np.int64
