"""Experts with a diversity softmax and consistency self-distillation."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from assay.errors import MethodError
from assay.models.classifier import Classifier
from assay.models.experts import Experts, expert_logits
from assay.train.job import train
from assay.train.robust.mdcs import Mdcs
from torch import nn

COUNTS = np.array([24, 16, 8])


class Scaled(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x.flatten(1) * self.factor


@pytest.fixture
def model():
    made = Classifier(Experts(nn.Identity(), [Scaled(factor) for factor in (0.5, 1.0, 3.0)]), 192, 1, 3)
    made.experts = 3
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        made.head.weight.normal_(generator=generator)
        made.head.bias.normal_(generator=generator)
    return made


@pytest.fixture
def trained(training, model):
    training.networks = [model]
    return training


def by_hand(model, x):
    """Logits float64 `[E,B,K]` of the experts, from their own features and weights."""
    x = x.flatten(1).double().numpy()
    weight, bias = (each.detach().double().numpy() for each in (model.head.weight, model.head.bias))
    return np.stack([x * f @ weight[:, 64 * e : 64 * (e + 1)].T + bias for e, f in enumerate((0.5, 1.0, 3.0))])


def log_softmax(z):
    z = z - z.max(-1, keepdims=True)
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


def test_the_classifier_is_the_mean_of_its_experts(model):
    x = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    z = by_hand(model, x)
    np.testing.assert_allclose(expert_logits(model, model.features(x)).detach(), z, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(model(x).detach(), z.mean(0), rtol=1e-4, atol=1e-4)


def test_the_loss_by_its_formula(trained, batch, model):
    # Of the easier view only the first augmentations; here it is the image itself, and the other one is darker.
    weak = batch(range(12)).x
    some = batch(range(12), {(1, 1): weak})
    some.x = 0.8 * weak
    made = Mdcs(focus=[-0.5, 1.0, 2.5], weight=0.6, warmup=10, weak=1)
    made.prepare(trained)
    labels = some.targets.argmax(1).numpy()
    log_p, log_q = (
        log_softmax(by_hand(model, view) + np.array([-0.5, 1.0, 2.5])[:, None, None] * np.log(COUNTS))
        for view in (weak, some.x)
    )
    places = np.arange(12)
    plain = -(log_p[:, places, labels] + log_q[:, places, labels]).sum() / 24
    divergence = (np.exp(log_p) * (log_p - log_q)).sum(-1)
    sure = log_p.argmax(-1) == labels
    assert 0 < sure.sum() < 36
    distilled = sum(divergence[e][sure[e]].mean() for e in range(3) if sure[e].any())
    for epoch, share in ((0, 0.0), (5, 0.5), (10, 1.0), (15, 1.0)):
        made.epoch(epoch, 20)
        loss, logits = made.loss(some)
        assert loss.item() == pytest.approx(plain + 0.6 * share * distilled, rel=1e-4)
    np.testing.assert_allclose(logits.detach(), by_hand(model, some.x).mean(0), rtol=1e-4, atol=1e-4)


def test_no_gradient_goes_through_the_easier_view(trained, batch):
    easy = torch.rand(12, 1, 8, 8, generator=torch.Generator().manual_seed(1)).requires_grad_()
    some = batch(range(12), {(1, 1): easy})
    plain, distilled = (Mdcs(focus=[1.0, 1.0, 1.0], weight=weight, warmup=0, weak=1) for weight in (0.0, 5.0))
    gradients = []
    for made in (plain, distilled):
        made.prepare(trained)
        made.epoch(0, 1)
        gradients.append(torch.autograd.grad(made.loss(some)[0], easy)[0])
    torch.testing.assert_close(*gradients)


def test_one_expert_that_favours_none_is_plain_training(training, batch):
    some = batch(range(12), {(1, 0): batch(range(12)).x})
    network = training.networks[0]
    made = Mdcs(focus=[0.0], weight=0.0, warmup=0, weak=0)
    made.prepare(training)
    plain = F.cross_entropy(network(some.x), some.targets)
    torch.testing.assert_close(made.loss(some)[0], plain)


def test_as_many_numbers_as_experts(trained):
    with pytest.raises(MethodError, match="expected 3 numbers in `focus`, one for each expert, found 2"):
        Mdcs(focus=[0.0, 1.0], weight=0.6, warmup=20, weak=2).prepare(trained)


def test_experts_favour_other_classes(spec, registry, entry, toy, memory):
    """An expert that looks to rare classes gives them more, without its own shift, than one that looks to frequent."""
    record = memory()
    what = spec(
        model=entry("model", "experts-resnet", depth=8, width=4),
        augment=[entry("augment", "crop", padding=1), entry("augment", "cutout")],
        recipe=entry("recipe", "adamw", epochs=12, batch=16, lr=0.01),
        robust=entry("robust", "mdcs", warmup=3, weak=1),
    )
    model = train(what, registry, toy, log=record.log, checkpoints=record)
    split = toy.splits["test"]
    x = torch.from_numpy(split.images).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        each = expert_logits(model, model.features(x)).softmax(-1).mean(1)
        torch.testing.assert_close(expert_logits(model, model.features(x)).mean(0), model(x))
    assert each[2, 2] > each[1, 2] > each[0, 2]
    assert each[0, 0] > each[1, 0] > each[2, 0]
