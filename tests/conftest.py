"""What tests of several packages share: the registry, entries with their defaults, and a dataset of a few pixels."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from assay.data.dataset import Dataset, Split
from assay.study.registry import Registry, scan

Entry = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def registry() -> Registry:
    return scan()


@pytest.fixture(scope="session")
def entry(registry: Registry) -> Entry:
    """`entry(kind, name, **{option: value})`: a config entry with every default filled in."""

    def make(kind: str, name: str, /, **options: Any) -> dict[str, Any]:
        card = registry.card(kind, name)
        given = {key.replace("_", "-"): value for key, value in options.items()}
        assert set(given) <= set(card.options)
        return {"method": name, **{key: option.default for key, option in card.options.items()}, **given}

    return make


@pytest.fixture
def toy() -> Dataset:
    """Three classes of 8 x 8 grey images: a bright left half, top half or centre, under noise; 48 of them in train."""
    rng = np.random.default_rng(7)
    patterns = np.zeros((3, 8, 8))
    patterns[0, :, :4] = patterns[1, :4, :] = patterns[2, 2:6, 2:6] = 1

    def split(name: str, counts: list[int]) -> Split:
        labels = rng.permutation(np.repeat(np.arange(3), counts)).astype(np.int64)
        noisy = 255 * (0.25 + 0.5 * patterns[labels]) + 40 * rng.standard_normal((len(labels), 8, 8))
        images = noisy.clip(0, 255).astype(np.uint8)[..., None]
        return Split(images, labels, np.array([f"{name}-{i}" for i in range(len(labels))]), labels.copy())

    splits = {"train": split("train", [24, 16, 8]), "val": split("val", [8, 8, 8]), "test": split("test", [20, 20, 20])}
    return Dataset(["left", "top", "centre"], splits)


class InterruptError(Exception):
    """Stands for whatever ends a process in the middle of a training."""


def as_from_a_file(value: Any) -> Any:
    """A deep copy whose tensors have lost their memory layout, and that has nothing a file could not hold."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone(memory_format=torch.contiguous_format)
    if isinstance(value, dict):
        assert all(isinstance(key, str) for key in value)
        return {key: as_from_a_file(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_from_a_file(item) for item in value]
    assert isinstance(value, int | float | str)
    return value


class Memory:
    """Checkpoints and log of a computation, kept in memory.

    Saves after each `every`-th step; at the look after step `stop` of the process it raises. `lines` holds what was
    logged, rewound on loading to what was logged when the state was saved, as the engine does with the curve file.
    """

    def __init__(self, every: int = 0, stop: int = 0):
        self.every, self.stop = every, stop
        self.state: dict[str, Any] | None = None
        self.lines: list[dict[str, float]] = []
        self.kept = self.looks = self.loads = 0

    def log(self, step: int, **values: float) -> None:
        self.lines.append({"step": step, **values})

    def due(self) -> bool:
        self.looks += 1
        if self.looks == self.stop:
            raise InterruptError
        return bool(self.every) and self.looks % self.every == 0

    def save(self, state: dict[str, Any]) -> None:
        self.state, self.kept = as_from_a_file(state), len(self.lines)

    def load(self) -> dict[str, Any] | None:
        self.lines = self.lines[: self.kept]
        self.loads += 1
        return copy.deepcopy(self.state)

    def curve(self) -> list[dict[str, float]]:
        """What was logged, without what is a measurement of time."""
        return [
            {name: value for name, value in line.items() if name not in ("throughput", "memory")} for line in self.lines
        ]

    def through(self, run: Callable[[Memory], Any], stops: list[int]) -> Any:
        """Run until it ends, interrupted at the given looks, one after another."""
        for stop in stops:
            self.stop, self.looks = stop, 0
            with pytest.raises(InterruptError):
                run(self)
        self.stop, self.looks = 0, 0
        return run(self)


@pytest.fixture
def memory() -> type[Memory]:
    return Memory
