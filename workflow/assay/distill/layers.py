"""What each layer of a network gives, whatever its architecture.

A layer is a module that owns weights, directly or within, and is no `Sequential`: a convolution, a linear layer or a
normalisation, or a block of these with a shortcut, which counts as one. A `Sequential` is looked into.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from assay.errors import MethodError
from assay.models.classifier import Classifier


class Layers:
    """The layers of one network's backbone.

    Attributes:
        shapes: what each gives for an image, from the first to the last.

    Args:
        model: stays as it is.
        size: height and width of its images.

    Raises:
        MethodError: a network that has none.
    """

    def __init__(self, model: Classifier, size: int):
        self.parts = list(_layers(model.backbone))
        if not self.parts:
            raise MethodError("this method looks at layers, and this model has none before its head")
        modes = [(part, part.training) for part in model.modules()]
        with torch.no_grad(), self.taken() as found:
            model.eval().features(torch.zeros(2, len(model.mean), size, size, device=model.mean.device))
        for part, training in modes:
            part.training = training
        self.shapes: Sequence[tuple[int, ...]] = [tuple(layer.shape[1:]) for layer in found]

    @contextmanager
    def taken(self) -> Iterator[list[Tensor]]:
        """A list that holds what each layer gives, `[B,...]`, once the network ran within the context."""
        made: list[Tensor] = []

        def note(part: nn.Module, given: object, out: object) -> None:  # noqa: ARG001 - as torch calls it
            if isinstance(out, Tensor):
                # What follows may change it in place, as rectifiers do.
                made.append(out.float().clone())

        handles = [part.register_forward_hook(note) for part in self.parts]
        try:
            yield made
        finally:
            for handle in handles:
                handle.remove()


def _layers(part: nn.Module) -> Iterator[nn.Module]:
    if isinstance(part, nn.Sequential):
        for inner in part:
            yield from _layers(inner)
    elif next(part.parameters(), None) is not None:
        yield part
