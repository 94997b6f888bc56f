"""Near-duplicates: planted ones are found, strangers are not, and the search finds what comparing by hand finds."""

from __future__ import annotations

import io

import numpy as np
import pytest
from assay.data import twins
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image


def scenes(count: int, side: int, channels: int, seed: int = 0) -> np.ndarray:
    """Smooth random pictures with some detail, as photographs have, uint8 [N,side,side,C]."""
    rng = np.random.default_rng(seed)
    made = np.zeros((count, side, side, channels))
    for cells, weight in ((4, 70.0), (8, 40.0), (side, 10.0)):
        coarse = rng.normal(0, weight, (count, cells, cells, channels))
        made += coarse.repeat(side // cells, 1).repeat(side // cells, 2)
    return np.clip(made + 128, 0, 255).astype(np.uint8)


def brighter(image):
    return np.clip(image.astype(int) + 25, 0, 255).astype(np.uint8)


def encoded(image):
    file = io.BytesIO()
    Image.fromarray(image.squeeze()).save(file, "JPEG", quality=75)
    return np.asarray(Image.open(file)).reshape(image.shape)


def moved(image):
    """Cropped by a pixel at two sides, which the padding fills up with the edge."""
    return np.pad(image, ((1, 0), (1, 0), (0, 0)), mode="edge")[: len(image), : len(image)]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("change", [brighter, encoded, moved])
def test_planted_twins_are_found_and_strangers_are_not(change, channels):
    images = scenes(60, 32, channels)
    copies = np.stack([change(image) for image in images[:20]])
    found = twins.find([images, copies])
    assert found.pairs.tolist() == [[number, 60 + number] for number in range(20)]
    assert found.group.tolist() == list(range(80))


def test_equal_images_are_one_group():
    images = scenes(4, 16, 1)
    found = twins.find([images[[0, 1, 0]], images[[1, 2]]])
    assert found.group.tolist() == [0, 1, 0, 1, 2]
    assert len(found.pairs) == 0


def test_a_known_distance():
    """Two pictures with correlation r are sqrt(2 - 2 r) apart, whatever their brightness and contrast."""
    rng = np.random.default_rng(1)
    one = rng.integers(0, 100, (1, 8, 8, 1), dtype=np.uint8)
    other = (2 * one + rng.integers(0, 40, one.shape)).astype(np.uint8)
    r = np.corrcoef(one.ravel(), other.ravel())[0, 1]
    np.testing.assert_allclose(twins.distances(one, other), np.sqrt(2 - 2 * r), rtol=1e-5)
    np.testing.assert_allclose(twins.distances(one, 2 * one + 3), 0, atol=1e-3)
    np.testing.assert_allclose(twins.distances(one, np.zeros_like(one)), np.sqrt(2))


def test_thumbnails_of_a_side_that_does_not_divide():
    """28 pixels in 8 cells of 3.5: the mean of a cell counts half of the pixel at its edge."""
    rng = np.random.default_rng(2)
    image = rng.integers(0, 256, (1, 28, 28, 1), dtype=np.uint8)
    fine = image[0, ..., 0].astype(float).repeat(2, 0).repeat(2, 1)
    cells = fine.reshape(8, 7, 8, 7).mean((1, 3)).ravel()
    cells -= cells.mean()
    np.testing.assert_allclose(twins.thumbnails(image)[0], 4000 * cells / np.linalg.norm(cells), atol=0.501)


def test_flat_pictures_have_no_near_twins():
    images = np.arange(40, dtype=np.uint8).repeat(16 * 16).reshape(40, 16, 16, 1)
    assert len(twins.find([images]).pairs) == 0
    assert not twins.thumbnails(images).any()


def by_hand(images: np.ndarray) -> list[list[int]]:
    """The definition, pair by pair, in double precision but for the rounded thumbnails."""
    thumbs = twins.thumbnails(images).astype(int)
    alike = thumbs @ thumbs.T
    looked_at = set()
    for one in range(len(images)):
        others = [other for other in range(len(images)) if other != one and alike[one, other] >= twins.ALIKE * 4000**2]
        others = sorted(others, key=lambda other: (-alike[one, other], other))[: twins.NEIGHBOURS]
        looked_at |= {(min(one, other), max(one, other)) for other in others}
    return [list(pair) for pair in sorted(looked_at) if _distance(*images[list(pair)]) <= twins.DISTANCE]


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    side = len(one)
    reach = (-1, 0, 1) if side >= twins.SHIFTED else (0,)
    best = np.inf
    for dy in reach:
        for dx in reach:
            p = [one[y, x] for y in range(side) for x in range(side) if 0 <= y - dy < side and 0 <= x - dx < side]
            q = [other[y - dy, x - dx] for y in range(side) for x in range(side)
                 if 0 <= y - dy < side and 0 <= x - dx < side]  # fmt: skip
            p, q = np.ravel(p).astype(float), np.ravel(q).astype(float)
            p, q = (p - p.mean()) / (p.std() or 1), (q - q.mean()) / (q.std() or 1)
            best = min(best, np.sqrt(np.mean((p - q) ** 2)) if p.any() and q.any() else np.sqrt(2))
    return best


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.sampled_from([8, 16]), st.sampled_from([1, 3]))
def test_finds_what_comparing_each_with_each_finds(seed, side, channels):
    rng = np.random.default_rng(seed)
    base = scenes(4, side, channels, seed)
    # A crowd of lookalikes at all distances, more of them than a picture has places for neighbours.
    images = base[rng.integers(0, 4, 24)] + rng.normal(0, 1, (24, side, side, channels)) * rng.integers(
        0, 40, (24, 1, 1, 1)
    )
    images = np.unique(np.clip(images, 0, 255).astype(np.uint8), axis=0)
    found = twins.find([images[:10], images[10:]])
    assert found.pairs.tolist() == by_hand(images)


def test_blocks_do_not_matter(monkeypatch):
    images = scenes(6, 16, 1).repeat(5, axis=0)
    images = np.clip(images + np.random.default_rng(3).normal(0, 8, images.shape), 0, 255).astype(np.uint8)
    whole = twins.find([images])
    assert len(whole.pairs) >= 60
    monkeypatch.setattr(twins, "_ROWS", 7)
    monkeypatch.setattr(twins, "_PAIRS", 3)
    cut = twins.find([images[:11], images[11:]])
    assert np.array_equal(cut.pairs, whole.pairs)
    assert np.array_equal(cut.distance, whole.distance)
