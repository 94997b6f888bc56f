import numpy as np
import pytest
import torch
import torch.nn.functional as F
from assay.data.alter.subject import Subject
from assay.data.noise.symmetric import symmetric as add_noise
from assay.errors import MethodError
from assay.train.robust.beta_mixture import BetaMixture
from assay.train.robust.co_teaching import CoTeaching, easiest
from assay.train.robust.early_learning_regularisation import EarlyLearningRegularisation
from assay.train.robust.forward_correction import ForwardCorrection, anchored, corrected, symmetric
from assay.train.robust.mixup_beta import MixupBeta
from scipy import stats

LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.3, 0.1, 0.2]])
HARD = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
P = np.exp(LOGITS.double().numpy()) / np.exp(LOGITS.double().numpy()).sum(1, keepdims=True)
PLAIN = F.cross_entropy(LOGITS, HARD, reduction="none")


def cross_entropy(logits, targets):
    return F.cross_entropy(logits, targets, reduction="none")


# -- forward correction


def test_forward_correction_by_its_formula():
    transition = np.array([[0.7, 0.2, 0.1], [0.0, 1.0, 0.0], [0.5, 0.25, 0.25]])
    made = cross_entropy(corrected(LOGITS, torch.from_numpy(transition).float()), HARD)
    np.testing.assert_allclose(made, -np.log((P @ transition)[[0, 1], [0, 2]]), rtol=1e-5)


def test_forward_correction_without_noise_is_cross_entropy():
    torch.testing.assert_close(cross_entropy(corrected(LOGITS, torch.eye(3)), HARD), PLAIN)
    sure = torch.tensor([[90.0, 0.0, 0.0]], requires_grad=True)
    loss = cross_entropy(corrected(sure, torch.eye(3)), HARD[1:])
    loss.sum().backward()
    assert loss.isfinite().all()
    assert sure.grad.isfinite().all()


def test_the_symmetric_matrix_is_what_our_noise_does():
    labels = np.repeat(np.arange(4), 5000)
    ids, nothing = np.arange(20_000).astype(str), np.zeros((20_000, 1, 1, 1), np.uint8)
    train = Subject("train", nothing, labels, ids, ["a", "b", "c", "d"], np.random.default_rng(0), files=None)
    noisy = add_noise(train, rate=0.3)
    found = np.stack([np.bincount(noisy[labels == label], minlength=4) / 5000 for label in range(4)])
    np.testing.assert_allclose(symmetric(0.3, 4), found, atol=0.03)


def test_anchors_give_back_the_matrix_of_a_network_that_knows_the_noisy_posterior():
    transition = torch.tensor([[0.8, 0.2, 0.0], [0.1, 0.6, 0.3], [0.0, 0.3, 0.7]])
    clean = torch.cat([torch.eye(3), torch.rand(40, 3, generator=torch.Generator().manual_seed(0)).softmax(1)])
    torch.testing.assert_close(anchored(clean @ transition, 100.0), transition)
    # At a percentile below, the anchor is another image: that many of the hundred are surer.
    p = torch.stack([torch.linspace(0, 1, 101), 1 - torch.linspace(0, 1, 101)], dim=1)
    torch.testing.assert_close(anchored(p, 97.0), torch.tensor([[0.97, 0.03], [0.03, 0.97]]))


def test_the_matrix_is_estimated_once_the_warm_up_is_over(training, batch):
    made = ForwardCorrection(rate=None, matrix=None, warmup=2, percentile=100.0)
    made.prepare(training)
    some = batch([0, 5, 9])
    plain = cross_entropy(training.networks[0](some.x), some.targets).mean()
    for epoch in (0, 1):
        made.epoch(epoch, 4)
        torch.testing.assert_close(made.loss(some)[0], plain)
    made.epoch(2, 4)
    p = training.judged(training.networks[0]).softmax(1)
    expected = torch.stack([p[p[:, label].argmax()] for label in range(3)])
    torch.testing.assert_close(made.transition, expected)
    assert not torch.allclose(made.loss(some)[0], plain)


def test_a_matrix_that_is_none_is_refused(training):
    with pytest.raises(MethodError, match="found both"):
        ForwardCorrection(rate=0.1, matrix=[[1.0]], warmup=1, percentile=97.0)
    for matrix in ([[1.0, 0.0], [0.0, 1.0]], [[0.5] * 3] * 3, [1, [2]], [["a"] * 3] * 3):
        with pytest.raises(MethodError, match="3 rows of 3 probabilities"):
            ForwardCorrection(rate=None, matrix=matrix, warmup=1, percentile=97.0).prepare(training)


# -- early-learning regularisation


def test_early_learning_targets_follow_predictions_in_closed_form(training, batch):
    made = EarlyLearningRegularisation(weight=2.0, momentum=0.6)
    made.prepare(training)
    some = batch([3, 7])
    logits = training.networks[0](some.x)
    p = logits.softmax(1).double().detach().clamp(1e-4, 1 - 1e-4)
    for step in range(1, 5):
        loss, _ = made.loss(some)
        # With fixed predictions the average is p (1 - beta^k) after k steps.
        target = p / p.sum(1, keepdim=True) * (1 - 0.6**step)
        torch.testing.assert_close(made.targets[[3, 7]].double(), target, rtol=1e-5, atol=1e-7)
        expected = cross_entropy(logits, some.targets).mean() + 2.0 * (1 - (p * target).sum(1)).log().mean()
        assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert not made.targets[[0, 1, 2, 4, 5, 6]].any()


def test_early_learning_regularisation_without_weight_is_cross_entropy(training, batch):
    made = EarlyLearningRegularisation(weight=0.0, momentum=0.6)
    made.prepare(training)
    some = batch([3, 7])
    torch.testing.assert_close(made.loss(some)[0], cross_entropy(training.networks[0](some.x), some.targets).mean())


