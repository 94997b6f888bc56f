"""What was done to a dataset, in words."""

from __future__ import annotations

import pytest
from assay.report.sections.datasets import _plainly


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"wrong": 120, "rate": 0.1999999}, "wrong 120, rate 0.2"),
        ({"agreement": {"train": 0.95, "test": 0.1}}, "agreement train 0.95, test 0.1"),
        (["8", "9"], "8, 9"),
        (20.0, "20"),
        ("symmetric", "symmetric"),
    ],
)
def test_options_and_effects_are_read_aloud(value, words):
    assert _plainly(value) == words
