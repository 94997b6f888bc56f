"""The stage `evaluate`: one family of metrics on what was predicted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from assay.errors import MethodError
from assay.run.datasets import read_dataset
from assay.run.execute import Headline, Task
from assay.run.files import read_json, write_json
from assay.run.methods import JobRegistry, registry_of
from assay.study.fields import SPLITS


def evaluation(task: Task) -> Headline:
    """Write `metrics.json` and `figures.json` of a family; the headline holds the first row of each metric."""
    from assay.evaluate.job import evaluate

    registry = registry_of(task)
    result = evaluate(task.job.spec, registry, _trial(task, registry))
    rows = [
        {"metric": row.metric, "keys": row.keys, "value": row.value, "note": row.note}
        for row in result.rows
    ]  # fmt: skip
    write_json(task.out / "metrics.json", rows)
    write_json(task.out / "figures.json", result.figures)
    headline: Headline = {}
    for row in result.rows:
        # The first row of a metric is the one that its name alone means.
        headline.setdefault(row.metric, row.value)
    return headline


def _trial(task: Task, registry: JobRegistry) -> Any:
    from assay.evaluate.trial import Trial
    from assay.run.models import read_model

    dataset = read_dataset(task.inputs["dataset"])

    def split(name: str) -> Any:
        if name not in dataset.splits:
            raise MethodError(f"the dataset has no split {name}, only {', '.join(dataset.splits)}")
        return dataset.splits[name]

    sets = {}
    for role, folder in task.inputs.items():
        if role.startswith("set/"):
            name = role.removeprefix("set/")
            sets[name] = _predictions(folder)
            sets[name].groups = _groups(dataset.splits.get(name), sets[name].ids)
            sets[name].images = _images(task, name, sets[name].ids)
            sets[name].others = _others(task, name, sets[name].ids)
    others = sorted((int(role.removeprefix("seeds/")), role) for role in task.inputs if role.startswith("seeds/"))
    folders = [task.inputs[role] for _, role in others]
    made = task.inputs.get("model")
    cost, head = _spent(task), None
    if made is not None:
        network = read_model(made, registry)
        head = (network.head.weight.detach().numpy(), network.head.bias.detach().numpy())
        cost["bytes"] = (made / "model.safetensors").stat().st_size
    return Trial(
        classes=dataset.classes,
        counts=dataset.counts("train"),
        sets=sets,
        head=head,
        model=(lambda: read_model(made, registry)) if made is not None else None,
        size=dataset.size,
        channels=dataset.channels,
        cost=cost,
        split=split if made is not None else None,
        tta=task.job.spec.get("tta", "none"),
        device=task.devices[0] if task.devices else "cpu",
        found=_figures(task, "found/") or [],
        reference=_figures(task, "reference/"),
        private=task.job.spec.get("private", False),
        seeds=[_predictions(folder) for folder in folders],
        place=task.job.spec.get("place", 0),
        external={
            role.removeprefix("external/"): read_dataset(folder).classes
            for role, folder in task.inputs.items()
            if role.startswith("external/")
        },
    )


def _predictions(folder: Path) -> Any:
    from assay.evaluate.trial import Predictions

    with np.load(folder / "predictions.npz", allow_pickle=False) as archive:
        return Predictions(
            archive["logits"].astype(np.float32),
            archive["features"].astype(np.float32),
            archive["id"],
            archive["label"],
            soft=archive.get("soft"),
        )


def _images(task: Task, name: str, ids: np.ndarray) -> np.ndarray | None:
    """The images of a set that was predicted, where the evaluation reads them.

    Raises:
        MethodError: the predictions are not of these images.
    """
    folder = task.inputs.get(f"images/{name}")
    if folder is None:
        return None
    splits = read_dataset(folder).splits
    split = splits[name if name in SPLITS else "test"]
    if not np.array_equal(split.ids.astype(str), ids):
        raise MethodError(f"the predictions on {name} are not of its images, in their order")
    return split.images


def _others(task: Task, name: str, ids: np.ndarray) -> list[np.ndarray]:
    """The logits of a set by other seeds, where the evaluation reads them.

    Raises:
        MethodError: they are not of the same images.
    """
    found = []
    for role, folder in task.inputs.items():
        if role.startswith("other/") and role.endswith(f"/set/{name}"):
            with np.load(folder / "predictions.npz", allow_pickle=False) as archive:
                if not np.array_equal(archive["id"], ids):
                    raise MethodError(f"the seeds' predictions on {name} are not of the same images")
                found.append(archive["logits"].astype(np.float32))
    return found


def _groups(split: Any, ids: np.ndarray) -> np.ndarray | None:
    """The groups of the images that were predicted on, text [N]; None where the split is not theirs or has none."""
    if split is None or split.groups is None or not np.array_equal(split.ids.astype(str), ids):
        return None
    groups: np.ndarray = split.groups
    return groups


def _figures(task: Task, prefix: str) -> list[dict[str, Any]] | None:
    """The figures of the evaluations among the inputs whose roles begin so; None where there are none."""
    roles = [role for role in task.inputs if role.startswith(prefix)]
    roles.sort(key=lambda role: int(role.removeprefix(prefix)))
    return [read_json(task.inputs[role] / "figures.json") for role in roles] or None


def _spent(task: Task) -> dict[str, float]:
    """Seconds and peak memory in bytes of all that made the model: its training, then each of its compressions."""
    if "train" not in task.jobs or "weights" in task.jobs["train"].spec:
        return {}  # what it took to train a model elsewhere nobody knows here
    made = [role for role in task.inputs if role == "train" or role.startswith(("adjust/", "compress/"))]
    runs = [read_json(task.inputs[role] / "run.json") for role in made]
    return {
        "train-seconds": sum(run["seconds"] for run in runs),
        "train-peak-memory": max(run["peak_memory_bytes"] for run in runs),
    }
