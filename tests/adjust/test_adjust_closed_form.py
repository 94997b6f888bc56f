import numpy as np
import pytest
import torch
from assay.adjust.inverse_image_frequency import inverse_image_frequency
from assay.adjust.logit_adjustment import logit_adjustment
from assay.adjust.prior_thresholding import prior_thresholding
from assay.adjust.tau_norm import tau_norm
from assay.models.classifier import Classifier
from assay.train.losses.inverse_image_frequency import inverse_image_frequency as inverse_image_frequency_loss
from torch import nn

COUNTS = torch.tensor([24, 16, 8])
PRIOR = np.array([1 / 2, 1 / 3, 1 / 6])
X = torch.rand(5, 1, 2, 2, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def model():
    made = Classifier(nn.Flatten(), 4, 1, 3).eval()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        made.head.weight.normal_(generator=generator)
        made.head.bias.normal_(generator=generator)
    return made


def logits(model):
    with torch.no_grad():
        return model(X).double().numpy()


@pytest.mark.parametrize("tau", [0.0, 0.5, 2.0])
def test_logit_adjustment_takes_off_the_log_prior(model, tau):
    before = logits(model)
    after = logits(logit_adjustment(model, COUNTS, None, None, tau=tau))
    np.testing.assert_allclose(after, before - tau * np.log(PRIOR), rtol=1e-5, atol=1e-6)


def test_inverse_image_frequency_hands_on_the_logits_that_its_loss_trained(model):
    before = torch.from_numpy(logits(model))
    after = torch.from_numpy(logits(inverse_image_frequency(model, COUNTS, None, None)))
    np.testing.assert_allclose(after, before * np.log(1 / PRIOR), rtol=1e-5, atol=1e-6)
    targets = nn.functional.one_hot(torch.tensor([0, 1, 2, 2, 1]), 3).double()
    trained = inverse_image_frequency_loss(before, targets, COUNTS)
    torch.testing.assert_close(nn.functional.cross_entropy(after, targets, reduction="none"), trained)


def test_thresholding_divides_probabilities_by_the_prior(model):
    divided = torch.from_numpy(logits(model)).softmax(1).numpy() / PRIOR
    after = torch.from_numpy(logits(prior_thresholding(model, COUNTS, None, None))).softmax(1)
    np.testing.assert_allclose(after, divided / divided.sum(1, keepdims=True), rtol=1e-5)


@pytest.mark.parametrize("tau", [0.0, 0.3, 1.0])
def test_tau_norm_by_its_formula(model, tau):
    weight = model.head.weight.detach().double().numpy().copy()
    features = X.flatten(1).double().numpy()
    after = logits(tau_norm(model, COUNTS, None, None, tau=tau))
    for label in range(3):
        expected = features @ weight[label] / np.linalg.norm(weight[label]) ** tau
        np.testing.assert_allclose(after[:, label], expected, rtol=1e-5, atol=1e-6)


def test_a_model_of_the_skewed_posterior_becomes_one_of_even_classes():
    # Two Gaussians at -1 and 1 with shares 0.9 and 0.1: log N(x; -1, 1) - log N(x; 1, 1) = -2x, the shares in the bias.
    model = Classifier(nn.Flatten(), 1, 1, 2).eval()
    with torch.no_grad():
        model.head.weight.copy_(torch.tensor([[-1.0], [1.0]]))
        model.head.bias.copy_(torch.tensor([0.9, 0.1]).log())
        made = logit_adjustment(model, torch.tensor([90, 10]), None, None, tau=1.0)
        half_way = made(torch.zeros(1, 1, 1, 1))[0]
    assert half_way[0].item() == pytest.approx(half_way[1].item(), abs=1e-6)
