"""Methods that look at logits and features alone, against their equations written in NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from assay.distill.born_again import born_again
from assay.distill.contract import Output
from assay.distill.cwtm import cwtm
from assay.distill.dist import dist
from assay.distill.dkd import Dkd
from assay.distill.dkpp import dkpp, permuted
from assay.distill.kd import kd
from assay.distill.logit_standardisation import logit_standardisation, standardised
from assay.distill.rkd import angles, distances, rkd
from assay.distill.teacher_labels import teacher_labels
from assay.distill.wsld import wsld
from scipy.special import rel_entr, softmax
from scipy.stats import ortho_group, pearsonr, zscore


def array(tensor):
    return tensor.double().numpy()


# -- decoupled -----------------------------------------------------------------------------------------------


def decoupled(student, teacher, labels, temperature):
    p, q = (softmax(array(each.logits) / temperature, axis=1) for each in (teacher, student))
    target, rest = [], []
    for row, label in enumerate(labels):
        binary = [np.array([each[row, label], 1 - each[row, label]]) for each in (p, q)]
        others = [np.delete(each[row], label) / (1 - each[row, label]) for each in (p, q)]
        target.append(rel_entr(*binary).sum())
        rest.append(rel_entr(*others).sum())
    return np.array(target), np.array(rest), p[np.arange(len(p)), labels]


@pytest.mark.parametrize(("alpha", "beta", "temperature"), [(1.0, 8.0, 4.0), (0.5, 0.0, 1.0), (0.0, 2.0, 2.0)])
def test_dkd_is_its_equation(pair, batch, alpha, beta, temperature):
    (student, teacher), given = pair(), batch()
    target, rest, _ = decoupled(student, teacher, given.indices, temperature)
    made = Dkd(temperature=temperature, alpha=alpha, beta=beta, warmup=0)(student, teacher, given)
    expected = given.loss.mean() + temperature**2 * (alpha * target.mean() + beta * rest.mean())
    assert made.item() == pytest.approx(expected.item(), rel=1e-4)


def test_dkd_with_the_weights_that_kd_implies_is_kd(pair, batch):
    # Equation 6: KD = TCKD + (1 - p_t) NCKD.
    (student, teacher), given = pair(), batch()
    target, rest = Dkd(temperature=4.0, alpha=1, beta=1, warmup=0).parts(student.logits, teacher.logits, given.indices)
    _, _, sure = decoupled(student, teacher, given.indices, 4.0)
    whole = kd(student, teacher, given, temperature=4.0, alpha=1.0)
    together = 16 * (target + (1 - torch.from_numpy(sure)) * rest).mean()
    assert together.item() == pytest.approx(whole.item(), rel=1e-4)


def test_dkd_survives_a_teacher_that_is_certain_and_grows_by_epoch(batch):
    logits = torch.tensor([[200.0, 0, 0, 0]] * 6)
    student = Output(torch.zeros(6, 4, requires_grad=True), torch.zeros(6, 1))
    method, given = Dkd(temperature=1.0, alpha=1.0, beta=8.0, warmup=10), batch()
    method.epoch(0, 30)
    assert method(student, Output(logits, logits), given).item() == pytest.approx(given.loss.mean().item())
    weights = []
    for number in (0, 5, 10, 20):
        method.epoch(number, 30)
        weights.append(method.weight)
    assert weights == [0, 0.5, 1, 1]
    method(student, Output(logits, logits), given).backward()
    assert student.logits.grad.isfinite().all()


# -- weighted ------------------------------------------------------------------------------------------------


def test_wsld_is_its_equation(pair, batch):
    (student, teacher), given = pair(), batch()
    p, q = (softmax(array(each.logits) / 2, axis=1) for each in (teacher, student))
    rows = np.arange(6)
    own, its = (
        -np.log(softmax(array(each.logits), axis=1))[rows, given.indices.numpy()] for each in (student, teacher)
    )
    expected = array(given.loss).mean() + 2.5 * 4 * ((1 - np.exp(-own / its)) * rel_entr(p, q).sum(1)).mean()
    assert wsld(student, teacher, given, temperature=2.0, weight=2.5).item() == pytest.approx(expected, rel=1e-4)


def test_wsld_does_not_listen_where_the_student_knows_and_is_kd_where_it_knows_nothing(batch):
    given = batch(4)
    right = given.targets * 60.0
    unsure = Output(torch.zeros(4, 4), torch.zeros(4, 1))
    made = wsld(Output(right, right), unsure, given, temperature=2.0, weight=2.5)
    assert made.item() == pytest.approx(given.loss.mean().item())
    sure = Output(given.targets * 4.0, unsure.features)
    wrong = Output((given.targets.roll(1, 1) * 60.0).requires_grad_(), unsure.features)
    made = wsld(wrong, sure, given, temperature=2.0, weight=1.0)
    whole = given.loss.mean() + kd(wrong, sure, given, temperature=2.0, alpha=1.0)
    assert made.item() == pytest.approx(whole.item(), rel=1e-5)


# -- standardised --------------------------------------------------------------------------------------------


def test_standardised_logits_are_the_z_scores_of_scipy(pair):
    student, _ = pair()
    np.testing.assert_allclose(standardised(student.logits), zscore(array(student.logits), axis=1, ddof=1), atol=1e-5)


def test_logit_standardisation_is_kd_between_z_scores_whatever_shift_and_scale(pair, batch):
    (student, teacher), given = pair(), batch()
    made = logit_standardisation(student, teacher, given, temperature=2.0, weight=9.0, task=0.1)
    p, q = (softmax(zscore(array(each.logits), axis=1, ddof=1) / 2, axis=1) for each in (teacher, student))
    expected = 9 * 4 * rel_entr(p, q).sum(1).mean() + 0.1 * array(given.loss).mean()
    assert made.item() == pytest.approx(expected, rel=1e-5)
    moved = Output(student.logits * 7 - 3, student.features)
    again = logit_standardisation(moved, teacher, given, temperature=2.0, weight=9.0, task=0.1)
    assert again.item() == pytest.approx(made.item(), rel=1e-5)
    plain = [kd(each, teacher, given, temperature=2.0, alpha=0.9).item() for each in (student, moved)]
    assert plain[0] != pytest.approx(plain[1], rel=0.01)


# -- correlation ---------------------------------------------------------------------------------------------


def test_dist_is_the_correlation_of_scipy_in_rows_and_columns(pair, batch):
    (student, teacher), given = pair(), batch()
    made = dist(student, teacher, given, temperature=4.0, inter=2.0, intra=3.0)
    p, q = (softmax(array(each.logits) / 4, axis=1) for each in (teacher, student))
    rows = np.mean([1 - pearsonr(a, b).statistic for a, b in zip(p, q, strict=True)])
    columns = np.mean([1 - pearsonr(a, b).statistic for a, b in zip(p.T, q.T, strict=True)])
    assert made.item() == pytest.approx(array(given.loss).mean() + 16 * (2 * rows + 3 * columns), rel=1e-4)


def test_dist_is_content_with_a_student_that_follows_the_teacher_at_any_scale(batch):
    # p = (1 + small d) / 2 moves along one line whatever its size, so a much milder student correlates perfectly.
    d = torch.linspace(-0.4, 0.4, 6)
    strong, mild = (torch.stack([0.5 + each, 0.5 - each], dim=1).log() for each in (d, d / 10))
    given = batch(6, 2)
    made = dist(Output(mild, mild), Output(strong, strong), given, temperature=1.0, inter=2.0, intra=2.0)
    assert made.item() == pytest.approx(given.loss.mean().item(), abs=1e-3)
    assert kd(Output(mild, mild), Output(strong, strong), given, temperature=1.0, alpha=1.0).item() > 0.05


# -- relations -----------------------------------------------------------------------------------------------


def test_rkd_is_its_equations_written_as_loops(pair, batch):
    (student, teacher), given = pair(), batch()

    def huber(x, y):
        return np.where(abs(x - y) <= 1, (x - y) ** 2 / 2, abs(x - y) - 0.5)

    def relations(features):
        f, n = array(features), len(features)
        d = np.array([[np.linalg.norm(f[i] - f[j]) for j in range(n)] for i in range(n)])
        a = np.zeros((n, n, n))
        for i, j, k in itertools.product(range(n), repeat=3):
            first, second = f[i] - f[j], f[k] - f[j]
            if i != j and k != j:
                a[j, i, k] = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
        return d / d[d > 0].mean(), a

    (d, a), (e, b) = relations(student.features), relations(teacher.features)
    expected = array(given.loss).mean() + 25 * huber(d, e).mean() + 50 * huber(a, b).mean()
    assert rkd(student, teacher, given, distance=25.0, angle=50.0).item() == pytest.approx(expected, rel=1e-4)


def test_rkd_is_zero_between_isometric_embeddings_and_has_a_gradient(pair, batch):
    (student, _), given = pair(own=5), batch()
    turn = torch.from_numpy(ortho_group.rvs(5, random_state=0)).float()
    moved = torch.nn.functional.pad(3 * student.features @ turn + 2, (0, 4))  # turned, scaled, shifted, in 9 dimensions
    made = rkd(student, Output(student.logits, moved), given, distance=25.0, angle=50.0)
    assert made.item() == pytest.approx(given.loss.mean().item(), abs=1e-4)
    free = student.features.clone().requires_grad_()
    (distances(free).sum() + angles(free).square().sum()).backward()
    assert free.grad.isfinite().all()
    same = torch.zeros(4, 3, requires_grad=True)  # all at one place
    (distances(same).sum() + angles(same).sum()).backward()
    assert same.grad.isfinite().all()


# -- born again ----------------------------------------------------------------------------------------------


def test_born_again_is_cross_entropy_with_the_teacher(pair, batch):
    (student, teacher), given = pair(), batch()
    p, q = softmax(array(teacher.logits), axis=1), softmax(array(student.logits), axis=1)
    expected = -(p * np.log(q)).sum(1).mean()
    assert born_again(student, teacher, given, labels=False).item() == pytest.approx(expected, rel=1e-5)
    with_labels = born_again(student, teacher, given, labels=True).item()
    assert with_labels == pytest.approx(expected + array(given.loss).mean(), rel=1e-5)


def test_cwtm_weighs_images_by_the_teachers_largest_probability(pair, batch):
    (student, teacher), given = pair(), batch()
    weights = softmax(array(teacher.logits), axis=1).max(1)
    expected = np.average(array(given.loss), weights=weights)
    assert cwtm(student, teacher, given).item() == pytest.approx(expected, rel=1e-5)
    unsure = Output(torch.zeros(6, 4), teacher.features)
    assert cwtm(student, unsure, given).item() == pytest.approx(array(given.loss).mean(), rel=1e-5)


def test_dkpp_keeps_the_largest_and_deals_out_the_others_evenly():
    p = torch.tensor([0.1, 0.6, 0.05, 0.25]).repeat(6000, 1)
    made = permuted(p, torch.rand(6000, 4, generator=torch.Generator().manual_seed(1)))
    assert (made[:, 1] == p[0, 1]).all()
    assert torch.equal(made.sort(dim=1).values, p.sort(dim=1).values)
    orders = {tuple(row) for row in made[:, [0, 2, 3]].tolist()}
    assert len(orders) == 6
    counts = [(made[:, 0] == value).float().mean().item() for value in (p[0, 0], p[0, 2], p[0, 3])]
    assert counts == pytest.approx([1 / 3] * 3, abs=0.03)


def test_dkpp_with_two_classes_has_nothing_to_permute(pair, batch):
    (student, teacher), given = pair(classes=2), batch(classes=2)
    expected = born_again(student, teacher, given, labels=False)
    assert dkpp(student, teacher, given).item() == pytest.approx(expected.item(), rel=1e-5)
    student, teacher = pair()
    assert dkpp(student, teacher, batch()).item() != pytest.approx(
        born_again(student, teacher, batch(), labels=False).item(), rel=1e-3
    )


# -- without labels ------------------------------------------------------------------------------------------


def test_teacher_labels_are_the_equation_and_alpha_gives_the_rest_to_labels(pair, batch):
    (student, teacher), given = pair(), batch()
    p, q = (softmax(array(each.logits) / 2, axis=1) for each in (teacher, student))
    expected = 0.7 * -(p * np.log(q)).sum(1).mean() + 0.3 * array(given.loss).mean()
    assert teacher_labels(student, teacher, given, temperature=2.0, alpha=0.7).item() == pytest.approx(
        expected, rel=1e-5
    )
