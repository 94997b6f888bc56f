"""What the corruptions share: images as numbers and back, and lengths that go with the size of the image.

The strengths are those with which CIFAR-10-C was made (`ImageNet-C/create_c/make_cifar_c.py` of
github.com/hendrycks/robustness, Hendrycks & Dietterich 2019, arXiv:1903.12261). They are meant for images of 32 pixels.
At other sizes, lengths in pixels are scaled with the side, so that what is in the image suffers alike.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

#: The side for which the strengths are written down.
SIDE = 32


def unit(images: np.ndarray) -> np.ndarray:
    """uint8 to float64 in 0..1."""
    return images / 255.0


def stored(images: np.ndarray) -> np.ndarray:
    """Numbers, clipped to 0..1, as uint8; cut off and not rounded, as CIFAR-10-C was stored."""
    return (np.clip(images, 0.0, 1.0) * 255.0).astype(np.uint8)


def scaled(length: float, images: np.ndarray) -> float:
    """A length in pixels at a side of 32 for images `[B,H,W,C]` of another side."""
    return length * images.shape[1] / SIDE


def field(numbers: Tensor, *shape: int) -> np.ndarray:
    """Numbers drawn for each image `[B,n]` as float64 `[B,*shape]`."""
    return numbers.cpu().numpy().astype(np.float64).reshape(len(numbers), *shape)


def luma(images: np.ndarray) -> np.ndarray:
    """ITU-R 601 luma `[B,H,W,1]` of `[B,H,W,C]`; a grey image is its own."""
    return images if images.shape[3] == 1 else images @ np.array([[0.299], [0.587], [0.114]])
