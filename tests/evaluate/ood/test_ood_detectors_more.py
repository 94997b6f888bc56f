"""The further detectors, against pytorch-ood and closed forms."""

import numpy as np
import pytest
import torch
from assay.errors import MethodError
from assay.evaluate.ood.ash import ActivationShaping
from assay.evaluate.ood.dice import DirectedSparsification
from assay.evaluate.ood.energy import Energy
from assay.evaluate.ood.ensemble import Ensemble
from assay.evaluate.ood.entropy import Entropy
from assay.evaluate.ood.gen import GeneralisedEntropy
from assay.evaluate.ood.gradnorm import GradNorm
from assay.evaluate.ood.kl_matching import KLMatching
from assay.evaluate.ood.mahalanobis import Mahalanobis
from assay.evaluate.ood.max_logit import MaximumLogit
from assay.evaluate.ood.nnguide import NearestNeighbourGuidance
from assay.evaluate.ood.openmax import SHIFT, OpenMax, Tail
from assay.evaluate.ood.react import ReAct
from assay.evaluate.ood.relative_mahalanobis import RelativeMahalanobis
from assay.evaluate.ood.residual import Residual
from assay.evaluate.ood.scale import Scale
from assay.evaluate.ood.she import SimplifiedHopfieldEnergy
from assay.evaluate.ood.temperature_scaled import TemperatureScaled
from assay.evaluate.ood.vim import VirtualLogit
from assay.evaluate.result import UndefinedError
from pytorch_ood import detector as other
from scipy.stats import weibull_min

CLASSES, SIZE = 4, 10
NOTHING = np.zeros((0, 0))


class Data:
    """Features as from a ReLU, a head, what it says of them, and train images that it all classifies rightly."""

    def __init__(self):
        rng = np.random.default_rng(5)
        self.labels = np.repeat(np.arange(CLASSES), 40)
        self.weight = rng.normal(0, 1, (CLASSES, SIZE)) + 2 * np.eye(CLASSES, SIZE)
        self.bias = rng.normal(0, 0.3, CLASSES)
        self.head = (self.weight, self.bias)
        drawn = rng.normal(0, 1, (4000, SIZE)) + 3 * np.eye(CLASSES, SIZE)[np.arange(4000) % CLASSES]
        drawn = np.maximum(drawn, 0)
        right = (drawn @ self.weight.T + self.bias).argmax(1)
        self.features = np.concatenate([drawn[right == k][:40] for k in range(CLASSES)])
        self.logits = self.features @ self.weight.T + self.bias
        self.queries = np.maximum(rng.normal(0.5, 1.5, (60, SIZE)), 0)
        self.said = self.queries @ self.weight.T + self.bias

    def fit(self, detector, **changes):
        given = {"features": self.features, "logits": self.logits, "labels": self.labels, "head": self.head, **changes}
        detector.fit(given["features"], given["logits"], given["labels"], given["head"])
        return detector

    def scores(self, detector, **changes):
        return self.fit(detector, **changes).score(self.queries, self.said)

    def torch(self, name):
        return torch.from_numpy(getattr(self, name))

    def layer(self):
        layer = torch.nn.Linear(SIZE, CLASSES).double()
        layer.weight.data, layer.bias.data = self.torch("weight"), self.torch("bias")
        return layer

    def maps(self, name):
        return self.torch(name)[:, :, None, None]

    def forward_maps(self, maps):
        return self.layer()(maps[:, :, 0, 0])


@pytest.fixture(scope="module")
def data():
    return Data()


def test_max_logit_and_entropy_agree_with_pytorch_ood(data):
    said = data.torch("said")
    assert data.scores(MaximumLogit()) == pytest.approx(other.MaxLogit.score(said).numpy())
    # It keeps probabilities above 1e-7, so they are kept from being so small.
    assert Entropy().score(NOTHING, data.said / 4) == pytest.approx(other.Entropy.score(said / 4).numpy(), abs=1e-9)
    assert Entropy().score(NOTHING, np.zeros((1, 8))) == pytest.approx(np.log(8))


