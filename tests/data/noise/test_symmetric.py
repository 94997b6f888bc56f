"""Symmetric noise: the exact share, and every wrong class equally likely."""

from __future__ import annotations

import numpy as np
import pytest
from altering import subject
from assay.data.noise.symmetric import symmetric
from scipy.stats import chisquare


@pytest.mark.parametrize("rate", [0, 0.2, 0.333, 1])
def test_exactly_the_stated_share_is_wrong(rate):
    labels = np.arange(1000) % 7
    noisy = symmetric(subject(labels, 7), rate=rate)
    assert (noisy != labels).sum() == round(rate * 1000)
    assert set(noisy) <= set(range(7))


def test_wrong_classes_are_equally_likely():
    noisy = symmetric(subject(np.full(9000, 2), 4, seed=1), rate=1)
    counts = np.bincount(noisy, minlength=4)
    assert counts[2] == 0
    assert chisquare(counts[[0, 1, 3]]).pvalue > 0.001


def test_one_class_cannot_be_wrong():
    assert symmetric(subject(np.zeros(5, np.int64), 1), rate=1).tolist() == [0] * 5
