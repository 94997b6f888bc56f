"""The computation of stage `synthetic`: images from a trained generator, with figures on their quality."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from assay.data.card import describe
from assay.data.dataset import Dataset, Split
from assay.data.raw import numbered
from assay.errors import MethodError
from assay.streams import Streams
from assay.study.registry import Registry, bind
from assay.synthesize.filters.candidates import Candidates, taken
from assay.synthesize.fit import computing, fit, real
from assay.synthesize.halves import agreement
from assay.synthesize.looks import Judge, look
from assay.synthesize.quality import assess
from assay.synthesize.sampling import Parts, Sampling

__all__ = ["fit", "synthesize", "wanted"]


def synthesize(
    spec: dict[str, Any],
    registry: Registry,
    generator: Any,
    dataset: Dataset,
    judge: Judge | None = None,
    *,
    parts: Parts | None = None,
    halves: Sequence[Any] = (),
    learnt: Dataset | None = None,
    keep: Callable[..., None] | None = None,
) -> Dataset:
    """Draw synthetic images for the train split of `dataset`.

    Args:
        spec: `{"balance": bool, "per-class": int or None, "ratio": float or None, "streams": {"generator": int}}`,
            see `wanted`; `sampler` and `filter` (method entries or None), `soft` (whether images get the judge's
            probabilities as their labels) and `precision`, see `assay.train.precision`.
        registry: finds the sampler and the filter.
        generator: trained, or restored; see `docs/architecture.md` for its contract.
        dataset: its train split says how many images are missing and is what the generator may refer to.
        judge: a network that looks at the images.
        parts: where a generator that is asked through a sampler keeps images while it makes others.
        halves: the generators of the two halves of the train split, see `assay.synthesize.halves`.
        learnt: the dataset whose halves they learnt from; `dataset` if left out.
        keep: takes images made by them, as `pairs`.

    Returns:
        One split `synthetic` over the classes of `dataset`; its card holds `quality` (see `assess`), and `sampled`:
        the sampler's entry with its `network-evaluations` for one image, or None where no network was asked. A
        generator that takes no sampler may count its own: it has the attributes `name` and `evaluations`.

    Raises:
        MethodError: an amount that is not stated once, images of another shape or type than the real ones, or no judge
            where one is needed.
    """
    images, labels = real(dataset)
    counts = wanted(spec, dataset.counts("train"))
    filtered = spec.get("filter")
    offered = np.ceil(filtered["candidates"] * counts).astype(np.int64) if filtered else counts
    chosen = np.repeat(np.arange(len(dataset.classes)), offered)
    sampling = Sampling.of(registry, spec["sampler"], parts) if spec.get("sampler") else None
    with computing(spec["precision"]):
        made = generator.sample(chosen, Streams(spec["streams"]), (images, labels), *([sampling] if sampling else []))
    if made.dtype != np.uint8 or made.shape != (len(chosen), *images.shape[1:]):
        raise MethodError(
            f"the generator gave {made.dtype} {list(made.shape)}, expected uint8 {[len(chosen), *images.shape[1:]]}"
        )
    if judge is None and spec.get("soft"):
        raise MethodError("soft labels are a judge's, and there is none")
    if filtered:
        kept = _filtered(filtered, registry, made, chosen, counts, (images, labels), judge)
        made, chosen = made[kept], chosen[kept]
    soft = look(made, judge).probabilities if spec.get("soft") else None
    split = Split(
        made,
        chosen,
        numbered(len(chosen), "synthetic-"),
        chosen.copy(),
        soft=None if soft is None else soft.astype(np.float32),
    )
    result = Dataset(list(dataset.classes), {"synthetic": split})
    source = {key: dataset.card.get(key, "") for key in ("licence", "citation")}
    how = {"step": "synthesize", **{key: spec.get(key) for key in ("balance", "per-class", "ratio", "filter")}}
    result.card = describe(result, source, [how])
    result.card["quality"] = assess(split, dataset, judge)
    if halves:
        found, pairs = _agreement(spec, registry, halves, split.labels, real(learnt or dataset))
        result.card["quality"]["halves"] = found
        if keep and pairs is not None:
            keep(pairs=pairs)
    evaluations = sampling.evaluations if sampling else getattr(generator, "evaluations", None)
    if evaluations:
        asked = spec["sampler"] if sampling else {"method": generator.name}
        result.card["sampled"] = {**asked, "network-evaluations": evaluations}
    else:
        result.card["sampled"] = None
    return result


def _agreement(
    spec: dict[str, Any],
    registry: Registry,
    halves: Sequence[Any],
    asked: np.ndarray,
    known: tuple[np.ndarray, np.ndarray],
) -> tuple[dict[str, float | None], np.ndarray | None]:
    """What the generators of two halves make of the same noise, through the set's own sampler."""
    streams = Streams(spec["streams"])

    def drawer(generator: Any) -> Callable[[np.ndarray], np.ndarray]:
        return lambda labels: generator.sample(labels, streams, known, Sampling.of(registry, spec["sampler"]))

    with computing(spec["precision"]):
        return agreement([drawer(each) for each in halves], asked, *known, streams)


def _filtered(
    entry: dict[str, Any],
    registry: Registry,
    made: np.ndarray,
    chosen: np.ndarray,
    counts: np.ndarray,
    known: tuple[np.ndarray, np.ndarray],
    judge: Judge | None,
) -> np.ndarray:
    """Indices of the images that a filter takes, int64."""
    if judge is None and "judge" in registry.card("filter", entry["method"]).reads:
        raise MethodError(f"the filter {entry['method']} asks a judge, and there is none")
    candidates = Candidates(chosen, look(made, judge), look(known[0], judge), known[1])
    kept = taken(bind(registry, "filter", entry)(candidates), chosen, counts)
    if len(kept) < counts.sum():
        print(f"the filter {entry['method']} left {len(kept)} of {counts.sum()} images; more candidates may help")
    return kept


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
