"""Figures of quality against closed forms, other libraries and definitions written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from assay.data.dataset import Split
from assay.synthesize.filters.candidates import Candidates, taken
from assay.synthesize.filters.density import density
from assay.synthesize.filters.diversity import diversity
from assay.synthesize.frechet import frechet
from assay.synthesize.gate import FIGURES, faults
from assay.synthesize.kernel import kernel
from assay.synthesize.looks import Looks
from assay.synthesize.manifold import manifold
from assay.synthesize.memory import memorised
from torchmetrics.image.fid import _compute_fid
from torchmetrics.image.kid import poly_mmd


@pytest.fixture
def clouds():
    rng = np.random.default_rng(0)
    return rng.normal(size=(60, 3)) @ rng.normal(size=(3, 3)), 0.7 * rng.normal(size=(80, 3)) + 0.4


def test_fid_is_that_of_torchmetrics(clouds):
    told = [(torch.from_numpy(rows.mean(0)), torch.from_numpy(np.cov(rows, rowvar=False))) for rows in clouds]
    expected = float(_compute_fid(*told[0], *told[1]))
    assert frechet(*clouds) == pytest.approx(expected, rel=1e-6)


def test_fid_of_spreads_along_axes_has_a_closed_form():
    rows = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], float)  # variance 4 / 3 along both axes, nothing between
    moved = rows * [2, 3] + [5, 0]
    # 25 for the shift, and (s_a - s_b)^2 along each axis.
    assert frechet(rows, moved) == pytest.approx(25 + 4 / 3 * (1 + 4))
    assert frechet(rows, rows) == pytest.approx(0, abs=1e-12)


def test_kid_is_that_of_torchmetrics_for_as_many_rows(clouds):
    a, b = (torch.from_numpy(rows[:50]) for rows in clouds)

    assert kernel(a.numpy(), b.numpy()) == pytest.approx(float(poly_mmd(a, b)), rel=1e-9)


def test_kid_is_unbiased():
    rng = np.random.default_rng(1)
    found = [kernel(rng.normal(size=(8, 2)), rng.normal(size=(8, 2))) for _ in range(3000)]
    assert np.mean(found) == pytest.approx(0, abs=4 * np.std(found) / np.sqrt(3000))
    assert min(found) < 0


@pytest.mark.parametrize("figure", [frechet, kernel])
def test_a_weight_of_two_is_a_row_twice(figure, clouds):
    a, b = clouds
    if figure is frechet:
        # Of weights and copies the means agree, and covariances but for their divisor; both are weights here.
        weights = np.tile([2.0, 1.0], 40)
        assert frechet(a, b, weights) == pytest.approx(frechet(a, b, 3 * weights))
        assert frechet(a, np.concatenate([b[:40], b[:40]]), np.ones(80)) == pytest.approx(
            frechet(a, b, np.repeat([1.0, 0.0], 40)), rel=0.05
        )
    else:
        assert kernel(a, b, np.ones(80)) == pytest.approx(kernel(a, b))
        assert kernel(a, b, np.repeat([1.0, 0.0], 40)) == pytest.approx(kernel(a, b[:40]))


def written_out(made, real, k):
    """Equations 1 to 4 of Naeem et al. by loops."""

    def radius(rows, i):
        return sorted(np.linalg.norm(rows - rows[i], axis=1))[k]

    def within(point, rows, i):
        return np.linalg.norm(point - rows[i]) < radius(rows, i)

    n, m = len(made), len(real)
    return {
        "precision": np.mean([any(within(x, real, i) for i in range(m)) for x in made]),
        "recall": np.mean([any(within(x, made, j) for j in range(n)) for x in real]),
        "density": sum(within(x, real, i) for x in made for i in range(m)) / (k * n),
        "coverage": np.mean([any(within(x, real, i) for x in made) for i in range(m)]),
    }


@pytest.mark.parametrize("k", [1, 3])
def test_precision_recall_density_and_coverage_are_their_definitions(clouds, k):
    made, real = clouds[0][:25], clouds[1][:20]
    assert manifold(made, real, np.ones(20), k) == pytest.approx(written_out(made, real, k))


def test_a_set_and_itself_are_alike_and_far_sets_share_nothing():
    rows = np.random.default_rng(2).normal(size=(300, 2))
    alike = manifold(rows[:150], rows[150:], np.ones(150))
    assert min(alike["precision"], alike["recall"], alike["coverage"]) > 0.85
    assert alike["density"] == pytest.approx(1, abs=0.15)
    assert set(manifold(rows + 100, rows, np.ones(300)).values()) == {0}
    # One point of many real ones, again and again, is precise and dense but neither varied nor covering.
    narrow = manifold(rows[:1] + np.random.default_rng(3).normal(scale=1e-3, size=(50, 2)), rows, np.ones(300))
    assert narrow["precision"] == 1
    assert max(narrow["recall"], narrow["coverage"]) < 0.1


def split(values, labels=None):
    values = np.asarray(values, np.uint8)
    labels = np.zeros(len(values), np.int64) if labels is None else np.asarray(labels, np.int64)
    return Split(values.reshape(len(values), -1, 1, 1), labels, np.arange(len(values)).astype(str), labels)


def test_copies_are_memorised_and_fresh_images_are_not():
    rng = np.random.default_rng(4)
    train, held, fresh = (rng.integers(0, 256, (count, 6)) for count in (300, 100, 400))
    copies = memorised(split(train[:200]), split(train), split(held))
    assert (copies["share"], copies["expected"], copies["excess"]) == (1, 0.75, 1)
    assert copies["p"] < 1e-6
    honest = memorised(split(fresh), split(train), split(held))
    assert abs(honest["excess"]) < 0.3
    assert honest["p"] > 0.001
    assert memorised(split(held), split(train), split(held))["share"] == 0


def test_memory_is_looked_for_class_by_class():
    # The nearest image of any class is a train image, but of its own class it is a held-out one.
    made = split([[10]], [1])
    train, held = split([[10], [90]], [0, 1]), split([[20]], [1])
    assert memorised(made, train, held)["share"] == 0
    assert memorised(made, train, split([[20]], [0]))["share"] is None


QUALITY = {
    "agreement": {"synthetic": 0.7}, "fid": {"synthetic": None}, "kid": {"synthetic": 0.2},
    "precision": {"synthetic": 0.5}, "recall": {"synthetic": 0.5}, "density": {"synthetic": 0.5},
    "coverage": {"synthetic": 0.5}, "diversity": {"least": 0.5}, "duplicates": {"train": 0.1},
    "copied": {"synthetic": 0.4}, "memorised": {"excess": 0.3},
}  # fmt: skip


def test_a_gate_names_what_misses_its_threshold():
    assert faults(QUALITY, {"agreement": 0.7, "kid": 0.2, "memorised": 0.3}) == []
    assert faults(QUALITY, {"agreement": 0.71, "copied": 0.39, "fid": 1000, "diversity": 0.4}) == [
        "agreement is 0.7, at least 0.71 is asked",
        "copied is 0.4, at most 0.39 is asked",
        "fid could not be measured",
    ]
    assert len(faults(QUALITY, {name: 2.0 if FIGURES[name][1] == "least" else -1.0 for name in FIGURES})) == len(
        FIGURES
    )


def candidates(features, real=((0.0,),), labels=None):
    features = np.asarray(features, np.float32).reshape(len(features), -1)
    labels = np.zeros(len(features), np.int64) if labels is None else np.asarray(labels)
    real = np.asarray(real, np.float32)
    return Candidates(labels, Looks(features, None), Looks(real, None), np.zeros(len(real), np.int64))


def test_density_is_the_distance_to_the_kth_real_image_of_the_class():
    scores = density(candidates([0, 3, 10, 5], [[0], [1], [10]], [0, 0, 0, 1]), neighbours=2)
    assert scores.tolist() == [-1, -3, -9, 0]  # of class 1 there is no real image


def test_diversity_starts_in_the_middle_and_goes_where_nothing_is():
    scores = diversity(candidates([0, 1, 4, 9, 10]))
    # The mean is 4.8. Then 10 (6 away), 0 (4 away), and 1 and 9, each 1 away: the first of them first.
    assert np.argsort(-scores).tolist() == [2, 4, 0, 1, 3]
    apart = diversity(candidates([0, 1, 5, 6], labels=[0, 1, 0, 1]))
    assert sorted(apart.tolist()) == [-1, -1, 0, 0]


def test_the_best_of_each_class_are_taken():
    scores = np.array([0.1, 0.9, -np.inf, 0.5, 0.9, -np.inf])
    assert taken(scores, np.array([0, 0, 0, 1, 1, 1]), np.array([1, 3])).tolist() == [1, 3, 4]