def test_temperature_scaling_is_msp_at_the_likeliest_temperature():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 4, 400)
    logits = rng.normal(0, 1, (400, 4)) * 6 + 5 * np.eye(4)[labels]
    detector = TemperatureScaled()
    detector.fit(NOTHING, logits, labels, None)
    grid = np.arange(0.5, 10, 0.005)
    losses = [torch.nn.functional.cross_entropy(torch.from_numpy(logits / t), torch.from_numpy(labels)) for t in grid]
    best = grid[int(np.argmin(losses))]
    assert best > 1.5
    expected = other.MaxSoftmax.score(torch.from_numpy(logits / best)).numpy()
    assert detector.score(NOTHING, logits) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(("gamma", "classes"), [(0.1, 100), (0.5, 2), (0.9, 1)])
def test_gen_agrees_with_pytorch_ood(data, gamma, classes):
    theirs = other.GEN.score(data.torch("said") / 4, gamma=gamma, M=classes).numpy() * min(classes, CLASSES)
    assert GeneralisedEntropy(gamma, classes).score(NOTHING, data.said / 4) == pytest.approx(theirs, abs=1e-6)


def test_gen_tells_confident_images_apart_where_probabilities_round_to_one():
    scores = GeneralisedEntropy(0.1, 10).score(NOTHING, np.array([[50.0, 0.0], [60.0, 0.0]]))
    assert scores == pytest.approx([2 * np.exp(-5), 2 * np.exp(-6)], rel=1e-6)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_gradnorm_agrees_with_the_gradient(data, temperature):
    theirs = other.GradNorm(data.layer(), param_filter=lambda name: name == "weight", temperature=temperature)
    expected = theirs.predict(data.torch("queries")).numpy()
    assert data.scores(GradNorm(temperature)) == pytest.approx(expected)


def test_kl_matching_agrees_with_pytorch_ood(data):
    theirs = other.KLMatching(None).fit_logits(data.torch("logits"))
    expected = theirs.predict_logits(data.torch("said")).detach().numpy()
    assert data.scores(KLMatching()) == pytest.approx(expected, abs=1e-9)


def test_kl_matching_is_zero_at_a_typical_softmax_and_infinite_at_an_impossible_one():
    detector = KLMatching()
    detector.fit(NOTHING, np.array([[np.log(7), np.log(3), -np.inf]] * 2), np.zeros(2), None)
    assert detector.score(NOTHING, np.array([[np.log(7), np.log(3), -np.inf], [0, 0, 0]])).tolist() == pytest.approx(
        [0, np.inf]
    )


@pytest.mark.parametrize("quantile", [0.5, 0.9])
def test_react_agrees_with_pytorch_ood(data, quantile):
    theirs = other.ReAct(None, data.forward_maps, percentile=quantile)
    theirs.fit_feature_maps(data.maps("features"), data.torch("labels"))
    expected = theirs.predict_feature_maps(data.maps("queries")).detach().numpy()
    assert data.scores(ReAct(quantile)) == pytest.approx(expected)
    assert data.scores(ReAct(quantile)) != pytest.approx(data.scores(Energy(1.0)))


@pytest.mark.parametrize("variant", ["p", "b", "s"])
@pytest.mark.parametrize("pruned", [0.3, 0.9])
def test_ash_agrees_with_pytorch_ood(data, variant, pruned):
    # Distinct features, so that there is one choice of the largest.
    queries = data.queries + np.random.default_rng(0).uniform(0, 1e-3, data.queries.shape)
    theirs = other.ASH(None, data.forward_maps, variant=f"ash-{variant}", percentile=pruned)
    expected = theirs.predict_feature_maps(torch.from_numpy(queries)[:, :, None, None]).detach().numpy()
    found = data.fit(ActivationShaping(variant, pruned)).score(queries, NOTHING)
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("pruned", [0.3, 0.85])
def test_scale_agrees_with_pytorch_ood(data, pruned):
    queries = data.queries[data.queries.max(1) > 0]
    expected = other.SCALE(None, data.forward_maps, percentile=pruned).predict_feature_maps(
        torch.from_numpy(queries)[:, :, None, None]
    )
    found = data.fit(Scale(pruned)).score(queries, NOTHING)
    assert found == pytest.approx(expected.detach().numpy())


