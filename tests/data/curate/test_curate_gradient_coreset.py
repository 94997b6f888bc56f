"""Facility location: greedy against every subset, and clusters of gradients that each get their image."""

from itertools import combinations

import numpy as np
import pytest
from assay.data.curate.gradient_coreset import facility_location, similarity


def value(alike, chosen):
    return alike[:, list(chosen)].max(1).sum()


@pytest.mark.parametrize("seed", range(8))
def test_greedy_against_every_subset(seed):
    alike = similarity(np.random.default_rng(seed).normal(size=(10, 3)))
    for count in (1, 2, 3, 4):
        best = max(value(alike, subset) for subset in combinations(range(10), count))
        found = value(alike, facility_location(alike, count))
        assert found >= (best if count == 1 else (1 - 1 / np.e) * best) - 1e-4


@pytest.mark.parametrize("seed", range(5))
def test_lazy_greedy_is_greedy(seed):
    alike = similarity(np.random.default_rng(seed).normal(size=(30, 2)).round(1))
    chosen: list[int] = []
    for _ in range(12):
        gains = [value(alike, [*chosen, one]) if one not in chosen else -1 for one in range(30)]
        chosen.append(int(np.argmax(np.round(gains, 3))))
    found = facility_location(alike, 12).tolist()
    np.testing.assert_allclose(value(alike, found), value(alike, chosen), rtol=1e-3)
    assert len(set(found)) == 12


def test_each_kind_of_gradient_is_represented(curate, view):
    """Two classes whose images are of two kinds each, one kind rare: every kind gets its image."""
    kinds = np.array([[5, -5], [-5, 5], [-5, 5], [5, -5]])
    which = np.repeat([0, 1, 2, 3], [12, 4, 12, 4])
    logits = kinds[which] + np.random.default_rng(0).normal(0, 0.1, (32, 2))
    kept = curate("gradient-coreset", view(which // 2, logits=logits), keep=4.0)
    assert sorted(which[kept].tolist()) == [0, 1, 2, 3]


def test_shares_of_classes_add_up(curate, view):
    labels = np.repeat([0, 1, 2], [3, 5, 7])
    logits = np.random.default_rng(1).normal(size=(15, 3))
    for keep in (4.0, 0.5, 11.0):
        assert len(curate("gradient-coreset", view(labels, logits=logits), keep=keep)) == (8 if keep == 0.5 else keep)
