"""Representations by another architecture."""

import numpy as np
import pytest
import torch
from assay.distill.contract import Output
from assay.distill.guidance import cka, guidance
from assay.distill.layers import Layers
from assay.models.classifier import build
from scipy.stats import ortho_group


@pytest.fixture
def network(registry, entry):
    def make(name, size=8, **options):
        return build(registry, entry("model", name, **options), 1, 4, size, torch.Generator().manual_seed(0))

    return make


def test_alignment_is_that_of_features(numbers):
    """`|Y^T X|^2 / (|X^T X| |Y^T Y|)` of centred features, by NumPy: no product of images with images."""
    x, y = torch.randn(9, 3, 2, 2, generator=numbers), torch.randn(9, 5, generator=numbers)
    a, b = (each.flatten(1).double().numpy() for each in (x, y))
    a, b = a - a.mean(0), b - b.mean(0)
    expected = np.linalg.norm(b.T @ a) ** 2 / np.linalg.norm(a.T @ a) / np.linalg.norm(b.T @ b)
    assert cka(x, y).item() == pytest.approx(expected, rel=1e-4)


def test_alignment_sees_neither_rotation_nor_scale_nor_shift(numbers):
    x = torch.randn(9, 6, generator=numbers)
    turned = x @ torch.from_numpy(ortho_group.rvs(6, random_state=0)).float() * 1e12 + 1e10
    assert cka(x, x).item() == pytest.approx(1, abs=1e-5)
    assert cka(x.double(), turned.double()).item() == pytest.approx(1, abs=1e-4)
    assert cka(x, torch.ones(9, 4)).item() == 0


def test_layers_are_told_off_at_even_distances(numbers, batch):
    """Five layers of a student and three of a guide: the first, the middle and the last."""
    mine, its = ([torch.randn(6, 4, generator=numbers) for _ in range(count)] for count in (5, 3))
    given = batch()
    expected = given.loss.mean() + 0.5 * sum(
        1 - cka(mine[place], layer) for place, layer in zip((0, 2, 4), its, strict=True)
    )
    made = guidance(Output(None, None, mine), Output(None, None, its), given, weight=0.5)
    assert made.item() == pytest.approx(expected.item(), rel=1e-5)
    alone = guidance(Output(None, None, mine), Output(None, None, [mine[4]]), given, weight=0.5)
    assert alone.item() == pytest.approx(given.loss.mean().item(), abs=1e-5)


def test_layers_of_any_network_are_found_in_order(network):
    assert Layers(network("mlp", hidden=7, layers=3), 8).shapes == [(7,), (7,), (7,)]
    found = Layers(network("resnet8", width=4), 8).shapes
    # A convolution and its normalisation, then a block at each resolution.
    assert found == [(4, 8, 8), (4, 8, 8), (4, 8, 8), (8, 4, 4), (16, 2, 2)]


def test_what_a_layer_gives_is_seen_before_it_is_rectified(network):
    model = network("mlp", hidden=7, layers=1)
    x = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    layers = Layers(model, 8)
    with layers.taken() as made:
        features = model.features(x)
    assert (made[0] < 0).any()
    assert torch.equal(made[0].relu(), features)
