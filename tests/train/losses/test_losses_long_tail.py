import numpy as np
import pytest
import torch
import torch.nn.functional as F
from assay.train.losses.balanced_softmax import balanced_softmax
from assay.train.losses.class_weighted import ClassWeighted
from assay.train.losses.inverse_image_frequency import inverse_image_frequency
from assay.train.losses.ldam import Ldam
from assay.train.losses.logit_adjusted import logit_adjusted
from assay.train.losses.weights import effective_number, inverse, log_prior

LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.3, 0.1, 0.2]])
HARD = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
SOFT = torch.tensor([[0.7, 0.3, 0.0], [0.2, 0.2, 0.6]])
COUNTS = torch.tensor([10, 5, 1])
N = COUNTS.numpy()
EVEN = torch.tensor([4, 4, 4])
PLAIN = F.cross_entropy(LOGITS, HARD, reduction="none")


def softmax(z):
    z = np.asarray(z, np.float64)
    return np.exp(z) / np.exp(z).sum(-1, keepdims=True)


def negative_log(targets, p):
    return -(targets.double().numpy() * np.log(p)).sum(1)


def test_inverse_weights_are_those_of_scikit_learn():
    from sklearn.utils.class_weight import compute_class_weight

    labels = np.repeat([0, 1, 2], N)
    balanced = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    np.testing.assert_allclose(inverse(COUNTS), balanced / balanced.mean(), rtol=1e-6)


def test_effective_number_by_its_formula_and_between_its_limits():
    expected = (1 - 0.9) / (1 - 0.9**N)
    np.testing.assert_allclose(effective_number(COUNTS, 0.9), 3 * expected / expected.sum(), rtol=1e-6)
    torch.testing.assert_close(effective_number(COUNTS, 0.0), torch.ones(3))
    many = torch.tensor([5000, 500, 50])
    torch.testing.assert_close(effective_number(many, 1 - 1e-9), inverse(many), rtol=1e-4, atol=0)


def test_a_class_without_images_has_no_weight_and_a_finite_prior():
    counts = torch.tensor([3, 0, 1])
    for weights in (inverse(counts), effective_number(counts, 0.99)):
        assert weights[1] == 0
        assert weights.sum() == pytest.approx(2)
    np.testing.assert_allclose(log_prior(counts).exp(), [3 / 5, 1 / 5, 1 / 5], rtol=1e-6)


@pytest.mark.parametrize("targets", [HARD, SOFT])
@pytest.mark.parametrize("tau", [0.5, 2.0])
def test_logit_adjusted_by_its_formula(targets, tau):
    expected = negative_log(targets, softmax(LOGITS + tau * np.log(N / 16)))
    np.testing.assert_allclose(logit_adjusted(LOGITS, targets, COUNTS, tau=tau), expected, rtol=1e-5)


def test_logit_adjusted_without_adjustment_or_imbalance_is_cross_entropy():
    torch.testing.assert_close(logit_adjusted(LOGITS, HARD, COUNTS, tau=0.0), PLAIN)
    torch.testing.assert_close(logit_adjusted(LOGITS, HARD, EVEN, tau=3.0), PLAIN)
    assert not torch.allclose(logit_adjusted(LOGITS, HARD, COUNTS, tau=1.0), PLAIN)


@pytest.mark.parametrize("targets", [HARD, SOFT])
def test_balanced_softmax_by_its_formula_and_as_logit_adjustment(targets):
    counted = N * np.exp(LOGITS.double().numpy())
    expected = negative_log(targets, counted / counted.sum(1, keepdims=True))
    np.testing.assert_allclose(balanced_softmax(LOGITS, targets, COUNTS), expected, rtol=1e-5)
    torch.testing.assert_close(
        balanced_softmax(LOGITS, targets, COUNTS), logit_adjusted(LOGITS, targets, COUNTS, tau=1.0)
    )
    torch.testing.assert_close(balanced_softmax(LOGITS, HARD, EVEN), PLAIN)


