"""Variants of matching probabilities that weigh classes or images, against their equations written in NumPy."""

import numpy as np
import pytest
import torch
from assay.distill.contract import Output
from assay.distill.kd import kd
from assay.distill.nkd import nkd
from assay.distill.wttm import wttm
from scipy.special import log_softmax, rel_entr, softmax


def array(tensor):
    return tensor.detach().double().numpy()


@pytest.mark.parametrize(("weight", "temperature"), [(1.5, 1.0), (0.0, 1.0), (2.0, 3.0)])
def test_nkd_is_its_equation(pair, batch, weight, temperature):
    (student, teacher), given = pair(), batch()
    expected = []
    for s, t, label, loss in zip(
        array(student.logits), array(teacher.logits), given.indices, array(given.loss), strict=True
    ):
        others = [np.delete(each, label) / temperature for each in (t, s)]
        apart = -(softmax(others[0]) * log_softmax(others[1])).sum()
        expected.append(loss - softmax(t)[label] * log_softmax(s)[label] + weight * temperature**2 * apart)
    made = nkd(student, teacher, given, weight=weight, temperature=temperature)
    assert made.item() == pytest.approx(np.mean(expected), rel=1e-4)


def test_nkd_weighs_the_classes_of_a_mixed_target(pair, batch):
    """What is linear in the target is the mean of what each of its classes alone would give."""
    (student, teacher), given = pair(), batch()
    single = []
    for label in (1, 3):
        given.targets = torch.nn.functional.one_hot(torch.full((6,), label), 4).float()
        single.append(nkd(student, teacher, given, weight=1.5, temperature=2.0).item())
    given.targets = torch.tensor([[0, 0.25, 0, 0.75]]).expand(6, 4)
    mixed = nkd(student, teacher, given, weight=1.5, temperature=2.0).item()
    assert mixed == pytest.approx(0.25 * single[0] + 0.75 * single[1], rel=1e-4)


def test_nkd_stays_finite_for_a_student_that_is_sure(batch):
    logits = torch.tensor([[200.0, 0, 0, 0]]).repeat(6, 1).requires_grad_()
    made = nkd(Output(logits, None), Output(logits.detach(), None), batch(), weight=1.5, temperature=1.0)
    made.backward()
    assert torch.isfinite(made)
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("weighted", [False, True])
def test_wttm_is_its_equation(pair, batch, weighted):
    (student, teacher), given = pair(), batch()
    p, q = softmax(array(teacher.logits), axis=1), softmax(array(student.logits), axis=1)
    powers = p ** (1 / 3.0)
    apart = rel_entr(powers / powers.sum(1, keepdims=True), q).sum(1)
    expected = array(given.loss) + 0.7 * apart * (powers.sum(1) if weighted else 1)
    made = wttm(student, teacher, given, temperature=3.0, weight=0.7, weighted=weighted)
    assert made.item() == pytest.approx(expected.mean(), rel=1e-4)


def test_wttm_without_temperature_is_kd_without(pair, batch):
    """At T = 1 the powers sum to 1, and nothing differs from matching probabilities as they are."""
    (student, teacher), given = pair(), batch()
    plain = 2 * kd(student, teacher, given, temperature=1.0, alpha=0.5)
    made = wttm(student, teacher, given, temperature=1.0, weight=1.0, weighted=True)
    assert made.item() == pytest.approx(plain.item(), rel=1e-5)
    softened = 2 * kd(student, teacher, given, temperature=2.0, alpha=0.5)
    assert wttm(student, teacher, given, temperature=2.0, weight=1.0, weighted=False) != pytest.approx(softened.item())
