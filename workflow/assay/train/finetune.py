"""Further training of a trained model, as methods that adjust or compress it ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from assay.models.classifier import Classifier
from assay.streams import Streams
from assay.study.registry import Registry, bind
from assay.train.checkpoint import Checkpoints, Phases
from assay.train.deterministic import deterministic
from assay.train.epochs import bound
from assay.train.images import Images
from assay.train.loop import Log, fit
from assay.train.objective import Supervised
from assay.train.order import Order, Sampler
from assay.train.precision import computing, resolved
from assay.train.recipe import prepare
from assay.train.setup import validation
from assay.train.statistics import batch_statistics

if TYPE_CHECKING:
    from assay.data.dataset import Dataset


class FineTune:
    """Trains a model on the dataset by the arm's recipe, loss and augmentation, as often as a method asks.

    Each call has its own order and augmentation, and its own part of the checkpoints.
    """

    def __init__(
        self,
        spec: Mapping[str, Any],
        registry: Registry,
        dataset: Dataset,
        *,
        log: Log,
        checkpoints: Checkpoints,
        device: torch.device,
    ):
        self.spec = spec
        self.registry = registry
        self.dataset = dataset
        self.log = log
        self.phases = Phases(checkpoints)
        self.device = device
        self.precision = resolved(spec["precision"], device)
        self.streams = Streams(spec["streams"])
        self.images = Images([dataset.splits["train"]], len(dataset.classes), device)
        self.steps = 0
        self.epochs = 0

    def __call__(
        self,
        model: Classifier,
        *,
        epochs: int,
        lr: float,
        after_step: Callable[[], None] | None = None,
        head: bool = False,
        sampler: Sampler | None = None,
        loss: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None,
    ) -> None:
        """Train `model` in place for `epochs` by the recipe with highest learning rate `lr` and no warm-up.

        Args:
            model: on the device, in evaluation mode.
            epochs, lr: see above.
            after_step: called after each step of the optimiser.
            head: whether the linear head alone trains, on the features of a backbone that stays in evaluation mode.
            sampler: how an epoch is sampled, in place of the arm's `rebalance`.
            loss: in place of the arm's.
        """
        phase = self.phases.next(self.steps)
        part: nn.Module = model.head if head else model
        entry = dict(self.spec["recipe"])
        entry |= {key: value for key, value in {"epochs": epochs, "lr": lr, "warmup": 0.0}.items() if key in entry}
        scope = f"finetune-{phase.name}"
        if sampler is None and self.spec.get("rebalance"):
            sampler = bound(self.registry, "rebalance", self.spec["rebalance"])
        order = Order(self.images.targets, entry["batch"], self.streams, sampler, scope, epochs)
        steps, through = self.steps, self.epochs
        self.steps += epochs * order.steps
        self.epochs += epochs
        if (weights := phase.finished()) is not None:
            part.load_state_dict(weights)
            return
        model.backbone.requires_grad_(not head)
        objective = Supervised(
            model,
            self.images,
            [bind(self.registry, "augment", augment) for augment in self.spec["augment"]],
            self.streams.seed("augment", scope),
            loss or bound(self.registry, "loss", self.spec["loss"]),
            epochs=epochs,
            bf16=self.precision == "bf16",
        )
        with computing(self.precision, model, self.device), deterministic(self.spec.get("deterministic", False)):
            fit(
                part,
                objective,
                order,
                prepare(self.registry, entry, part, epochs * order.steps, self.streams.seed("order", scope, "noise")),
                epochs,
                log=lambda step, *, epoch, **values: self.log(steps + step, epoch=through + epoch, **values),
                checkpoints=phase,
                validate=validation(model, self.dataset.splits.get("val"), self.device),
                after_step=after_step,
                statistics=partial(batch_statistics, model, self.images.pixels, entry["batch"]),
            )
        phase.finish(part)
        model.backbone.requires_grad_(True)
