"""SMOTE in feature space."""

from __future__ import annotations

import copy
from functools import partial
from typing import Protocol

import numpy as np
import torch
from imblearn.over_sampling import SMOTE, BorderlineSMOTE
from torch import Tensor

from assay import Option, method
from assay.errors import MethodError
from assay.models.classifier import Classifier
from assay.models.initialise import initialise
from assay.train.losses.cross_entropy import cross_entropy


class FineTune(Protocol):
    """Gives the features of the train images and trains a head on features."""

    def features(self, model: Classifier) -> tuple[Tensor, Tensor]:
        """See `assay.train.finetune`."""

    def on_features(
        self, model: Classifier, features: Tensor, labels: Tensor, *, epochs: int, lr: float, loss: object
    ) -> None:
        """See `assay.train.finetune`."""


@method(
    "adjust",
    "smote",
    summary="Train a new head on frozen features, with new ones of rare classes between neighbours (SMOTE)",
    paper="Chawla et al. 2002, doi:10.1613/jair.953; Han et al. 2005, doi:10.1007/11538059_91 (borderline)",
    options={
        "neighbours": Option(5, "nearest of the class k to draw between; fewer where a class is smaller", at_least=1),
        "border": Option(
            False, "Borderline-SMOTE 1: draw only from images most of whose 10 nearest are of other classes"
        ),
        "level": Option(
            1.0,
            "share of the largest class's count to which every class is brought; below 1, larger ones are thinned",
            above=0,
            at_most=1,
        ),
        "epochs": Option(10, "of the new head's training", at_least=1),
        "lr": Option(0.1, "highest learning rate of it, in the arm's recipe", above=0),
    },
)
def smote(
    model: Classifier,
    counts: Tensor,
    finetune: FineTune,
    generator: torch.Generator,
    *,
    neighbours: int,
    border: bool,
    level: float,
    epochs: int,
    lr: float,
) -> Classifier:
    """Draw the head anew and train it with cross-entropy on `f + u (f' - f)`, u uniform in 0..1, and on real features.

    f and f' are features of one class, of images as they are, without augmentation; the sampling is that of
    imbalanced-learn. The backbone stays as it is.

    Args:
        model: changed in place and returned.
        counts: int64 `[K]`, train images of each class; one without any stays without.
        finetune: gives features and trains the head.
        generator: draws the head's initial weights, then what is thinned and made.
        neighbours, border, level, epochs, lr: see the options.

    Raises:
        MethodError: a class with a single train image.
    """
    # Drawn on the CPU, so that the weights are the same on every device.
    fresh = copy.deepcopy(model.head).cpu()
    initialise(fresh, generator)
    model.head.load_state_dict(fresh.state_dict())
    features, labels = finetune.features(model)
    seeds = torch.randint(2**31 - 1, (len(counts),), generator=generator).tolist()
    made = balanced(features.cpu().numpy(), labels.cpu().numpy(), seeds, neighbours, border, level)
    finetune.on_features(
        model,
        *(torch.from_numpy(array).to(features.device) for array in made),
        epochs=epochs,
        lr=lr,
        loss=partial(cross_entropy, label_smoothing=0.0),
    )
    return model


def balanced(
    features: np.ndarray, labels: np.ndarray, seeds: list[int], neighbours: int, border: bool, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Features `[M,D]` and labels `[M]`, each class at the same count: thinned, or filled up with new features.

    Where Borderline-SMOTE finds no image at the border of a class, the class stays as it is.

    Args:
        features: float32 `[N,D]`.
        labels: int64 `[N]`.
        seeds: one for each class.
        neighbours, border, level: see the options of `smote`.

    Raises:
        MethodError: a class with a single image.
    """
    counts = np.bincount(labels, minlength=len(seeds))
    aim = max(1, round(level * counts.max()))
    parts = []
    for label in np.flatnonzero(counts):
        count = int(counts[label])
        own = features[labels == label]
        if count >= aim:
            kept = np.sort(np.random.default_rng(seeds[label]).permutation(count)[:aim])
            parts.append(own[kept])
            continue
        if count < 2:
            raise MethodError(
                f"smote: class number {label} has 1 train image and SMOTE needs two to draw between; weaken the "
                "imbalance, keep more images, or use crt instead"
            )
        k = min(neighbours, count - 1)
        if k < neighbours:
            print(f"smote: class number {label} has {count} images, so k is {k}, not {neighbours}")
        parts.append(np.concatenate([own, _new(features, labels, int(label), aim - count, k, border, seeds[label])]))
        print(f"smote: class number {label} has {count} images and gets {len(parts[-1]) - count} new ones")
    made = [np.full(len(part), label, np.int64) for part, label in zip(parts, np.flatnonzero(counts), strict=True)]
    return np.concatenate(parts), np.concatenate(made)


def _new(
    features: np.ndarray, labels: np.ndarray, label: int, count: int, neighbours: int, border: bool, seed: int
) -> np.ndarray:
    """New features of one class, float32 `[count,D]`, or none where it has no border."""
    others = labels != label
    wanted = {"sampling_strategy": {1: int((~others).sum()) + count}, "k_neighbors": neighbours, "random_state": seed}
    if border:
        sampler = BorderlineSMOTE(**wanted, m_neighbors=min(10, len(labels) - 1), kind="borderline-1")
        rows, target = features, (~others).astype(int)
    else:
        # Neighbours come from the class alone; a second class is there because the library asks for one.
        sampler = SMOTE(**wanted)
        rows = np.concatenate([features[~others], np.zeros_like(features[:1])])
        target = np.append(np.ones(len(rows) - 1, int), 0)
    made, _ = sampler.fit_resample(rows, target)
    return made[len(rows) :].astype(np.float32)
