"""Which network would be the best student, before any is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from assay.distill.maps import Maps
from assay.distill.similarity_preserving import similarities
from assay.models.classifier import Classifier, build
from assay.streams import Streams
from assay.study.registry import Registry
from assay.train.choice import choose
from assay.train.pixels import to_pixels, to_unit

if TYPE_CHECKING:
    from assay.data.dataset import Dataset

#: Images that networks are shown, as in the authors' code, and how often weights and images are drawn.
_IMAGES, _ROUNDS = 64, 8


def students(spec: Mapping[str, Any], registry: Registry, dataset: Dataset) -> dict[str, Any]:
    """The point whose network is most like the teacher's, both as they are drawn.

    Args:
        spec: `points` ({dotted path: value} each), `model` (the entry that they alter), `teacher` (the entry of its
            model) and `streams` (numbers of `init` and `order`).
        registry: where the models are found.
        dataset: shows its train split.

    Returns:
        As `assay.train.search.choose`, with the mean score over the rounds as `scores`.

    Raises:
        MethodError: a network without feature maps.
    """
    streams = Streams(spec["streams"])
    entries = [choose({"model": spec["model"]}, point)["model"] for point in spec["points"]]
    totals = [0.0] * len(entries)
    split = dataset.splits["train"]
    for number in range(_ROUNDS):
        few = streams.numpy("order", "diswot", number).permutation(len(split))[:_IMAGES]
        images = split.images[few]
        x, labels = to_unit(to_pixels(images)), torch.from_numpy(split.labels[few])

        def network(entry: Mapping[str, Any], who: str, number: int = number) -> Classifier:
            generator = streams.torch("init", "diswot", who, number)
            made = build(registry, dict(entry), dataset.channels, len(dataset.classes), dataset.size, generator)
            made.fit_normalisation(split.images)
            return made

        wanted = semantics(network(spec["teacher"], "teacher"), x, labels)
        for place, entry in enumerate(entries):
            totals[place] += score(semantics(network(entry, "student"), x, labels), wanted) / _ROUNDS
    best = max(range(len(totals)), key=lambda place: totals[place])
    return {
        "choice": dict(spec["points"][best]),
        "index": best,
        "score": totals[best],
        "scores": totals,
        "by": "diswot",
    }


def semantics(model: Classifier, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """How alike classes are to a network, `[K,K]`, and images, `[B,B]`; rows have norm 1.

    Of a class speaks the gradient of the cross-entropy at its row of the head's weights, which weighs the channels of
    the last feature map as Grad-CAM does; of an image that map. The network is in training mode, with statistics of
    this batch, since it has no others yet.

    Args:
        model: untrained, ending in average pooling and a linear head; its running statistics move.
        x: `[B,C,H,W]` in 0..1.
        labels: int64 `[B]`.
    """
    maps = Maps(model, x.shape[2])
    model.train()
    with maps.taken() as found:
        loss = F.cross_entropy(model(x), labels)
    (gradient,) = torch.autograd.grad(loss, [model.head.weight])
    return similarities(gradient), similarities(found[-1].detach().flatten(1))


def score(student: Sequence[Tensor], teacher: Sequence[Tensor]) -> float:
    """`- |G_T - G_S|^2 / K - |A_T - A_S|^2 / B^2` of similarities of K classes and of B images; the higher the better.

    The semantic and the relation similarity of DisWOT (Dong et al. 2023, arXiv:2303.15678), which are added. The
    authors' code correlates channels with each other, for networks that have equally many; classes with each other
    can be compared across widths. Their evolutionary search is left out: the candidates are declared.
    """
    semantic, relation = (theirs - own for own, theirs in zip(student, teacher, strict=True))
    return -float(semantic.square().sum() / len(semantic) + relation.square().mean())
