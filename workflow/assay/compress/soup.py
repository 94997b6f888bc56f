"""Model soups: the mean of the weights of several models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from assay import Option, method
from assay.errors import MethodError
from assay.models.classifier import Classifier


class Kitchen(Protocol):
    """Holds the other models and the data."""

    others: Sequence[Classifier]

    def accuracy(self, model: Classifier) -> float:
        """Accuracy on val."""

    def statistics(self, model: Classifier) -> None:
        """Compute the statistics of batch normalisation anew, in place."""


@method(
    "compress",
    "soup",
    summary="The mean weights of this model and those of other arms, of all or of those that help on val",
    paper="Wortsman et al. 2022, arXiv:2203.05482, section 2",
    options={
        "arms": Option([], "arms, or sweeps, whose models of the same seed are averaged with this one", item=str),
        "further": Option(
            0,
            "models of this arm with the same start and an order and augmentation of their own, averaged too",
            at_least=0,
            at_most=63,
        ),
        "how": Option(
            "uniform", "average all, or add one after the other if val gets no worse", choices=["uniform", "greedy"]
        ),
        "batch-norm": Option(True, "whether statistics of batch normalisation are computed anew for each mean"),
    },
    reads=["models"],
)  # fmt: skip
def soup(model: Classifier, finetune: Kitchen, *, how: str, batch_norm: bool) -> Classifier:
    """Uniform: `mean(w_i)`. Greedy (algorithm 1): from the best on val down, each joins if val gets no worse.

    Models of equal accuracy are tried in the order given, this one first.

    Args:
        model: changed in place and returned.
        finetune: holds the other models, which the planner brought by the options `arms` and `further`, looks at val
            and computes statistics.
        how, batch_norm: see the options.

    Raises:
        MethodError: there is no other model, or one of another architecture.
    """
    states = [part.state_dict() for part in (model, *finetune.others)]
    states = [{name: value.clone() for name, value in state.items()} for state in states]
    _fit_together(states)
    if how == "uniform":
        _stir(model, states, finetune, batch_norm)
        return model
    scores = []
    for state in states:
        model.load_state_dict(state)
        scores.append(finetune.accuracy(model))
    order = sorted(range(len(states)), key=lambda number: -scores[number])
    chosen, best = [order[0]], scores[order[0]]
    for number in order[1:]:
        _stir(model, [states[each] for each in [*chosen, number]], finetune, batch_norm)
        score = finetune.accuracy(model)
        if score >= best:
            chosen, best = [*chosen, number], score
    print(f"soup of models {chosen} of {len(states)}; accuracy on val alone {scores}, together {best}")
    if len(chosen) == 1:
        model.load_state_dict(states[chosen[0]])
    else:
        _stir(model, [states[each] for each in chosen], finetune, batch_norm)
    return model


def mean(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each floating-point tensor, in float64; what counts is taken from the first."""
    return {
        name: torch.stack([state[name].double() for state in states]).mean(dim=0).to(value.dtype)
        if value.is_floating_point()
        else value
        for name, value in states[0].items()
    }


def _stir(model: Classifier, states: Sequence[dict[str, Tensor]], finetune: Kitchen, batch_norm: bool) -> None:
    model.load_state_dict(mean(states))
    if batch_norm:
        finetune.statistics(model)


def _fit_together(states: Sequence[dict[str, Tensor]]) -> None:
    if len(states) < 2:
        raise MethodError("soup needs further models; name them by `arms`, or ask for them by `further`")
    for state in states[1:]:
        odd = [name for name in {**states[0], **state} if name not in state or name not in states[0]]
        odd += [name for name in states[0] if name in state and state[name].shape != states[0][name].shape]
        if odd:
            raise MethodError(f"soup: a model of another architecture cannot be averaged with this one ({odd[0]})")
