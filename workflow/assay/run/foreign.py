"""Models and predictions that were made elsewhere: files that an arm names."""

from __future__ import annotations

from pathlib import Path

from assay.errors import MethodError
from assay.run.execute import Headline, Task
from assay.run.files import sha256_file
from assay.run.methods import registry_of


def foreign(about: dict[str, str]) -> str:
    """The path of a file that was made elsewhere, once it is sure to be the one that was planned with.

    Raises:
        MethodError: it changed since.
    """
    if sha256_file(Path(about["file"])) != about["sha256"]:
        raise MethodError(f"{about['file']} changed since the study was planned; run it again")
    return about["file"]


def foreign_model(task: Task, classes: list[str], channels: int, size: int) -> Headline:
    """A model that was trained elsewhere takes its place in the store once it fits its architecture."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from assay.errors import MethodError
    from assay.models.classifier import build
    from assay.run.models import write_model

    file = foreign(task.job.spec["weights"])
    entry = task.job.spec["model"]
    model = build(registry_of(task), entry, channels, len(classes), size, torch.Generator())
    try:
        model.load_state_dict(load_file(file))
    except (RuntimeError, SafetensorError) as error:
        raise MethodError(f"{file} does not fit model {entry['method']}: {error}") from None
    write_model(task.out, model, entry, classes, size)
    return {}
