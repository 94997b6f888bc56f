"""Random field augmentation."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from assay import Option, method
from assay.augment.draw import Draw
from assay.augment.ops.colour import grey


@method(
    "augment",
    "random-field",
    summary="Move and recolour each pixel by amounts that vary smoothly over the image",
    paper="Mansfield et al. 2023, arXiv:2311.03629",
    options={
        "probability": Option(0.5, "share of images that are altered", above=0, at_most=1),
        "length": Option(0.25, "how far amounts go together, as a share of the longer side", above=0),
        "rotation": Option(5.0, "standard deviation of the angle in degrees", at_least=0),
        "scale": Option(0.05, "standard deviation of the logarithm of the enlargement", at_least=0),
        "shear": Option(0.05, "standard deviation of the shear", at_least=0),
        "translation": Option(0.03, "standard deviation of the shift, as a share of the side", at_least=0),
        "hue": Option(0.03, "standard deviation of the hue, in turns of the colour circle", at_least=0),
        "saturation": Option(0.2, "standard deviation of the change of saturation", at_least=0),
        "brightness": Option(0.2, "standard deviation of the change of brightness", at_least=0),
    },
    shapes="images [B,C,H,W] -> same",
)
def random_field(
    images: Tensor,
    targets: Tensor,
    draw: Draw,
    *,
    probability: float,
    length: float,
    rotation: float,
    scale: float,
    shear: float,
    translation: float,
    hue: float,
    saturation: float,
    brightness: float,
) -> tuple[Tensor, Tensor]:
    """Local affine and colour transformations; every parameter is a Gaussian random field of its own; targets stay.

    Pixel p shows what lies at `c + A(p) (p - c) + t(p)`, c the centre, A a rotation, enlargement and shear; its colour
    is then turned about the grey axis, blended with its luma and multiplied. With long lengths amounts are the same
    everywhere, as in the usual affine and colour jitter.

    The fields have the covariance `s^2 exp(-d^2 / (2 l^2))` at distance d, with `length` for l. This covariance and the
    default strengths, mild ones for small pictures, are choices made here: the paper tunes its own for views of
    ImageNet, and finds that strong ones destroy an image.
    """
    height, width = images.shape[2:]
    reach = length * max(height, width)
    fields = gaussian_fields(draw, 8, height, width, reach)
    angle, zoom, slant, right, down, turn, pale, light = fields.unbind(1)
    out = images
    if rotation or scale or shear or translation:
        shift = torch.stack([translation * width * right, translation * height * down], dim=-1)
        out = _move(out, math.radians(rotation) * angle, scale * zoom, shear * slant, shift)
    if images.shape[1] == 3 and hue:
        out = _turn(out, 2 * math.pi * hue * turn)
    if images.shape[1] == 3 and saturation:
        luma = grey(out)
        out = luma + (1 + saturation * pale)[:, None] * (out - luma)
    if brightness:
        out = (1 + brightness * light)[:, None] * out
    happens = draw.uniform()[:, :, None, None] < probability
    return out.clamp(0, 1).where(happens, images), targets


def gaussian_fields(draw: Draw, count: int, height: int, width: int, reach: float) -> Tensor:
    """Independent Gaussian random fields of variance 1, float32 `[B,count,height,width]`.

    The covariance at distance d is `exp(-d^2 / (2 reach^2))`, which is a product over the axes: white noise between
    square roots of the two axes' covariances has it exactly.

    Args:
        draw: gives the noise.
        count: fields an image.
        height, width: in pixels.
        reach: in pixels.
    """
    noise = draw.normal(count * height * width).view(-1, count, height, width)
    rows, columns = (_root(side, reach).to(noise.device) for side in (height, width))
    return rows @ noise @ columns


@lru_cache(maxsize=16)
def _root(side: int, reach: float) -> Tensor:
    """The symmetric square root of the covariance along one axis, float32 `[side,side]`."""
    place = torch.arange(side, dtype=torch.float64)
    covariance = torch.exp(-0.5 * ((place[:, None] - place) / reach) ** 2)
    values, vectors = torch.linalg.eigh(covariance)
    return ((vectors * values.clamp_min(0).sqrt()) @ vectors.T).float()


def _move(images: Tensor, angle: Tensor, zoom: Tensor, slant: Tensor, shift: Tensor) -> Tensor:
    """Sample `[B,C,H,W]` by a transformation for each pixel; black comes in from outside.

    Args:
        images: a batch.
        angle: in radians, `[B,H,W]`.
        zoom: logarithm of the factor by which what is sampled lies further out, `[B,H,W]`.
        slant: shear along the rows, `[B,H,W]`.
        shift: right and down, in pixels, `[B,H,W,2]`.
    """
    height, width = images.shape[2:]
    x = torch.arange(width, device=images.device) - (width - 1) / 2
    y = (torch.arange(height, device=images.device) - (height - 1) / 2)[:, None]
    factor = zoom.exp()
    slanted = x + slant * y
    across = factor * (angle.cos() * slanted - angle.sin() * y) + shift[..., 0]
    along = factor * (angle.sin() * slanted + angle.cos() * y) + shift[..., 1]
    # grid_sample counts from -1 to 1 between the outer edges.
    grid = torch.stack([across * 2 / width, along * 2 / height], dim=-1)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _turn(images: Tensor, angle: Tensor) -> Tensor:
    """Turn the colours of `[B,3,H,W]` by `angle` `[B,H,W]` radians about the grey axis; a third of a turn maps red to
    green, green to blue and blue to red.
    """
    mean = images.mean(dim=1, keepdim=True)
    # Rodrigues' formula; the cross product with the axis (1, 1, 1) / sqrt(3) is a difference of two other channels.
    cross = (images.roll(1, dims=1) - images.roll(-1, dims=1)) / math.sqrt(3)
    return mean + angle.cos()[:, None] * (images - mean) + angle.sin()[:, None] * cross
