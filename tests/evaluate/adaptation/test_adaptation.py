"""Adaptation against torch's own batch normalisation, hand-made steps and limit cases."""

import json
import math

import numpy as np
import pytest
import torch
from assay.evaluate.adaptation.batch_norm import entropy, trusting
from assay.evaluate.adaptation.bn_statistics import BatchNormStatistics
from assay.evaluate.adaptation.eata import Eata
from assay.evaluate.adaptation.family import family
from assay.evaluate.adaptation.none import NoAdaptation
from assay.evaluate.adaptation.tent import Tent
from assay.study.registry import scan
from judged import convolutional, pictures, trial_of
from torch.nn import functional as F

SPLIT = pictures(90)
IMAGES = torch.from_numpy(SPLIT.images).permute(0, 3, 1, 2).float() / 255
SHIFTED = (0.4 * IMAGES + 0.5).clamp(0, 1)


@pytest.fixture(scope="module")
def model():
    return convolutional(SPLIT)


def eata(**changes):
    return Eata(**{"lr": 0.005, "entropy": 0.4, "similarity": 0.4, "fisher": 1.0, "fisher_images": 64, **changes})


def started(method, model):
    method.start(model, IMAGES)
    return method


def in_training_mode(model, images):
    """The logits with the statistics of the batch, by torch itself."""
    copy = convolutional(SPLIT, epochs=0)
    copy.load_state_dict(model.state_dict())
    copy.train()
    with torch.no_grad():
        return copy(images)


def test_without_a_prior_it_is_torchs_training_mode(model):
    made = started(BatchNormStatistics(prior=0.0), model).adapt(SHIFTED[:20])
    assert torch.allclose(made, in_training_mode(model, SHIFTED[:20]), atol=1e-5)


def test_a_prior_mixes_by_the_number_of_images(model):
    norm = model.backbone[1]
    x = model.backbone[0](SHIFTED[:10]).detach()
    mean = (30 * norm.running_mean + 10 * x.mean((0, 2, 3))) / 40
    variance = (30 * norm.running_var + 10 * x.var((0, 2, 3), unbiased=False)) / 40
    expected = F.batch_norm(x, mean.detach(), variance.detach(), norm.weight, norm.bias, eps=norm.eps)
    layer = trusting(model, prior=30.0).backbone[1]
    assert torch.allclose(layer(x), expected, atol=1e-5)
    always = started(BatchNormStatistics(prior=1e9), model).adapt(SHIFTED[:10])
    assert torch.allclose(always, model(SHIFTED[:10]), atol=1e-4)


def test_one_image_is_normalised_by_itself(model):
    made = started(BatchNormStatistics(prior=0.0), model).adapt(SHIFTED[:1])
    assert torch.isfinite(made).all()


def test_entropy_is_that_of_the_softmax():
    logits = torch.tensor([[0.0, 0.0], [50.0, 0.0]])
    assert torch.allclose(entropy(logits), torch.tensor([math.log(2), 0.0]), atol=1e-6)


def test_tent_predicts_first_and_makes_a_step_of_adam(model):
    tent = started(Tent(lr=1e-3, steps=1), model)
    before = tent.model.backbone[1].norm.weight.detach().clone()
    first = tent.adapt(SHIFTED[:30])
    assert torch.allclose(first, in_training_mode(model, SHIFTED[:30]), atol=1e-5)
    moved = tent.model.backbone[1].norm.weight.detach() - before
    # The first step of Adam is the learning rate against the sign of the gradient.
    copy = trusting(model, 0.0)
    weight = copy.backbone[1].norm.weight
    (gradient,) = torch.autograd.grad(entropy(copy(SHIFTED[:30])).mean(), weight)
    assert torch.allclose(moved, -1e-3 * gradient.sign(), atol=1e-5)
    assert entropy(tent.predict(SHIFTED[:30])).mean() < entropy(first).mean()
    assert torch.equal(tent.model.head.weight, model.head.weight)


def test_the_trained_model_stays_as_it_is(model):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for method in (Tent(lr=0.1, steps=2), eata(lr=0.1, entropy=1.0), BatchNormStatistics(prior=1.0)):
        started(method, model).adapt(SHIFTED[:30])
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_eata_follows_reliable_images_with_their_weights(model):
    method = started(eata(fisher=0.0, entropy=0.9), model)
    copy = trusting(model, 0.0)
    weight = copy.backbone[1].norm.weight
    uncertain = entropy(copy(SHIFTED[:30]))
    least = 0.9 * math.log(3)
    taken = uncertain[uncertain < least]
    assert 0 < len(taken) < 30 or len(taken) == 30
    (gradient,) = torch.autograd.grad((taken * torch.exp(least - taken.detach())).mean(), weight)
    method.adapt(SHIFTED[:30])
    moved = method.model.backbone[1].norm.weight.detach() - model.backbone[1].weight.detach()
    assert torch.allclose(moved, -0.005 * gradient, atol=1e-6)


