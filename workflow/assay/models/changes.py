"""What compression does to the layers of a network, written down so that the network can be built again.

A classifier whose layers were replaced keeps a list of *changes*, one for each replaced layer and in the order in which
they happened: `{"layer": "backbone.3.conv1", "kind": "low-rank", "rank": 8}`. They are plain JSON and lie beside the
weights in `model.json`. Whoever builds the network from its config entry and applies them has a network into which the
stored weights fit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from assay.models.classifier import Classifier
from assay.models.integers import integers
from assay.models.low_rank import low_rank
from assay.models.narrow import narrow

#: Kind of a change to what makes the new layer of the old one: `f(layer, **options) -> layer`, weights still to come.
KINDS: dict[str, Callable[..., nn.Module]] = {"low-rank": low_rank, "narrow": narrow, "integers": integers}


def apply(model: Classifier, *, layer: str, kind: str, **options: Any) -> nn.Module:
    """Replace a layer, in place, and note that among the model's changes.

    Args:
        model: changed.
        layer: its name in the model, such as `backbone.0`.
        kind: one of `KINDS`.
        options: of that kind, plain JSON.

    Returns:
        The new layer, on the device of the old one; its weights are still to be set.
    """
    old = model.get_submodule(layer)
    new = KINDS[kind](old, **options)
    device = next((tensor.device for tensor in [*old.parameters(), *old.buffers()]), None)
    model.set_submodule(layer, new.to(device).train(old.training))
    model.changes.append({"layer": layer, "kind": kind, **options})
    return new
