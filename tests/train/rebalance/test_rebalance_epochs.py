import numpy as np
import pytest
from assay.streams import Streams
from assay.train.order import Order
from assay.train.rebalance.class_balanced import class_balanced
from assay.train.rebalance.progressive import Progressive
from assay.train.rebalance.square_root import square_root
from assay.train.rebalance.undersample import undersample
from imblearn.under_sampling import RandomUnderSampler
from scipy.stats import binom

LABELS = np.repeat([0, 1, 3], [100, 30, 7])
COUNTS = np.array([100, 30, 7])


def within(drawn, share):
    """Whether the counts of a sample lie where binomial counts of these shares lie but for one time in 10^6."""
    found = np.bincount(drawn, minlength=4)[[0, 1, 3]]
    return all(
        binom.ppf(5e-7, len(drawn), p) <= count <= binom.ppf(1 - 5e-7, len(drawn), p)
        for count, p in zip(found, share, strict=True)
    )


def test_undersampling_agrees_with_imbalanced_learn():
    _, reference = RandomUnderSampler(random_state=0).fit_resample(LABELS[:, None], LABELS)
    chosen = undersample(LABELS, np.random.default_rng(0))
    assert np.array_equal(np.bincount(LABELS[chosen]), np.bincount(reference))
    assert len(set(chosen)) == len(chosen) == 21


def test_undersampling_shows_other_images_in_another_epoch():
    rng = np.random.default_rng(0)
    seen = np.concatenate([undersample(LABELS, rng) for _ in range(200)])
    times = np.bincount(seen, minlength=len(LABELS))
    assert times.min() > 0
    assert (times[LABELS == 3] == 200).all()
    # Each image of the largest class is in 7 of 100 epochs.
    assert within_times(times[LABELS == 0], 200, 0.07)


def within_times(times, of, p):
    return binom.ppf(1e-8, of, p) <= times.min() and times.max() <= binom.ppf(1 - 1e-8, of, p)


def test_square_root_follows_the_roots_of_the_counts():
    rng = np.random.default_rng(0)
    drawn = np.concatenate([LABELS[square_root(LABELS, rng)] for _ in range(100)])
    assert within(drawn, np.sqrt(COUNTS) / np.sqrt(COUNTS).sum())
    assert not within(drawn, COUNTS / COUNTS.sum())
    assert not within(drawn, np.full(3, 1 / 3))


@pytest.mark.parametrize("epoch", [0, 1, 3, 4])
def test_progressive_moves_from_images_alike_to_classes_alike(epoch):
    sampler, rng = Progressive(), np.random.default_rng(0)
    sampler.epoch(epoch, 5)
    drawn = np.concatenate([LABELS[sampler(LABELS, rng)] for _ in range(100)])
    share = (1 - epoch / 4) * COUNTS / 137 + epoch / 4 / 3
    assert within(drawn, share)
    for other in {0, 1, 3, 4} - {epoch}:
        assert not within(drawn, (1 - other / 4) * COUNTS / 137 + other / 4 / 3)


def test_the_last_epoch_is_class_balanced():
    sampler = Progressive()
    sampler.epoch(6, 7)
    ours = sampler(LABELS, np.random.default_rng(3))
    assert np.array_equal(ours, class_balanced(LABELS, np.random.default_rng(3), power=0.0))


def test_an_order_tells_its_sampler_the_epoch():
    def shares(epoch):
        order = Order(LABELS, 16, Streams({"order": 1}), Progressive(), epochs=3)
        return np.concatenate([LABELS[indices] for indices, _ in order.batches(epoch)])

    assert (shares(0) == 3).sum() < 20 < (shares(2) == 3).sum()
    assert np.array_equal(shares(2), shares(2))
