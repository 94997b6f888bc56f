"""Initial weights from one generator, whatever the architecture."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def initialise(model: nn.Module, generator: torch.Generator) -> None:
    """Draw every parameter of `model` anew from `generator`, in the order of `model.modules()`.

    Convolutions: normal with variance `2 / (k^2 c_out)` (He et al. 2015, arXiv:1502.01852, backward form, as in the
    reference code of residual networks). Linear layers: uniform in `±1/sqrt(fan_in)`, torch's own default. Norm
    layers: scale 1, shift 0. A module of another type that owns parameters must bring a method
    `initialise(generator)`, which also takes precedence for the types above. A module with a method
    `initialise_all(generator)` draws what all modules inside it hold, and these are passed over.

    Raises:
        TypeError: a module that owns parameters and has no rule, since its weights would come from elsewhere.
    """
    done: set[nn.Module] = set()
    for module in model.modules():
        if module in done:
            continue
        if callable(whole := getattr(module, "initialise_all", None)):
            whole(generator)
            done.update(module.modules())
            continue
        own = getattr(module, "initialise", None)
        if callable(own):
            own(generator)
        elif isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear):
            bound = module.in_features**-0.5
            nn.init.uniform_(module.weight, -bound, bound, generator=generator)
            if module.bias is not None:
                nn.init.uniform_(module.bias, -bound, bound, generator=generator)
        elif isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d | nn.LayerNorm | nn.GroupNorm):
            module.reset_parameters()
        elif next(module.parameters(recurse=False), None) is not None:
            raise TypeError(
                f"{type(module).__name__} owns parameters but has no rule for their initial values: "
                "give it a method initialise(generator)"
            )
