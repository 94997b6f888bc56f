"""The computation of the stage `train`: a spec and a dataset to a trained classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from assay.errors import MethodError
from assay.models.classifier import Classifier, build
from assay.streams import Streams
from assay.study.registry import Registry, bind
from assay.synthesize.gate import faults
from assay.train.augments import augmentations
from assay.train.checkpoint import Checkpoints, Phases
from assay.train.choice import choose
from assay.train.compiled import compiled
from assay.train.deterministic import deterministic
from assay.train.dynamics import Recorder
from assay.train.epochs import bound
from assay.train.first import train_first
from assay.train.images import Images
from assay.train.initial import start_from_encoder, start_from_weights
from assay.train.loop import Log, fit
from assay.train.losses.features import reads_features
from assay.train.objective import Supervised
from assay.train.order import Order
from assay.train.precision import computing, resolved
from assay.train.recipe import prepare
from assay.train.robust.objective import Robust, RobustObjective, Training
from assay.train.setup import finished, frozen, held_out, place, validation
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
            `dropout` (entries or None), `synthetic` ({"mix", "labels", "gate"} as in the config, or None), `init`
            (mapping or None), `distill` (entry or None; its key `teacher` is for the planner), `precision` (see
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
    use = spec.get("synthetic") or {}
    splits = mixed(dataset, synthetic, use.get("mix"))
    made = synthetic.splits["synthetic"] if synthetic is not None else None
    if synthetic is not None:
        admit(synthetic, use)
    soft = made if use.get("labels") == "soft" else None
    images = Images(splits, len(dataset.classes), device, soft)

    if "weights" in (spec.get("init") or {}) and weights is None:
        raise MethodError(f"the spec says init: {spec['init']}, but no weights were handed over")
    robust: Robust | None = bind(registry, "robust", spec["robust"])() if spec.get("robust") else None
    count = robust.networks if robust else 1
    if count > 1 and weights is not None:
        raise MethodError(f"{spec['robust']['method']} needs networks that differ; leave `init: weights` out")
    networks, finishes = [], []
    for number in range(count):
        generator = streams.torch("init", "model", *([number] if number else []))
        model = build(registry, spec["model"], dataset.channels, len(dataset.classes), dataset.size, generator)
        model.fit_normalisation(images.raw)
        if encoder is not None:
            start_from_encoder(model, encoder)
        if weights is not None:
            start_from_weights(model, weights)
        part = bind(registry, "trainable", spec.get("trainable") or {"method": "all"})
        finishes.append(part(model, streams.torch("init", "trainable", *([number] if number else []))))
        networks.append(place(model, device))
    model = networks[0]
    trained: nn.Module = model if count == 1 else nn.ModuleList(networks)

    recipe = spec["recipe"]
    validate = validation(model, dataset.splits.get("val"), device)
    watch = Recorder(len(dataset.splits["train"]), recipe["epochs"], device) if spec.get("dynamics") else None
    rebalance = bound(registry, "rebalance", spec["rebalance"]) if spec.get("rebalance") else None
    order = Order(images.targets, recipe["batch"], streams, rebalance, epochs=recipe["epochs"])
    augments = augmentations(registry, spec["augment"], model)
    seed = streams.seed("augment", "train")
    loss = bound(registry, "loss", spec["loss"])
    precision = resolved(spec["precision"], device)
    bf16 = precision == "bf16"
    if state:
        state(precision=precision)
    distill = distillation(registry, spec.get("distill"), teachers)
    dropout = bind(registry, "dropout", spec["dropout"]) if spec.get("dropout") else None
    if robust and dropout:
        raise MethodError(f"{spec['robust']['method']} takes the loss's place and does not see dropout; drop one")
    taught = [frozen(teacher, device) for teacher in teachers]
    if made is not None and use["mix"] == "pretrain-then-real":
        if robust:
            raise MethodError(f"{spec['robust']['method']} trains once, on one set of images; choose another mix")
        phases = Phases(checkpoints)
        given = Images([made], len(dataset.classes), device, soft)
        steps = train_first(
            model, spec, registry, given, precision=precision, distill=distill, teachers=taught, validate=validate,
            log=log, phase=phases.next(0),
        )  # fmt: skip
        checkpoints, log = phases.next(steps), shifted(log, steps, recipe["epochs"])
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
            teachers=taught,
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
            validate=validate,
            also=objective if isinstance(objective, RobustObjective) else watch,
            statistics=partial(batch_statistics, model, images.pixels, recipe["batch"]),
        )
    for finish in finishes:
        finish()
    if isinstance(objective, RobustObjective):
        objective.finish()
    if watch and keep:
        keep(id=dataset.splits["train"].ids, **watch.arrays())
    return finished(model)


def shifted(log: Log, steps: int, epochs: int) -> Log:
    """A log that goes on after so many steps and epochs."""
    return lambda step, *, epoch, **values: log(steps + step, epoch=epochs + epoch, **values)


def admit(synthetic: Dataset, use: Mapping[str, Any]) -> None:
    """Let a synthetic set be learnt from if it passes the gate, if there is one.

    Raises:
        MethodError: a figure misses its threshold, or labels are to be soft and the set has none.
    """
    if use.get("labels") == "soft" and synthetic.splits["synthetic"].soft is None:
        raise MethodError("the spec says labels: soft, and the synthetic set has none")
    found = faults(synthetic.card["quality"], use["gate"]) if use.get("gate") else []
    if found:
        raise MethodError(f"the synthetic set does not pass its gate: {'; '.join(found)}")


def mixed(dataset: Dataset, synthetic: Dataset | None, mix: str | None) -> list[Split]:
    """The splits to train on: real, synthetic or both; with `pretrain-then-real` those that come at the end.

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
    return {"synthetic-only": [made], "pretrain-then-real": [real]}.get(str(mix), [real, made])


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
