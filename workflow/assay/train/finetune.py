"""Further training of a trained model, as methods that adjust or compress it ask for."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from assay.errors import MethodError
from assay.models.classifier import Classifier
from assay.models.masks import kept, masked, weights
from assay.streams import Streams
from assay.study.registry import Registry
from assay.train.augments import augmentations
from assay.train.checkpoint import Checkpoints, Phases
from assay.train.deterministic import deterministic
from assay.train.epochs import bound
from assay.train.images import Images
from assay.train.infer import forward
from assay.train.loop import Log, Objective, fit, shifted
from assay.train.losses.features import applied
from assay.train.objective import OnFeatures, Supervised
from assay.train.order import Only, Order, Sampler
from assay.train.precision import computing, resolved
from assay.train.recipe import prepare
from assay.train.setup import frozen, place, validation
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
        start: Classifier | None = None,
        others: Sequence[Classifier] = (),
    ):
        self.initial = start
        #: Further trained models that a method asks for, on the device and only to be looked at.
        self.others = [frozen(other, device) for other in others]
        self.spec = spec
        self.registry = registry
        self.dataset = dataset
        self.log = log
        self.phases = Phases(checkpoints)
        self.device = device
        self.precision = resolved(spec["precision"], device)
        self.streams = Streams(spec["streams"])
        self.images = Images([dataset.splits["train"]], len(dataset.classes), device)
        self.done = 0
        self.epochs = 0

    def __call__(
        self,
        model: Classifier,
        *,
        epochs: int,
        lr: float,
        after_step: Callable[[], None] | None = None,
        hold: bool = True,
        head: bool = False,
        sampler: Sampler | None = None,
        loss: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None,
    ) -> None:
        """Train `model` in place for `epochs` by the recipe with highest learning rate `lr` and no warm-up.

        Weights of convolutions and linear layers that are exactly zero stay so: what was pruned stays pruned.

        Args:
            model: on the device, in evaluation mode.
            epochs, lr: see above.
            after_step: called after each step of the optimiser.
            hold: whether zeros stay.
            head: whether the linear head alone trains, on the features of a backbone that stays in evaluation mode.
            sampler: how an epoch is sampled, in place of the arm's `rebalance`.
            loss: in place of the arm's.
        """
        part: nn.Module = model.head if head else model
        model.backbone.requires_grad_(not head)
        entry = dict(self.spec["recipe"])
        entry |= {key: value for key, value in {"epochs": epochs, "lr": lr, "warmup": 0.0}.items() if key in entry}
        objective = self._supervised(model, epochs, loss)
        sampler = sampler or self._sampler()
        self._fit(part, objective, self.images.targets, sampler, model, entry, epochs, after_step=after_step, hold=hold)
        model.backbone.requires_grad_(True)

    def again(
        self,
        model: Classifier,
        begin: int = 0,
        end: int | None = None,
        *,
        replay: bool = False,
        classes: Sequence[int] | None = None,
    ) -> None:
        """Train `model` in place by the arm's recipe as it stands, its own rate and warm-up included.

        Zeros stay, as above. What else the arm's training had, such as a teacher, this one goes without.

        Args:
            model: on the device.
            begin, end: which epochs of the recipe; all by default.
            replay: whether order and augmentation are those of the arm's training, so that the same start gives the
                same weights after the same epochs.
            classes: whose images it learns from; all by default.
        """
        entry = self.spec["recipe"]
        objective = self._supervised(model, entry["epochs"], None)
        scope = "train" if replay else None
        self._fit(
            model,
            objective,
            self.images.targets,
            self._sampler() if classes is None else Only(classes, self._sampler()),
            model,
            entry,
            entry["epochs"],
            begin=begin,
            end=end,
            scope=scope,
        )

    def _sampler(self) -> Sampler | None:
        """How the arm samples an epoch."""
        entry = self.spec.get("rebalance")
        return bound(self.registry, "rebalance", entry) if entry else None

    def steps(self, epochs: int) -> int:
        """How many steps of the optimiser so many epochs are."""
        batch = self.spec["recipe"]["batch"]
        return epochs * Order(self.images.targets, batch, self.streams, self._sampler(), "steps", epochs).steps

    def epoch(self, share: float) -> int:
        """How many epochs of the arm's recipe a share of them is, but never all."""
        epochs: int = self.spec["recipe"]["epochs"]
        return min(round(share * epochs), epochs - 1)

    def start(self) -> Classifier:
        """The model that the arm's training started from, on the device, with the normalisation of that training.

        Raises:
            MethodError: nobody here knows it.
        """
        if self.initial is None:
            raise MethodError("what the model's training started from was not handed over")
        return place(copy.deepcopy(self.initial), self.device)

    def statistics(self, model: Classifier) -> None:
        """Compute the statistics of batch normalisation of `model` anew, in place, on the train images as they are."""
        batch_statistics(model, self.images.pixels, self.spec["recipe"]["batch"])
        model.eval()

    def accuracy(self, model: Classifier) -> float:
        """The accuracy of `model` on the val split.

        Raises:
            MethodError: there is no val split.
        """
        validate = validation(model, self.dataset.splits.get("val"), self.device)
        if validate is None:
            raise MethodError("the method looks at accuracy on val, and the dataset has no val split")
        return validate()["val.accuracy"]

    def sample(self, count: int) -> tuple[Tensor, Tensor]:
        """Some train images float32 `[B,C,H,W]` in 0..1, without augmentation, and their targets `[B,K]`; the same
        ones whenever asked.
        """
        few = self.streams.numpy("order", "sample").permutation(len(self.images.labels))[:count]
        return self.images.batch(torch.from_numpy(few).to(self.device))

    def gradients(self, model: Classifier, count: int) -> dict[str, Tensor]:
        """Of the mean loss of `sample(count)` under `model` as it is, by layer (convolution or linear)."""
        copied = copy.deepcopy(model).eval()
        x, targets = self.sample(count)
        loss = bound(self.registry, "loss", self.spec["loss"])
        features = copied.features(x)
        applied(loss, copied.head(features), targets, self.images.counts, features).mean().backward()
        return {name: weight.grad for name, weight in weights(copied).items() if weight.grad is not None}

    def generator(self) -> torch.Generator:
        """For what a method draws, on the CPU."""
        return self.streams.torch("init", "compress")

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
        entry = dict(self.spec["recipe"])
        entry |= {key: value for key, value in {"epochs": epochs, "lr": lr, "warmup": 0.0}.items() if key in entry}
        self._fit(model.head, lambda _: objective, labels.cpu().numpy(), None, model, entry, epochs)

    def _supervised(
        self, model: Classifier, epochs: int, loss: Callable[[Tensor, Tensor, Tensor], Tensor] | None
    ) -> Callable[[str], Objective]:
        """The arm's objective for a scope of randomness, perhaps with another loss."""
        return lambda scope: Supervised(
            model,
            self.images,
            augmentations(self.registry, self.spec["augment"], model),
            self.streams.seed("augment", scope),
            loss or bound(self.registry, "loss", self.spec["loss"]),
            epochs=epochs,
            bf16=self.precision == "bf16",
        )

    def _fit(
        self,
        part: nn.Module,
        objective: Callable[[str], Objective],
        labels: np.ndarray,
        sampler: Sampler | None,
        model: Classifier,
        entry: Mapping[str, Any],
        epochs: int,
        *,
        begin: int = 0,
        end: int | None = None,
        scope: str | None = None,
        after_step: Callable[[], None] | None = None,
        hold: bool = True,
    ) -> None:
        """Train a part of the model for the objective of a scope of randomness, or take what was trained already."""
        scope = scope or f"finetune-{self.phases.count}"
        order = Order(labels, entry["batch"], self.streams, sampler, scope, epochs)
        made = (epochs if end is None else end) - begin
        # The curves go on from one training to the next, whichever epochs of a recipe it makes.
        steps, through = self.done - begin * order.steps, self.epochs - begin
        phase = self.phases.next(steps)
        self.done += made * order.steps
        self.epochs += made
        with masked(part, kept(part) if hold else {}):
            if (final := phase.finished()) is not None:
                part.load_state_dict(final)
                model.eval()
                return
            with computing(self.precision, model, self.device), deterministic(self.spec.get("deterministic", False)):
                seed = self.streams.seed("order", scope, "noise")
                fit(
                    part,
                    objective(scope),
                    order,
                    prepare(self.registry, entry, part, epochs * order.steps, seed),
                    epochs,
                    begin=begin,
                    end=end,
                    log=shifted(self.log, steps, through),
                    checkpoints=phase,
                    validate=validation(model, self.dataset.splits.get("val"), self.device),
                    after_step=after_step,
                    statistics=partial(batch_statistics, model, self.images.pixels, entry["batch"]),
                )
            phase.finish(part)
        model.eval()
