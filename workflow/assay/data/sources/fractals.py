"""Fractals: classes are iterated function systems, images their attractors."""

from __future__ import annotations

import numpy as np

from assay import Option, method
from assay.data.given import Given
from assay.data.raw import Raw, numbered
from assay.errors import MethodError

#: Points that run at once, and steps that each makes before it counts, to come near the attractor.
CHAINS, SETTLING = 256, 24
#: The attractor is drawn in black and white this many times larger, then averaged down to grey.
FINE = 4
#: Points of one image, for each fine pixel.
DENSITY = 1.5
#: Systems tried for a class before giving up.
TRIES = 2000


@method(
    "source",
    "fractals",
    summary="attractors of random iterated function systems, a system a class, its parameters jittered by image",
    paper="Kataoka et al. 2020, arXiv:2101.08515",
    options={
        "classes": Option(10, "systems", at_least=1),
        "count": Option(1000, "images, spread evenly over the classes", at_least=1),
        "side": Option(32, "pixels along an edge", at_least=8, at_most=512),
        "fill": Option(
            0.2, "least share of the fine pixels that the attractor of a class must touch", at_least=0, below=1
        ),
        "jitter": Option(0.2, "largest relative change of one parameter in an image", at_least=0, below=1),
    },
    shapes="images uint8 [count,side,side,1], labels int64 [count]",
)
def fractals(given: Given, *, classes: int, count: int, side: int, fill: float, jitter: float) -> Raw:
    """Like FractalDB: random affine maps, kept when their attractor fills enough of the image; drawn by the chaos game.

    A class has 2 to 8 maps with matrix entries and shifts uniform in -1..1, a map being taken with a probability
    proportional to the determinant of its matrix. Unlike FractalDB, a map must shrink all distances, with room for the
    jitter: its largest singular value is below 1 / (1 + jitter), so that the attractor exists and is bounded.

    The i-th image shows class i mod `classes`: one of the six parameters (a, b, c, d, e, f of x' = a x + b y + e,
    y' = c x + d y + f) is multiplied by one factor in 1 +- jitter in all maps, as in FractalDB, though drawn here and
    not from a table; then the image is flipped along neither, either or both axes. The attractor is stretched to the
    whole image, less a rim of one pixel; a grey level is the share of a pixel's 16 parts that a point hits.

    An image depends on its class and its place in it: more images begin with those of a smaller set, and further
    classes leave the systems of the earlier ones alone.

    Raises:
        MethodError: no system found that fills the image as asked.
    """
    systems = [
        search(given.streams.numpy("generator", "fractals", "class", k), side, fill, jitter) for k in range(classes)
    ]
    labels = np.arange(count) % classes
    images = np.zeros((count, side, side, 1), np.uint8)
    for number, label in enumerate(labels):
        rng = given.streams.numpy("generator", "fractals", "image", int(label), number // classes)
        parts = draw(jittered(systems[label], rng, jitter), rng, FINE * side, rim=FINE)
        vertical, horizontal = rng.integers(0, 2, 2).tolist()
        shares = parts.reshape(side, FINE, side, FINE).mean((1, 3))
        images[number, :, :, 0] = np.rint(255 * shares)[:: 1 - 2 * vertical, :: 1 - 2 * horizontal]
    return Raw(
        images,
        labels,
        [f"system-{k}" for k in range(classes)],
        ids=numbered(count, "fractal-"),
        licence="none (computed)",
        citation="Kataoka et al. (2020), Pre-training without Natural Images, arXiv:2101.08515",
    )


def search(rng: np.random.Generator, side: int, fill: float, jitter: float) -> np.ndarray:
    """Maps of a system whose attractor fills the image, float64 [M,2,3], each the matrix beside the shift."""
    for _ in range(TRIES):
        maps: list[np.ndarray] = []
        wanted = int(rng.integers(2, 9))
        while len(maps) < wanted:
            tried = rng.uniform(-1, 1, (2, 3))
            if np.linalg.norm(tried[:, :2], 2) < 1 / (1 + jitter):
                maps.append(tried)
        system = np.stack(maps)
        if draw(system, rng, FINE * side, rim=FINE).mean() >= fill:
            return system
    raise MethodError(f"fractals: none of {TRIES} systems fills {fill:g} of the image; lower `fill`")


def jittered(system: np.ndarray, rng: np.random.Generator, jitter: float) -> np.ndarray:
    """The same system with one of its six parameters scaled in all maps alike."""
    changed = system.copy()
    changed.reshape(len(system), 6)[:, rng.integers(6)] *= 1 + rng.uniform(-jitter, jitter)
    return changed


def draw(system: np.ndarray, rng: np.random.Generator, side: int, rim: int) -> np.ndarray:
    """Which pixels the attractor touches, bool [side,side]; `rim` pixels along each edge stay free."""
    points = attractor(system, rng, int(DENSITY * side * side))
    low, high = points.min(0), points.max(0)
    places = rim + (points - low) / np.maximum(high - low, 1e-12) * (side - 2 * rim - 1e-9)
    image = np.zeros((side, side), bool)
    column, row = places.astype(np.int64).T
    image[row, column] = True
    return image


def attractor(system: np.ndarray, rng: np.random.Generator, count: int) -> np.ndarray:
    """At least `count` points on the attractor, float64 [N,2], by the chaos game with many points at once.

    Args:
        system: float64 [M,2,3], contractions.
        rng: chooses the maps.
        count: rounded up to a multiple of CHAINS.
    """
    determinants = np.abs(system[:, 0, 0] * system[:, 1, 1] - system[:, 0, 1] * system[:, 1, 0])
    # A map of no area still carries points; without a floor it would never be taken.
    chances = np.maximum(determinants, 0.01)
    edges = np.cumsum(chances / chances.sum())[:-1]
    steps = SETTLING + -(-count // CHAINS)
    taken = system.reshape(-1, 6)[np.searchsorted(edges, rng.random((steps, CHAINS)), side="right")]
    x, y = np.zeros(CHAINS), np.zeros(CHAINS)
    points = np.empty((steps, 2, CHAINS))
    for step in range(steps):
        a, b, e, c, d, f = taken[step].T
        x, y = a * x + b * y + e, c * x + d * y + f
        points[step, 0], points[step, 1] = x, y
    return points[SETTLING:].transpose(0, 2, 1).reshape(-1, 2)
