"""Fractals against contraction, a known dimension and a known set; and which images belong together."""

from __future__ import annotations

import numpy as np
import pytest
from assay.data.archive import NoFiles
from assay.data.given import Given
from assay.data.sources import fractals as module
from assay.data.sources.fractals import FINE, attractor, draw, fractals, jittered, search
from assay.errors import MethodError
from assay.streams import Streams

GIVEN = Given(Streams({"generator": 2}), None, NoFiles())
#: Right-angled Sierpinski triangle: three copies of half the size.
SIERPINSKI = np.array([[[0.5, 0, e], [0, 0.5, f]] for e, f in ((0, 0), (0.5, 0), (0, 0.5))])


def made(count=60, classes=4, **options):
    return fractals(GIVEN, **{"count": count, "classes": classes, "side": 16, "fill": 0.2, "jitter": 0.2, **options})


def boxes(points, level):
    """How many of the 4^level boxes of the unit square hold a point."""
    return len(np.unique(np.floor(points * 2**level).astype(int) @ [1, 10_000]))


def test_the_sierpinski_triangle_has_its_dimension():
    points = attractor(SIERPINSKI, np.random.default_rng(0), 200_000)
    levels = np.arange(2, 8)
    counts = [boxes(points, level) for level in levels]
    slope = np.polyfit(levels, np.log2(counts), 1)[0]
    assert slope == pytest.approx(np.log2(3), abs=0.01)  # 1.585


def test_points_lie_on_the_attractor_and_nowhere_else():
    # On the triangle the binary digits of x and y are never both 1.
    x, y = (attractor(SIERPINSKI, np.random.default_rng(1), 20_000).T * 2**20).astype(int)
    assert not (x & y & ~0xF).any()


def test_maps_are_taken_in_proportion_to_their_area():
    # A square of side 0.6 and one of side 0.3 beside it: areas 4 to 1.
    system = np.array([[[0.6, 0, 0], [0, 0.6, 0]], [[0.3, 0, 0.7], [0, 0.3, 0.7]]])
    points = attractor(system, np.random.default_rng(2), 50_000)
    assert (points[:, 0] > 0.65).mean() == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("jitter", [0.0, 0.2, 0.6])
def test_every_map_contracts_before_and_after_jitter(jitter):
    for k in range(20):
        rng = np.random.default_rng(k)
        system = search(rng, 16, 0.1, jitter)
        assert 2 <= len(system) <= 8
        for changed in [system, *(jittered(system, rng, jitter) for _ in range(20))]:
            assert np.linalg.svd(changed[:, :, :2], compute_uv=False).max() < 1


def test_jitter_scales_one_parameter_in_all_maps():
    system = search(np.random.default_rng(3), 16, 0.1, 0.2)
    ratio = (jittered(system, np.random.default_rng(4), 0.2) / system).reshape(len(system), 6)
    changed = np.abs(ratio - 1).max(0) > 1e-12
    assert changed.sum() == 1
    assert np.ptp(ratio[:, changed]) < 1e-12
    assert np.abs(ratio - 1).max() <= 0.2


def test_a_class_fills_as_much_of_the_image_as_asked(monkeypatch):
    for k in range(5):
        system = search(np.random.default_rng(k), 16, 0.4, 0.2)
        assert draw(system, np.random.default_rng(9), 16 * FINE, rim=FINE).mean() > 0.37
    monkeypatch.setattr(module, "TRIES", 50)
    with pytest.raises(MethodError, match="lower `fill`"):
        search(np.random.default_rng(0), 8, 0.95, 0.2)


def test_the_attractor_is_stretched_to_the_image_less_a_rim():
    images = made().images[..., 0]
    assert not images[:, [0, -1]].any()
    assert not images[:, :, [0, -1]].any()
    assert images[:, [1, -2]].any(2).all()
    assert images[:, :, [1, -2]].any(1).all()


def test_more_images_begin_with_those_of_a_smaller_set():
    few, many = made(20), made(33)
    assert (many.images[:20] == few.images).all()
    assert (many.labels[:20] == few.labels).all()


def test_further_classes_leave_the_earlier_ones_alone():
    four, five = made(16, 4), made(20, 5)
    for label in range(4):
        assert (four.images[four.labels == label] == five.images[five.labels == label]).all()


def test_instances_differ_and_classes_differ_more():
    from sklearn.neighbors import KNeighborsClassifier

    raw = made(400, 4)
    flat = raw.images.reshape(400, -1) / 255
    assert len(np.unique(flat, axis=0)) == 400
    assert KNeighborsClassifier(1).fit(flat[:200], raw.labels[:200]).score(flat[200:], raw.labels[200:]) > 0.8
