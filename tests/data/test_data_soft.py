"""Soft labels: checked where they come in, and kept in step with the classes."""

from __future__ import annotations

import numpy as np
import pytest
from assay.data.alter.classes import choose_classes, rename_classes
from assay.data.dataset import Dataset, Split
from assay.data.raw import Raw
from assay.errors import MethodError
from assay.run.datasets import read_dataset, write_dataset

VOTES = np.array([[0.5, 0.3, 0.2], [0.0, 0.0, 1.0]], np.float32)


def dataset() -> Dataset:
    labels = np.array([0, 1])
    images = np.zeros((2, 2, 2, 1), np.uint8)
    return Dataset(["a", "b", "c"], {"test": Split(images, labels, np.array(["x", "y"]), labels.copy(), soft=VOTES)})


def test_votes_for_a_class_that_is_gone_are_shared_out_by_the_others():
    soft = choose_classes(dataset(), {"keep": ["b", "a"]}).splits["test"].soft
    assert soft == pytest.approx(np.array([[3 / 8, 5 / 8], [1 / 2, 1 / 2]]))


def test_votes_for_classes_that_are_joined_add_up():
    soft = rename_classes(dataset(), {"a": "b"}, None).splits["test"].soft
    assert soft == pytest.approx(np.array([[0.8, 0.2], [0, 1]]))


def test_votes_are_written_and_read(tmp_path):
    write_dataset(tmp_path, dataset(), None)
    assert (read_dataset(tmp_path).splits["test"].soft == VOTES).all()
    assert (read_dataset(tmp_path).splits["test"].take(np.array([1])).soft == VOTES[1:]).all()


@pytest.mark.parametrize("soft", [VOTES[:, :2], VOTES * 2, VOTES - 0.1, np.full((2, 3), np.nan)])
def test_votes_that_are_no_shares_are_refused(soft):
    with pytest.raises(MethodError, match="soft labels must be"):
        Raw(np.zeros((2, 2, 2, 1), np.uint8), np.array([0, 1]), ["a", "b", "c"], soft=soft)
