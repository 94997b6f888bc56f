import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from assay.errors import MethodError
from assay.train.job import train
from assay.train.losses.bias_loss import BiasLoss

LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.3, 0.1, 0.2], [0.0, 1.0, 0.0]])
TARGETS = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.5, 0.5]])
COUNTS = torch.tensor([10, 5, 1])
PLAIN = F.cross_entropy(LOGITS, TARGETS, reduction="none")
# Variances 0, 2 and 8: scaled, 0, 1/4 and 1.
FEATURES = torch.tensor([[3.0, 3.0], [1.0, 3.0], [4.0, 0.0]])


def test_the_weight_is_exp_of_the_scaled_variance_less_beta():
    made = BiasLoss(alpha=0.3, beta=0.3)(LOGITS, TARGETS, COUNTS, FEATURES)
    weights = torch.tensor([math.exp(0.0) - 0.3, math.exp(0.075) - 0.3, math.exp(0.3) - 0.3])
    torch.testing.assert_close(made, weights * PLAIN)


def test_scaling_features_changes_nothing_and_no_gradient_goes_through_the_weight():
    loss = BiasLoss(alpha=1.0, beta=0.2)
    features = FEATURES.clone().requires_grad_()
    made = loss(LOGITS.clone().requires_grad_(), TARGETS, COUNTS, features)
    torch.testing.assert_close(made, loss(LOGITS, TARGETS, COUNTS, 7 * FEATURES + 1))
    made.sum().backward()
    assert features.grad is None


def test_without_alpha_and_beta_it_is_cross_entropy():
    torch.testing.assert_close(BiasLoss(alpha=0.0, beta=0.0)(LOGITS, TARGETS, COUNTS, FEATURES), PLAIN)


@pytest.mark.parametrize("features", [FEATURES[:1], FEATURES[:, :1], FEATURES[:1, :1], torch.ones(3, 4)])
def test_images_that_vary_alike_weigh_one_less_beta(features):
    made = BiasLoss(alpha=0.3, beta=0.3)(LOGITS[: len(features)], TARGETS[: len(features)], COUNTS, features)
    torch.testing.assert_close(made, 0.7 * PLAIN[: len(features)])


def test_training_hands_over_the_features_that_the_head_reads(spec, registry, entry, toy, memory, monkeypatch):
    seen = []

    def spying(self, logits, targets, counts, features):
        seen.append((logits, features))
        return F.cross_entropy(logits, targets, reduction="none")

    monkeypatch.setattr(BiasLoss, "__call__", spying)
    record = memory()
    recipe = entry("recipe", "sgd", epochs=1, batch=48)
    what = spec(loss=entry("loss", "bias-loss"), augment=[], recipe=recipe, model=entry("model", "linear"))
    train(what, registry, toy, log=record.log, checkpoints=record)
    ((logits, features),) = seen
    pixels = torch.from_numpy(toy.splits["train"].images).flatten(1) / 255
    # The features of a linear model are its normalised pixels, here in the order of the batch.
    np.testing.assert_allclose(features.sum(0), ((pixels - pixels.mean()) / pixels.std(correction=0)).sum(0), atol=1e-3)
    assert logits.shape == (48, 3)


def test_a_robust_method_refuses_a_loss_that_looks_at_features(spec, registry, entry, toy, memory):
    record = memory()
    what = spec(loss=entry("loss", "bias-loss"), robust=entry("robust", "co-teaching", rate=0.1))
    with pytest.raises(MethodError, match="bias-loss looks at features"):
        train(what, registry, toy, log=record.log, checkpoints=record)
