"""The feature maps that a network makes on its way, whatever its architecture.

For each resolution that occurs, the map is what the last module of that resolution returns. Which module that is, a dry
run on two blank images tells. What lies inside a module that itself returns a map, such as a residual block, does not
count, so that half a block is never taken for a stage; a `Sequential` is looked into. Maps of a single place do not
count, since those are features.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from assay.distill.contract import Shape
from assay.errors import MethodError
from assay.models.classifier import Classifier


class Maps:
    """The maps of one network.

    Attributes:
        shapes: (C,h,w) of each, from the largest to the smallest.

    Args:
        model: stays as it is.
        size: height and width of its images.

    Raises:
        MethodError: a network that makes none.
    """

    def __init__(self, model: Classifier, size: int):
        self.parts, self.shapes = _found(model, size)
        if not self.parts:
            raise MethodError("this method looks at feature maps, and this model has none; choose a convolutional one")

    @contextmanager
    def taken(self) -> Iterator[list[Tensor]]:
        """A list that holds the maps `[B,C,h,w]` once the network ran within the context."""
        made: dict[Shape, Tensor] = {}
        maps: list[Tensor] = []

        def note(part: nn.Module, given: object, out: Tensor) -> None:  # noqa: ARG001 - as torch calls it
            made[out.shape[1], out.shape[2], out.shape[3]] = out

        handles = [part.register_forward_hook(note) for part in dict.fromkeys(self.parts)]
        try:
            yield maps
        finally:
            for handle in handles:
                handle.remove()
        maps += [made[shape].float() for shape in self.shapes]

    @contextmanager
    def replaced(self, number: int, made: Tensor) -> Iterator[None]:
        """Within the context, the network goes on from `made` `[B,C,h,w]` where it would from its map `number`."""
        shape = self.shapes[number]

        def put(part: nn.Module, given: object, out: Tensor) -> Tensor:  # noqa: ARG001 - as torch calls it
            return made.to(out.dtype) if tuple(out.shape[1:]) == shape else out

        handle = self.parts[number].register_forward_hook(put)
        try:
            yield
        finally:
            handle.remove()


@torch.no_grad()
def _found(model: Classifier, size: int) -> tuple[list[nn.Module], list[Shape]]:
    """The last module of each resolution in the order of resolutions, and the shape of what it returns."""
    last: dict[tuple[int, int], tuple[nn.Module, Shape]] = {}
    names = {part: name for name, part in model.named_modules()}
    opaque: list[str] = []
    order: list[tuple[nn.Module, Shape]] = []

    def note(part: nn.Module, given: object, made: object) -> None:  # noqa: ARG001 - as torch calls it
        if isinstance(made, Tensor) and made.ndim == 4 and made.shape[2] * made.shape[3] > 1:
            order.append((part, (made.shape[1], made.shape[2], made.shape[3])))
            if not isinstance(part, nn.Sequential):
                opaque.append(f"{names[part]}.")

    modes = [(part, part.training) for part in model.modules()]
    handles = [part.register_forward_hook(note) for part in model.backbone.modules()]
    try:
        blank = torch.zeros(2, len(model.mean), size, size, device=model.mean.device)
        model.eval().features(blank)
    finally:
        for handle in handles:
            handle.remove()
        for part, training in modes:
            part.training = training
    for part, shape in order:
        if not names[part].startswith(tuple(opaque)):
            last[shape[1:]] = part, shape
    largest_first = sorted(last.values(), key=lambda found: -found[1][1] * found[1][2])
    return [part for part, _ in largest_first], [shape for _, shape in largest_first]


def common(student: Sequence[Shape], teacher: Sequence[Shape]) -> list[tuple[int, int]]:
    """The places in both lists of the maps that have the same resolution, from the largest to the smallest.

    Raises:
        MethodError: there are none.
    """
    pairs = [(i, j) for i, own in enumerate(student) for j, its in enumerate(teacher) if own[1:] == its[1:]]
    if not pairs:
        mine, its = (", ".join(f"{h} x {w}" for _, h, w in shapes) for shapes in (student, teacher))
        raise MethodError(
            f"the student has feature maps of {mine} pixels, its teacher of {its}, and this method compares maps of "
            "one size; choose networks that shrink images alike"
        )
    return pairs