@pytest.mark.parametrize("targets", [HARD, SOFT])
def test_inverse_image_frequency_by_its_formula(targets):
    expected = negative_log(targets, softmax(LOGITS.numpy() * np.log(16 / N)))
    np.testing.assert_allclose(inverse_image_frequency(LOGITS, targets, COUNTS), expected, rtol=1e-5)
    # Even classes leave a temperature of 1 / log K.
    even = F.cross_entropy(LOGITS * np.log(3), HARD, reduction="none")
    torch.testing.assert_close(inverse_image_frequency(LOGITS, HARD, EVEN), even)


@pytest.mark.parametrize("by", ["inverse", "effective-number"])
def test_class_weighted_is_what_torch_weighs(by):
    loss = ClassWeighted(by=by, beta=0.9, defer=0.0)
    weight = 1 / N if by == "inverse" else (1 - 0.9) / (1 - 0.9**N)
    weight = torch.from_numpy(3 * weight / weight.sum()).float()
    expected = F.cross_entropy(LOGITS, HARD, weight=weight, reduction="none")
    torch.testing.assert_close(loss(LOGITS, HARD, COUNTS), expected)
    expected = F.cross_entropy(LOGITS, SOFT, weight=weight, reduction="none")
    torch.testing.assert_close(loss(LOGITS, SOFT, COUNTS), expected)


def test_class_weighted_without_a_difference_is_cross_entropy():
    torch.testing.assert_close(ClassWeighted(by="effective-number", beta=0.0, defer=0.0)(LOGITS, HARD, COUNTS), PLAIN)
    torch.testing.assert_close(ClassWeighted(by="inverse", beta=0.0, defer=0.0)(LOGITS, HARD, EVEN), PLAIN)


def test_deferred_weights_begin_with_their_epoch():
    for loss in (
        ClassWeighted(by="inverse", beta=0.0, defer=0.8),
        Ldam(max_margin=0.0, scale=1.0, defer=0.8, beta=0.9),
    ):
        weighs = []
        for epoch in range(10):
            loss.epoch(epoch, 10)
            weighs.append(not torch.allclose(loss(LOGITS, HARD, COUNTS), PLAIN))
        assert weighs == [False] * 8 + [True] * 2
        loss.epoch(0, 10)
        torch.testing.assert_close(loss(LOGITS, HARD, COUNTS), PLAIN)


def ldam(**options):
    return Ldam(**{"max_margin": 0.5, "scale": 1.0, "defer": 1.0, "beta": 0.9999} | options)


def test_ldam_by_its_formula():
    margins = 0.5 * (1 / N) ** 0.25  # the rarest class has one image, so its margin is the widest
    for row, label in ((0, 0), (1, 2)):
        z = LOGITS[row].double().numpy().copy()
        z[label] -= margins[label]
        expected = -np.log(softmax(2 * z)[label])
        assert ldam(scale=2.0)(LOGITS, HARD, COUNTS)[row].item() == pytest.approx(expected, rel=1e-5)


def test_ldam_weighs_by_effective_number_once_deferred():
    loss = ldam(defer=0.5, beta=0.9)
    loss.epoch(0, 2)
    before = loss(LOGITS, HARD, COUNTS)
    loss.epoch(1, 2)
    weight = (1 - 0.9) / (1 - 0.9**N)
    weight = 3 * weight / weight.sum()
    np.testing.assert_allclose(loss(LOGITS, HARD, COUNTS) / before, weight[[0, 2]], rtol=1e-5)


def test_ldam_with_even_classes_is_cross_entropy_with_one_margin_and_scale():
    z = 3.0 * (LOGITS - 0.4 * HARD)
    expected = F.cross_entropy(z, HARD, reduction="none")
    torch.testing.assert_close(ldam(max_margin=0.4, scale=3.0)(LOGITS, HARD, EVEN), expected)
    torch.testing.assert_close(ldam(max_margin=0.0)(LOGITS, HARD, COUNTS), PLAIN)
