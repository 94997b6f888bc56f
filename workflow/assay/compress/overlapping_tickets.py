"""Cyclic overlapping lottery tickets (COLT)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor

from assay import Option, method
from assay.errors import MethodError
from assay.models.classifier import Classifier
from assay.models.masks import drop, smallest, tell, weights


class Train(Protocol):
    """Knows how the arm was trained."""

    def start(self) -> Classifier:
        """The model before its first step."""

    def generator(self) -> torch.Generator:
        """Random numbers."""

    def again(self, model: Classifier, *, classes: Sequence[int] | None = None) -> None:
        """Train as the arm does, on images of some classes alone, and leave zeros at zero."""


@method(
    "compress",
    "overlapping-tickets",
    summary="Lottery tickets of networks that each learn some of the classes; what all of them keep is kept",
    paper="Hossain et al. 2022, arXiv:2212.12770 (COLT)",
    options={
        "sparsity": Option(0.8, "share of the weights before the head that are zero in the end", above=0, below=1),
        "parts": Option(2, "networks, among which the classes are dealt out", at_least=2),
        "share": Option(0.15, "of what is left that each network drops in a round", above=0, below=1),
    },
    reads=["start", "training"],
)  # fmt: skip
def overlapping_tickets(model: Classifier, finetune: Train, *, sparsity: float, parts: int, share: float) -> Classifier:
    """Each round trains all networks from the same initial weights and keeps the overlap of what they would keep.

    In a round every network, on its own classes, learns from the start with the weights that are left, then drops the
    share of these that is smallest. A weight survives if every network keeps it, and all go back to where they began.
    So a round drops more than `share`, and it takes fewer rounds than one network would. The last round drops no more
    than is asked for. The ticket is then trained on all classes. The head, of which a network that lacks classes knows
    little, stays dense, as in the authors' code for networks of convolutions. Which class goes to whom is drawn.

    Args:
        model: changed in place and returned; what it learnt plays no part.
        finetune: knows where the training started and trains anew.
        sparsity, parts, share: see the options. Of N weights before the head `round(sparsity * N)` are zero.

    Raises:
        MethodError: fewer classes than networks, or no layer but the head.
    """
    classes = model.head.out_features
    if classes < parts:
        raise MethodError(f"overlapping-tickets: expected at most as many `parts` as classes, {classes}, found {parts}")
    start = finetune.start()
    kept = {name: torch.ones_like(weight, dtype=torch.bool) for name, weight in _inner(start).items()}
    if not kept:
        raise MethodError("overlapping-tickets: the model has no layer but its head, which stays dense")
    dealt = torch.randperm(classes, generator=finetune.generator()).tolist()
    total = sum(keep.numel() for keep in kept.values())
    left, aim, number = total, total - round(sparsity * total), 0
    while left > aim:
        number += 1
        learnt = []
        for part in range(parts):
            model.load_state_dict(start.state_dict())
            drop(model, kept)
            finetune.again(model, classes=sorted(dealt[part::parts]))
            learnt.append({name: weight.detach().abs().clone() for name, weight in _inner(model).items()})
        kept = overlap(learnt, kept, share, aim)
        before, left = left, sum(int(keep.sum()) for keep in kept.values())
        print(f"round {number}: {left} of {before} weights are kept by all {parts} networks")
    model.load_state_dict(start.state_dict())
    drop(model, kept)
    finetune.again(model)
    tell(model)
    return model


def overlap(
    learnt: Sequence[Mapping[str, Tensor]], kept: Mapping[str, Tensor], share: float, aim: int
) -> dict[str, Tensor]:
    """Masks, true at what each network keeps when it drops a share of what is left, but at no fewer than `aim` weights.

    Each drops at least one weight. Where that leaves fewer than `aim` together, each drops the most that does not, and
    what is still too much goes by the sum of the networks' magnitudes.

    Args:
        learnt: by network and layer, magnitudes of the weights.
        kept: by layer, true at what is left.
        share: of it that each network drops.
        aim: at most what is left.
    """
    names = list(kept)
    gone = sum(int((~kept[name]).sum()) for name in names)
    left = sum(int(kept[name].sum()) for name in names)
    scores = [[each[name].where(kept[name], each[name].new_tensor(-1.0)) for name in names] for each in learnt]

    def together(dropped: int) -> list[Tensor]:
        """What all keep if each drops so many of what is left."""
        masks = [smallest(each, gone + dropped) for each in scores]
        return [~torch.stack(same).any(dim=0) for same in zip(*masks, strict=True)]

    def count(masks: list[Tensor]) -> int:
        return sum(int(mask.sum()) for mask in masks)

    most = max(1, round(share * left))
    if count(found := together(most)) < aim:
        low, high = 0, most  # the first leaves enough, the second too little
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if count(together(middle)) >= aim else (low, middle)
        found = together(low)
        sums = [
            torch.stack([each[place] for each in scores]).sum(dim=0).where(mask, scores[0][place].new_tensor(-1.0))
            for place, mask in enumerate(found)
        ]
        excess = smallest(sums, sum(mask.numel() for mask in found) - aim)
        found = [~each for each in excess]
    return dict(zip(names, found, strict=True))


def _inner(model: Classifier) -> dict[str, Tensor]:
    """The weights of all layers but the head."""
    return {name: weight for name, weight in weights(model).items() if name != "head"}
