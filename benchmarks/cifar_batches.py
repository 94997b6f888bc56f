"""CIFAR-10's batches as they are published, as a plug-in source, so that a benchmark can build from any content."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
from assay import Option, method
from assay.data.given import Given
from assay.data.raw import Raw, numbered

NAMES = {"train": [f"data_batch_{number}" for number in range(1, 6)], "test": ["test_batch"]}


@method(
    "source",
    "cifar-batches",
    summary="a folder in the format of cifar-10-batches-py",
    options={"path": Option(..., "the folder", type=str)},
)
def cifar_batches(given: Given, *, path: str) -> Raw:  # noqa: ARG001 - the contract of a source
    """Five train batches and one of test; a row is 1,024 red, then green, then blue values, row by row."""
    images, labels, parts = [], [], []
    for part, names in NAMES.items():
        for name in names:
            with Path(path, name).open("rb") as file:
                batch = pickle.load(file, encoding="latin1")
            images.append(batch["data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
            labels += batch["labels"]
            parts += [part] * len(batch["labels"])
    joined = np.concatenate(images)
    return Raw(
        joined,
        np.array(labels),
        [str(k) for k in range(10)],
        ids=numbered(len(joined), "cifar10-"),
        parts=np.array(parts),
    )


def write_random(folder: Path, train: int, test: int) -> None:
    """Random images in the same files."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for part, names in NAMES.items():
        count = (train if part == "train" else test) // len(names)
        for name in names:
            batch = {
                "data": rng.integers(0, 256, (count, 3072), dtype=np.uint8),
                "labels": rng.integers(0, 10, count).tolist(),
            }
            (folder / name).write_bytes(pickle.dumps(batch))
    meta = {"label_names": [str(k) for k in range(10)], "num_cases_per_batch": train // 5, "num_vis": 3072}
    (folder / "batches.meta").write_bytes(pickle.dumps(meta))
