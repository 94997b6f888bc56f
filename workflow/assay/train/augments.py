"""The augmentations of a list of entries.

An augmentation is a function, or a class whose instances are called like one. An instance with `watch(model)` is shown
the network once before it is trained. It may look at the weights of the moment and learns nothing, so there is no state
to save.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.models.classifier import Classifier
from assay.study.registry import Registry
from assay.train.epochs import bound
from assay.train.objective import Augment


def augmentations(registry: Registry, entries: Sequence[Mapping[str, Any]], model: Classifier) -> list[Augment]:
    """The methods of the entries with their options, in order.

    Args:
        registry: where they are found.
        entries: `{"method": name, option: value, ...}` each.
        model: the network in training.
    """
    made: list[Augment] = []
    for entry in entries:
        augment = bound(registry, "augment", entry)
        watch = getattr(augment, "watch", None)
        if watch is not None:
            watch(model)
        made.append(augment)
    return made