def test_shaping_that_changes_nothing_is_the_energy(data):
    plain = data.scores(Energy(1.0))
    assert data.scores(ActivationShaping("p", 0.0)) == pytest.approx(plain)
    assert data.scores(ReAct(1.0), features=data.features + 1e6) == pytest.approx(plain)
    with pytest.raises(UndefinedError, match="1 of 60 images have negative features"):
        data.fit(Scale(0.85)).score(np.where(np.arange(60)[:, None] == 3, -1.0, data.queries), NOTHING)


@pytest.mark.parametrize("sparsity", [0.1, 0.9])
def test_dice_agrees_with_pytorch_ood(data, sparsity):
    theirs = other.DICE(None, data.torch("weight").float(), data.torch("bias").float(), sparsity)
    theirs.fit_features(data.torch("features").float(), data.torch("labels"))
    expected = theirs.predict_features(data.torch("queries").float()).numpy()
    assert data.scores(DirectedSparsification(sparsity)) == pytest.approx(expected, abs=1e-4)


def test_relative_mahalanobis_agrees_with_pytorch_ood(data):
    theirs = other.RMD(None).fit_features(data.torch("features").float(), data.torch("labels"))
    # It leaves both covariances undivided by N and computes in single precision.
    expected = theirs.predict_features(data.torch("queries").float()).numpy() * len(data.features)
    assert data.scores(RelativeMahalanobis()) == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_relative_mahalanobis_is_the_difference_of_two_distances(data):
    one = np.zeros(len(data.labels), dtype=int)
    assert data.scores(RelativeMahalanobis(), labels=one) == pytest.approx(np.zeros(60), abs=1e-9)
    centred = data.features - data.features.mean(0)
    whole = np.linalg.inv(centred.T @ centred / len(centred))
    away = data.queries - data.features.mean(0)
    expected = data.scores(Mahalanobis()) - np.einsum("nd,de,ne->n", away, whole, away)
    assert data.scores(RelativeMahalanobis()) == pytest.approx(expected)


@pytest.mark.parametrize("dimension", [3, 7])
def test_vim_agrees_with_pytorch_ood(data, dimension):
    theirs = other.ViM(None, dimension, data.torch("weight"), data.torch("bias"))
    theirs.fit_features(data.torch("features"), data.torch("labels"))
    expected = theirs.predict_features(data.torch("queries")).numpy()
    assert data.scores(VirtualLogit(dimension)) == pytest.approx(expected, abs=1e-3)


def test_the_residual_by_hand():
    # Train images vary along the first two axes and a little along the third; the head's origin is 0.
    train = np.array([[3.0, 0, 0.1], [-3, 0, 0.1], [0, 2, -0.1], [0, -2, -0.1]])
    head = (np.eye(2, 3), np.zeros(2))
    detector = Residual(2)
    detector.fit(train, train @ head[0].T, np.zeros(4, dtype=int), head)
    assert detector.score(np.array([[9.0, 9.0, 0.0], [9.0, 9.0, -2.0]]), NOTHING) == pytest.approx([0, 2], abs=1e-9)
    shifted = Residual(2)
    shifted.fit(train, train @ head[0].T, np.zeros(4, dtype=int), (np.eye(3), np.array([0.0, 0.0, -5.0])))
    assert shifted.space_.origin_ == pytest.approx([0, 0, 5])


@pytest.mark.parametrize("k", [1, 10])
def test_nnguide_agrees_with_pytorch_ood(data, k):
    theirs = other.NNGuide(None, data.layer().float(), k=k)
    theirs.fit_features(data.torch("features").float(), data.torch("labels"))
    expected = theirs.predict_features(data.torch("queries").float()).detach().numpy()
    assert data.scores(NearestNeighbourGuidance(k, 10**6)) == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_the_bank_of_nnguide_is_evenly_spaced(data):
    found = data.scores(NearestNeighbourGuidance(3, 40))
    expected = data.scores(NearestNeighbourGuidance(3, 40), features=data.features[::4], logits=data.logits[::4])
    assert found == pytest.approx(expected)
    with pytest.raises(MethodError, match="its bank holds 4"):
        data.fit(NearestNeighbourGuidance(5, 4))


