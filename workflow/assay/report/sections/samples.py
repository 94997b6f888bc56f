"""What each arm's training sees beside the real images: augmented and synthetic ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from assay.figures.pictures import by_class, mosaic
from assay.report import synthetic
from assay.report.html import Markup, figure, join, note, picture, tag
from assay.report.legend import named
from assay.report.material import Material
from assay.report.page import Section
from assay.run.datasets import read_dataset

#: Images in a row, and classes shown beside their synthetic counterparts.
COLUMNS, CLASSES = 10, 12


def section(material: Material) -> Section | None:
    """An entry for each arm that alters or adds images; a private dataset's are never shown."""
    parts = []
    for arm in material.arms:
        shown = [_augmented(material, arm), _synthetic(material, arm)]
        if any(part is not None for part in shown):
            parts += [tag("h3", named(material, arm)), *shown]
    if not parts:
        return None
    return Section("images", "Augmented and synthetic images", join(parts), short="Images")


def _augmented(material: Material, arm: str) -> Markup | None:
    """Real images above what the arm's augmentations make of them, as its first epoch saw them."""
    entries = material.study["arms"][arm]["augment"]
    words = ", ".join(_written(entry) for entry in entries)
    if not entries:
        return None
    if material.shows_private(arm):
        return _withheld("augmented", words)
    for seed in material.seeds:
        train = material.trials[arm, seed].train
        if train is None or not (train / "samples.npz").exists():
            continue
        with np.load(train / "samples.npz", allow_pickle=False) as archive:
            real, altered = archive["real"][: 2 * COLUMNS], archive["altered"][: 2 * COLUMNS]
        pairs = [(real[at : at + COLUMNS], altered[at : at + COLUMNS]) for at in range(0, len(real), COLUMNS)]
        pictures = [
            tag(
                "div",
                tag("span", name),
                _picture([pair[which] for pair in pairs], f"{name} images of {arm}, seed {seed}"),
            )
            for which, name in enumerate(("real", "augmented"))
        ]
        return figure(
            tag("div", *pictures, class_="pair"),
            ["Augmented by ", words, tag("span", f", seed {seed}", class_="soft")],
            kind="augmented",
        )
    return None


def _synthetic(material: Material, arm: str) -> Markup | None:
    """Real and synthetic images of the classes that the generator adds to, a row a class."""
    use = material.study["arms"][arm].get("synthetic")
    if not use:
        return None
    words = f"generator {use['generator']}"
    if material.shows_private(arm):
        return _withheld("synthetic", words)
    for seed in material.seeds:
        made, real = (
            material.trials[arm, seed].synthetic,
            material.dataset(material.study["arms"][arm]["dataset"], seed),
        )
        if made is None or real is None:
            continue
        return join([_side_by_side(made, real, seed, words), synthetic.pairs(made), synthetic.figures(made, use)])
    return None


def _side_by_side(made: Path, real: Path, seed: int, words: str) -> Markup | None:
    part, dataset = read_dataset(made).splits["synthetic"], read_dataset(real)
    present = np.unique(part.labels[part.labels >= 0])
    if not len(present):
        return None
    train = dataset.splits["train"]
    # The rarest classes come first: they are what synthesis is for.
    classes = sorted(present.tolist(), key=lambda one: (int((train.labels == one).sum()), one))[:CLASSES]
    names = ", ".join(dataset.classes[one] for one in classes)
    pictures = [
        tag(
            "div",
            tag("span", name),
            _picture(by_class(each.images, each.labels, classes, COLUMNS), f"{name} images of {names}, a row a class"),
        )
        for name, each in (("real", train), ("synthetic", part))
    ]
    caption = ["Synthetic, ", words, tag("span", f", seed {seed}; rows: {names}", class_="soft")]
    shown = figure(tag("div", *pictures, class_="pair"), caption, kind="synthetic")
    return join([shown, synthetic.neighbours(made, part, train)])


def _picture(rows: list[Any], alt: str) -> Markup:
    return picture(mosaic(rows, COLUMNS), alt, max(1, 28 // max(rows[0].shape[1:3])))


def _withheld(what: str, words: str) -> Markup:
    return note(f"The {what} images ({words}) are not shown: the dataset is private.")


def _written(entry: dict[str, Any]) -> str:
    options = ", ".join(f"{key} {value}" for key, value in entry.items() if key != "method")
    return entry["method"] + (f" ({options})" if options else "")
