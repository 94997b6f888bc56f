"""Models on disk: `model.safetensors` holds the weights, `model.json` what is needed to build the network again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Generator

from assay.models.changes import apply
from assay.models.classifier import Classifier, build
from assay.run.files import read_json, write_json
from assay.run.methods import JobRegistry
from assay.study.registry import Registry


def write_model(folder: Path, model: Classifier, entry: dict[str, Any], classes: list[str], size: int) -> None:
    """Write a model that a config entry (`{"method": "resnet8"}`) describes, and its own changes to that."""
    weights = {name: tensor.detach().contiguous().cpu() for name, tensor in model.state_dict().items()}
    save_file(weights, folder / "model.safetensors")
    about = {"model": entry, "channels": int(model.mean.numel()), "classes": classes, "size": size}
    write_json(folder / "model.json", {**about, "changes": model.changes})


def read_model(folder: Path, registry: Registry | None = None) -> Classifier:
    """Read a model in evaluation mode.

    Raises:
        FileNotFoundError: the folder holds no model.
    """
    about = read_json(folder / "model.json")
    if about is None:
        raise FileNotFoundError(f"{folder} holds no model")
    model = build(
        registry or JobRegistry(),
        about["model"],
        about["channels"],
        len(about["classes"]),
        about["size"],
        Generator().manual_seed(0),
    )
    for change in about.get("changes", []):
        apply(model, **change)
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.eval()
