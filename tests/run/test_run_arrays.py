"""Equal arrays give equal bytes, whenever they are written, and NumPy reads them back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from assay.run import arrays


def test_bytes_do_not_depend_on_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = {"id": np.array(["a", "bc"]), "logits": np.eye(3, dtype=np.float32), "none": np.zeros((2, 0))}
    arrays.write_npz(tmp_path / "one.npz", **table)
    monkeypatch.setattr("time.time", lambda: 2e9)
    arrays.write_npz(tmp_path / "two.npz", **table)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    with np.load(tmp_path / "one.npz", allow_pickle=False) as read:
        assert list(read) == list(table)
        for name, array in table.items():
            np.testing.assert_array_equal(read[name], array)
            assert read[name].dtype == array.dtype


def test_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Object arrays"):
        arrays.write_npz(tmp_path / "x.npz", a=np.array([{}], dtype=object))
