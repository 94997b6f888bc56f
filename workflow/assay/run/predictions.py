"""The stage `predict`: what a model says of the images of a split, or what a file says that it said."""

from __future__ import annotations

import numpy as np

from assay.errors import MethodError
from assay.run.arrays import write_npz
from assay.run.datasets import read_dataset
from assay.run.execute import Headline, Task
from assay.run.foreign import foreign
from assay.run.methods import registry_of


def predict(task: Task) -> Headline:
    """Write `predictions.npz`: logits, features, ids, labels and, if people voted on them, votes of a split.

    Raises:
        MethodError: the dataset has no such split, or a file of predictions does not fit.
    """
    dataset = read_dataset(task.inputs["dataset"])
    name = task.job.spec["split"]
    if "file" in task.job.spec:
        return _foreign_predictions(task, name, dataset.classes)
    from assay.run.models import read_model
    from assay.train.infer import logits_and_features
    from assay.train.views import VIEWS

    if name not in dataset.splits:
        raise MethodError(
            f"the dataset has no split {name}, only {', '.join(dataset.splits)}; its `split` can cut one off"
        )
    split = dataset.splits[name]
    tta = task.job.spec["tta"]
    model = read_model(task.inputs["model"], registry_of(task)).to(task.devices[0])
    logits, features = logits_and_features(model, split.images, tta=tta)
    keep = task.job.spec["keep"]
    if not keep["features"]:
        features = features[:, :0]
    kind = np.dtype(keep["precision"])
    write_npz(
        task.out / "predictions.npz",
        logits=logits.astype(kind),
        features=features.astype(kind),
        id=split.ids.astype(str),
        label=split.labels,
        **({} if split.soft is None else {"soft": split.soft}),
    )
    right = split.labels >= 0
    accuracy = {"accuracy": float((logits.argmax(1) == split.labels)[right].mean())} if right.any() else {}
    return {"images": len(split), "views": len(VIEWS[tta]), **accuracy}


def _foreign_predictions(task: Task, name: str, classes: list[str]) -> Headline:
    file = foreign(task.job.spec["file"])
    with np.load(file, allow_pickle=False) as archive:
        found = {key.partition(".")[2]: archive[key] for key in archive.files if key.partition(".")[0] == name}
    if not {"logits", "label"} <= set(found):
        raise MethodError(f"{file}: {name} needs the arrays {name}.logits and {name}.label")
    logits, labels = found["logits"].astype(np.float32), found["label"].astype(np.int64)
    if logits.shape != (len(labels), len(classes)):
        raise MethodError(f"{file}: {name}.logits must be [{len(labels)}, {len(classes)}], not {list(logits.shape)}")
    features = found.get("features", np.zeros((len(labels), 0), np.float32))
    ids = found.get("id", np.array([f"{name}-{number}" for number in range(len(labels))]))
    write_npz(task.out / "predictions.npz", logits=logits, features=features, id=ids.astype(str), label=labels)
    return {"images": len(labels)}
