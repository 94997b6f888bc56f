"""Magnitude pruning."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from assay import Option, method
from assay.models.classifier import Classifier
from assay.models.masks import drop, smallest, tell, weights


class FineTune(Protocol):
    """Trains a model in place, and leaves weights that are zero at zero."""

    def __call__(self, model: Classifier, *, epochs: int, lr: float) -> None:
        """See `assay.train.finetune`."""


@method(
    "compress",
    "magnitude",
    summary="Zero the smallest weights, of the whole network or of each layer, then fine-tune the rest",
    paper="Han et al. 2015, arXiv:1506.02626",
    options={
        "sparsity": Option(0.8, "share of the weights that become zero", above=0, below=1),
        "scope": Option(
            "global",
            "what that is a share of: all weights together, so that layers differ, or those of each layer",
            choices=["global", "layer"],
        ),
        "finetune-epochs": Option(10, "epochs of training after pruning", at_least=0),
        "finetune-lr": Option(0.01, "highest learning rate of the fine-tuning", above=0),
    },
)
def magnitude(
    model: Classifier, finetune: FineTune, *, sparsity: float, scope: str, finetune_epochs: int, finetune_lr: float
) -> Classifier:
    """Prune once by a threshold on `|w|` of kernels and matrices; biases and norm layers stay.

    Args:
        model: changed in place and returned.
        finetune: trains the model; zeros stay zero.
        sparsity: exactly `round(sparsity * N)` of the N weights are pruned, ties in the order of the layers.
        scope: whether N is all weights or those of a layer.
        finetune_epochs, finetune_lr: see the options.
    """
    found = weights(model)
    sizes = {name: weight.detach().abs() for name, weight in found.items()}
    groups = [list(sizes)] if scope == "global" else [[name] for name in sizes]
    kept: dict[str, Tensor] = {}
    for group in groups:
        scores = [sizes[name] for name in group]
        dropped = smallest(scores, round(sparsity * sum(score.numel() for score in scores)))
        kept |= {name: ~drop for name, drop in zip(group, dropped, strict=True)}
    drop(model, kept)
    if finetune_epochs:
        finetune(model, epochs=finetune_epochs, lr=finetune_lr)
    tell(model)
    return model