def test_eata_learns_nothing_from_unsure_or_repeated_images(model):
    unsure = started(eata(entropy=1e-6), model)
    unsure.adapt(SHIFTED[:30])
    assert torch.equal(unsure.model.backbone[1].norm.weight, model.backbone[1].weight)
    repeated = started(eata(entropy=1.0, similarity=1e-6), model)
    repeated.adapt(SHIFTED[:30])
    after = repeated.model.backbone[1].norm.weight.detach().clone()
    repeated.adapt(SHIFTED[:30])
    assert torch.equal(repeated.model.backbone[1].norm.weight, after)


def test_the_penalty_of_eata_pulls_back_what_training_needs(model):
    method = started(eata(entropy=1.0, similarity=1.0, fisher=50.0), model)
    copy = trusting(model, 0.0)
    weight = copy.backbone[1].norm.weight
    said = copy(IMAGES[:64])
    (gradient,) = torch.autograd.grad(F.cross_entropy(said, said.argmax(1)), weight)
    assert torch.allclose(method.information[0], gradient**2, rtol=1e-4)
    with torch.no_grad():
        method.weights[0] += 1.0
    loss = method._loss(method.model(SHIFTED[:30]))
    free = started(eata(entropy=1.0, similarity=1.0, fisher=0.0), model)
    with torch.no_grad():
        free.weights[0] += 1.0
    expected = free._loss(free.model(SHIFTED[:30])) + 50 * (gradient**2).sum()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-4)


def dull(images, severity, draw):
    return (0.25 * images + 180).astype(np.uint8)


METHODS = {"none": NoAdaptation, "bn-statistics": lambda: BatchNormStatistics(prior=0.0), "eata": eata}


def run(trial, **changes):
    options = {"methods": METHODS, "corruptions": {"dull": dull}, "severities": [5], "batch": 30, "images": None}
    return family(trial, **{**options, **changes})


def table(result):
    return {(row.metric, row.keys["adaptation"]): row for row in result.rows}


def test_statistics_undo_a_shift_of_brightness_and_contrast(model):
    rows = table(run(trial_of(model, SPLIT)))
    with torch.no_grad():
        plain = model(torch.from_numpy(dull(SPLIT.images, 5, None)).permute(0, 3, 1, 2) / 255).argmax(1).numpy()
    assert rows["adapted-accuracy", "none"].value == pytest.approx((plain == SPLIT.labels).mean())
    assert rows["adaptation-gain", "none"].value == 0
    assert rows["forgetting", "none"].value == 0
    found = rows["adapted-accuracy", "bn-statistics"].value
    assert found > rows["adapted-accuracy", "none"].value + 0.1
    assert rows["adaptation-gain", "bn-statistics"].value == pytest.approx(found - (plain == SPLIT.labels).mean())


def test_what_is_forgotten_is_measured_on_images_as_they_are(model):
    class Ruined(NoAdaptation):
        def adapt(self, images):
            with torch.no_grad():
                self.model.head.bias[0] = 1e6
            return super().adapt(images)

        def start(self, model, images):
            super().start(trusting(model, 1e9), images)

    rows = table(run(trial_of(model, SPLIT), methods={"none": NoAdaptation, "ruined": Ruined}))
    with torch.no_grad():
        before = (model(IMAGES).argmax(1).numpy() == SPLIT.labels).mean()
    expected = before - (SPLIT.labels == 0).mean()
    assert rows["forgetting", "ruined"].value == pytest.approx(expected)


def test_a_model_without_batch_normalisation_says_so():
    rows = table(run(trial_of(convolutional(SPLIT, norm=False), SPLIT)))
    for metric in ("adapted-accuracy", "adaptation-gain", "forgetting"):
        assert rows[metric, "none"].value is not None
        assert rows[metric, "eata"].value is None
        assert "no batch normalisation" in rows[metric, "eata"].note


def test_rows_are_those_of_the_card_and_the_same_each_time(model):
    result = run(trial_of(model, SPLIT), images=40)
    card = scan().card("evaluation", "adaptation")
    assert {row.metric for row in result.rows} == set(card.metrics)
    assert all(set(row.keys) == set(card.metrics[row.metric].keys) for row in result.rows)
    assert json.dumps(result.figures, allow_nan=False) == json.dumps(run(trial_of(model, SPLIT), images=40).figures)
    empty = run(trial_of(model, SPLIT.take(np.arange(0))))
    assert all(row.value is None and row.note for row in empty.rows)
