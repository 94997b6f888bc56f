"""Asymmetric noise: only the classes of the map change, each into its own, at the exact rate."""

from __future__ import annotations

import numpy as np
import pytest
from altering import subject
from assay.data.noise.asymmetric import asymmetric
from assay.errors import MethodError

CIFAR = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
USUAL = {"truck": "automobile", "bird": "airplane", "deer": "horse", "cat": "dog", "dog": "cat"}


@pytest.mark.parametrize("rate", [0, 0.2, 0.4, 1])
def test_the_usual_map_of_cifar10(rate):
    labels = np.repeat(np.arange(10), 50)
    noisy = asymmetric(subject(labels, CIFAR), rate=rate, map=USUAL)
    table = np.zeros((10, 10), int)
    np.add.at(table, (labels, noisy), 1)
    expected = np.diag([50] * 10)
    for left, right in USUAL.items():
        a, b = CIFAR.index(left), CIFAR.index(right)
        expected[a, b] = round(rate * 50)
        expected[a, a] -= round(rate * 50)
    assert (table == expected).all()


def test_the_order_of_the_map_does_not_matter():
    labels = np.repeat(np.arange(10), 50)
    first, second = (
        asymmetric(subject(labels, CIFAR), rate=0.3, map=each) for each in (USUAL, dict(reversed(USUAL.items())))
    )
    assert (first == second).all()


@pytest.mark.parametrize(("wrong", "says"), [({"cat": "cat"}, "for itself"), ({"kat": "dog"}, "did you mean 'cat'")])
def test_a_wrong_map_is_refused(wrong, says):
    with pytest.raises(MethodError, match=says):
        asymmetric(subject([0], CIFAR), rate=0.1, map=wrong)
