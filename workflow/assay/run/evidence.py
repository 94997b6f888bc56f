"""What trained models say of the images that a dataset's curators choose among."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assay.data.curation import Dynamics, Evidence
from assay.data.dataset import Dataset
from assay.errors import MethodError
from assay.run.datasets import read_dataset
from assay.run.execute import Task
from assay.run.methods import JobRegistry


def evidence(task: Task, registry: JobRegistry, parent: Dataset | None) -> list[Evidence]:
    """For each way of curating what it asks for, of the parent's train split; its inputs tell what that is."""
    return [_of(task, registry, parent, f"curate/{number}") for number, _ in enumerate(task.job.spec.get("curate", []))]


def _of(task: Task, registry: JobRegistry, parent: Dataset | None, role: str) -> Evidence:
    model, dynamics, size = (task.inputs.get(f"{role}/{name}") for name in ("model", "dynamics", "size"))
    features = logits = None
    if parent is None or "train" not in parent.splits:
        return Evidence()
    train = parent.splits["train"]
    if model is not None:
        from assay.run.models import read_model
        from assay.train.infer import logits_and_features

        logits, features = logits_and_features(read_model(model, registry), train.images)
    return Evidence(
        features,
        logits,
        None if dynamics is None else read_dynamics(dynamics / "dynamics.npz", train.ids),
        None if size is None else len(read_dataset(size).splits["train"]),
    )


def read_dynamics(file: Path, ids: np.ndarray) -> Dynamics:
    """The dynamics of a training for the images with these ids, text [N], in their order.

    Raises:
        MethodError: an image that was not trained on.
    """
    with np.load(file, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    place = {name: row for row, name in enumerate(arrays["id"].tolist())}
    missing = [name for name in ids.tolist() if name not in place]
    if missing:
        raise MethodError(f"curate: the arm did not learn from {len(missing)} of the images, such as {missing[0]}")
    rows = np.array([place[name] for name in ids.tolist()], np.int64)
    return Dynamics(arrays["margin"][:, rows], arrays["correct"][:, rows], arrays["error"][:, rows])
