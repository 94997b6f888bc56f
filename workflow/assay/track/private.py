"""What must not leave for MLflow: pixels and ids of datasets that a study declares private."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assay.run.results import Results
from assay.study.circles import seen_by
from assay.track.cells import Cell

#: What may show pixels or ids: arrays and pictures, per-sample predictions and figures, what a method printed, pairs of
#: near-duplicates by id, and the state of a generator, which for a sampler such as SMOTE is the training images.
_TELLING = (".npy", ".npz", ".png", ".txt")
_TELLING_NAMES = ("figures.json", "generator.safetensors", "twins.json")


def is_private(results: Results, dataset: str | None) -> bool:
    """Whether a dataset, or one that it is derived from, is declared private."""
    while dataset:
        declared = results.study["datasets"][dataset]
        if declared.get("private"):
            return True
        dataset = declared.get("from")
    return False


def guarded(results: Results, cell: Cell) -> bool:
    """Whether files of a run could show a private dataset: its own, or one that it learnt from."""
    arm = cell.identity.arm
    study = results.study
    if cell.identity.kind == "dataset":
        named = [name for name in study["datasets"] if arm == name or arm.startswith(f"{name}-like-")]
        return any(is_private(results, name) for name in named)
    if cell.identity.kind == "generator":
        return any(is_private(results, name) for name in seen_by(study, arm))
    if cell.identity.kind == "encoder":
        return is_private(results, study["encoders"][arm]["dataset"])
    if cell.identity.kind in ("trial", "tuning"):
        return _arm(results, arm) or any(is_private(results, name) for name in _sets(results, cell))
    return False


def _arm(results: Results, arm: str) -> bool:
    declared = results.study["arms"][arm]
    synthetic, init = declared.get("synthetic") or {}, declared.get("init") or {}
    datasets = [declared["dataset"]]
    datasets += seen_by(results.study, synthetic["generator"]) if synthetic else []
    datasets += [results.study["encoders"][init["encoder"]]["dataset"]] if "encoder" in init else []
    return any(is_private(results, name) for name in datasets)


def _sets(results: Results, cell: Cell) -> list[str]:
    """The datasets among the sets that a trial predicts on."""
    parts = {results.plan["jobs"][digest].get("part") for digest in cell.jobs}
    return [part for part in parts if part in results.study["datasets"]]


def card_without_ids(card: dict[str, Any]) -> dict[str, Any]:
    """A dataset's card whose decisions are counted and no longer name any image."""
    decisions = {sentence: {"count": entry["count"]} for sentence, entry in card.get("decisions", {}).items()}
    return {**card, "decisions": decisions}


def tells(file: Path) -> bool:
    """Whether a file of a guarded run stays at home."""
    return file.suffix in _TELLING or file.name in _TELLING_NAMES
