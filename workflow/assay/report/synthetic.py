"""What the report says of a synthetic set: figures beside those of held-out images, and its nearest train images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from assay.data.dataset import Split
from assay.figures.numbers import short
from assay.figures.pictures import mosaic
from assay.report.html import Markup, figure, note, picture, tag
from assay.report.tables import Head, cell, row_head, table
from assay.run.files import read_json
from assay.synthesize.gate import FIGURES
from assay.synthesize.gate import figure as figure_of

#: What each figure is, for a reader who has not met it.
_WORDS = {
    "agreement": "share in which the judge sees the intended class",
    "fid": "Frechet distance to the train images",
    "kid": "kernel distance to the train images",
    "precision": "share among the train images",
    "recall": "share of train images among them",
    "density": "train images around them, 1 is alike",
    "coverage": "share of train images with one nearby",
    "diversity": "spread in the class where it is least, 1 is alike",
    "duplicates": "share that equals a train image",
    "copied": "share closer to a train image than that is to another",
    "memorised": "excess of those nearer to train than to held-out images",
    "halves": "cosine of images that generators of two halves make from the same noise",
}


def figures(made: Path, use: dict[str, Any]) -> Markup | None:
    """A table of the figures of a set, with the thresholds of its gate; None where none were stored."""
    quality = read_json(made / "quality.json")
    if not quality:
        return None
    gate = use.get("gate") or {}
    rows = []
    for name, (place, which) in FIGURES.items():
        if place[0] not in quality:
            continue
        value = figure_of(quality, name)
        held = quality[place[0]].get("val") if place[1] == "synthetic" else None
        asked = f"{which} {gate[name]:g}" if name in gate else ""
        words = [name, tag("span", f" {_WORDS[name]}", class_="soft")]
        rows.append(
            [row_head(words, name), *(cell(short(each), each, number=True) for each in (value, held)), cell(asked)]
        )
    heads = [Head("Figure"), Head("Synthetic", number=True), Head("Held-out", number=True), Head("Gate")]
    judge = use.get("judge")
    where = f"features of {judge}, the judge" if quality["space"] == "judge" else "pixels; the judge is a linear model"
    return tag(
        "div",
        table(heads, rows, label="figures of the synthetic set"),
        note(
            f"Distances are in {where}. Held-out images of the val split stand beside the synthetic ones, since no "
            "figure means much alone.",
            _sampled(made),
            _halves(quality),
        ),
    )


def _sampled(made: Path) -> str | None:
    """How many network evaluations an image took."""
    sampled = (read_json(made / "card.json") or {}).get("sampled")
    if not sampled:
        return None
    return f" Sampled by {sampled['method']} with {sampled['network-evaluations']} network evaluations an image."


def _halves(quality: dict[str, Any]) -> str | None:
    """What the agreement of two halves stands beside."""
    found = quality.get("halves") or {}
    if found.get("nearest") is None:
        return None
    chance = "" if found["chance"] is None else f", and {short(found['chance'])} between images of other noise"
    return (
        f" Beside the agreement of the halves: {short(found['nearest'])} between an image and the most similar train "
        f"image of its half{chance}. A generator that copies is nearer to its train images than the halves to each "
        "other."
    )


def pairs(made: Path) -> Markup | None:
    """What generators of two halves of the train split make of the same noise, one above the other."""
    file = made / "halves.npz"
    if not file.exists():
        return None
    with np.load(file) as archive:
        first, second = archive["pairs"]
    return figure(
        picture(mosaic([first, second], len(first)), "images of two generators from the same noise", _scale(first)),
        [
            "The same noise through generators of two disjoint halves of the train split",
            tag("span", "; they are alike where the distribution was learnt, and no image by heart", class_="soft"),
        ],
        kind="halves",
    )


def neighbours(made: Path, synthetic: Split, train: Split) -> Markup | None:
    """The synthetic images that lie closest to a train image, above that image."""
    examples = (read_json(made / "quality.json") or {}).get("examples")
    if not examples:
        return None
    pairs = np.array([example[:2] for example in examples], np.int64)
    rows = [synthetic.images[pairs[:, 0]], train.images[pairs[:, 1]]]
    distances = f"{short(examples[0][2])} to {short(examples[-1][2])}"
    return figure(
        picture(mosaic(rows, len(pairs)), "synthetic images above their nearest train images", _scale(rows[0])),
        [
            "The closest of them, above the train images that they are closest to",
            tag("span", f"; root mean square distance {distances} of the range of a pixel", class_="soft"),
        ],
        kind="neighbours",
    )


def _scale(images: np.ndarray) -> int:
    return max(1, 28 // max(images.shape[1:3]))
