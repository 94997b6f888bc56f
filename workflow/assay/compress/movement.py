"""Movement pruning."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from assay import Option, method
from assay.models.classifier import Classifier
from assay.models.masks import kept, mask, prunable, tell


class FineTune(Protocol):
    """Trains a model in place."""

    def __call__(self, model: Classifier, *, epochs: int, lr: float, after_step: Any = None, hold: bool = True) -> None:
        """See `assay.train.finetune`."""

    def steps(self, epochs: int) -> int:
        """Of the optimiser, in so many epochs."""


class Top(torch.autograd.Function):
    """`w * m` with m true at the largest scores; the gradient of a score is `dL/dw' * w`, as if m were the score."""

    @staticmethod
    def forward(context: Any, weight: Tensor, scores: Tensor, dropped: int) -> Tensor:
        """A weight, its scores and how many go to the weight without these."""
        mask = torch.ones(weight.numel(), dtype=torch.bool, device=weight.device)
        mask[scores.flatten().argsort(stable=True)[:dropped]] = False
        mask = mask.view(weight.shape)
        context.save_for_backward(weight, mask)
        return weight * mask

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        """Gradients of weight and scores."""
        weight, mask = context.saved_tensors
        return gradient * mask, gradient * weight, None


class Moving(nn.Module):
    """A weight without its lowest scores, of which ever more are dropped as steps are counted."""

    done: Tensor

    def __init__(self, weight: Tensor, sparsity: float, steps: int):
        super().__init__()
        self.scores = nn.Parameter(torch.zeros_like(weight))
        self.register_buffer("done", torch.zeros((), dtype=torch.int64))
        self.sparsity, self.steps = sparsity, steps

    def dropped(self) -> int:
        """How many weights go now: a cubic rise to `sparsity` over the steps (Zhu and Gupta 2017, arXiv:1710.01878)."""
        left = max(0.0, 1 - int(self.done) / max(1, self.steps))
        return round(self.sparsity * (1 - left**3) * self.scores.numel())

    def forward(self, weight: Tensor) -> Tensor:
        """A weight to the same without what is dropped now."""
        made: Tensor = Top.apply(weight, self.scores, self.dropped())
        return made


@method(
    "compress",
    "movement",
    summary="While fine-tuning, drop weights that move towards zero",
    paper="Sanh et al. 2020, arXiv:2005.07683, section 4 (hard movement pruning)",
    options={
        "sparsity": Option(0.8, "share of each layer's weights that are zero in the end", above=0, below=1),
        "rise": Option(0.7, "share of the steps over which sparsity rises", above=0, at_most=1),
        "epochs": Option(10, "epochs of training", at_least=1),
        "lr": Option(0.01, "highest learning rate of it", above=0),
    },
)
def movement(
    model: Classifier, finetune: FineTune, *, sparsity: float, rise: float, epochs: int, lr: float
) -> Classifier:
    """Train w and scores S with `w' = w * top(S)` in every layer; `dL/dS = dL/dw' * w`, so S sums up `-lr w dL/dw'`.

    S is high for weights that move away from zero. It starts at 0 and is moved by the arm's recipe like a weight. A
    dropped weight keeps its value behind the mask and may come back until the end.

    Args:
        model: changed in place and returned; `round(sparsity * N)` of a layer's N weights end as zero, and those that
            were zero before.
        finetune: trains weights and scores.
        sparsity, rise, epochs, lr: see the options.
    """
    steps = round(rise * finetune.steps(epochs))
    layers, pruned = prunable(model), kept(model)
    mask(model, pruned)
    parts = {}
    for name, layer in layers.items():
        parts[name] = Moving(layer.weight.detach(), sparsity, steps)
        parametrize.register_parametrization(layer, "weight", parts[name])

    def count() -> None:
        for part in parts.values():
            part.done += 1

    finetune(model, epochs=epochs, lr=lr, after_step=count, hold=False)
    for name, layer in layers.items():
        # A training that ended early still ends with the sparsity that was asked for.
        parts[name].done.fill_(steps)
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
    tell(model)
    return model
