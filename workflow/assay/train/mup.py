"""The maximal update parametrisation: what is tuned at one width holds at others.

Yang et al. 2022 (arXiv:2203.03466), table 3. Each weight has fan-in and fan-out; here both are counted as multiples `i`
and `o` of those in the same network at a base width, so that at that width nothing changes. Of what grows with width,

| | deviation of initial weights | rate of SGD | rate of Adam |
|---|---|---|---|
| input weights and vectors (`i = 1`) | 1 | `o` | 1 |
| hidden weights | `1 / sqrt(i)` | `o / i` | `1 / i` |
| output weights (`o = 1`) | `1 / i` | `1 / i` | `1 / i` |

A decay is divided by what its learning rate is multiplied by, so that each step takes the same share from the weights
at any width, as in the authors' code. Bounds on the norm of the gradient, and pulls on that of weights, are not scaled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from assay.errors import MethodError


@dataclass(frozen=True)
class Growth:
    """How many times as many inputs and outputs a parameter has as at the base width; a vector has one input."""

    inputs: float
    outputs: float

    @property
    def spread(self) -> float:
        """The factor on the deviation of initial values."""
        if self.outputs == 1:
            return 1 / self.inputs
        return self.inputs**-0.5

    def rate(self, optimizer: torch.optim.Optimizer) -> float:
        """The factor on the learning rate.

        Raises:
            MethodError: an optimiser of which the paper does not tell.
        """
        if isinstance(optimizer, torch.optim.SGD):
            return self.outputs / self.inputs
        if isinstance(optimizer, torch.optim.Adam):
            return 1 / self.inputs
        raise MethodError(f"mup says how rates of SGD and Adam go with width, not those of {type(optimizer).__name__}")


def at_base(entry: Mapping[str, Any], mup: Mapping[str, Any]) -> dict[str, Any]:
    """A model entry at the base width, by `mup`: {"option": "width", "base-width": 16}.

    Raises:
        MethodError: a model without this option, which a search may have chosen.
    """
    if mup["option"] not in entry:
        raise MethodError(f"mup: {entry['method']} has no option {mup['option']} to scale")
    return {**entry, mup["option"]: mup["base-width"]}


def growth(model: nn.Module, base: nn.Module) -> dict[nn.Parameter, Growth]:
    """How each parameter of `model` grew from that of the same name in `base`, the network at the base width.

    Raises:
        MethodError: the two differ in more than width.
    """
    others = dict(base.named_parameters())
    if [name for name, _ in model.named_parameters()] != list(others):
        raise MethodError("mup: at its base width the model has other layers, so its width cannot be scaled")
    kernels = {id(layer.weight) for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)}
    found = {}
    for name, parameter in model.named_parameters():
        other = others[name]
        if id(parameter) in kernels:
            if parameter.shape[2:] != other.shape[2:]:
                raise MethodError(f"mup: the kernels of {name} have another size at the base width")
            found[parameter] = Growth(parameter.shape[1] / other.shape[1], len(parameter) / len(other))
        else:
            found[parameter] = Growth(1.0, parameter.numel() / other.numel())
    return found


@torch.no_grad()
def spread(model: nn.Module, base: nn.Module) -> dict[nn.Parameter, Growth]:
    """Scale the initial values of `model`, in place, so that they go with width as table 3 says.

    The root mean square of each parameter becomes that in `base`, drawn under the same seed, times the factor of the
    table, whatever either was drawn from. What is zero stays zero.

    Returns:
        What `growth` gives, for `transfer`.
    """
    found = growth(model, base)
    others = dict(base.named_parameters())
    for name, parameter in model.named_parameters():
        grown, own = found[parameter], parameter.square().mean()
        if grown != Growth(1.0, 1.0) and own > 0:
            parameter.mul_(grown.spread * (others[name].square().mean() / own).sqrt())
    return found


def transfer(optimizer: torch.optim.Optimizer, grown: Mapping[nn.Parameter, Growth]) -> None:
    """Scale learning rates and decays, in place; parameters of one group that differ in it become several groups.

    Raises:
        MethodError: an optimiser of which the paper does not tell.
    """
    made = []
    for group in optimizer.param_groups:
        parts: dict[float, list[nn.Parameter]] = {}
        for parameter in group["params"]:
            parts.setdefault(grown[parameter].rate(optimizer), []).append(parameter)
        for factor, parameters in parts.items():
            scaled = {"lr": group["lr"] * factor, "weight_decay": group["weight_decay"] / factor}
            made.append({**group, **scaled, "params": parameters})
    optimizer.param_groups[:] = made
