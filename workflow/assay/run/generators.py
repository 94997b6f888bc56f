"""Generators on disk: `generator.safetensors` holds what was learnt, `generator.json` what is needed to use it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from assay.data.dataset import Dataset
from assay.run.files import read_json, write_json
from assay.study.registry import Registry, bind


def write_generator(folder: Path, generator: Any, entry: dict[str, Any], dataset: Dataset, taught: Path | None) -> int:
    """Write a trained generator and return how many numbers it learnt.

    Args:
        folder: where to.
        generator: trained.
        entry: what the config says of it.
        dataset: what it learnt from.
        taught: the folder of the generator that it was distilled from, if any. What is needed of that one to make
            images is written as well, so that its weights are not.
    """
    tensors = {name: value.contiguous() for name, value in generator.state().items()}
    save_file(tensors, folder / "generator.safetensors")
    teacher = _about(read_json(taught / "generator.json")) if taught else None
    about = {"method": entry, "teacher": teacher, "classes": dataset.classes, "size": dataset.size}
    write_json(folder / "generator.json", {**about, "channels": dataset.channels})
    return sum(value.numel() for value in tensors.values())


def read_generator(folder: Path, registry: Registry) -> Any:
    """Read a trained generator."""
    about = read_json(folder / "generator.json")
    generator = _made(about, registry)
    shape = (about["size"], about["size"], about["channels"])
    generator.restore(load_file(folder / "generator.safetensors"), shape, len(about["classes"]))
    return generator


def _about(told: dict[str, Any]) -> dict[str, Any]:
    return {key: told[key] for key in ("method", "teacher")}


def _made(about: dict[str, Any], registry: Registry) -> Any:
    """A generator that has learnt nothing, behind a teacher of the same kind that has learnt nothing either."""
    generator = bind(registry, "generator", about["method"])()
    if about.get("teacher"):
        generator.learn_from(_made(about["teacher"], registry))
    return generator
