"""Further training of a trained model, as methods that adjust or compress it ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from assay.models.classifier import Classifier
from assay.streams import Streams
from assay.study.registry import Registry
from assay.train.augments import augmentations
from assay.train.checkpoint import Checkpoints, Phases
from assay.train.deterministic import deterministic
from assay.train.epochs import bound
from assay.train.images import Images
from assay.train.infer import forward
from assay.train.loop import Log, Objective, fit
from assay.train.objective import OnFeatures, Supervised
from assay.train.order import Order, Sampler
from assay.train.precision import computing, resolved
from assay.train.recipe import prepare
from assay.train.setup import validation
from assay.train.statistics import batch_statistics

if TYPE_CHECKING:
    import numpy as np

    from assay.data.dataset import Dataset

#: Images at a time where no gradient is kept.
_BATCH = 1024


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
        part: nn.Module = model.head if head else model
        if sampler is None and self.spec.get("rebalance"):
            sampler = bound(self.registry, "rebalance", self.spec["rebalance"])
        model.backbone.requires_grad_(not head)
        self._fit(
            part,
            lambda scope: Supervised(
                model,
                self.images,
                augmentations(self.registry, self.spec["augment"], model),
                self.streams.seed("augment", scope),
                loss or bound(self.registry, "loss", self.spec["loss"]),
                epochs=epochs,
                bf16=self.precision == "bf16",
            ),
            self.images.targets,
            sampler,
            model,
            epochs,
            lr,
            after_step,
        )
        model.backbone.requires_grad_(True)

    def features(self, model: Classifier) -> tuple[Tensor, Tensor]:
        """Features float32 `[N,D]` of the train images as they are, without augmentation, and their labels `[N]`."""
        return forward(model, self.images.pixels, _BATCH)[1], self.images.labels

    def on_features(
        self,
        model: Classifier,
        features: Tensor,
        labels: Tensor,
        *,
        epochs: int,
        lr: float,
        loss: Callable[[Tensor, Tensor, Tensor], Tensor],
    ) -> None:
        """Train the head of `model` in place on given features `[N,D]` and labels int64 `[N]`, as `__call__` does."""
        objective = OnFeatures(model.head, features, labels, loss)
        self._fit(model.head, lambda _: objective, labels.cpu().numpy(), None, model, epochs, lr)

    def _fit(
        self,
        part: nn.Module,
        objective: Callable[[str], Objective],
        labels: np.ndarray,
        sampler: Sampler | None,
        model: Classifier,
        epochs: int,
        lr: float,
        after_step: Callable[[], None] | None = None,
    ) -> None:
        """Train a part of the model for the objective of a scope of randomness, or take what was trained already."""
        phase = self.phases.next(self.steps)
        entry = dict(self.spec["recipe"])
        entry |= {key: value for key, value in {"epochs": epochs, "lr": lr, "warmup": 0.0}.items() if key in entry}
        scope = f"finetune-{phase.name}"
        order = Order(labels, entry["batch"], self.streams, sampler, scope, epochs)
        steps, through = self.steps, self.epochs
        self.steps += epochs * order.steps
        self.epochs += epochs
        if (weights := phase.finished()) is not None:
            part.load_state_dict(weights)
            return
        with computing(self.precision, model, self.device), deterministic(self.spec.get("deterministic", False)):
            fit(
                part,
                objective(scope),
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
