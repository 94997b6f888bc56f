"""Structured pruning: whole channels go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from assay import Option, method
from assay.errors import MethodError
from assay.models.chains import Chain, chains
from assay.models.changes import apply
from assay.models.classifier import Classifier


class FineTune(Protocol):
    """Trains a model in place and looks at its loss."""

    def __call__(self, model: Classifier, *, epochs: int, lr: float) -> None:
        """See `assay.train.finetune`."""

    def gradients(self, model: Classifier, count: int) -> dict[str, Tensor]:
        """Of the mean loss of some train images, by layer."""

    def generator(self) -> torch.Generator:
        """For what is drawn."""


@method(
    "compress",
    "structured",
    summary="Remove whole channels, so that the network has fewer weights and operations, then fine-tune",
    paper="l1, l2: Li et al. 2017, arXiv:1608.08710; bn-scale: Liu et al. 2017, arXiv:1708.06519; taylor: Molchanov "
    "et al. 2019, arXiv:1906.10771, eq. 8; median: He et al. 2019, arXiv:1811.00250",
    options={
        "share": Option(0.5, "of the channels that can go", above=0, below=1),
        "criterion": Option(
            "l1",
            "by which the least important ones go",
            choices=["l1", "l2", "bn-scale", "taylor", "median", "random"],
        ),
        "scope": Option(
            "layer",
            "whether each layer loses that share, or all together by scores over their layer's mean",
            choices=["layer", "global"],
        ),
        "images": Option(256, "train images whose loss `taylor` looks at", at_least=1),
        "finetune-epochs": Option(10, "epochs of training after pruning", at_least=0),
        "finetune-lr": Option(0.01, "highest learning rate of the fine-tuning", above=0),
    },
)
def structured(
    model: Classifier,
    finetune: FineTune,
    *,
    share: float,
    criterion: str,
    scope: str,
    images: int,
    finetune_epochs: int,
    finetune_lr: float,
) -> Classifier:
    """Narrow each layer whose outputs one other layer alone reads, its normalisation, and the inputs of that reader.

    In residual networks these are the channels inside a block; those that blocks add up stay. A layer keeps at least
    one channel. Scores of a channel with the weights w: `sum |w|`, `sum w^2`, the scale of the batch normalisation
    after it, `sum (w dL/dw)^2`, and the sum of distances to the other channels' weights.

    Args:
        model: changed in place and returned.
        finetune: trains the model and looks at its loss.
        share, criterion, scope, images, finetune_epochs, finetune_lr: see the options.

    Raises:
        MethodError: no channel can go, or there is no batch normalisation to go by.
    """
    found = chains(model)
    if not found:
        raise MethodError("structured: no layer of this network has outputs that one other layer alone reads")
    gradients = finetune.gradients(model, images) if criterion == "taylor" else {}
    generator = finetune.generator()
    scores = [_scores(model, chain, criterion, gradients, generator) for chain in found]
    keep = remaining(scores, share, scope)
    narrowed(model, found, keep)
    for chain, kept, score in zip(found, keep, scores, strict=True):
        print(f"{chain.writer}: {len(kept)} of {len(score)} channels stay")
    if finetune_epochs:
        finetune(model, epochs=finetune_epochs, lr=finetune_lr)
    return model


def remaining(scores: list[Tensor], share: float, scope: str) -> list[Tensor]:
    """The channels that stay, for the scores of each layer's: ascending numbers, at least one for each layer."""
    if scope == "layer":
        counts = [len(score) - int(share * len(score)) for score in scores]
    else:
        # The best of each layer stays; the others are compared over the mean of their layers.
        rest = [(score / score.mean().clamp(min=1e-30)).sort(descending=True).values[1:] for score in scores]
        everything = torch.cat(rest)
        gone = min(int(share * sum(len(score) for score in scores)), len(everything))
        dropped = torch.zeros(len(everything), dtype=torch.bool)
        dropped[everything.argsort(stable=True)[:gone]] = True
        counts = [len(part) + 1 - int(part.sum()) for part in dropped.split([len(part) for part in rest])]
    kept = []
    for score, count in zip(scores, counts, strict=True):
        kept.append(score.argsort(descending=True, stable=True)[:count].sort().values)
    return kept


@torch.no_grad()
def narrowed(model: Classifier, found: list[Chain], keep: list[Tensor]) -> None:
    """Take all channels but those to keep out of each chain, in place."""
    layers = dict(model.named_modules())
    outputs: dict[str, Tensor] = {}
    inputs: dict[str, Tensor] = {}
    for chain, kept in zip(found, keep, strict=True):
        outputs |= dict.fromkeys((chain.writer, *chain.norms), kept)
        inputs[chain.reader] = (kept[:, None] * chain.each + torch.arange(chain.each)).flatten()
    for name in dict.fromkeys([*outputs, *inputs]):
        _narrow(model, name, layers[name], outputs.get(name), inputs.get(name))


def _narrow(model: Classifier, name: str, old: nn.Module, outputs: Tensor | None, inputs: Tensor | None) -> None:
    tensors = {key: value.detach().cpu() for key, value in old.state_dict().items()}
    if outputs is not None:
        tensors = {key: value[outputs] if value.ndim else value for key, value in tensors.items()}
    if inputs is not None:
        tensors["weight"] = tensors["weight"][:, inputs]
    wide = isinstance(old, nn.BatchNorm2d)
    size = len(outputs) if wide and outputs is not None else tensors["weight"].shape[1] if not wide else 0
    count = len(outputs) if outputs is not None else len(tensors["weight"])
    apply(model, layer=name, kind="narrow", inputs=size, outputs=count).load_state_dict(tensors)


def _scores(
    model: Classifier, chain: Chain, criterion: str, gradients: Mapping[str, Tensor], generator: torch.Generator
) -> Tensor:
    """float64 `[O]` on the CPU: how important each output of a chain's writer is."""
    layer: Any = model.get_submodule(chain.writer)
    weight = layer.weight.detach().flatten(1).double().cpu()
    if criterion == "l1":
        return weight.abs().sum(dim=1)
    if criterion == "l2":
        return (weight**2).sum(dim=1)
    if criterion == "taylor":
        return (weight * gradients[chain.writer].flatten(1).double().cpu()).square().sum(dim=1)
    if criterion == "median":
        return torch.cdist(weight, weight).sum(dim=1)
    if criterion == "random":
        return torch.rand(len(weight), generator=generator, dtype=torch.float64)
    scales = [part.weight for name in chain.norms if (part := model.get_submodule(name)).weight is not None]
    if not scales:
        raise MethodError(f"structured: bn-scale, and {chain.writer} has no batch normalisation with a scale after it")
    scale: Tensor = scales[0].detach().abs().double().cpu()  # type: ignore[operator]
    return scale
