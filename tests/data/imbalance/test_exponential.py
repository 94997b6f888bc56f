"""The long-tailed profile against the published CIFAR-LT counts."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from assay.data.imbalance.exponential import exponential
from assay.data.imbalance.step import step


def names(count):
    return [f"c{k}" for k in range(count)]


def test_counts_of_cifar10_lt():
    # Images of each class in CIFAR-10-LT, ratio 100, as the LDAM paper's code makes it (arXiv:1906.07413).
    wanted = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
    assert exponential(np.full(10, 5000), names(10), ratio=100).tolist() == wanted
    assert exponential(np.full(10, 5000), names(10), ratio=10)[-1] == 500


@pytest.mark.parametrize("profile", [partial(exponential, ratio=1), partial(step, ratio=1, minority=0.5)])
def test_a_ratio_of_one_keeps_everything(profile):
    counts = np.array([7, 3, 9])
    assert profile(counts, names(3)).tolist() == [7, 3, 9]


def test_no_class_is_emptied_or_invented():
    assert exponential(np.array([10, 2, 10]), names(3), ratio=1000).tolist() == [10, 1, 1]
    assert exponential(np.array([4]), names(1), ratio=50).tolist() == [4]


def test_step_thins_the_last_classes_alone():
    assert step(np.full(10, 5000), names(10), ratio=100, minority=0.5).tolist() == [5000] * 5 + [50] * 5
    assert step(np.full(3, 90), names(3), ratio=3, minority=0.5).tolist() == [90, 90, 30]
