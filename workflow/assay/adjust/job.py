"""The computation of the stage `adjust`: a trained classifier to one corrected for the train split's class counts."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch

from assay.models.classifier import Classifier
from assay.streams import Streams
from assay.study.registry import Registry, bind
from assay.train.checkpoint import Checkpoints
from assay.train.choice import choose
from assay.train.finetune import FineTune
from assay.train.loop import Log
from assay.train.setup import finished, place

if TYPE_CHECKING:
    from assay.data.dataset import Dataset


def adjust(
    spec: Mapping[str, Any],
    registry: Registry,
    dataset: Dataset,
    model: Classifier,
    *,
    choice: Mapping[str, Any] | None = None,
    log: Log,
    checkpoints: Checkpoints,
    state: Callable[..., None] | None = None,
    device: torch.device | str = "cpu",
) -> Classifier:
    """Adjust a trained classifier by one method.

    Args:
        spec: `method` (an entry), and for methods that train further `recipe`, `loss` (entries), `augment` (list of
            them), `precision`, `streams` (numbers of `init`, `order` and `augment`), and where it is given `rebalance`.
        registry: where the methods are found.
        dataset: the one that the model was trained on; the counts are those of its train split as it is, whatever
            synthetic images or resampling the training added.
        model: stays as it is.
        choice: dotted path in the spec of its training to value, from a tuning run; what further training shares with
            that is used here too.
        log: see `assay.train.loop.fit`; steps go on through several trainings.
        checkpoints: see `assay.train.checkpoint`.
        state: see `assay.train.job.train`.
        device: where to compute.

    Returns:
        The new classifier on the CPU, in evaluation mode, contiguous.

    Raises:
        MethodError: the further training diverged.
    """
    spec = choose(dict(spec), {path: value for path, value in (choice or {}).items() if path.split(".")[0] in spec})
    device = torch.device(device)
    parent = place(copy.deepcopy(model).requires_grad_(True), device)
    finetune = FineTune(spec, registry, dataset, log=log, checkpoints=checkpoints, device=device)
    if state:
        state(precision=finetune.precision, images=finetune.images.kept)
    generator = Streams(spec["streams"]).torch("init", "adjust")
    method = bind(registry, "adjust", spec["method"])
    return finished(method(parent, finetune.images.counts, finetune, generator))
