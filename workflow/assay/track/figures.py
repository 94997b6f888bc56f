"""Pictures of a run, drawn as the report draws them: MLflow's page of a run shows SVG and PNG files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from assay.run.files import read_json, read_lines
from assay.run.results import Results
from assay.track.cells import Cell
from assay.track.names import legal
from assay.track.roles import mark, role_name
from assay.track.wanted import Role

#: Images in a row of the augmented ones, and the pixels to which small ones are enlarged.
_COLUMNS, _SIDE = 8, 56


def figures_role(results: Results, cell: Cell, guarded: bool) -> list[Role]:
    """The pictures of a run that trains or is judged, in the folder `figures`; they are drawn when they are sent.

    Those of a private dataset's training curves alone are drawn: the others may show images.
    """
    folders = {role_name(results, cell, digest): results.folder_of(digest) for digest in cell.jobs}
    sealed = {name: folder for name, folder in folders.items() if folder is not None}
    curves = {name: folder for name, folder in sealed.items() if (folder / "curves.jsonl").exists()}
    judged = {} if guarded else {name: folder for name, folder in sealed.items() if name.startswith("evaluate/")}
    altered = None if guarded else _altered(results, cell, sealed.get("train"))
    if not (curves or judged or altered):
        return []
    seals = [read_json(folder / "seal.json") for folder in {**curves, **judged}.values()]
    marker = mark([seals, altered is not None])
    return [Role("figures", marker, drawn=partial(_draw, cell.name, judged, curves, altered))]


def _altered(results: Results, cell: Cell, train: Path | None) -> Path | None:
    """Where an arm's training left images beside what its augmentations make of them."""
    arm = results.study["arms"].get(cell.identity.arm) or {}
    file = train / "samples.npz" if train and arm.get("augment") else None
    return file if file and file.exists() else None


def _draw(name: str, judged: dict[str, Path], curves: dict[str, Path], altered: Path | None) -> dict[str, bytes]:
    from assay.figures.alone import alone
    from assay.figures.trial import drawings

    evaluations: dict[str, dict[str, Any]] = {}
    for role, folder in judged.items():
        family, _, part = role.removeprefix("evaluate/").partition("/")
        evaluations.setdefault(family, {})[part] = read_json(folder / "figures.json") or {}
    trainings = {role: read_lines(folder / "curves.jsonl") for role, folder in curves.items()}
    files = {
        f"{'/'.join(legal(word) for word in words)}.svg": alone(drawing, " · ".join([*words, name])).encode()
        for words, drawing in drawings(name, evaluations, trainings).items()
    }
    return files | ({"augmented.png": _beside(altered)} if altered else {})


def _beside(altered: Path) -> bytes:
    """Rows of real images, each above a row of what augmentation made of them."""
    import numpy as np

    from assay.figures.pictures import mosaic, png

    with np.load(altered, allow_pickle=False) as archive:
        both = [archive["real"], archive["altered"]]
    factor = max(1, _SIDE // max(both[0].shape[1:3]))
    real, made = (images.repeat(factor, axis=1).repeat(factor, axis=2) for images in both)
    starts = range(0, len(real), _COLUMNS)
    rows = [images[start : start + _COLUMNS] for start in starts for images in (real, made)]
    return png(mosaic(rows, _COLUMNS, gap=4))
