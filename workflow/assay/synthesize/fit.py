"""The computation of stage `generator`: a generator learns from the train split of a dataset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from assay.data.dataset import Dataset
from assay.errors import MethodError
from assay.streams import Streams
from assay.study.registry import Registry, bind
from assay.synthesize.halves import half_of, streams_of
from assay.train.checkpoint import Checkpoints
from assay.train.precision import resolved


def fit(
    spec: dict[str, Any],
    registry: Registry,
    dataset: Dataset,
    log: Callable[..., None],
    checkpoints: Checkpoints,
    unbiased: Dataset | None = None,
    encode: Callable[[np.ndarray], np.ndarray] | None = None,
    teacher: Any = None,
) -> Any:
    """Make the generator that `spec` names and train it.

    Args:
        spec: `{"method": entry, "streams": {"generator": int}, "precision": text, "threads": int}`; the caller has set
            the threads. `half`, 0 or 1, makes it learn from one half of the images.
        registry: finds the method.
        dataset: its train split is all that the generator sees.
        log: called as `log(step, name=value...)`.
        checkpoints: where the state of a training under way is kept and found.
        unbiased: its train split is what the generator is to learn the distribution of, biased as `dataset` may be.
        encode: gives the features, float32 [N,D], that the generator is told of images in place of their class.
        teacher: the trained generator that it learns from, if its card asks for one.

    Returns:
        The trained instance, with `state()` to store and `sample` to use.

    Raises:
        MethodError: no train images, or sets of other classes.
    """
    images, labels = real(dataset)
    streams = Streams(spec["streams"])
    if spec.get("half") is not None:
        chosen = half_of(labels, spec["half"], streams)
        images, labels, streams = images[chosen], labels[chosen], streams_of(streams, spec["half"])
    generator = bind(registry, "generator", spec["method"])()
    if unbiased is not None:
        if unbiased.classes != dataset.classes:
            raise MethodError(f"unbiased: its classes are {', '.join(unbiased.classes)}, not those that are learnt")
        generator.correct(*real(unbiased))
    if encode is not None:
        generator.represent(encode(images))
    if teacher is not None:
        generator.learn_from(teacher)
    with computing(spec["precision"]):
        generator.fit(images, labels, len(dataset.classes), streams, log, checkpoints)
    return generator


def computing(precision: str) -> torch.autocast:
    """A context in which a generator's network computes on the CPU; see `assay.train.precision` for the words.

    Casts of weights are not kept: they change at each step within the context.
    """
    found = resolved(precision, torch.device("cpu"))
    return torch.autocast("cpu", torch.bfloat16, enabled=found == "bf16", cache_enabled=False)


def real(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 [N,H,W,C] and labels int64 [N] of the train split.

    Raises:
        MethodError: no train split, or an empty one.
    """
    if "train" not in dataset.splits or len(dataset.splits["train"]) == 0:
        raise MethodError(f"a generator needs train images; the dataset has {', '.join(dataset.splits)}")
    train = dataset.splits["train"]
    return np.asarray(train.images), np.asarray(train.labels)
