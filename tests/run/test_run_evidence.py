"""Dynamics are matched to images by id, whatever order and further images the arm had."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from assay.errors import MethodError
from assay.run.arrays import write_npz
from assay.run.evidence import read_dynamics


def test_dynamics_follow_the_ids():
    margin = np.array([[1.0, 2, 3], [4, 5, 6]], np.float32)
    write_npz(Path("dynamics.npz"), id=np.array(["a", "b", "c"]), margin=margin, correct=margin > 2, error=-margin)
    found = read_dynamics(Path("dynamics.npz"), np.array(["c", "a"]))
    assert found.margin.tolist() == [[3, 1], [6, 4]]
    assert found.correct.tolist() == [[True, False], [True, True]]
    assert found.error.tolist() == [[-3, -1], [-6, -4]]
    with pytest.raises(MethodError, match="1 of the images, such as d"):
        read_dynamics(Path("dynamics.npz"), np.array(["a", "d"]))
