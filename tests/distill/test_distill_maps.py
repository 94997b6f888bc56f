"""Which feature maps are found, and the methods that compare them, against their equations written in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from assay.distill.attention_transfer import AttentionTransfer
from assay.distill.be_your_own_teacher import BeYourOwnTeacher
from assay.distill.contract import Output, Setting
from assay.distill.fitnets import FitNets
from assay.distill.maps import Maps, common
from assay.distill.reviewkd import ReviewKd, hierarchical
from assay.distill.similarity_preserving import similarities, similarity_preserving
from assay.errors import MethodError
from assay.models.classifier import build
from scipy.special import rel_entr, softmax
from scipy.stats import ortho_group
from torch import nn


@pytest.fixture
def network(registry, entry):
    def make(model, /, channels=1, size=32, **options):
        return build(registry, entry("model", model, **options), channels, 4, size, torch.Generator().manual_seed(0))

    return make


@pytest.fixture
def setting(network, pair):
    """What methods are prepared with, for the shapes that `pair` gives."""
    student, teacher = network("resnet8", width=2), network("resnet8", width=3)
    student.head, teacher.head = nn.Linear(5, 4), nn.Linear(7, 4)
    shapes, teacher_shapes = [(3, 8, 8), (6, 4, 4)], [(5, 8, 8), (9, 4, 4)]
    return Setting(student, [teacher], torch.arange(6) % 4, shapes, teacher_shapes, lambda: student, None, None)


def array(tensor):
    return tensor.detach().double().numpy()


# -- maps ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "size", "shapes"),
    [
        ("resnet8", {"width": 4}, 32, [(4, 32, 32), (8, 16, 16), (16, 8, 8)]),
        ("resnet8", {"width": 4, "shortcut": "B"}, 28, [(4, 28, 28), (8, 14, 14), (16, 7, 7)]),
        ("resnet50", {"width": 4}, 32, [(16, 32, 32), (32, 16, 16), (64, 8, 8), (128, 4, 4)]),
        ("preact-resnet20", {"width": 4}, 32, [(4, 32, 32), (8, 16, 16), (16, 8, 8)]),
        ("tiny-cnn", {"width": 4}, 8, [(4, 8, 8), (8, 4, 4), (8, 2, 2)]),
        ("timm", {"name": "resnet18"}, 64, [(64, 32, 32), (64, 16, 16), (128, 8, 8), (256, 4, 4), (512, 2, 2)]),
    ],
)
def test_the_last_module_of_each_resolution_is_found(network, name, options, size, shapes):
    assert Maps(network(name, size=size, **options), size).shapes == shapes


def test_maps_are_what_the_stages_of_a_resnet_return_and_looking_changes_nothing(network):
    model = network("resnet8", width=4)
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    maps = Maps(model, 32)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    x = torch.rand(3, 1, 32, 32)
    model.eval()
    with maps.taken() as found:
        features = model.features(x)
    stage, wanted = (x - model.mean) / model.std, []
    for part in model.backbone[:-2]:
        stage = part(stage)
        wanted.append(stage)
    assert [torch.equal(a, b) for a, b in zip(found, wanted[-3:], strict=True)] == [True] * 3
    torch.testing.assert_close(found[-1].mean(dim=(2, 3)), features)
    model.features(x + 1)
    assert torch.equal(found[0], wanted[-3]), "a look outside the context is none"
    assert not any(part._forward_hooks for part in model.modules())


def test_a_module_that_is_used_at_several_sizes_is_told_apart_by_what_it_returns(network):
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.relu = nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 3, 3, 2), nn.ReLU()

        def forward(self, x):
            return self.relu(self.second(self.relu(self.first(x)))).mean(dim=(2, 3))

    model = network("resnet8")
    model.backbone, model.head = Shared(), nn.Linear(3, 4)
    maps = Maps(model, 9)
    assert maps.shapes == [(2, 9, 9), (3, 4, 4)]
    with maps.taken() as found:
        model.features(torch.rand(2, 1, 9, 9))
    assert [each.shape[1] for each in found] == [2, 3]


def test_networks_without_maps_and_pairs_without_a_common_size_are_refused(network):
    with pytest.raises(MethodError, match="this model has none; choose a convolutional one"):
        Maps(network("mlp", size=8), 8)
    assert common([(1, 8, 8), (2, 4, 4)], [(5, 16, 16), (6, 8, 8), (7, 4, 4)]) == [(0, 1), (1, 2)]
    with pytest.raises(MethodError, match="maps of 8 x 8 pixels, its teacher of 7 x 7"):
        common([(1, 8, 8)], [(5, 7, 7)])


# -- attention and similarity --------------------------------------------------------------------------------


def test_attention_transfer_is_its_equation(pair, batch, setting):
    (student, teacher), given = pair(), batch()
    method = AttentionTransfer(weight=1000.0)
    method.prepare(setting)
    expected = array(given.loss).mean()
    for own, its in zip(student.maps, teacher.maps, strict=True):
        q = [(array(each) ** 2).mean(1).reshape(6, -1) for each in (own, its)]
        q = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in q]
        expected += 1000 * ((q[0] - q[1]) ** 2).mean()
    assert method(student, teacher, given).item() == pytest.approx(expected, rel=1e-5)
    scaled = Output(student.logits, student.features, [5 * each for each in student.maps])
    assert method(scaled, student_as_teacher(student), given).item() == pytest.approx(
        array(given.loss).mean(), rel=1e-4
    )


def student_as_teacher(student):
    return Output(student.logits, student.features, [torch.cat([each, each], dim=1) for each in student.maps])


def test_similarity_preserving_is_its_equation_and_blind_to_rotation(pair, batch):
    (student, teacher), given = pair(), batch()
    g = []
    for output in (student, teacher):
        a = array(output.maps[-1]).reshape(6, -1)
        s = a @ a.T
        g.append(s / np.linalg.norm(s, axis=1, keepdims=True))
    expected = array(given.loss).mean() + 3000 / 36 * np.linalg.norm(g[0] - g[1], "fro") ** 2
    assert similarity_preserving(student, teacher, given, weight=3000.0).item() == pytest.approx(expected, rel=1e-4)
    a = student.maps[-1].flatten(1)
    turn = torch.from_numpy(ortho_group.rvs(a.shape[1], random_state=0)).float()
    torch.testing.assert_close(similarities(a @ turn), similarities(a), rtol=1e-3, atol=1e-5)


# -- fitnets -------------------------------------------------------------------------------------------------


def test_fitnets_learns_the_hint_first_and_then_from_probabilities(pair, batch, setting):
    (student, teacher), given = pair(), batch()
    method = FitNets(share=0.3, temperature=3.0, first=4.0, last=1.0)
    method.prepare(setting)
    assert (method.guided, method.hint) == (1, 1), "the middle one of two sizes"
    method.epoch(2, 10)
    weight, bias = array(method.regressor.weight)[:, :, 0, 0], array(method.regressor.bias)
    predicted = np.einsum("oi,bihw->bohw", weight, array(student.maps[1])) + bias[:, None, None]
    made = method(student, teacher, given)
    assert made.item() == pytest.approx(((predicted - array(teacher.maps[1])) ** 2).mean() / 2, rel=1e-4)
    made.backward()
    assert method.regressor.weight.grad.abs().sum() > 0
    method.epoch(3, 10)
    p, q = (softmax(array(each.logits) / 3, axis=1) for each in (teacher, student))
    expected = array(given.loss).mean() + 4 * 9 * rel_entr(p, q).sum(1).mean()
    assert method(student, teacher, given).item() == pytest.approx(expected, rel=1e-4)
    method.epoch(9, 10)
    assert method.weight == pytest.approx(1.0)


# -- review --------------------------------------------------------------------------------------------------


def test_hierarchical_context_is_a_weighted_mean_over_grids():
    a, b = (torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(n)) for n in range(2))

    def at(side):
        x, y = (array(each).reshape(2, 3, side, 8 // side, side, 8 // side).mean((3, 5)) for each in (a, b))
        return ((x - y) ** 2).mean()

    expected = (at(8) + at(4) / 2 + at(2) / 4 + at(1) / 8) / (1 + 1 / 2 + 1 / 4 + 1 / 8)
    assert hierarchical(a, b).item() == pytest.approx(expected, rel=1e-5)
    small = a[:, :, :2, :2], b[:, :, :2, :2]
    pooled = ((array(small[0]).mean((2, 3)) - array(small[1]).mean((2, 3))) ** 2).mean()
    whole = ((array(small[0]) - array(small[1])) ** 2).mean()
    assert hierarchical(*small).item() == pytest.approx((whole + pooled / 2) / 1.5, rel=1e-5)


def test_review_fuses_each_level_with_those_below_and_trains_its_parts(pair, batch, setting):
    (student, teacher), given = pair(), batch()
    method = ReviewKd(weight=2.0, warmup=10)
    method.prepare(setting)
    method.eval()
    method.epoch(5, 20)
    own = [*student.maps, student.features[:, :, None, None]]
    top, middle, bottom = method.fusions
    with torch.no_grad():
        low = bottom.enter(own[2])
        wanted = [hierarchical(bottom.leave(low), teacher.features[:, :, None, None])]
        for fusion, mine, its in ((middle, own[1], teacher.maps[1]), (top, own[0], teacher.maps[0])):
            entered = fusion.enter(mine)
            grown = low.repeat_interleave(entered.shape[2] // low.shape[2], 2)
            grown = grown.repeat_interleave(entered.shape[3] // low.shape[3], 3)
            both = torch.einsum("oi,bihw->bohw", fusion.attend[0].weight[:, :, 0, 0], torch.cat([entered, grown], 1))
            weights = torch.sigmoid(both + fusion.attend[0].bias[:, None, None])
            low = entered * weights[:, 0:1] + grown * weights[:, 1:2]
            wanted.append(hierarchical(fusion.leave(low), its))
    made = method(student, teacher, given)
    assert made.item() == pytest.approx(given.loss.mean().item() + 2 * 0.5 * sum(wanted).item(), rel=1e-4)
    made.backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in method.parameters())


# -- its own teacher -----------------------------------------------------------------------------------------


def test_earlier_classifiers_learn_from_labels_and_the_last_one_alone(pair, batch, setting):
    student, _ = pair()
    student = Output(student.logits.requires_grad_(), student.features.requires_grad_(), student.maps)
    given = batch()
    method = BeYourOwnTeacher(alpha=0.3, features=0.03, temperature=3.0)
    method.prepare(setting)
    method.eval()
    with torch.no_grad():
        features = method.bottlenecks[0](student.maps[0]).mean(dim=(2, 3))
        logits = method.heads[0](features)
    assert method.bottlenecks[0](student.maps[0]).shape == (6, 5, 4, 4)
    p, q = (softmax(array(each) / 3, axis=1) for each in (student.logits, logits))
    own = F.cross_entropy(logits, given.indices).item()
    expected = array(given.loss).mean() + 0.7 * own + 0.3 * rel_entr(p, q).sum(1).mean()
    expected += 0.03 * ((array(features) - array(student.features)) ** 2).mean()
    made = method(student, None, given)
    assert made.item() == pytest.approx(expected, rel=1e-4)
    made.backward()
    assert student.logits.grad is None
    assert student.features.grad is None
    assert all(parameter.grad is not None for parameter in method.parameters())
