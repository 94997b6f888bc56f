import numpy as np
import pytest
from assay.train.rebalance.class_balanced import class_balanced
from assay.train.rebalance.oversample import oversample
from hypothesis import given
from hypothesis import strategies as st
from imblearn.over_sampling import RandomOverSampler

LABELS = np.repeat([0, 1, 3], [100, 30, 7])


def test_class_counts_agree_with_imbalanced_learn():
    _, reference = RandomOverSampler(random_state=0).fit_resample(LABELS[:, None], LABELS)
    chosen = oversample(LABELS, np.random.default_rng(0))
    assert np.array_equal(np.bincount(LABELS[chosen]), np.bincount(reference))


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(0, 99))
def test_no_image_is_lost_and_repeats_are_even(labels, seed):
    labels = np.array(labels)
    chosen = oversample(labels, np.random.default_rng(seed))
    times = np.bincount(chosen, minlength=len(labels))
    assert times.min() >= 1
    for label in np.unique(labels):
        of_class = times[labels == label]
        assert of_class.max() - of_class.min() <= 1
        assert of_class.sum() == np.bincount(labels).max()


def test_balanced_classes_stay_as_they_are():
    assert sorted(oversample(np.array([0, 1, 1, 0]), np.random.default_rng(0))) == [0, 1, 2, 3]


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_class_probabilities_follow_the_power(power):
    rng = np.random.default_rng(0)
    drawn = np.concatenate([LABELS[class_balanced(LABELS, rng, power=power)] for _ in range(300)])
    counts = np.array([100, 30, 7])
    expected = counts**power / (counts**power).sum()
    np.testing.assert_allclose(np.bincount(drawn)[[0, 1, 3]] / len(drawn), expected, atol=0.01)
