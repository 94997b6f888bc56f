"""The first of two stages of training: on synthetic images, before the real ones come."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch

from assay.models.classifier import Classifier
from assay.streams import Streams
from assay.study.registry import Registry, bind
from assay.train.augments import augmentations
from assay.train.checkpoint import Phase
from assay.train.deterministic import deterministic
from assay.train.epochs import bound
from assay.train.images import Images
from assay.train.loop import Log, fit
from assay.train.objective import Supervised
from assay.train.order import Order
from assay.train.precision import computing
from assay.train.recipe import prepare
from assay.train.statistics import batch_statistics

#: The part of each stream that this stage draws from.
SCOPE = "synthetic"


def train_first(
    model: Classifier,
    spec: Mapping[str, Any],
    registry: Registry,
    images: Images,
    *,
    precision: str,
    validate: Callable[[], dict[str, float]] | None,
    log: Log,
    phase: Phase,
) -> int:
    """Train `model` in place by the whole recipe on synthetic images, or take what was trained so already.

    Args:
        model: placed on its device.
        spec: as for `assay.train.job.train`.
        registry: where the methods are found.
        images: the synthetic ones.
        precision: as `assay.train.precision.resolved` gives it.
        validate: as for `assay.train.loop.fit`.
        log: likewise.
        phase: this stage's part of the checkpoints.

    Returns:
        Steps that the stage takes.
    """
    recipe, streams = spec["recipe"], Streams(spec["streams"])
    rebalance = bound(registry, "rebalance", spec["rebalance"]) if spec.get("rebalance") else None
    order = Order(images.targets, recipe["batch"], streams, rebalance, SCOPE, recipe["epochs"])
    steps: int = recipe["epochs"] * order.steps
    if (weights := phase.finished()) is not None:
        model.load_state_dict(weights)
        return steps
    objective = Supervised(
        model,
        images,
        augmentations(registry, spec["augment"], model),
        streams.seed("augment", SCOPE),
        bound(registry, "loss", spec["loss"]),
        epochs=recipe["epochs"],
        dropout=bind(registry, "dropout", spec["dropout"]) if spec.get("dropout") else None,
        bf16=precision == "bf16",
    )
    device: torch.device = model.mean.device
    with computing(precision, model, device), deterministic(spec.get("deterministic", False)):
        fit(
            model,
            objective,
            order,
            prepare(registry, recipe, model, steps, streams.seed("order", SCOPE, "noise")),
            recipe["epochs"],
            log=log,
            checkpoints=phase,
            validate=validate,
            statistics=partial(batch_statistics, model, images.pixels, recipe["batch"]),
        )
    phase.finish(model)
    return steps
