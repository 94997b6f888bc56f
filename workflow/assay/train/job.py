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
from assay.synthesize.gate import faults
from assay.train.augments import augmentations
from assay.train.checkpoint import Checkpoints, Phases
from assay.train.choice import choose
from assay.train.compiled import compiled
from assay.train.deterministic import deterministic
from assay.train.distillation import distillation
from assay.train.distributed import Agreed, Peers, Shared, require_shareable
from assay.train.dynamics import Recorder
from assay.train.epochs import bound
from assay.train.first import train_first
from assay.train.images import Images
from assay.train.loop import Log, fit, shifted
from assay.train.losses.features import reads_features
from assay.train.mup import Growth, transfer
from assay.train.objective import Supervised
from assay.train.order import Order
from assay.train.precision import computing, resolved
from assay.train.recipe import prepare
from assay.train.robust.objective import Robust, RobustObjective, Training
from assay.train.setup import finished, held_out, place, validation
from assay.train.sparsity import chosen
from assay.train.start import started
from assay.train.statistics import batch_statistics
from assay.train.teachers import teaching

if TYPE_CHECKING:
    from assay.data.dataset import Dataset, Split


def train(
    spec: Mapping[str, Any],
    registry: Registry,
    dataset: Dataset,
    *,
    synthetic: Dataset | None = None,
    teachers: Sequence[Classifier] = (),
    assistants: Sequence[Classifier] = (),
    encoder: Mapping[str, Tensor] | None = None,
    weights: Mapping[str, Tensor] | None = None,
    choice: Mapping[str, Any] | None = None,
    keep: Callable[..., None] | None = None,
    state: Callable[..., None] | None = None,
    log: Log,
    checkpoints: Checkpoints,
    device: torch.device | str = "cpu",
    limit: int | None = None,
    peers: Peers | None = None,
) -> Classifier:
    """Train one classifier.

    Args:
        spec: `model`, `trainable`, `recipe`, `loss` (method entries), `augment` (list of them), `rebalance`, `robust`,
            `dropout`, `sparse` (entries or None), `synthetic` ({"mix", "labels", "gate"} as in the config, or None),
            `init` (an entry, `{"weights": ...}` or None), `distill` (entry or None), `taught` ({"images": "labelled" |
            "unlabelled" | "all", "repeat": number of the generation or None} or None), `precision` (see
            `assay.train.precision`), `deterministic`, `compile` (false if absent), `streams` (numbers of `init`,
            `order`, `augment`), and perhaps `mup` ({"option": ..., "base-width": ...}), `dynamics` (true) and `guide`
            ({"model": entry, "init": entry or None}, a teacher that was never trained).
        registry: where the methods are found.
        dataset: splits `train` and, for the curves alone, `val`.
        synthetic: split `synthetic`, when the spec says how to mix it in.
        teachers: trained classifiers; several count as one by their mean probability.
        assistants: smaller ones, of which one teaches in the teacher's place, see `assay.train.teachers`.
        encoder: tensors whose backbone the model starts from.
        weights: tensors that the model starts from.
        choice: dotted path in the spec to value, from a tuning run.
        keep: called with the dynamics of the training if the spec asks for them: `id` text [N], the images of the train
            split, and `margin`, `error`, `correct` [E,N], see `assay.train.dynamics`.
        state: called with what the machine decided, `precision` and `images` ("resident" or "streamed").
        log: see `assay.train.loop.fit`.
        checkpoints: see `assay.train.checkpoint`.
        device: where to compute.
        limit: bytes of images that are kept there, see `assay.train.images.lay`.
        peers: other processes that run the same training, of which each takes a part of every batch. All return the
            same classifier; only the first needs `log` and saves checkpoints.

    Returns:
        The classifier on the CPU, in evaluation mode, contiguous.

    Raises:
        MethodError: training diverged, or the spec asks for what was not given, or for what peers cannot share.
        LostProcessError: another process is gone.
    """
    spec = choose(dict(spec), choice)
    device = torch.device(device)
    streams = Streams(spec["streams"])
    use = spec.get("synthetic") or {}
    made = synthetic.splits["synthetic"] if synthetic is not None else None
    if synthetic is not None:
        admit(synthetic, use)
    lesson = spec.get("taught") or {"images": "labelled", "repeat": None}
    splits = taught(mixed(dataset, synthetic, use.get("mix")), dataset, lesson["images"])
    soft = made if use.get("labels") == "soft" else None
    images = Images(splits, len(dataset.classes), device, limit, soft)

    start = spec.get("init") or {}
    if "weights" in start and weights is None:
        raise MethodError(f"the spec says init: {spec['init']}, but no weights were handed over")
    robust: Robust | None = bind(registry, "robust", spec["robust"])() if spec.get("robust") else None
    count = robust.networks if robust else 1
    if count > 1 and weights is not None:
        raise MethodError(f"{spec['robust']['method']} needs networks that differ; leave `init: weights` out")
    networks, finishes = [], []
    grown: dict[nn.Parameter, Growth] = {}
    for number in range(count):
        which = [number] if number else []
        model, growth = started(spec, registry, dataset, images.raw, streams, which, encoder=encoder, weights=weights)
        grown |= growth
        part = bind(registry, "trainable", spec.get("trainable") or {"method": "all"})
        finishes.append(part(model, streams.torch("init", "trainable", *which)))
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
    if peers:
        require_shareable(spec, loss, order, peers.size)
    precision = resolved(spec["precision"], device)
    bf16 = precision == "bf16"
    if state:
        state(precision=precision, images=images.kept)
    if watch and images.unlabelled:
        raise MethodError("the dynamics of training need each image's own label, and some images have none")
    teachers = teaching(
        spec, registry, dataset, images.raw, streams, teachers, assistants, device, limit=limit, state=state
    )
    distill = distillation(registry, spec, model, teachers, images, streams, dataset.size, bf16=bf16)
    if distill and distill.beside is not None:
        trained = nn.ModuleDict({"model": model, "beside": distill.beside})
    dropout = bind(registry, "dropout", spec["dropout"]) if spec.get("dropout") else None
    if robust and dropout:
        raise MethodError(f"{spec['robust']['method']} takes the loss's place and does not see dropout; drop one")
    validate = validation(model, dataset.splits.get("val"), device, limit, distill.finish if distill else None)
    if made is not None and use["mix"] == "pretrain-then-real":
        if robust or distill or peers or grown:
            raise MethodError("mix: pretrain-then-real goes with no `robust`, `distill`, `devices` and `mup`")
        phases = Phases(checkpoints)
        given = Images([made], len(dataset.classes), device, limit, soft)
        first = train_first(
            model, spec, registry, given, precision=precision, validate=validate, log=log, phase=phases.next(0)
        )
        checkpoints, log = phases.next(first), shifted(log, first, recipe["epochs"])
    objective: Supervised | RobustObjective
    if robust:
        if reads_features(loss):
            raise MethodError(f"{spec['loss']['method']} looks at features, which robust methods do not hand to a loss")
        held = held_out(dataset.splits.get("val"), device, limit)
        chance = streams.torch("init", "robust")
        training = Training(networks, images, partial(loss, counts=images.counts), chance, bf16, held)
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
            dropout=dropout,
            bf16=bf16,
            watch=watch,
            part=peers.part if peers else None,
        )
    steps = recipe["epochs"] * order.steps
    prepared = prepare(registry, recipe, trained, steps, streams.seed("order", "train", "noise"))
    if grown:
        transfer(prepared.optimizer, grown)
    with (
        computing(precision, trained, device),
        deterministic(spec.get("deterministic", False)),
        compiled(networks, spec.get("compile", False)),
    ):
        fit(
            trained,
            Shared(objective, peers) if peers else objective,
            order,
            prepared,
            recipe["epochs"],
            log=log,
            checkpoints=Agreed(checkpoints, peers) if peers else checkpoints,
            validate=peers.first(validate) if peers and validate else validate,
            also=objective if isinstance(objective, RobustObjective) else watch,
            statistics=partial(batch_statistics, model, images.pixels, recipe["batch"]),
            add=peers.add if peers else None,
        )
    unmask(model, kept)
    for finish in finishes:
        finish()
    if isinstance(objective, RobustObjective):
        objective.finish()
    if distill:
        distill.finish()
    if watch and keep:
        keep(id=dataset.splits["train"].ids, **watch.arrays())
    return finished(model)


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


def taught(splits: list[Split], dataset: Dataset, images: str) -> list[Split]:
    """The splits that a student learns from: `splits`, the dataset's unlabelled images, or all.

    Raises:
        MethodError: there are no unlabelled images.
    """
    if images == "labelled":
        return splits
    unlabelled = dataset.splits.get("unlabelled")
    if unlabelled is None or not len(unlabelled):
        raise MethodError(
            f"distill: images: {images}, and the dataset has none without a label; its key `labels` takes labels away"
        )
    return [unlabelled] if images == "unlabelled" else [*splits, unlabelled]
