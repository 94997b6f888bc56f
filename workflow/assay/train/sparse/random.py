"""Random sparsity at initialisation, in shares by layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from assay import Option, method
from assay.models.classifier import Classifier
from assay.models.masks import weights


@method(
    "sparse",
    "random",
    summary="Random weights are dropped at initialisation, in shares by layer",
    paper="Liu et al. 2022, arXiv:2202.02643; ERK: Evci et al. 2020, arXiv:1911.11134, section 3",
    options={
        "sparsity": Option(0.8, "share of the weights that are dropped", above=0, below=1),
        "layers": Option(
            "erk",
            "which share of each layer: by the sum of its sides over their product (erk), or the same in all",
            choices=["erk", "uniform"],
        ),
    },
)
def random(
    model: Classifier,
    gradients: Callable[[int], dict[str, Tensor]],  # noqa: ARG001
    generator: torch.Generator,
    *,
    sparsity: float,
    layers: str,
) -> dict[str, Tensor]:
    """Keep `round(density * N)` of a layer's N weights, drawn at random.

    Args:
        model: as initialised; not changed.
        gradients: not used here.
        generator: draws what stays.
        sparsity, layers: see the options.

    Returns:
        Layer to a mask of its weight, true at what stays.
    """
    shapes = {name: tuple(weight.shape) for name, weight in weights(model).items()}
    shares = densities(shapes, 1 - sparsity) if layers == "erk" else dict.fromkeys(shapes, 1 - sparsity)
    kept = {}
    for name, weight in weights(model).items():
        # Drawn on the CPU, so that the mask is the same on every device.
        order = torch.randperm(weight.numel(), generator=generator)
        mask = torch.zeros(weight.numel(), dtype=torch.bool)
        mask[order[: round(shares[name] * weight.numel())]] = True
        kept[name] = mask.view(weight.shape).to(weight.device)
    return kept


def densities(shapes: Mapping[str, tuple[int, ...]], density: float) -> dict[str, float]:
    """The share of weights that each layer keeps, by Erdos-Renyi-Kernel.

    `d_l = min(1, e * sum(shape_l) / prod(shape_l))`, with e such that `sum_l d_l N_l = density * sum_l N_l`. Layers for
    which that would be above 1 are dense, and e is taken from the others.

    Args:
        shapes: layer to the shape of its weight, `(outputs, inputs, height, width)` or `(outputs, inputs)`.
        density: of all layers together, in 0..1.
    """
    sizes = {name: _product(shape) for name, shape in shapes.items()}
    raw = {name: sum(shape) / sizes[name] for name, shape in shapes.items()}
    dense: set[str] = set()
    while True:
        left = density * sum(sizes.values()) - sum(sizes[name] for name in dense)
        factor = left / sum(raw[name] * sizes[name] for name in shapes if name not in dense)
        above = {name for name in shapes if name not in dense and factor * raw[name] > 1}
        if not above:
            return {name: 1.0 if name in dense else factor * raw[name] for name in shapes}
        dense |= above


def _product(shape: tuple[int, ...]) -> int:
    made = 1
    for side in shape:
        made *= side
    return made
