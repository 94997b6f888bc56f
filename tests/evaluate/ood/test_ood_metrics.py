"""OOD metrics, against scikit-learn and pytorch-ood, with ties, few samples and infinite scores."""

import numpy as np
import pytest
import torch
from assay.evaluate.ood.aupr import aupr_in, aupr_out
from assay.evaluate.ood.auroc import auroc
from assay.evaluate.ood.curves import histograms, thinned_roc
from assay.evaluate.ood.fpr95 import fpr95, fpr95_id
from hypothesis import given
from hypothesis import strategies as st
from pytorch_ood.metrics import functional as other
from sklearn import metrics

MEASURES = (auroc, aupr_in, aupr_out, fpr95, fpr95_id)


def _cases():
    rng = np.random.default_rng(0)
    inside, outside = rng.normal(0, 1, 400), rng.normal(1, 2, 150)
    return {
        "random": (inside, outside),
        "ties": (inside.round(), outside.round()),
        "heavy-ties": (np.repeat([0.0, 1.0], [390, 10]), np.repeat([0.0, 1.0], [75, 75])),
        "constant": (np.zeros(30), np.zeros(20)),
        "perfect": (inside, outside + 100),
        "reversed": (inside + 100, outside),
        "one-of-each": (np.array([0.0]), np.array([1.0])),
        "two": (np.array([0.0, 2.0]), np.array([1.0])),
        "many-outliers": (outside, inside),
    }


CASES = _cases()


@pytest.fixture(params=list(CASES))
def scores(request):
    return CASES[request.param]


def test_they_agree_with_scikit_learn(scores):
    inside, outside = scores
    both, positive = np.concatenate([inside, outside]), np.repeat([0, 1], [len(inside), len(outside)])
    assert auroc(inside, outside) == pytest.approx(metrics.roc_auc_score(positive, both))

    def area(labels, values):
        precision, recall, _ = metrics.precision_recall_curve(labels, values)
        return metrics.auc(recall, precision)

    def fpr(labels, values):
        false, true, _ = metrics.roc_curve(labels, values, drop_intermediate=False)
        return false[np.argmax(true >= 0.95)]

    assert aupr_out(inside, outside) == pytest.approx(area(positive, both))
    assert aupr_in(inside, outside) == pytest.approx(area(1 - positive, -both))
    assert fpr95(inside, outside) == pytest.approx(fpr(positive, both))
    assert fpr95_id(inside, outside) == pytest.approx(fpr(1 - positive, -both))


def test_they_agree_with_pytorch_ood(scores):
    inside, outside = scores
    both = torch.from_numpy(np.concatenate([inside, outside]))
    labels = torch.from_numpy(np.repeat([0, -1], [len(inside), len(outside)]))
    assert auroc(inside, outside) == pytest.approx(float(other.auroc(both, labels)), abs=1e-6)
    assert aupr_out(inside, outside) == pytest.approx(float(other.aupr(both, labels, "ood")), abs=1e-6)
    assert aupr_in(inside, outside) == pytest.approx(float(other.aupr(both, labels, "id")), abs=1e-6)
    assert fpr95(inside, outside) == pytest.approx(float(other.fpr_at_tpr(both, labels)), abs=1e-6)


def test_the_two_conventions_of_fpr95_differ():
    # 5% of the outliers hide among the test images and 10% of the test images score highest.
    inside = np.concatenate([np.zeros(90), np.full(10, 9.0)])
    outside = np.concatenate([np.full(96, 5.0), np.full(4, -1.0)])
    assert fpr95(inside, outside) == pytest.approx(0.10)
    assert fpr95_id(inside, outside) == pytest.approx(1.0)


def test_the_true_positive_rate_may_be_reached_exactly():
    inside, outside = np.array([0.5, 18.5]), np.arange(20.0)
    assert fpr95(inside, outside) == 0.5  # the 19 highest of 20 outliers lie at 1 and above
    assert fpr95(inside + 0.6, outside) == 1.0


@given(
    st.lists(st.integers(-3, 3), min_size=1, max_size=12),
    st.lists(st.integers(-3, 3), min_size=1, max_size=12),
    st.randoms(),
)
def test_only_the_order_of_scores_matters(inside, outside, random):
    one, two = np.array(inside, dtype=float), np.array(outside, dtype=float)
    random.shuffle(inside)
    for measure in MEASURES:
        assert measure(np.exp(np.array(inside, dtype=float)), np.exp(two)) == pytest.approx(measure(one, two))
    assert auroc(-one, -two) == pytest.approx(1 - auroc(one, two))
    assert auroc(one, two) == pytest.approx(np.mean([(b > a) + (b == a) / 2 for a in one for b in two]))


def test_infinite_scores_are_the_largest():
    inside, outside = np.array([0.0, 1.0, -np.inf]), np.array([np.inf, 0.5])
    for measure in MEASURES:
        assert measure(inside, outside) == measure(np.array([0.0, 1.0, -9.0]), np.array([9.0, 0.5]))


def test_the_roc_runs_from_corner_to_corner_and_holds_the_area(scores):
    roc = thinned_roc(*scores, points=10_000)
    assert (roc["fpr"][0], roc["tpr"][0], roc["fpr"][-1], roc["tpr"][-1]) == (0, 0, 1, 1)
    assert np.trapezoid(roc["tpr"], roc["fpr"]) == pytest.approx(auroc(*scores), abs=1e-5)
    assert len(thinned_roc(*scores, points=20)["fpr"]) <= 20


def test_histograms_hold_every_image():
    scores = {"test": np.array([0.0, 1.0, 2.0, 1e9]), "noise": np.array([np.inf, 3.0])}
    found = histograms(scores, bins=40)
    assert len(found["edges"]) == 41
    assert all(sum(density) == pytest.approx(1, abs=1e-5) for density in found["density"].values())
    assert sum(histograms({"test": np.zeros(3)}, bins=4)["density"]["test"]) == 1
