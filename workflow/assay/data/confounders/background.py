"""What lies behind an object as confounder: dark pixels take on a colour or a texture."""

from __future__ import annotations

import numpy as np

from assay import Option, method
from assay.data.alter.subject import Subject
from assay.data.confounders.attributes import attributes, palette
from assay.data.shape import match

#: Pixels from one stripe of a texture to the next.
PERIOD = 4.0


@method(
    "confounder",
    "background",
    summary="dark pixels get a colour or texture, in training mostly that of the class",
    paper="Xiao et al. 2021, arXiv:2006.09994",
    options={
        "correlation": Option(
            ..., "probability that background and class agree in train", type=float, at_least=0, at_most=1
        ),
        "test-correlation": Option(
            None, "the same in val and test; null: one over the number of classes, so that it tells nothing",
            type=float, at_least=0, at_most=1, optional=True,
        ),
        "filled-with": Option("colour", "what is put behind", choices=["colour", "texture"]),
        "darker-than": Option(0.1, "brightness, of 0 to 1, below which a pixel is background", above=0, at_most=1),
        "brightness": Option(0.5, "of the brightest pixel that is put there", above=0, at_most=1),
    },
    shapes="images uint8 [N,H,W,C] -> images uint8 [N,H,W,C or 3], attributes int64 [N]",
)  # fmt: skip
def background(
    subject: Subject,
    *,
    correlation: float,
    test_correlation: float | None,
    filled_with: str,
    darker_than: float,
    brightness: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Fill the pixels whose grey value (ITU-R 601) is below `darker_than`; the others stay.

    A colour is that of `palette`, times `brightness`; grey images become RGB. Texture a is a grey sine wave across the
    direction pi a / K, of 4 pixels' length and a phase drawn for each image, from 0 to `brightness`.

    Args:
        subject: the images of one split.
        correlation: see `attributes`.
        test_correlation: see `attributes`.
        filled_with: `colour` or `texture`.
        darker_than: in (0, 1].
        brightness: in (0, 1].

    Returns:
        The images and the number of the colour or texture of each.
    """
    height, width, channels = subject.images.shape[1:]
    classes = len(subject.classes)
    chosen = attributes(subject, correlation, test_correlation)
    dark = match(subject.images, height, width, 1) < 255 * darker_than
    if filled_with == "colour":
        images = match(subject.images, height, width, 3)
        fill = brightness * palette(classes)[chosen].astype(np.float32)[:, None, None, :]
    else:
        images = match(subject.images, height, width, channels)
        angle = (np.pi * chosen / classes)[:, None, None]
        rows, columns = np.mgrid[:height, :width]
        phase = subject.rng.uniform(0, 2 * np.pi, (len(subject), 1, 1))
        wave = np.sin(2 * np.pi / PERIOD * (columns * np.cos(angle) + rows * np.sin(angle)) + phase)
        fill = (255 * brightness * (0.5 + 0.5 * wave))[..., None]
    return np.where(dark, np.round(fill).astype(np.uint8), images), chosen
