"""What a training starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from assay.models.classifier import Classifier, build
from assay.streams import Streams
from assay.study.registry import Registry, bind
from assay.train.initial import start_from_encoder, start_from_weights
from assay.train.mup import Growth, at_base, spread

if TYPE_CHECKING:
    import numpy as np

    from assay.data.dataset import Dataset
    from assay.data.streamed import Streamed


def started(
    spec: Mapping[str, Any],
    registry: Registry,
    dataset: Dataset,
    images: np.ndarray | Streamed,
    streams: Streams,
    which: Sequence[int] = (),
    *,
    encoder: Mapping[str, Tensor] | None = None,
    weights: Mapping[str, Tensor] | None = None,
) -> tuple[Classifier, dict[nn.Parameter, Growth]]:
    """The model before the first step, and how its weights grew from the base width where the spec has `mup`.

    Args:
        spec: `model`, and perhaps `init`, `mup` and `taught`; see `assay.train.job.train`.
        registry: where the methods are found.
        dataset: the one to be trained on.
        images: `uint8 [N,H,W,C]`, by which it normalises, where what it starts from does not say.
        streams: hold the stream `init`.
        which: tells several networks of one training apart.
        encoder: tensors whose backbone it starts from.
        weights: tensors that it starts from.

    Raises:
        MethodError: the tensors do not fit, or the model has no width for `mup`.
    """
    # Each generation of a born-again network is drawn anew, or it would start where its teacher did.
    repeat = (spec.get("taught") or {}).get("repeat")
    scope = [*which, *(["generation", repeat] if repeat else [])]
    model = drawn(spec, registry, dataset, streams, scope, spec["model"])
    grown: dict[nn.Parameter, Growth] = {}
    if base := spec.get("mup"):
        grown = spread(model, drawn(spec, registry, dataset, streams, scope, at_base(spec["model"], base)))
    model.fit_normalisation(images)
    if encoder is not None:
        start_from_encoder(model, encoder)
    if weights is not None:
        start_from_weights(model, weights)
    return model, grown


def drawn(
    spec: Mapping[str, Any],
    registry: Registry,
    dataset: Dataset,
    streams: Streams,
    which: Sequence[int | str],
    entry: dict[str, Any],
) -> Classifier:
    """The network of a model entry with its initial weights.

    Args:
        spec: its `init` may name how they are drawn.
        registry, dataset: see `train`.
        streams: hold the stream `init`.
        which: tells several networks of one training apart.
        entry: of kind `model`.
    """
    generator = streams.torch("init", "model", *which)
    model = build(registry, entry, dataset.channels, len(dataset.classes), dataset.size, generator)
    if "method" in (spec.get("init") or {}):
        bind(registry, "init", spec["init"])(model, streams.torch("init", "weights", *which))
    return model
