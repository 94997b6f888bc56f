"""The computation of stage `synthetic`: images from a trained generator, with figures on their quality."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.data.card import describe
from assay.data.dataset import Dataset, Split
from assay.data.raw import numbered
from assay.errors import MethodError
from assay.streams import Streams
from assay.study.registry import Registry
from assay.synthesize.fit import fit, real
from assay.synthesize.quality import assess

__all__ = ["fit", "synthesize", "wanted"]


def synthesize(spec: dict[str, Any], registry: Registry, generator: Any, dataset: Dataset) -> Dataset:  # noqa: ARG001
    """Draw synthetic images for the train split of `dataset`.

    Args:
        spec: `{"balance": bool, "per-class": int or None, "ratio": float or None, "streams": {"generator": int}}`,
            see `wanted`.
        registry: unused here; every job gets it.
        generator: trained, or restored; see `docs/architecture.md` for its contract.
        dataset: its train split says how many images are missing and is what the generator may refer to.

    Returns:
        One split `synthetic` over the classes of `dataset`; its card holds `quality` (see `assess`).

    Raises:
        MethodError: an amount that is not stated once, or images of another shape or type than the real ones.
    """
    images, labels = real(dataset)
    chosen = np.repeat(np.arange(len(dataset.classes)), wanted(spec, dataset.counts("train")))
    made = generator.sample(chosen, Streams(spec["streams"]), (images, labels))
    if made.dtype != np.uint8 or made.shape != (len(chosen), *images.shape[1:]):
        raise MethodError(
            f"the generator gave {made.dtype} {list(made.shape)}, expected uint8 {[len(chosen), *images.shape[1:]]}"
        )
    split = Split(made, chosen, numbered(len(chosen), "synthetic-"), chosen.copy())
    result = Dataset(list(dataset.classes), {"synthetic": split})
    source = {key: dataset.card.get(key, "") for key in ("licence", "citation")}
    how = {"step": "synthesize", **{key: spec.get(key) for key in ("balance", "per-class", "ratio")}}
    result.card = describe(result, source, [how])
    result.card["quality"] = assess(split, dataset)
    return result


def wanted(spec: dict[str, Any], counts: np.ndarray) -> np.ndarray:
    """Synthetic images of each class, int64 [K], from the real `counts`, int64 [K].

    `balance` fills every class up to the largest; `per-class` asks for that many of each; `ratio` for that share of
    each class's real images, rounded.

    Raises:
        MethodError: none or several of the three.
    """
    stated = [key for key in ("balance", "per-class", "ratio") if spec.get(key)]
    if len(stated) != 1:
        raise MethodError(
            "synthetic: state one of balance, per-class and ratio" + (f", not {' and '.join(stated)}" if stated else "")
        )
    if stated == ["balance"]:
        return counts.max() - counts
    if stated == ["per-class"]:
        return np.full(len(counts), int(spec["per-class"]), np.int64)
    return np.floor(float(spec["ratio"]) * counts + 0.5).astype(np.int64)
