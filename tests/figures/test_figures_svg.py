from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from assay.figures.svg import MARKERS, Axis, Plot, Style, log_ticks, marker, padded, ticks
from hypothesis import given
from hypothesis import strategies as st


def test_ticks_are_round_and_inside() -> None:
    assert ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1]
    assert ticks(-0.013, 0.021, 4) == [-0.01, 0, 0.01, 0.02]
    assert ticks(3, 3) == [3]


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 8))
def test_ticks_never_crowd(low: float, span: float, count: int) -> None:
    made = ticks(low, low + span, count)
    assert len(made) <= count + 1
    assert all(low - span * 1e-6 <= value <= low + span * (1 + 1e-6) for value in made)


def test_log_ticks() -> None:
    assert log_ticks(10, 100_000) == [10, 100, 1000, 10_000, 100_000]
    assert log_ticks(10, 50) == pytest.approx([10, 20, 50])


def test_axis_runs_from_start_to_end_and_holds_what_lies_outside() -> None:
    axis = Axis(0, 10, 100, 200)
    assert [axis(value) for value in (0, 5, 10, -3, 99)] == [100, 150, 200, 100, 200]
    log = Axis(1, 100, 0, 10, log=True)
    assert log(10) == pytest.approx(5)


def test_series_differ_in_more_than_colour() -> None:
    looks = [(style.colour, style.marker, style.dash) for style in map(Style, range(16))]
    assert len(set(looks)) == 16
    assert len({marker_ for _, marker_, _ in looks[:8]}) == 8


@pytest.mark.parametrize("shape", MARKERS)
def test_markers_are_centred(shape: str) -> None:
    d = marker(shape, 50, 50, 4)
    if shape == "circle":
        return
    numbers = [float(one) for one in d.replace("M", " ").replace("L", " ").replace("Z", " ").split()]
    assert np.mean(numbers[0::2]) == pytest.approx(50, abs=0.2)
    assert np.mean(numbers[1::2]) == pytest.approx(50, abs=0.2)


def test_a_line_leaves_out_what_is_not_finite() -> None:
    plot = Plot((0, 2), (0, 2), size=(100, 100), margin=(0, 0, 0, 0))
    assert plot.points([0, 1, 2], [0, math.nan, 2]) == [(0, 100), (100, 0)]


def test_a_drawing_is_well_formed_and_labelled() -> None:
    plot = Plot((0, 1), (0, 1), x_label="x < y & z")
    plot.line([0, 1], [0, 1], Style(0), arm=3)
    plot.steps([0, 0.5, 1], [0.2, 0.8], Style(1), filled=True)
    plot.dot(0.5, 0.5, Style(2), "<here>")
    root = ET.fromstring(plot.draw("a label with <tags>"))
    assert root.attrib["aria-label"] == "a label with <tags>"
    assert root.attrib["role"] == "img"
    assert [one.attrib.get("data-arm") for one in root.findall("g")].count("3") == 1


def test_padding() -> None:
    assert padded([1, 2], 0.1) == pytest.approx((0.9, 2.1))
    assert padded([]) == (0, 1)
    low, high = padded([5, 5])
    assert low < 5 < high
