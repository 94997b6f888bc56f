"""What the trainable parts share: freezing all, and making a model plain again."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from torch import nn
from torch.nn.utils import parametrize

from assay.models.classifier import Classifier

#: Makes a model plain again once it is trained: what was added is merged into its weights, and nothing is frozen.
Finish = Callable[[], None]


def freeze(model: Classifier, *, head: bool, still: bool) -> None:
    """Freeze all parameters, but for the head's where it is trained too.

    Args:
        model: changed in place.
        head: whether the linear head trains.
        still: whether the backbone stays in evaluation mode, so that running statistics of batch normalisation are used
            and not changed.
    """
    model.requires_grad_(False)
    model.head.requires_grad_(head)
    model.still = still


def finish(model: Classifier, changed: Iterable[tuple[nn.Module, str]] = ()) -> None:
    """Make the model plain again.

    Args:
        model: changed in place.
        changed: layers with the name of a tensor of theirs that is computed from another and what was trained; the
            result becomes that tensor.
    """
    for module, name in changed:
        parametrize.remove_parametrizations(module, name, leave_parametrized=True)
    model.requires_grad_(True)
    model.still = False
