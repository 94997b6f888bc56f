"""The computation of the stage `pretrain`: images without labels to a backbone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor, nn

from assay.augment.draw import Draw
from assay.models.classifier import Classifier, build
from assay.streams import Streams
from assay.study.registry import Registry, bind
from assay.train.augments import augmentations
from assay.train.checkpoint import Checkpoints
from assay.train.deterministic import deterministic
from assay.train.images import Images
from assay.train.loop import Log, fit
from assay.train.objective import Augment
from assay.train.order import Order
from assay.train.precision import computing, resolved
from assay.train.recipe import prepare
from assay.train.setup import finished, place
from assay.train.statistics import batch_statistics

if TYPE_CHECKING:
    from assay.data.dataset import Dataset


class Pretext(Protocol):
    """A method of kind `pretrain`."""

    def prepare(self, dimension: int, generator: torch.Generator) -> nn.Module:
        """What is trained beside the backbone with features `[B,dimension]`, drawn from `generator`."""

    def loss(self, model: Classifier, images: Tensor, draw: Draw) -> Tensor:
        """The loss of a batch `[B,C,H,W]`, a scalar."""


def pretrain(
    spec: Mapping[str, Any],
    registry: Registry,
    dataset: Dataset,
    *,
    log: Log,
    checkpoints: Checkpoints,
    state: Callable[..., None] | None = None,
    device: torch.device | str = "cpu",
) -> Classifier:
    """Train a backbone on the train split without its labels.

    Args:
        spec: `method`, `model`, `recipe` (entries), `augment` (list of entries), `streams` (numbers of `init`, `order`,
            `augment`), `precision`.
        registry: where the methods are found.
        dataset: splits `train` and, for the curves alone, `val`.
        log: see `assay.train.loop.fit`; there is no accuracy.
        checkpoints: see `assay.train.checkpoint`.
        state: see `assay.train.job.train`.
        device: where to compute.

    Returns:
        A classifier with the trained backbone and an untrained head, on the CPU, in evaluation mode.
    """
    device = torch.device(device)
    streams = Streams(spec["streams"])
    images = Images([dataset.splits["train"]], len(dataset.classes), device)
    model = build(
        registry, spec["model"], dataset.channels, len(dataset.classes), dataset.size, streams.torch("init", "model")
    )
    model.fit_normalisation(images.raw)
    pretext: Pretext = bind(registry, "pretrain", spec["method"])()
    extra = pretext.prepare(model.head.in_features, streams.torch("init", "pretext")).to(device)
    model.head.requires_grad_(False)
    trained = nn.ModuleDict({"model": place(model, device), "pretext": extra})

    augments = augmentations(registry, spec["augment"], model)
    seed = streams.seed("augment", "pretrain")
    precision = resolved(spec["precision"], device)
    bf16 = precision == "bf16"
    if state:
        state(precision=precision, images=images.kept)
    objective = _objective(pretext, model, images, augments, seed, bf16)
    order = Order(images.targets, spec["recipe"]["batch"], streams, scope="pretrain")
    epochs = spec["recipe"]["epochs"]

    held_out = dataset.splits.get("val")
    validate: Callable[[], dict[str, float]] | None = None
    if held_out is not None and len(held_out):
        unseen = Images([held_out], len(dataset.classes), device)
        evaluate = _objective(pretext, model, unseen, [], seed, bf16)

        @torch.no_grad()
        def validate() -> dict[str, float]:
            trained.eval()
            every = torch.arange(len(held_out), device=device)
            return {"val.loss": evaluate(0, every, torch.zeros_like(every))[0].item()}

    recipe = prepare(
        registry, spec["recipe"], trained, epochs * order.steps, streams.seed("order", "pretrain", "noise")
    )
    with computing(precision, trained, device), deterministic(False):
        fit(
            trained,
            objective,
            order,
            recipe,
            epochs,
            log=log,
            checkpoints=checkpoints,
            validate=validate,
            statistics=partial(batch_statistics, model, images.pixels, spec["recipe"]["batch"]),
        )
    model.head.requires_grad_(True)
    return finished(model)


def _objective(
    pretext: Pretext, model: Classifier, images: Images, augments: Sequence[Augment], seed: int, bf16: bool
) -> Callable[[int, Tensor, Tensor], tuple[Tensor, None]]:
    """The pretext loss of augmented batches; the place after the augmentations is the method's own."""

    def objective(epoch: int, indices: Tensor, repeats: Tensor) -> tuple[Tensor, None]:
        x, targets = images.batch(indices)
        ids = images.draw_ids(indices, repeats)
        for op, augment in enumerate(augments):
            x, targets = augment(x, targets, Draw(seed, epoch, ids, op))
        with torch.autocast(x.device.type, torch.bfloat16, enabled=bf16):
            return pretext.loss(model, x, Draw(seed, epoch, ids, len(augments))), None

    return objective