def test_she_agrees_with_pytorch_ood(data):
    theirs = other.SHE(None, data.layer()).fit_features(data.torch("features"), data.torch("labels"))
    assert data.scores(SimplifiedHopfieldEnergy()) == pytest.approx(theirs.predict_features(data.torch("queries")))


def test_she_learns_from_images_classified_rightly_and_does_without_a_class(data):
    fooled = data.labels.copy()
    fooled[data.labels == 2] = 0
    detector = data.fit(SimplifiedHopfieldEnergy(), labels=fooled)
    assert detector.classes_.tolist() == [0, 1, 3]
    assert detector.patterns_[0] == pytest.approx(data.features[data.labels == 0].mean(0))
    scores = detector.score(data.queries, data.said)
    second = np.where(data.said.argmax(1) == 2, np.delete(data.said, 2, 1).argmax(1), -1)
    for row in np.flatnonzero(second >= 0):
        assert scores[row] == pytest.approx(-data.queries[row] @ detector.patterns_[second[row]])


@pytest.mark.parametrize(("tail", "alpha"), [(20, 10), (5, 2)])
def test_openmax_agrees_with_pytorch_ood(data, tail, alpha):
    theirs = other.OpenMax(None, tailsize=tail, alpha=alpha)
    theirs.fit_logits(data.torch("logits"), data.torch("labels"))
    # Their fit stops a little before the likelihood's maximum.
    expected = theirs.predict_logits(data.torch("said")).numpy()
    assert data.scores(OpenMax(tail, alpha)) == pytest.approx(expected, abs=0.02)


def test_a_tail_has_the_highest_likelihood_and_the_closed_form_of_few_points():
    distances = np.random.default_rng(3).weibull(1.7, 200) * 40
    tail = Tail(distances, 20)
    largest = np.sort(distances)[-20:]
    moved = largest - largest[0] + SHIFT
    scale = (moved**tail.shape).mean() ** (1 / tail.shape) if tail.shape < 50 else None
    scale = scale or moved.max() * np.exp(np.log(np.mean((moved / moved.max()) ** tail.shape)) / tail.shape)

    def likelihood(shape, size):
        return weibull_min.logpdf(moved, shape, scale=size).sum()

    best = likelihood(tail.shape, scale)
    for factor in (0.99, 1.01):
        assert likelihood(tail.shape * factor, scale) < best
        assert likelihood(tail.shape, scale * (1 + (factor - 1) / 1000)) < best
    assert tail.below(distances) == pytest.approx(
        weibull_min.cdf(distances - largest[0] + SHIFT, tail.shape, scale=scale), abs=1e-6
    )


def test_distances_that_are_all_equal_make_a_step():
    assert Tail(np.full(30, 2.0), 20).below(np.array([0.0, 2.0, 2.1])).tolist() == [0, 0, 1]
    assert Tail(np.array([2.0]), 20).below(np.array([2.0, 3.0])).tolist() == [0, 1]


def test_an_ensemble_disagrees_by_the_divergence_of_its_members():
    rng = np.random.default_rng(2)
    members = rng.normal(0, 2, (3, 20, 5))
    each = np.exp(members) / np.exp(members).sum(2, keepdims=True)
    mean = each.mean(0)
    expected = (each * np.log(each / mean)).sum(2).mean(0)
    detector = Ensemble(None)
    assert detector.score(NOTHING, members[0], others=[members[1], members[2]]) == pytest.approx(expected)
    assert detector.score(NOTHING, members[0], others=[members[0]]) == pytest.approx(np.zeros(20), abs=1e-12)
    certain = detector.score(NOTHING, np.array([[50.0, 0.0]]), others=[np.array([[0.0, 50.0]])])
    assert certain == pytest.approx([np.log(2)])
    with pytest.raises(UndefinedError, match="first seed"):
        detector.score(NOTHING, members[0], others=[])
