"""Methods that train something beside the student: contrast, a reused head, peers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from assay.augment.draw import Draw
from assay.distill.contract import Batch, Output, Setting
from assay.distill.crd import Crd
from assay.distill.deep_mutual_learning import DeepMutualLearning
from assay.distill.simkd import SimKd
from assay.errors import MethodError
from assay.models.classifier import build
from assay.models.initialise import initialise
from scipy.special import rel_entr, softmax
from torch import nn

LABELS = torch.tensor([0, 1, 2, 1, 0, 2, 2, 0, 1, 3])


def array(tensor):
    return tensor.detach().double().numpy()


@pytest.fixture
def network(registry, entry):
    def make(width=2, seed=0):
        return build(registry, entry("model", "resnet8", width=width), 1, 4, 8, torch.Generator().manual_seed(seed))

    return make


@pytest.fixture
def setting(network):
    student, teacher = network(2), network(3, seed=1)
    student.head, teacher.head = nn.Linear(5, 4), nn.Linear(7, 4)
    return Setting(
        student, [teacher], LABELS, [], [], lambda: network(2, seed=9), lambda m, x: Output(m(x), m.features(x)), None
    )


# -- contrast ------------------------------------------------------------------------------------------------


@pytest.fixture
def crd(setting):
    def make(**options):
        options = {"weight": 0.8, "negatives": 5, "dimension": 3, "temperature": 0.2, "momentum": 0.5} | options
        method = Crd(**options)
        method.prepare(setting)
        initialise(method, torch.Generator().manual_seed(2))
        return method

    return make


def batch_of(indices, epoch=0):
    indices = torch.tensor(indices)
    loss = torch.linspace(0.1, 0.5, len(indices))
    return Batch(
        loss, torch.zeros(len(indices), 4), torch.zeros(len(indices), 1, 8, 8), indices, Draw(1, epoch, indices), None
    )


def test_negatives_are_of_other_classes_and_all_of_them_come_up(crd):
    method = crd(negatives=400)
    batch = batch_of(list(range(10)))
    drawn = method.others(batch)
    for place, label in enumerate(LABELS):
        others = (label != LABELS).nonzero()[:, 0]
        found, counts = drawn[place].unique(return_counts=True)
        assert torch.equal(found, others)
        assert counts.float().div(400).sub(1 / len(others)).abs().max() < 0.08


def test_crd_is_its_equation_and_remembers(crd, numbers):
    method = crd()
    batch = batch_of([4, 7, 2, 9])
    features = torch.randn(4, 5, generator=numbers), torch.randn(4, 7, generator=numbers)
    memories = array(method.memory_student), array(method.memory_teacher)
    made = method(Output(None, features[0]), Output(None, features[1]), batch)

    images = np.concatenate([array(batch.indices)[:, None], array(method.others(batch_of([4, 7, 2, 9])))], 1).astype(
        int
    )
    embedded = []
    for given, layer in zip(features, (method.embed_student, method.embed_teacher), strict=True):
        v = array(given) @ array(layer.weight).T + array(layer.bias)
        embedded.append(v / np.linalg.norm(v, axis=1, keepdims=True))
    expected = array(batch.loss).mean()
    for v, memory in ((embedded[0], memories[1]), (embedded[1], memories[0])):
        close = np.exp(np.einsum("bd,bkd->bk", v, memory[images]) / 0.2)
        p = close / (close.mean() * 10)
        share = 5 / 10
        same, others = np.log(p[:, 0] / (p[:, 0] + share)), np.log(share / (p[:, 1:] + share)).sum(1)
        expected += 0.8 * -(same + others).mean()
    assert made.item() == pytest.approx(expected, rel=1e-4)
    made.backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in method.parameters())

    for memory, before, v in zip((method.memory_student, method.memory_teacher), memories, embedded, strict=True):
        wanted = before.copy()
        moved = 0.5 * before[[4, 7, 2, 9]] + 0.5 * v
        wanted[[4, 7, 2, 9]] = moved / np.linalg.norm(moved, axis=1, keepdims=True)
        np.testing.assert_allclose(array(memory), wanted, atol=1e-5)
    scale = method.scale.clone()
    method(Output(None, features[0] * 3), Output(None, features[1]), batch)
    assert torch.equal(method.scale, scale), "the constant is that of the first batch"


def test_an_image_that_comes_twice_is_remembered_by_the_first(crd):
    method = crd(momentum=0.0)
    rows = torch.nn.functional.normalize(torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]]), dim=1)
    method.remember(method.memory_student, torch.tensor([6, 1, 6]), rows)
    assert torch.equal(method.memory_student[6], rows[0])
    assert torch.equal(method.memory_student[1], rows[1])


def test_one_class_has_nothing_to_be_contrasted_with(setting):
    setting.labels = torch.zeros(4, dtype=torch.int64)
    with pytest.raises(MethodError, match="all of these are of one"):
        Crd(weight=1.0, negatives=2, dimension=3, temperature=0.1, momentum=0.5).prepare(setting)


# -- a reused head -------------------------------------------------------------------------------------------


def test_the_merged_head_is_projector_and_teachers_head_one_after_the_other(setting, numbers):
    setting.maps, setting.teacher_maps = [(5, 4, 4)], [(7, 2, 2)]
    method = SimKd(weight=3.0)
    method.prepare(setting)
    initialise(method, torch.Generator().manual_seed(2))
    own, its = torch.randn(6, 5, 4, 4, generator=numbers), torch.randn(6, 7, 2, 2, generator=numbers)
    pooled = own.mean((2, 3)), its.mean((2, 3))
    for _ in range(3):  # gives the normalisation some statistics
        made = method(Output(None, pooled[0], [own]), Output(None, pooled[1], [its]), None)
    method.eval()
    method.finish(setting.student)
    weight = array(method.convolution.weight)[:, :, 0, 0]
    norm = method.norm
    seen = np.einsum("oi,bi->bo", weight, array(pooled[0])) - array(norm.running_mean)
    seen = seen / np.sqrt(array(norm.running_var) + norm.eps)
    head = setting.teachers[0].head
    expected = seen @ array(head.weight).T + array(head.bias)
    np.testing.assert_allclose(array(setting.student.head(pooled[0])), expected, atol=1e-4)

    averaged = array(own).reshape(6, 5, 2, 2, 2, 2).mean((3, 5))
    seen = np.einsum("oi,bihw->bohw", weight, averaged) - array(norm.running_mean)[:, None, None]
    seen = seen / np.sqrt(array(norm.running_var) + norm.eps)[:, None, None]
    made = method(Output(None, pooled[0], [own]), Output(None, pooled[1], [its]), None)
    assert made.item() == pytest.approx(3 * ((seen - array(its)) ** 2).mean(), rel=1e-4)
    assert not any(name.startswith("reused") for name, _ in method.named_parameters())


def test_a_network_without_average_pooling_cannot_take_the_head_over(setting, numbers):
    setting.maps, setting.teacher_maps = [(5, 4, 4)], [(7, 2, 2)]
    method = SimKd(weight=1.0)
    method.prepare(setting)
    own, its = torch.randn(6, 5, 4, 4, generator=numbers), torch.randn(6, 7, 2, 2, generator=numbers)
    with pytest.raises(MethodError, match="features of the student are not the means"):
        method(Output(None, own.amax((2, 3)), [own]), Output(None, its.mean((2, 3)), [its]), None)


# -- peers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("networks", [2, 3])
def test_each_network_follows_its_own_loss_and_the_others_as_they_are(setting, batch, pair, networks):
    (student, _), given = pair(), batch()
    student = Output(student.logits.requires_grad_(), student.features)
    method = DeepMutualLearning(networks=networks)
    method.prepare(setting)
    initialise(method, torch.Generator().manual_seed(2))
    method.eval()
    logits = [student.logits, *(peer(given.x) for peer in method.peers)]
    assert len(logits) == networks
    p = [softmax(array(each), axis=1) for each in logits]
    expected = array(given.loss).mean() + sum(array(given.task(each, None)).mean() for each in logits[1:])
    for k in range(networks):
        others = [rel_entr(p[other], p[k]).sum(1).mean() for other in range(networks) if other != k]
        expected += np.mean(others)
    made = method(student, None, given)
    assert made.item() == pytest.approx(expected, rel=1e-4)
    made.backward()
    # The gradient of KL(p_l || p_k) by the logits of k is p_k - p_l; what l teaches k does not move l.
    wanted = np.mean([p[0] - p[other] for other in range(1, networks)], axis=0) / 6
    np.testing.assert_allclose(array(student.logits.grad), wanted, atol=1e-5)
    assert all(parameter.grad is not None for parameter in method.parameters())
