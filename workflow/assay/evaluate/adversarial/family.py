"""Adversarial attacks: how often the model is right when each image is changed to mislead it.

An image counts as robust when it is predicted rightly, as it is and after the attack. Images that are predicted
wrongly as they are need no attack.

figures.json:
    {"images": N, "clean": hex,
     "attacks": {attack: {budget: {"robust": hex, "accuracy": number} or {"undefined": why}}}}
`hex` holds one bit for each image, the first one the highest bit of the first byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from assay.augment.draw import Draw, keys
from assay.data.dataset import Split
from assay.errors import MethodError
from assay.evaluate.adversarial.budget import Budget, budget
from assay.evaluate.result import Result, UndefinedError, attempt
from assay.evaluate.trial import Trial
from assay.models.classifier import Classifier
from assay.study.registry import Metric, Option, method
from assay.train.pixels import to_pixels, to_unit

Attack = Callable[[Classifier, Tensor, Tensor, Budget, Draw], Tensor]

#: Images that are attacked at a time. AutoAttack's random numbers depend on it.
BATCH = 128


@method(
    "evaluation",
    "adversarial",
    summary="accuracy on test images that attacks change within a budget",
    paper="Madry et al. 2018, arXiv:1706.06083",
    options={
        "attacks": Option(["fgsm", "pgd"], "attacks; `noise` always comes along"),
        "budgets": Option(
            ["linf-8/255"], "how far they may go, of pixels in 0..1: linf-8/255, l2-0.5, ...; linf-1 is no bound",
            item=str,
        ),
        "images": Option(
            1000, "test images that are attacked, the first of one random order; null: all",
            type=int, at_least=1, optional=True,
        ),
    },
    reads=["model", "images"],
    methods={"attacks": "attack"},
    always=["noise"],
    metrics={
        "robust-accuracy": Metric(
            "share of images predicted rightly, as they are and after the attack", "higher", 0.0, 1.0,
            keys={"attack": "attacks", "budget": "budgets"}, defaults={"attack": "pgd", "budget": "linf-8/255"},
        ),
    },
    shapes="images [N,C,H,W] in 0..1 -> robust bool [N] -> numbers",
)  # fmt: skip
def family(trial: Trial, attacks: dict[str, Attack], budgets: list[str], images: int | None) -> Result:
    """Attack the first `images` test images by each attack within each budget.

    Raises:
        MethodError: a budget that cannot be read, or an attack that leaves it.
    """
    balls = [budget(text) for text in budgets]
    model, split = trial.judged(images)
    model.requires_grad_(False)
    clean = _right(model, split)
    result = Result(figures={"images": len(split), "clean": packed(clean), "attacks": {}})
    for name, attack in attacks.items():
        drawn = result.figures["attacks"][name] = {}
        for ball in balls:
            robust = attempt(_robust, model, split, clean, name, attack, ball)
            keys = {"attack": name, "budget": ball.name}
            value = result.add("robust-accuracy", keys, _share, robust)
            undefined = value is None
            drawn[ball.name] = (
                {"undefined": result.rows[-1].note} if undefined else {"robust": packed(robust), "accuracy": value}
            )
    return result


def packed(marks: np.ndarray) -> str:
    """bool [N] as hexadecimal digits."""
    return np.packbits(marks).tobytes().hex()


def unpacked(text: str, count: int) -> np.ndarray:
    """The marks bool [N] behind `packed`."""
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8), count=count).astype(bool)


def _pixels(model: Classifier, split: Split, places: np.ndarray) -> tuple[Tensor, Tensor]:
    device = model.mean.device
    images = to_unit(to_pixels(split.images[places]).to(device)).contiguous()
    return images, torch.from_numpy(split.labels[places]).to(device)


@torch.no_grad()
def _right(model: Classifier, split: Split) -> np.ndarray:
    """Which images are predicted rightly as they are, bool [N]."""
    marks = [np.zeros(0, bool)]
    for start in range(0, len(split), BATCH):
        images, labels = _pixels(model, split, np.arange(start, min(start + BATCH, len(split))))
        marks.append((model(images).argmax(dim=1) == labels).cpu().numpy())
    return np.concatenate(marks)


def _robust(model: Classifier, split: Split, clean: np.ndarray, name: str, attack: Attack, ball: Budget) -> np.ndarray:
    """Which images stay rightly predicted, bool [N]."""
    seed = int.from_bytes(hashlib.sha256(f"attack/{name}/{ball.name}".encode()).digest()[:8], "little") >> 1
    robust = clean.copy()
    places = np.flatnonzero(clean)
    for start in range(0, len(places), BATCH):
        some = places[start : start + BATCH]
        images, labels = _pixels(model, split, some)
        numbers = keys([str(split.ids[place]) for place in some]).to(images.device)
        made = attack(model, images, labels, ball, Draw(seed, 0, numbers)).detach()
        if not ball.holds(made, images):
            raise MethodError(f"the attack {name} left its budget {ball.name}, or 0..1")
        with torch.no_grad():
            robust[some] = (model(made).argmax(dim=1) == labels).cpu().numpy()
    return robust


def _share(marks: np.ndarray) -> float:
    if not len(marks):
        raise UndefinedError("there are no images")
    return float(marks.mean())
