"""Confident learning: cleanlab's own answer, and wrong labels found on real digits."""

import numpy as np
import pytest
from assay.data.curate.confident_learning import out_of_sample
from assay.errors import MethodError
from cleanlab.filter import find_label_issues
from scipy.special import softmax
from sklearn.datasets import load_digits


@pytest.fixture(scope="module")
def digits():
    """Features of a random layer, labels of which a tenth is wrong, and which."""
    bunch = load_digits()
    rng = np.random.default_rng(0)
    labels = bunch.target.copy()
    wrong = rng.choice(len(labels), len(labels) // 10, replace=False)
    labels[wrong] = (labels[wrong] + rng.integers(1, 10, len(wrong))) % 10
    layer = rng.normal(size=(64, 400)) / 4
    return np.maximum((bunch.data / 16 - 0.3) @ layer, 0), labels, set(wrong.tolist())


def test_finds_planted_label_noise_in_digits(curate, view, digits):
    features, labels, wrong = digits
    kept = curate("confident-learning", view(labels, features=features))
    dropped = set(range(len(labels))) - set(kept)
    assert len(dropped & wrong) / len(dropped) > 0.85
    assert len(dropped & wrong) / len(wrong) > 0.85


@pytest.mark.parametrize("filter", ["prune_by_noise_rate", "both", "confident_learning"])
def test_is_what_cleanlab_says_of_the_same_probabilities(curate, view, filter):
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, 300)
    logits = rng.normal(0, 1, (300, 3)) + 2 * np.eye(3)[(labels + (rng.random(300) < 0.2)) % 3]
    issues = find_label_issues(labels, softmax(logits, 1), filter_by=filter, n_jobs=1)
    assert 20 < issues.sum() < 120
    kept = curate("confident-learning", view(labels, logits=logits), by="logits", filter=filter)
    assert kept == np.flatnonzero(~issues).tolist()


def test_no_image_is_predicted_by_a_model_that_saw_it():
    """Labels at random, one-hot features: a fit knows an image's own label, and nothing of one it did not see."""
    labels = np.random.default_rng(2).integers(0, 2, 40)
    p = out_of_sample(np.eye(40), labels, 2, 5, 1.0, np.random.default_rng(3))
    np.testing.assert_allclose(p.sum(1), 1)
    # Each fold's fit says the same of all it did not see, near the share of labels.
    assert len(np.unique(p[:, 0].round(6))) <= 5
    assert abs(p[:, 0] - 0.5).max() < 0.3


def test_few_classes(curate, view):
    assert curate("confident-learning", view([1, 1, 1], features=np.eye(3))) == [0, 1, 2]
    with pytest.raises(MethodError, match="name an `arm`"):
        curate("confident-learning", view([0, 1]), by="logits")
