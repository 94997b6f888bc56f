"""Curators that cluster: budgets by hand, an unbalanced mixture made even, and more kept of what is harder."""

import numpy as np
import pytest
from assay.data.curate.cluster_complexity import allotted, inter
from assay.data.curate.hierarchical_kmeans import evenly
from assay.data.kmeans import kmeans
from assay.errors import MethodError
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize


def blobs(sizes, centres, spread, seed=0):
    rng = np.random.default_rng(seed)
    points = np.concatenate(
        [rng.normal(centre, spread, (size, 2)) for size, centre in zip(sizes, centres, strict=True)]
    )
    return points.astype(np.float32), np.repeat(np.arange(len(sizes)), sizes)


def test_kmeans_finds_separate_blobs():
    points, truth = blobs([50, 30, 20], [(0, 0), (9, 0), (0, 9)], 0.5)
    centres, label = kmeans(points, 3, np.random.default_rng(1))
    assert len({(a, b) for a, b in zip(truth, label, strict=True)}) == 3
    np.testing.assert_allclose(centres, [points[label == k].mean(0) for k in range(3)], rtol=1e-6)


def test_kmeans_of_fewer_points_than_clusters_has_no_empty_one():
    centres, label = kmeans(np.array([[0.0], [0.0], [1.0]]), 3, np.random.default_rng(0))
    assert sorted(centres.ravel()) == [0, 1]
    assert np.bincount(label).min() >= 1


@given(st.lists(st.integers(0, 40), min_size=1, max_size=8), st.integers(0, 200), st.integers(0, 99))
def test_even_shares(sizes, budget, seed):
    sizes = np.array(sizes)
    budget = min(budget, int(sizes.sum()))
    shares = np.array(evenly(sizes, budget, np.random.default_rng(seed)))
    assert shares.sum() == budget
    assert (shares <= sizes).all()
    short = shares < sizes
    if short.any():  # whoever could give more gives as much as any, but for the last few
        assert shares[short].min() >= shares.max() - 1


def test_hierarchical_kmeans_balances_a_mixture(curate, view):
    points, truth = blobs([900, 60, 40], [(0, 0), (20, 0), (0, 20)], 0.5)
    kept = curate("hierarchical-kmeans", view(truth, features=points), keep=90.0, clusters=[12, 3])
    counts = np.bincount(truth[kept])
    assert counts.sum() == 90
    assert counts.min() >= 28  # at random 4 of the rarest would be
    with pytest.raises(MethodError, match="grow fewer"):
        curate("hierarchical-kmeans", view(truth, features=points), keep=0.5, clusters=[3, 3])


def test_closest_are_the_most_typical(curate, view):
    points = np.array([[0.0], [0.1], [-0.1], [3.0], [-3.0]], np.float32)
    assert curate("hierarchical-kmeans", view([0] * 5, features=points), keep=3.0, clusters=[1], sample="closest") == [
        0,
        1,
        2,
    ]


def test_shares_by_complexity_as_the_formula_says():
    complexity, sizes = np.array([0.1, 0.2, 0.3]), np.array([1000, 1000, 1000])
    p = np.exp(complexity / 0.1) / np.exp(complexity / 0.1).sum()
    assert allotted(complexity, sizes, 1000, 0.1).tolist() == np.rint(1000 * p).tolist()


@pytest.mark.parametrize("sizes", [[30, 400, 80, 500], [5, 5, 5, 900], [300, 300, 1, 300]])
def test_shares_solve_the_quadratic_programme(sizes):
    complexity, sizes, budget = np.array([0.4, 0.1, 0.3, 0.05]), np.array(sizes), 300
    wanted = np.exp(complexity / 0.1) / np.exp(complexity / 0.1).sum() * budget
    solved = minimize(
        lambda x: ((x - wanted) ** 2).sum() / 100,
        np.minimum(sizes, budget / 4),
        jac=lambda x: 2 * (x - wanted) / 100,
        bounds=[(1, size) for size in sizes],
        constraints={"type": "eq", "fun": lambda x: x.sum() - budget},
        options={"maxiter": 500, "ftol": 1e-12},
    )
    shares = allotted(complexity, sizes, budget, 0.1)
    assert shares.sum() == budget
    np.testing.assert_allclose(shares, solved.x, atol=1)


def test_distance_to_the_nearest_others():
    angles = np.radians([0, 60, 180])
    centres = np.stack([np.cos(angles), np.sin(angles)], 1)
    np.testing.assert_allclose(inter(centres, 1), [0.5, 0.5, 1.5])
    np.testing.assert_allclose(inter(centres, 9), [(0.5 + 2) / 2, (0.5 + 1.5) / 2, (2 + 1.5) / 2])


def test_the_wider_cluster_keeps_more_and_its_outer_images(curate, view):
    rng = np.random.default_rng(4)
    angle = np.concatenate([rng.normal(-1, 0.02, 200), rng.normal(1.5, 0.4, 200)])
    points = np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)
    kept = np.array(
        curate("cluster-complexity", view([0] * 400, features=points), keep=0.5, clusters=2, temperature=0.05)
    )
    narrow, wide = kept[kept < 200], kept[kept >= 200]
    assert len(wide) > 1.5 * len(narrow)
    out = np.setdiff1d(np.arange(200), narrow)
    assert abs(angle[narrow] - angle[:200].mean()).min() >= abs(angle[out] - angle[:200].mean()).max() - 1e-3


def test_kmeans_takes_the_middle_one_of_each_cluster_of_each_class(curate, view):
    # Class 0 lies around 0 and 9, class 1 around 100 and 300; the middle one of each five is the centre.
    middles = [0.0, 9.0, 100.0, 300.0]
    points = np.array([[middle + step] for middle in middles for step in (-2, -1, 0, 1, 2)], np.float32)
    labels = np.repeat([0, 1], 10)
    kept = curate("kmeans", view(labels, features=points), per_class=2)
    assert points[kept].ravel().tolist() == middles
    one = curate("kmeans", view(labels, features=points), per_class=1)
    assert labels[one].tolist() == [0, 1]
    # Without a model distances are those of pixels.
    images = np.repeat(points[:10].astype(np.int16) + 10, 4, 1).reshape(10, 2, 2, 1).astype(np.uint8)
    assert curate("kmeans", view([0] * 10, images=images), per_class=2) == [2, 7]


def test_kmeans_wants_as_many_different_images_as_it_keeps(curate, view):
    points = np.array([[0.0], [0.0], [1.0], [5.0], [6.0], [7.0]], np.float32)
    with pytest.raises(MethodError, match="class 0 has 2 different images; 3 are asked for"):
        curate("kmeans", view([0, 0, 0, 1, 1, 1], features=points), per_class=3)
