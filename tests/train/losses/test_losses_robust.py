import numpy as np
import pytest
import torch
import torch.nn.functional as F
from assay.train.losses.generalised_cross_entropy import generalised_cross_entropy
from assay.train.losses.poly import poly
from assay.train.losses.symmetric_cross_entropy import symmetric_cross_entropy

LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.3, 0.1, 0.2]])
HARD = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
SOFT = torch.tensor([[0.7, 0.3, 0.0], [0.2, 0.2, 0.6]])
COUNTS = torch.tensor([10, 5, 1])
PLAIN = F.cross_entropy(LOGITS, HARD, reduction="none")
P = np.exp(LOGITS.double().numpy()) / np.exp(LOGITS.double().numpy()).sum(1, keepdims=True)


@pytest.mark.parametrize("targets", [HARD, SOFT])
def test_poly_by_its_formula(targets):
    t = targets.double().numpy()
    expected = -(t * np.log(P)).sum(1) + 2.5 * (1 - (t * P).sum(1))
    np.testing.assert_allclose(poly(LOGITS, targets, COUNTS, epsilon=2.5), expected, rtol=1e-5)


def test_poly_changes_the_first_term_of_the_series_of_cross_entropy():
    # -log p = sum_j (1 - p)^j / j; epsilon -1 takes the first term away, which leaves its tail.
    p = P[[0, 1], [0, 2]]
    tail = sum((1 - p) ** j / j for j in range(2, 400))
    np.testing.assert_allclose(poly(LOGITS, HARD, COUNTS, epsilon=-1.0), tail, rtol=1e-5)
    torch.testing.assert_close(poly(LOGITS, HARD, COUNTS, epsilon=0.0), PLAIN)


@pytest.mark.parametrize("targets", [HARD, SOFT])
@pytest.mark.parametrize("q", [0.3, 0.7, 1.0])
def test_generalised_cross_entropy_by_its_formula(targets, q):
    expected = (targets.double().numpy() * (1 - P**q) / q).sum(1)
    np.testing.assert_allclose(generalised_cross_entropy(LOGITS, targets, COUNTS, q=q), expected, rtol=1e-5)


def test_generalised_cross_entropy_between_its_limits():
    torch.testing.assert_close(generalised_cross_entropy(LOGITS, HARD, COUNTS, q=1e-5), PLAIN, rtol=1e-4, atol=1e-5)
    absolute = (LOGITS.softmax(1) - HARD).abs().sum(1)
    torch.testing.assert_close(generalised_cross_entropy(LOGITS, HARD, COUNTS, q=1.0), absolute / 2)


def test_a_sure_mistake_costs_a_bounded_loss_and_slope():
    wrong = torch.tensor([[80.0, 0.0]], requires_grad=True)
    targets = torch.tensor([[0.0, 1.0]])
    loss = generalised_cross_entropy(wrong, targets, COUNTS, q=0.7)
    loss.sum().backward()
    assert loss.item() == pytest.approx(1 / 0.7)
    assert wrong.grad.abs().max() < 1e-6
    assert F.cross_entropy(wrong, targets).item() == pytest.approx(80)


def test_symmetric_cross_entropy_by_hand():
    made = symmetric_cross_entropy(LOGITS, HARD, COUNTS, alpha=0.3, beta=2.0, log_zero=-4.0)
    # With a hard label the reverse is -A times the probability of all other classes.
    others = 1 - P[[0, 1], [0, 2]]
    np.testing.assert_allclose(made, 0.3 * PLAIN.numpy() + 2.0 * 4.0 * others, rtol=1e-5)
    torch.testing.assert_close(symmetric_cross_entropy(LOGITS, HARD, COUNTS, alpha=1.0, beta=0.0, log_zero=-4.0), PLAIN)
    made = symmetric_cross_entropy(LOGITS, SOFT, COUNTS, alpha=0.0, beta=1.0, log_zero=-4.0)
    log_t = np.maximum(np.log(np.maximum(SOFT.double().numpy(), 1e-300)), -4)
    np.testing.assert_allclose(made, -(P * log_t).sum(1), rtol=1e-5)
