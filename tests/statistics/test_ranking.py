"""The example of Demsar 2006, tables 5 and 6."""

import numpy as np
import pytest
from assay.statistics.ranking import cliques, critical_difference, ranking

#: AUC of C4.5, C4.5+m, C4.5+cf and C4.5+m+cf on 14 datasets. On `voting` the last two are both printed as 0.975 and
#: ranked apart, so a digit is added that tells them apart.
TREES = np.array([
    [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967],
    [0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931],
    [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875],
    [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
    [0.972, 0.981, 0.9751, 0.975], [0.957, 0.978, 0.946, 0.970],
])  # fmt: skip


def test_the_published_ranks_and_verdict():
    found = ranking(TREES)
    assert list(found.ranks) == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=6e-4)
    # Published without correction for ties: chi2 = 9.28. The correction divides it by what ties leave of the variance.
    chi2 = 12 * 14 / (4 * 5) * ((found.ranks**2).sum() - 4 * 5**2 / 4)
    assert chi2 == pytest.approx(9.28, abs=0.005)
    assert found.p is not None
    assert 0.01 < found.p < 0.0258
    assert found.critical == pytest.approx(1.25, abs=0.005)


def test_the_published_critical_values():
    # Table 5 (a) at 0.05 and 0.10, by q = CD sqrt(6 D / (k (k + 1))).
    for methods, at_5, at_10 in ((2, 1.960, 1.645), (4, 2.569, 2.291), (10, 3.164, 2.920)):
        scale = (6 * 7 / (methods * (methods + 1))) ** 0.5
        assert critical_difference(methods, 7) * scale == pytest.approx(at_5, abs=6e-4)
        assert critical_difference(methods, 7, 0.10) * scale == pytest.approx(at_10, abs=6e-4)


def test_the_published_groups():
    # At 0.10 (CD = 1.12) the pairs with m differ from C4.5 alone: 3.143 - 1.964 = 1.179 > 1.12.
    ranks = np.array([3.143, 2.000, 2.893, 1.964])
    assert cliques(ranks, 1.12) == [[3, 1, 2], [2, 0]]
    assert cliques(ranks, 1.25) == [[3, 1, 2, 0]]
    assert cliques(ranks, 0.01) == []


def test_ties_everywhere_and_two_methods():
    assert ranking(np.ones((4, 3))).p == 1.0
    assert ranking(np.array([[1.0, 2.0], [1.0, 2.0], [3.0, 2.0]])).p is None
