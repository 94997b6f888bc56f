"""The contact sheet shows the right pixels in the right place."""

from __future__ import annotations

import numpy as np
from assay.data.dataset import Dataset, Split
from assay.data.sheet import GAP, contact_sheet


def test_a_row_for_each_class_and_one_for_images_without():
    images = np.array([10, 20, 30, 40], np.uint8).reshape(4, 1, 1, 1).repeat(40, 1).repeat(40, 2)
    labels = np.array([1, 0, 1, -1])
    data = Dataset(["a", "b"], {"val": Split(images, labels, np.array(list("wxyz")), labels)})
    sheet = contact_sheet(data, "val", 3)
    assert sheet.shape == (3 * (40 + GAP) + GAP, 3 * (40 + GAP) + GAP, 3)
    corners = sheet[GAP :: 40 + GAP, GAP :: 40 + GAP, 0]
    assert corners.tolist() == [[20, 255, 255], [10, 30, 255], [40, 255, 255]]
