import numpy as np
import pytest
import torch
from assay.train.losses.cross_entropy import cross_entropy
from assay.train.losses.focal import focal

LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.3, 0.1, 0.2]])
HARD = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
SOFT = torch.tensor([[0.7, 0.3, 0.0], [0.2, 0.2, 0.6]])
COUNTS = torch.tensor([10, 5, 1])
P = np.exp(LOGITS.double().numpy()) / np.exp(LOGITS.double().numpy()).sum(1, keepdims=True)


@pytest.mark.parametrize("targets", [HARD, SOFT])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_cross_entropy_by_its_formula(targets, smoothing):
    smooth = (1 - smoothing) * targets.double().numpy() + smoothing / 3
    expected = -(smooth * np.log(P)).sum(1)
    np.testing.assert_allclose(cross_entropy(LOGITS, targets, COUNTS, label_smoothing=smoothing), expected, rtol=1e-5)


def test_cross_entropy_by_hand():
    assert cross_entropy(torch.zeros(1, 4), torch.eye(4)[:1], COUNTS, label_smoothing=0.2).item() == pytest.approx(
        np.log(4)
    )


@pytest.mark.parametrize("targets", [HARD, SOFT])
def test_focal_by_its_formula(targets):
    expected = -(targets.double().numpy() * (1 - P) ** 2.5 * np.log(P)).sum(1)
    np.testing.assert_allclose(focal(LOGITS, targets, COUNTS, gamma=2.5), expected, rtol=1e-5)
    torch.testing.assert_close(
        focal(LOGITS, targets, COUNTS, gamma=0.0), cross_entropy(LOGITS, targets, COUNTS, label_smoothing=0.0)
    )


def test_focal_by_hand_and_its_slope_stays_finite_for_sure_samples():
    # p = 1/2 and gamma = 2: a quarter of log 2.
    assert focal(torch.zeros(1, 2), torch.eye(2)[:1], COUNTS, gamma=2.0).item() == pytest.approx(np.log(2) / 4)
    sure = torch.tensor([[60.0, 0.0]], requires_grad=True)
    focal(sure, torch.eye(2)[:1], COUNTS, gamma=0.5).sum().backward()
    assert sure.grad.isfinite().all()
