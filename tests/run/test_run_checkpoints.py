"""Checkpoints give back what was saved, bit for bit, or nothing."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from assay.run.checkpoints import Checkpoints, Curves
from assay.run.files import read_lines
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

TYPES = [torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.uint8, torch.bool]

TENSORS = st.builds(
    lambda shape, kind, seed: (torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 50).abs().to(kind),
    st.lists(st.integers(0, 3), max_size=3),
    st.sampled_from(TYPES),
    st.integers(0, 100),
)
#: Names that could be taken for paths, for numbers of tensors, or for how a state is written down.
NAMES = st.text(max_size=5) | st.sampled_from(["a/b", "a", "b", "0", "$tensor", "$dict", ""])
LEAVES = TENSORS | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
STATES = st.dictionaries(
    NAMES,
    st.recursive(LEAVES, lambda x: st.lists(x, max_size=3) | st.dictionaries(NAMES, x, max_size=3), max_leaves=8),
    max_size=4,
)


def _made(folder: Path, every: float = 0.0) -> tuple[Checkpoints, Curves]:
    curves = Curves(folder / "curves.jsonl")
    return Checkpoints(folder, curves, every), curves


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return isinstance(other, dict) and list(one) == list(other) and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float) and math.isnan(one):
        return isinstance(other, float) and math.isnan(other)
    return type(one) is type(other) and one == other


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(state=STATES)
def test_a_state_comes_back_as_it_was(state: dict[str, Any], tmp_path: Path) -> None:
    _made(tmp_path)[0].save(state)
    assert _same(state, _made(tmp_path)[0].load())


def test_names_that_spell_the_same_path_are_kept_apart(tmp_path: Path) -> None:
    state = {"a/b": torch.tensor([1.0]), "a": {"b": torch.tensor([2.0])}}
    _made(tmp_path)[0].save(state)
    assert _same(state, _made(tmp_path)[0].load())


def test_tensors_that_share_memory_or_lie_crosswise_are_kept(tmp_path: Path) -> None:
    whole = torch.arange(24.0).reshape(1, 2, 3, 4)
    state = {"a": whole, "b": whole[:, :1], "c": whole.to(memory_format=torch.channels_last), "d": whole.mT}
    _made(tmp_path)[0].save(state)
    assert _same(state, _made(tmp_path)[0].load())


def test_nothing_saved_is_nothing_loaded(tmp_path: Path) -> None:
    _made(tmp_path)[1](1, loss=2.0)
    again, _ = _made(tmp_path)
    assert again.load() is None
    assert read_lines(tmp_path / "curves.jsonl") == [], "without a state every step is done again"


@pytest.mark.parametrize("damage", ["truncated", "empty", "no checkpoint", "other metadata", "noise"])
def test_a_damaged_checkpoint_is_not_used(tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoints, curves = _made(tmp_path)
    curves(1, loss=2.0)
    checkpoints.save({"weights": torch.randn(50), "step": 3})
    file = tmp_path / "checkpoint.safetensors"
    whole = file.read_bytes()
    if damage == "truncated":
        file.write_bytes(whole[:-10])
    elif damage == "empty":
        file.write_bytes(b"")
    elif damage == "no checkpoint":
        save_file({"weights": torch.randn(5)}, file)
    elif damage == "other metadata":
        save_file({"weights": torch.randn(5)}, file, {"state": "{", "curves": "0"})
    else:
        file.write_bytes(bytes(reversed(whole)))
    again, _ = _made(tmp_path)
    assert again.load() is None
    assert "cannot be read and is not used" in capsys.readouterr().out
    assert read_lines(tmp_path / "curves.jsonl") == []


def test_saving_that_fails_keeps_the_state_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints, _ = _made(tmp_path)
    checkpoints.save({"step": 1})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        checkpoints.save({"step": 2})
    assert _made(tmp_path)[0].load() == {"step": 1}


def test_curves_go_back_to_the_saved_step(tmp_path: Path) -> None:
    checkpoints, curves = _made(tmp_path)
    for step in range(5):
        curves(step, loss=float(step))
        if step == 2:
            checkpoints.save({"step": step})
    again, curves = _made(tmp_path)
    assert again.load() == {"step": 2}
    curves(3, loss=30.0)
    lines = read_lines(tmp_path / "curves.jsonl")
    assert [(line["step"], line["loss"]) for line in lines] == [(0, 0.0), (1, 1.0), (2, 2.0), (3, 30.0)]


def test_curves_that_were_lost_do_not_spoil_those_to_come(tmp_path: Path) -> None:
    checkpoints, curves = _made(tmp_path)
    curves(1, loss=1.0)
    checkpoints.save({"step": 1})
    (tmp_path / "curves.jsonl").write_bytes(b"")
    again, curves = _made(tmp_path)
    assert again.load() == {"step": 1}
    curves(2, loss=2.0)
    assert b"\0" not in (tmp_path / "curves.jsonl").read_bytes()
    assert [line["step"] for line in read_lines(tmp_path / "curves.jsonl")] == [2]


def test_curves_leave_out_what_is_no_number(tmp_path: Path) -> None:
    curves = Curves(tmp_path / "deep" / "curves.jsonl")
    curves(7, epoch=1, loss=math.nan, rate=math.inf, low=-math.inf, norm=torch.tensor(2.5))  # type: ignore[arg-type]
    (line,) = read_lines(tmp_path / "deep" / "curves.jsonl")
    assert line.pop("time") > 1e9
    assert line == {"step": 7, "epoch": 1.0, "norm": 2.5}


def test_saving_is_due_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    checkpoints, _ = _made(tmp_path, every=30.0)
    assert not checkpoints.due()
    now[0] += 30
    assert checkpoints.due()
    checkpoints.save({})
    assert not checkpoints.due()
    assert _made(tmp_path, every=0.0)[0].due()
