"""Differentiable Siamese augmentation: alterations that are known, and beside torchvision's."""

from __future__ import annotations

import pytest
import torch
from assay.synthesize.siamese import ALTERATIONS, KINDS, siamese
from torchvision.transforms.functional import InterpolationMode, affine, rotate

X = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def altered(kind, *drawn):
    return ALTERATIONS[kind](list(drawn), 8)(X)


@pytest.mark.parametrize(
    ("kind", "drawn"),
    [
        ("colour", (0.5, 0.5, 0.5)),
        ("crop", (0.5, 0.5, 0)),
        ("flip", (0.7, 0, 0)),
        ("rotate", (0.5, 0, 0)),
        ("scale", ((1 - 1 / 1.2) / (1.2 - 1 / 1.2),) * 2 + (0,)),
    ],
)
def test_the_middle_of_each_range_leaves_images_alone(kind, drawn):
    torch.testing.assert_close(altered(kind, *drawn), X, atol=1e-5, rtol=0)


def test_colours():
    torch.testing.assert_close(altered("colour", 0.9, 0.5, 0.5), X + 0.4)
    torch.testing.assert_close(altered("colour", 0.5, 0.0, 0.5), X.mean(1, keepdim=True).expand_as(X))
    contrast = altered("colour", 0.5, 0.5, 0.0)
    middle = X.mean((1, 2, 3), keepdim=True)
    torch.testing.assert_close(contrast - middle, (X - middle) / 2)


def test_places():
    moved = altered("crop", 0.99, 0.0, 0)
    assert (moved[:, :, -1] == 0).all()
    assert (moved[:, :, :, 0] == 0).all()
    assert torch.equal(moved[:, :, :-1, 1:], X[:, :, 1:, :-1])
    assert torch.equal(altered("flip", 0.2, 0, 0), X.flip(3))
    seen = altered("cutout", 0.5, 0.0, 0) != 0  # a square of 4 pixels around row 4 and column 0, half of it outside
    expected = torch.ones(8, 8, dtype=torch.bool)
    expected[2:6, :2] = False
    assert (seen == expected).all()


def test_turning_and_scaling_are_those_of_torchvision():
    bilinear = InterpolationMode.BILINEAR
    # torchvision turns the picture, and ours the grid: the other way round.
    torch.testing.assert_close(altered("rotate", 1.0, 0, 0), rotate(X, 15, bilinear), atol=1e-4, rtol=0)
    torch.testing.assert_close(
        altered("scale", 1.0, 1.0, 0), affine(X, 0, [0, 0], 1 / 1.2, [0.0], bilinear), atol=1e-4, rtol=0
    )


def test_all_kinds_come_and_each_lets_gradients_through():
    seen = set()
    for seed in range(60):
        alter = siamese(torch.Generator().manual_seed(seed), 8)
        seen.add(alter.__qualname__.split(".")[0])
        x = X.clone().requires_grad_()
        whole = alter(x)
        # Siamese: what was drawn holds for any batch.
        torch.testing.assert_close(alter(X[:1]), whole[:1].detach(), atol=1e-6, rtol=0)
        (gradient,) = torch.autograd.grad(whole.square().sum(), x)
        assert gradient.isfinite().all()
        assert gradient.abs().sum() > 0
    assert seen == {*(set(KINDS) - {"scale", "rotate"}), "_affine"}
