"""A checkerboard is an eigenfunction of a blur with mirrored borders, so what was swapped can be read off."""

import math

import pytest
import torch
from assay.augment import hybrid_augment as module
from assay.augment.draw import Draw
from assay.augment.hybrid_augment import hybrid_augment
from scipy import stats
from torchvision.transforms.v2 import functional as tv

N = 500
IDS = torch.arange(N)
TARGETS = torch.eye(2)[IDS % 2]
BOARD = (torch.arange(8)[:, None] + torch.arange(8)) % 2 * 2.0 - 1
#: What a 3 x 3 Gaussian with sigma 0.5 leaves of a checkerboard: (b - 2 a)^2 with a / b = exp(-2), b + 2 a = 1.
LEFT = ((1 - 2 * math.exp(-2)) / (1 + 2 * math.exp(-2))) ** 2
PLAIN = {"plus": False, "partner": "batch", "probability": 1.0, "sigma": 0.5, "radius": 1}
BRIGHT = torch.linspace(0.3, 0.7, N)
DETAIL = torch.linspace(0.01, 0.2, N)[torch.randperm(N, generator=torch.Generator().manual_seed(0))]
IMAGES = (BRIGHT[:, None, None] + DETAIL[:, None, None] * BOARD)[:, None]


def altered(images, **options):
    made, targets = hybrid_augment(images, TARGETS, Draw(2, 0, IDS), **PLAIN | options)
    assert targets is TARGETS
    return made


def binomial(hits, share):
    return stats.binomtest(int(hits.sum()), len(hits), share).pvalue > 1e-3


def test_low_frequencies_stay_and_detail_is_a_partners():
    made = altered(IMAGES)
    torch.testing.assert_close(made.mean((1, 2, 3)), BRIGHT)
    detail = (made[:, 0] * BOARD).mean((1, 2))
    assert torch.allclose(made[:, 0], BRIGHT[:, None, None] + detail[:, None, None] * BOARD, atol=1e-6)
    partners = ((detail - LEFT * DETAIL) / (1 - LEFT))[:, None] - DETAIL
    assert partners.abs().amin(1).max() < 1e-5
    assert len(partners.abs().argmin(1).unique()) == N, "partners are a permutation"


def test_by_default_six_of_ten_are_altered():
    assert binomial((altered(IMAGES, probability=None) != IMAGES).flatten(1).any(1), 0.6)


def test_plus_takes_amplitudes_from_the_low_frequencies_of_a_third():
    flat = BRIGHT[:, None, None, None].expand(N, 3, 8, 8)
    assert torch.allclose(altered(flat), flat, atol=1e-6), "without detail there is nothing to swap"
    made = altered(flat, plus=True)
    assert torch.allclose(made, made[:, :1, :1, :1].expand_as(made), atol=1e-6)
    torch.testing.assert_close(made[:, 0, 0, 0].sort().values, BRIGHT, msg="a flat image is its amplitude")
    changed = (altered(flat, plus=True, probability=None) - flat).abs().amax((1, 2, 3)) > 1e-4
    assert binomial(changed, 0.36), "of the six in ten, six in ten"


def test_detail_still_comes_with_plus():
    made = altered(IMAGES, plus=True)
    assert torch.allclose(made.mean((1, 2, 3)).sort().values, BRIGHT, atol=1e-5)
    detail = (made[:, 0] * BOARD).mean((1, 2)).abs()
    assert abs(detail.mean() - DETAIL.mean()) < 0.01
    assert (detail - DETAIL).abs().mean() > 0.02


@pytest.fixture
def halves(monkeypatch):
    """A view is half as bright."""
    monkeypatch.setattr(module, "_view", lambda images, _: images / 2)


@pytest.mark.usefixtures("halves")
def test_alone_an_image_gets_the_detail_of_its_other_view():
    # Of little contrast, so that nothing is clipped.
    images = 0.6 + 0.2 * torch.rand(N, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    low = tv.gaussian_blur(images, [3, 3], [0.5, 0.5])
    high = images - low
    made = altered(images, partner="self")
    one = (made - low / 2 - high / 4).abs().amax((1, 2, 3)) < 1e-6
    other = (made - low / 4 - high / 2).abs().amax((1, 2, 3)) < 1e-6
    assert (one ^ other).all()
    assert binomial(other, 0.5)
    half = altered(images, partner="self", probability=None)
    assert binomial((half - images / 2).abs().amax((1, 2, 3)) > 1e-6, 0.5), "the rest is the first view"


@pytest.mark.usefixtures("halves")
def test_alone_plus_recombines_views_of_the_low_frequencies():
    flat = torch.full((N, 1, 8, 8), 0.8)
    bright = altered(flat, partner="self", plus=True).mean((1, 2, 3))
    # The view whose low part it is, 1/2 or 1/4; its first view, 1/2; the second's amplitude, 1/2 more, for 1 in 4.
    for value, share in ((0.8 / 4, 0.375), (0.8 / 8, 0.5), (0.8 / 16, 0.125)):
        assert binomial((bright - value).abs() < 1e-5, share), value


@pytest.mark.parametrize("plus", [False, True])
def test_alone_neighbours_do_not_matter(plus):
    images = torch.rand(N, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    options = PLAIN | {"partner": "self", "plus": plus, "probability": 0.7}
    whole, _ = hybrid_augment(images, TARGETS, Draw(2, 0, IDS), **options)
    some = torch.tensor([411, 7])
    alone, _ = hybrid_augment(images[some], TARGETS[some], Draw(2, 0, IDS[some]), **options)
    torch.testing.assert_close(alone, whole[some], atol=1e-5, rtol=0)
    assert 0 <= whole.min() <= whole.max() <= 1
