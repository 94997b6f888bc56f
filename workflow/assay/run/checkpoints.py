"""Checkpoints and curves of a computation under way, in a work folder that outlives the process.

A checkpoint is one safetensors file: tensors as they are, everything else as JSON in its metadata. Loading one never
executes anything.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from assay.run import faults
from assay.run.files import canonical

_NAME = "checkpoint.safetensors"


class Curves:
    """The curve file of a computation: one JSON line for each call.

    `log(step, epoch=2.0, loss=0.1)` appends `{"step": 12, "time": ..., "epoch": 2.0, "loss": 0.1}`.
    """

    def __init__(self, file: Path):
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file.open("ab")

    def __call__(self, step: int, **values: float) -> None:
        """Append the values of one step; a value that is no finite number is left out."""
        finite = {name: float(value) for name, value in values.items() if abs(float(value)) < float("inf")}
        self._file.write((canonical({"step": int(step), "time": round(time.time(), 3), **finite}) + "\n").encode())
        self._file.flush()

    def position(self) -> int:
        """How many bytes the file holds."""
        return self._file.tell()

    def rewind(self, position: int) -> None:
        """Forget what was written after `position`, because it will be computed again.

        A file that is shorter, as a power failure may leave it, stays as it is.
        """
        position = min(position, self._file.seek(0, os.SEEK_END))
        self._file.truncate(position)
        self._file.seek(position)


class Checkpoints:
    """Saves a computation's state now and then, and gives it back after a kill.

    Args:
        folder: the work folder.
        curves: rewound to where they stood when the state was saved.
        every: seconds between checkpoints; 0 saves whenever asked.
    """

    def __init__(self, folder: Path, curves: Curves, every: float = 30.0):
        self._file = folder / _NAME
        self._curves = curves
        self._every = every
        self._last = time.monotonic()

    def due(self) -> bool:
        """Whether it is time to save again."""
        return time.monotonic() - self._last >= self._every

    def save(self, state: dict[str, Any], **about: str) -> None:
        """Save a nested dict or list of tensors, numbers, texts, true, false and null, atomically."""
        tensors: dict[str, torch.Tensor] = {}
        tree = _split(state, tensors)
        about |= {"state": json.dumps(tree), "curves": str(self._curves.position())}
        beside = self._file.with_suffix(".part")
        with beside.open("wb") as file:
            file.write(save(tensors, about))
            file.flush()
            os.fsync(file.fileno())
        faults.point("checkpoint")
        beside.replace(self._file)
        self._last = time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """The state saved last, or None. A file that cannot be read counts as none."""
        state, position = _read(self._file)
        self._curves.rewind(position)
        return state


def _read(file: Path) -> tuple[dict[str, Any] | None, int]:
    """The state in a file, or None, and where the curves stood; 0 without a state."""
    if not file.exists():
        return None, 0
    try:
        with safe_open(file, framework="pt") as archive:
            about = archive.metadata() or {}
            tensors = {name: archive.get_tensor(name) for name in archive.keys()}  # noqa: SIM118
        joined = _join(json.loads(about["state"]), tensors)
        position = int(about["curves"])
    except (SafetensorError, KeyError, ValueError) as error:
        print(f"the checkpoint cannot be read and is not used: {error}")
        return None, 0
    assert isinstance(joined, dict)
    return joined, position


class JointCheckpoints:
    """Checkpoints of several computations that go on together: one file, which the work folder of each holds.

    Args:
        members: names of all that are computed, in their order.
        watched: work folder and curves of those whose result is wanted, by name.
        every: seconds between checkpoints.
    """

    def __init__(self, members: Sequence[str], watched: Mapping[str, tuple[Path, Curves]], every: float = 30.0):
        self._members = members
        self._watched = watched
        self._first = Checkpoints(*next(iter(watched.values())), every)

    def due(self) -> bool:
        """Whether it is time to save again."""
        return self._first.due()

    def save(self, state: dict[str, Any]) -> None:
        """Save a state, which has the number of its `step`, and where all curves stand."""
        positions = {name: curves.position() for name, (_, curves) in self._watched.items()}
        about = {"members": " ".join(self._members), "step": str(state["step"])}
        self._first.save({"positions": positions, "state": state}, **about)
        (first, _), *others = self._watched.values()
        for folder, _ in others:
            beside = (folder / _NAME).with_suffix(".part")
            beside.unlink(missing_ok=True)
            try:
                os.link(first / _NAME, beside)
            except OSError:  # a file system without hard links
                shutil.copyfile(first / _NAME, beside)
            beside.replace(folder / _NAME)

    def load(self) -> dict[str, Any] | None:
        """The newest state: a kill may have left an older one with some."""
        newest = max((folder for folder, _ in self._watched.values()), key=lambda folder: joint_members(folder)[0])
        found, _ = _read(newest / _NAME)
        for name, (_, curves) in self._watched.items():
            curves.rewind(found["positions"][name] if found else 0)
        return found and found["state"]

    def forget(self, name: str) -> None:
        """Let one of them begin anew the next time."""
        (self._watched[name][0] / _NAME).unlink(missing_ok=True)


def joint_members(folder: Path) -> tuple[int, list[str]]:
    """The step at which a joint checkpoint in a work folder was saved, and whose it is; -1 and nobody without one."""
    try:
        with safe_open(folder / _NAME, framework="pt") as archive:
            about = archive.metadata() or {}
        return int(about["step"]), about["members"].split()
    except (OSError, SafetensorError, KeyError, ValueError):
        return -1, []


def _split(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """The value as JSON, in which each tensor is a number; it stands under that number among `tensors`."""
    if isinstance(value, torch.Tensor):
        name = str(len(tensors))
        # A copy each: parameters that share memory could not be stored side by side.
        tensors[name] = value.detach().cpu().clone().contiguous()
        return {"$tensor": name}
    if isinstance(value, dict):
        return {"$dict": [[key, _split(item, tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return [_split(item, tensors) for item in value]
    return value


def _join(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, list):
        return [_join(item, tensors) for item in value]
    if isinstance(value, dict):
        if "$tensor" in value:
            return tensors[value["$tensor"]]
        return {key: _join(item, tensors) for key, item in value["$dict"]}
    return value
