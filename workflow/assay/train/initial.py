"""Weights made elsewhere as the start of a training."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from assay.errors import MethodError
from assay.models.classifier import Classifier

_HEAD = ("head.weight", "head.bias")


def start_from_encoder(model: Classifier, tensors: Mapping[str, Tensor]) -> None:
    """Load all but the head, with the normalisation that the encoder was trained under.

    Raises:
        MethodError: a tensor of the backbone that is missing, left over or of another shape; nothing to load.
    """
    _load(model, {name: value for name, value in tensors.items() if name not in _HEAD}, "the encoder", _HEAD)


def start_from_weights(model: Classifier, tensors: Mapping[str, Tensor]) -> None:
    """Load all weights; a head of another number of classes stays as initialised.

    Raises:
        MethodError: a tensor that is missing, left over or of another shape.
    """
    head = tensors.get("head.weight")
    if head is not None and head.shape[0] != model.head.out_features:
        print(f"the weights' head has {head.shape[0]} classes, the model {model.head.out_features}: a new head is kept")
        start_from_encoder(model, tensors)
    else:
        _load(model, tensors, "the weights", ())


def _load(model: Classifier, tensors: Mapping[str, Tensor], what: str, kept: tuple[str, ...]) -> None:
    own = {name: value for name, value in model.state_dict().items() if name not in kept}
    problems = [f"{name} is missing" for name in own if name not in tensors]
    problems += [f"{name} has no place in the model" for name in tensors if name not in own]
    problems += [
        f"{name} has shape {list(tensors[name].shape)}, the model needs {list(value.shape)}"
        for name, value in own.items()
        if name in tensors and tensors[name].shape != value.shape
    ]
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise MethodError(f"{what} does not fit the model: {'; '.join(problems[:3])}{more}")
    if not any(name in tensors for name, _ in model.backbone.named_parameters(prefix="backbone")) and kept:
        raise MethodError(f"{what} has no parameters for this model: it has none but its head")
    model.load_state_dict(dict(tensors), strict=False)
    loaded = model.state_dict()
    if not all(loaded[name].equal(value.to(loaded[name])) for name, value in tensors.items()):
        raise MethodError(f"{what} did not arrive in the model unchanged")
