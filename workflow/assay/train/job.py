"""The computation of the stage `train`: a spec and a dataset to a trained classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from assay.errors import MethodError
from assay.models.classifier import Classifier
from assay.models.masks import mask, unmask
from assay.streams import Streams
from assay.study.registry import Registry, bind
from assay.train.augments import augmentations
from assay.train.checkpoint import Checkpoints
from assay.train.choice import choose
from assay.train.compiled import compiled
from assay.train.deterministic import deterministic
from assay.train.dynamics import Recorder
from assay.train.epochs import bound
from assay.train.images import Images
from assay.train.loop import Log, fit
from assay.train.losses.features import reads_features
from assay.train.objective import Supervised
from assay.train.order import Order
from assay.train.precision import computing, resolved
from assay.train.recipe import prepare
from assay.train.robust.objective import Robust, RobustObjective, Training
from assay.train.setup import finished, frozen, held_out, place, validation
from assay.train.sparsity import chosen
from assay.train.start import started
from assay.train.statistics import batch_statistics

if TYPE_CHECKING:
    from assay.data.dataset import Dataset, Split


def train(
    spec: Mapping[str, Any],
    registry: Registry,
    dataset: Dataset,
    *,
    synthetic: Dataset | None = None,
    teachers: Sequence[Classifier] = (),
    encoder: Mapping[str, Tensor] | None = None,
    weights: Mapping[str, Tensor] | None = None,
    choice: Mapping[str, Any] | None = None,
    keep: Callable[..., None] | None = None,
    state: Callable[..., None] | None = None,
    log: Log,
    checkpoints: Checkpoints,
    device: torch.device | str = "cpu",
) -> Classifier:
    """Train one classifier.

    Args:
        spec: `model`, `trainable`, `recipe`, `loss` (method entries), `augment` (list of them), `rebalance`, `robust`,
            `dropout`, `sparse` (entries or None), `synthetic` ({"mix": "real+synthetic" | "synthetic-only"} or None),
            `init` (mapping or None), `distill` (entry or None; its key `teacher` is for the planner), `precision` (see
            `assay.train.precision`), `deterministic`, `compile` (false if absent), `streams` (numbers of `init`,
            `order`, `augment`), and perhaps `dynamics` (true).
        registry: where the methods are found.
        dataset: splits `train` and, for the curves alone, `val`.
        synthetic: split `synthetic`, when the spec says how to mix it in.
        teachers: trained classifiers; several count as one by their mean probability.
        encoder: tensors whose backbone the model starts from.
        weights: tensors that the model starts from.
        choice: dotted path in the spec to value, from a tuning run.
        keep: called with the dynamics of the training if the spec asks for them: `id` text [N], the images of the train
            split, and `margin`, `error`, `correct` [E,N], see `assay.train.dynamics`.
        state: called with what the machine decided, `precision`.
        log: see `assay.train.loop.fit`.
        checkpoints: see `assay.train.checkpoint`.
        device: where to compute.

    Returns:
        The classifier on the CPU, in evaluation mode, contiguous.

    Raises:
        MethodError: training diverged, or the spec asks for what was not given.
    """
    spec = choose(dict(spec), choice)
    device = torch.device(device)
    streams = Streams(spec["streams"])
    splits = mixed(dataset, synthetic, (spec.get("synthetic") or {}).get("mix"))
    images = Images(splits, len(dataset.classes), device)

    if "weights" in (spec.get("init") or {}) and weights is None:
        raise MethodError(f"the spec says init: {spec['init']}, but no weights were handed over")
    robust: Robust | None = bind(registry, "robust", spec["robust"])() if spec.get("robust") else None
    count = robust.networks if robust else 1
    if count > 1 and weights is not None:
        raise MethodError(f"{spec['robust']['method']} needs networks that differ; leave `init: weights` out")
    networks, finishes = [], []
    for number in range(count):
        generator = streams.torch("init", "model", *([number] if number else []))
        model = started(registry, spec["model"], dataset, images.raw, generator, encoder=encoder, weights=weights)
        part = bind(registry, "trainable", spec.get("trainable") or {"method": "all"})
        finishes.append(part(model, streams.torch("init", "trainable", *([number] if number else []))))
        networks.append(place(model, device))
    model = networks[0]
    trained: nn.Module = model if count == 1 else nn.ModuleList(networks)

    loss = bound(registry, "loss", spec["loss"])
    if robust and spec.get("sparse"):
        raise MethodError(f"{spec['robust']['method']} may mix weights of networks that are not sparse alike; drop one")
    kept = chosen(registry, spec["sparse"], model, images, loss, streams) if spec.get("sparse") else {}
    mask(model, kept)

    recipe = spec["recipe"]
    watch = Recorder(len(dataset.splits["train"]), recipe["epochs"], device) if spec.get("dynamics") else None
    rebalance = bound(registry, "rebalance", spec["rebalance"]) if spec.get("rebalance") else None
    order = Order(images.targets, recipe["batch"], streams, rebalance, epochs=recipe["epochs"])
    augments = augmentations(registry, spec["augment"], model)
    seed = streams.seed("augment", "train")
    precision = resolved(spec["precision"], device)
    bf16 = precision == "bf16"
    if state:
        state(precision=precision)
    distill = distillation(registry, spec.get("distill"), teachers)
    dropout = bind(registry, "dropout", spec["dropout"]) if spec.get("dropout") else None
    if robust and dropout:
        raise MethodError(f"{spec['robust']['method']} takes the loss's place and does not see dropout; drop one")
    objective: Supervised | RobustObjective
    if robust:
        if reads_features(loss):
            raise MethodError(f"{spec['loss']['method']} looks at features, which robust methods do not hand to a loss")
        held = held_out(dataset.splits.get("val"), device)
        drawn = streams.torch("init", "robust")
        training = Training(networks, images, partial(loss, counts=images.counts), drawn, bf16, held)
        objective = RobustObjective(robust, training, loss, augments, seed, recipe["epochs"])
    else:
        objective = Supervised(
            model,
            images,
            augments,
            seed,
            loss,
            epochs=recipe["epochs"],
            distill=distill,
            teachers=[frozen(teacher, device) for teacher in teachers],
            dropout=dropout,
            bf16=bf16,
            watch=watch,
        )
    with (
        computing(precision, trained, device),
        deterministic(spec.get("deterministic", False)),
        compiled(networks, spec.get("compile", False)),
    ):
        fit(
            trained,
            objective,
            order,
            prepare(registry, recipe, trained, recipe["epochs"] * order.steps, streams.seed("order", "train", "noise")),
            recipe["epochs"],
            log=log,
            checkpoints=checkpoints,
            validate=validation(model, dataset.splits.get("val"), device),
            also=objective if isinstance(objective, RobustObjective) else watch,
            statistics=partial(batch_statistics, model, images.pixels, recipe["batch"]),
        )
    unmask(model, kept)
    for finish in finishes:
        finish()
    if isinstance(objective, RobustObjective):
        objective.finish()
    if watch and keep:
        keep(id=dataset.splits["train"].ids, **watch.arrays())
    return finished(model)


def mixed(dataset: Dataset, synthetic: Dataset | None, mix: str | None) -> list[Split]:
    """The splits to train on: real, synthetic or both.

    Raises:
        MethodError: a synthetic set without a mix or the other way round, other classes, other shape of images.
    """
    if (synthetic is None) != (mix is None):
        found = "no synthetic set" if synthetic is None else "a synthetic set"
        raise MethodError(f"the spec says synthetic mix: {mix}, and {found} was handed over")
    if synthetic is None:
        return [dataset.splits["train"]]
    made, real = synthetic.splits["synthetic"], dataset.splits["train"]
    if synthetic.classes != dataset.classes:
        raise MethodError(f"the synthetic set has classes {synthetic.classes}, the dataset {dataset.classes}")
    if made.images.shape[1:] != real.images.shape[1:]:
        raise MethodError(f"synthetic images are {made.images.shape[1:]}, real ones {real.images.shape[1:]} (H,W,C)")
    return [made] if mix == "synthetic-only" else [real, made]


def distillation(
    registry: Registry, entry: Mapping[str, Any] | None, teachers: Sequence[Classifier]
) -> Callable[..., Tensor] | None:
    """The bound distillation method, or None.

    Raises:
        MethodError: a method without teachers, or teachers without a method.
    """
    if (entry is None) != (not teachers):
        raise MethodError(f"the spec says distill: {entry and entry['method']}, and there are {len(teachers)} teachers")
    if entry is None:
        return None
    return bind(registry, "distill", {key: value for key, value in entry.items() if key != "teacher"})
