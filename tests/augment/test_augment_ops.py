"""Every operation against torchvision's function of the same name, image by image on uint8."""

from __future__ import annotations

import math

import pytest
import torch
from assay.augment.ops import colour, geometry
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as tv

AMOUNTS = [-0.8, -0.31, 0.0, 0.27, 0.65]


def pictures(channels: int = 3, height: int = 32, width: int = 24) -> torch.Tensor:
    """uint8 [5,C,H,W] with smooth parts and edges."""
    generator = torch.Generator().manual_seed(3)
    coarse = torch.rand(5, channels, 4, 3, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
    smooth[:, :, 3:7, 2:6] = torch.rand(5, channels, 1, 1, generator=generator)
    return (smooth * 255).round().to(torch.uint8)


def affine(image, *, translate=(0, 0), shear=(0.0, 0.0), center=None):
    return tv.affine(
        image, angle=0.0, translate=list(translate), scale=1.0, shear=list(shear), center=center,
        interpolation=InterpolationMode.NEAREST, fill=0,
    )  # fmt: skip


def sheared(image, x, y):
    return affine(image, shear=(math.degrees(math.atan(x)), math.degrees(math.atan(y))), center=[0, 0])


OPS = {
    "shear-x": (geometry.shear_x, AMOUNTS, lambda image, a: sheared(image, a, 0)),
    "shear-y": (geometry.shear_y, AMOUNTS, lambda image, a: sheared(image, 0, a)),
    "translate-x": (geometry.translate_x, [-3.7, -1.0, 0.2, 2.0, 5.9], lambda i, a: affine(i, translate=(int(a), 0))),
    "translate-y": (geometry.translate_y, [-3.7, -1.0, 0.2, 2.0, 5.9], lambda i, a: affine(i, translate=(0, int(a)))),
    "rotate": (geometry.rotate, [-120.0, -17.0, 0.0, 9.0, 90.0], lambda image, a: tv.rotate(image, a, fill=0)),
    "brightness": (colour.brightness, AMOUNTS, lambda image, a: tv.adjust_brightness(image, 1 + a)),
    "saturation": (colour.saturation, AMOUNTS, lambda image, a: tv.adjust_saturation(image, 1 + a)),
    "contrast": (colour.contrast, AMOUNTS, lambda image, a: tv.adjust_contrast(image, 1 + a)),
    "sharpness": (colour.sharpness, AMOUNTS, lambda image, a: tv.adjust_sharpness(image, 1 + a)),
    "posterize": (colour.posterize, [1.0, 2.0, 4.0, 7.0, 8.0], lambda image, a: tv.posterize(image, int(a))),
    "solarize": (colour.solarize, [0.0, 0.2, 0.5, 0.9, 1.0], lambda image, a: tv.solarize(image, 255 * a)),
    "autocontrast": (colour.autocontrast, AMOUNTS, lambda image, _: tv.autocontrast(image)),
    "equalize": (colour.equalize, AMOUNTS, lambda image, _: tv.equalize(image)),
    "invert": (colour.invert, AMOUNTS, lambda image, _: tv.invert(image)),
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", OPS)
def test_an_operation_is_torchvisions(name, channels):
    ours, amounts, theirs = OPS[name]
    images = pictures(channels)
    made = ours(images / 255, torch.tensor(amounts)) * 255
    expected = torch.stack([theirs(image, amount) for image, amount in zip(images, amounts, strict=True)])
    wrong = (made - expected).abs() > 2  # torchvision cuts fractions off where a float keeps them
    # Places that lie just between two pixels may be rounded either way.
    assert wrong.float().mean() < (0.02 if name in ("rotate", "shear-x", "shear-y") else 1e-9)
    assert (made - images).abs().max() > 20 or (name, channels) == ("saturation", 1), "nothing was done"


@pytest.mark.parametrize("name", [name for name in OPS if name not in ("posterize", "solarize")])
def test_each_image_has_an_amount_of_its_own(name):
    ours, amounts, _ = OPS[name]
    images = pictures() / 255
    whole = ours(images, torch.tensor(amounts))
    for number, amount in enumerate(amounts):
        alone = ours(images[number : number + 1], torch.tensor([amount]))
        assert torch.allclose(alone, whole[number : number + 1], atol=1e-6)