def test_an_image_that_comes_twice_moves_its_target_once(training):
    made = EarlyLearningRegularisation(weight=1.0, momentum=0.5)
    made.prepare(training)
    made._follow(torch.tensor([4, 2, 4]), torch.tensor([[0.8, 0.1, 0.1], [0.2, 0.3, 0.5], [0.4, 0.5, 0.1]]))
    torch.testing.assert_close(made.targets[4], torch.tensor([0.3, 0.15, 0.05]))
    torch.testing.assert_close(made.targets[2], torch.tensor([0.1, 0.15, 0.25]))


# -- co-teaching


def test_each_network_learns_from_what_the_other_finds_easy(training, batch):
    made = CoTeaching(rate=0.5, gradual=2)
    made.prepare(training)
    some = batch(list(range(12)))
    losses = [cross_entropy(network(some.x), some.targets).detach().numpy() for network in training.networks]
    for epoch, kept in ((0, 12), (1, 9), (2, 6), (7, 6)):
        made.epoch(epoch, 10)
        loss, logits = made.loss(some)
        first, second = (np.argsort(each)[:kept] for each in losses)
        expected = losses[0][second].mean() + losses[1][first].mean()
        assert loss.item() == pytest.approx(expected, rel=1e-5)
        if kept < 12:
            assert set(first) != set(second)
    torch.testing.assert_close(logits, training.networks[0](some.x))
    loss.backward()
    assert all(network.head.weight.grad.any() for network in training.networks)


def test_easiest_keeps_the_share_that_was_meant():
    losses = torch.arange(10.0).flip(0)
    assert easiest(losses, 1 - 0.3).tolist() == [9, 8, 7, 6, 5, 4, 3]
    assert easiest(losses, 0.01).tolist() == [9]


# -- mixup with a Beta mixture


def test_the_mixture_finds_the_components_that_made_the_values():
    rng = np.random.default_rng(0)
    second = rng.random(20_000) < 0.3
    x = np.where(second, rng.beta(8, 3, 20_000), rng.beta(2, 9, 20_000))
    made = BetaMixture().fit(x, steps=60)
    np.testing.assert_allclose(made.weight, [0.7, 0.3], atol=0.02)
    np.testing.assert_allclose([made.alpha[1], made.beta[1]], [8, 3], rtol=0.15)
    np.testing.assert_allclose([made.alpha[0], made.beta[0]], [2, 9], rtol=0.15)
    places = np.linspace(0.05, 0.95, 19)
    density = 0.3 * stats.beta.pdf(places, 8, 3)
    np.testing.assert_allclose(
        made.posterior(places), density / (density + 0.7 * stats.beta.pdf(places, 2, 9)), atol=0.03
    )
    assert (((made.posterior(x) > 0.5) == second).mean()) > 0.93


def test_values_all_alike_leave_the_mixture_finite_and_the_table_never_falls_at_its_end():
    assert np.isfinite(BetaMixture().fit(np.full(50, 0.3)).posterior(np.linspace(0, 1, 9))).all()
    made = BetaMixture()
    made.alpha, made.beta = np.array([2.0, 60.0]), np.array([2.0, 60.0])
    table = made.lookup()
    assert made.posterior(np.array([0.99]))[0] < 0.01
    assert table[-1] == table.max() > 0.5


def test_labels_that_are_surely_wrong_become_predictions_and_sure_ones_stay(training, batch):
    made = MixupBeta(alpha=32.0, warmup=0.5, regulariser=1.0)
    made.prepare(training)
    some = batch(list(range(12)))
    made.fitted = True
    predicted = F.one_hot(training.networks[0](some.x).argmax(1), 3).float()
    for wrong in (0.0, 0.25, 1.0):
        made.lookup.fill_(wrong)
        torch.testing.assert_close(made._bootstrapped(some), (1 - wrong) * some.targets + wrong * predicted)


def test_mixup_beta_by_its_formula(training, batch):
    made = MixupBeta(alpha=1.5, warmup=0.5, regulariser=0.7)
    made.prepare(training)
    indices = list(range(12))
    draw = batch(indices).draw
    weight, partner = draw.beta(1.5, 1.5), draw.uniform()[:, 0].argsort(stable=True)
    some = batch(indices)
    mixed = weight[:, :, None, None] * some.x + (1 - weight[:, :, None, None]) * some.x[partner]
    log_p = training.networks[0](mixed).log_softmax(1)

    def plain(targets):
        return -((weight * targets + (1 - weight) * targets[partner]) * log_p).sum(1).mean()

    torch.testing.assert_close(made.loss(some)[0], plain(some.targets))
    made.fitted = True
    made.lookup.fill_(0.25)
    mean = log_p.exp().mean(0)
    regulariser = sum((1 / 3) * torch.log((1 / 3) / each) for each in mean)
    predicted = F.one_hot(training.networks[0](some.x).argmax(1), 3).float()
    expected = plain(0.75 * some.targets + 0.25 * predicted) + 0.7 * regulariser
    torch.testing.assert_close(made.loss(batch(indices))[0], expected)


def test_the_mixture_is_fitted_to_the_losses_of_all_train_images(training):
    made = MixupBeta(alpha=32.0, warmup=0.5, regulariser=0.0)
    made.prepare(training)
    made.epoch(1, 4)
    assert not made.fitted
    made.epoch(2, 4)
    losses = cross_entropy(training.judged(training.networks[0]), F.one_hot(training.images.labels, 3).float())
    np.testing.assert_allclose(made.bounds, np.percentile(losses.detach(), [5, 95]), rtol=1e-5)
    assert made.lookup[0] < made.lookup[-1]
