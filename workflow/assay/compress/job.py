"""The computation of the stage `compress`: a trained classifier to a smaller one."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from assay.models.classifier import Classifier
from assay.streams import Streams
from assay.study.registry import Registry, bind
from assay.train.checkpoint import Checkpoints
from assay.train.choice import choose
from assay.train.finetune import FineTune
from assay.train.loop import Log
from assay.train.setup import finished, place
from assay.train.start import started

if TYPE_CHECKING:
    from assay.data.dataset import Dataset


def compress(
    spec: Mapping[str, Any],
    registry: Registry,
    dataset: Dataset,
    model: Classifier,
    *,
    encoder: Mapping[str, Tensor] | None = None,
    weights: Mapping[str, Tensor] | None = None,
    others: Sequence[Classifier] = (),
    choice: Mapping[str, Any] | None = None,
    log: Log,
    checkpoints: Checkpoints,
    state: Callable[..., None] | None = None,
    device: torch.device | str = "cpu",
) -> Classifier:
    """Compress a trained classifier by one method.

    Args:
        spec: `method` (an entry), and for the fine-tuning `recipe`, `loss` (entries), `augment` (list of them),
            `precision`, `streams` (numbers of `init`, `order` and `augment`), and where it is given `rebalance`. For a
            method that asks what the arm's training started from: `model`, `init`, `mup` and `taught`, as there.
        registry: where the methods are found.
        dataset: the one that the model was trained on.
        model: stays as it is.
        encoder, weights: tensors that the training started from, as the spec's `init` says.
        others: further trained models, for a method that asks for them.
        choice: dotted path in the spec of its training to value, from a tuning run; what the fine-tuning shares with
            that is used here too.
        log: see `assay.train.loop.fit`; steps go on through several fine-tunings.
        checkpoints: see `assay.train.checkpoint`.
        state: see `assay.train.job.train`.
        device: where to compute.

    Returns:
        The new classifier on the CPU, in evaluation mode, contiguous.

    Raises:
        MethodError: the method did not reach what was asked, or the fine-tuning diverged.
    """
    spec = choose(dict(spec), {path: value for path, value in (choice or {}).items() if path.split(".")[0] in spec})
    device = torch.device(device)
    parent = place(copy.deepcopy(model).requires_grad_(True), device)
    start = None
    if "model" in spec:
        images, streams = dataset.splits["train"].images, Streams(spec["streams"])
        start, _ = started(spec, registry, dataset, images, streams, encoder=encoder, weights=weights)
        # Synthetic images may have had a share in the normalisation of the training.
        start.mean.copy_(model.mean)
        start.std.copy_(model.std)
    finetune = FineTune(
        spec, registry, dataset, log=log, checkpoints=checkpoints, device=device, start=start, others=others
    )
    if state:
        state(precision=finetune.precision, images=finetune.images.kept)
    return finished(bind(registry, "compress", spec["method"])(parent, finetune))
