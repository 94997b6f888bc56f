"""Layers whose outputs one other layer alone reads, so that channels between them can go."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TypeGuard

import torch
from torch import fx, nn

from assay.errors import MethodError
from assay.models.classifier import Classifier

#: Layers that treat each channel by itself and alike wherever it stands.
_BY_CHANNEL = (
    nn.ReLU, nn.ReLU6, nn.SiLU, nn.GELU, nn.Hardswish, nn.LeakyReLU, nn.Dropout, nn.Identity,
    nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.Flatten,
)  # fmt: skip
_FUNCTIONS = (torch.relu, nn.functional.relu, nn.functional.relu6, nn.functional.gelu, nn.functional.silu)


@dataclass(frozen=True)
class Chain:
    """A convolution or linear layer, the batch normalisations after it, and the one layer that reads them; names.

    `each` is how many neighbouring inputs of the reader belong to one output: more than 1 after flattening.
    """

    writer: str
    norms: tuple[str, ...]
    reader: str
    each: int


def chains(model: Classifier) -> list[Chain]:
    """All chains of a classifier, in the order of the network; the outputs of different ones are different.

    Raises:
        MethodError: the network computes in a way that cannot be followed.
    """
    try:
        graph = fx.Tracer().trace(model)
    except (fx.proxy.TraceError, TypeError, RuntimeError, ValueError) as error:
        raise MethodError(f"which layer reads which cannot be followed in this network: {error}") from None
    layers = dict(model.named_modules())
    called = Counter(node.target for node in graph.nodes if node.op == "call_module")
    found = []
    for node in graph.nodes:
        # What is called twice has readers in two places.
        if node.op == "call_module" and called[node.target] == 1 and _whole(layers[node.target]):
            chain = _follow(node, layers)
            if chain and all(called[name] == 1 for name in (*chain.norms, chain.reader)):
                found.append(chain)
    return found


def _whole(layer: nn.Module) -> TypeGuard[nn.Conv2d | nn.Linear]:
    return isinstance(layer, nn.Linear) or (isinstance(layer, nn.Conv2d) and layer.groups == 1)


def _follow(start: fx.Node, layers: dict[str, nn.Module]) -> Chain | None:
    """The chain that begins at a layer; None where its outputs have several readers or are not kept apart."""
    writer = layers[str(start.target)]
    assert isinstance(writer, nn.Conv2d | nn.Linear)
    norms: list[str] = []
    at = start
    while len(at.users) == 1:
        at = next(iter(at.users))
        if at.op == "call_function" and at.target in _FUNCTIONS:
            continue
        if at.op != "call_module":
            return None
        layer = layers[str(at.target)]
        if isinstance(layer, nn.BatchNorm2d):
            norms.append(str(at.target))
        elif _whole(layer):
            wide = layer.weight.shape[1]
            each, rest = divmod(wide, writer.weight.shape[0])
            return None if rest else Chain(str(start.target), tuple(norms), str(at.target), each)
        elif not isinstance(layer, _BY_CHANNEL):
            return None
    return None
