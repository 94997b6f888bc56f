"""AutoAttack, by the library torchattacks."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from assay.augment.draw import Draw
from assay.evaluate.adversarial.budget import Budget
from assay.evaluate.result import UndefinedError
from assay.study.registry import Option, method


@method(
    "attack",
    "autoattack",
    summary="APGD on two losses, FAB and Square one after the other, each on what those before left (torchattacks)",
    paper="Croce & Hein 2020, arXiv:2003.01690",
    options={
        "steps": Option(100, "steps of APGD and FAB; fewer than 100 is no longer the standard AutoAttack", at_least=1),
        "queries": Option(5000, "queries of Square; the standard is 5000", at_least=1),
        "parts": Option(
            ["apgd-ce", "apgd-t", "fab-t", "square"], "its attacks, in this order; the standard is all four",
            item=str, choices=["apgd-ce", "apgd-t", "fab-t", "square"],
        ),
    },
    shapes="images [B,C,H,W], labels [B] -> images [B,C,H,W]",
)  # fmt: skip
def autoattack(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    budget: Budget,
    draw: Draw,
    *,
    steps: int,
    queries: int,
    parts: list[str],
) -> Tensor:
    """The standard version. torchattacks' own `AutoAttack` makes 10 steps, so its parts are called with 100.

    Random numbers are those of torch from a fixed seed for each batch, in which every image has its place.

    Raises:
        UndefinedError: there are fewer than four classes, which the targeted loss (DLR) needs.
    """
    import torchattacks

    with torch.no_grad():
        classes = model(images[:1]).shape[1]
    if classes < 4:
        raise UndefinedError(f"AutoAttack's targeted loss needs four classes, and there are {classes}")
    norm = {"linf": "Linf", "l2": "L2"}[budget.norm]
    common: dict[str, Any] = {"norm": norm, "eps": budget.size, "seed": 0}
    makers = {
        "apgd-ce": lambda: torchattacks.APGD(model, steps=steps, loss="ce", **common),
        "apgd-t": lambda: torchattacks.APGDT(model, steps=steps, n_classes=classes, **common),
        "fab-t": lambda: torchattacks.FAB(model, steps=steps, multi_targeted=True, n_classes=classes, **common),
        "square": lambda: torchattacks.Square(model, n_queries=queries, **common),
    }
    made = images.clone()
    # The library seeds torch's own generators.
    with torch.random.fork_rng(devices=[images.device] if images.device.type == "cuda" else []):
        for part in parts:
            with torch.no_grad():
                left = (model(made).argmax(dim=1) == labels).nonzero()[:, 0]
            if not len(left):
                break
            made[left] = makers[part]()(images[left], labels[left]).detach()
    return budget.project(made, images)
