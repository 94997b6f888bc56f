"""The stages as the engine calls them: open the inputs, call the computation, write what it returns.

Each function returns the headline numbers of its record.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from assay.run.arrays import write_npz
from assay.run.checkpoints import Checkpoints, Curves
from assay.run.datasets import read_dataset, write_dataset
from assay.run.devices import described, held, on_device
from assay.run.evaluation import evaluation
from assay.run.execute import Headline, Task
from assay.run.files import read_json, write_json
from assay.run.foreign import foreign, foreign_model
from assay.run.methods import JobRegistry, registry_of
from assay.run.parts import Parts
from assay.run.predictions import predict
from assay.run.verdicts import verdicts
from assay.run.workers import shared

#: Images of each class on a contact sheet.
SHEET = 12


def compute(task: Task) -> Headline:
    """Run the stage of a job, with as many threads as its spec says."""
    if task.job.stage not in ("claims", "search"):
        set_up(task.job.spec)
    if not on_device(task.job) or task.devices:
        return _STAGES[task.job.stage](task)
    count = int(task.job.spec.get("devices", 1))
    with held(count, task.job.gpus, task.device_locks or task.work) as task.devices:
        headline = shared(task) if count > 1 else _STAGES[task.job.stage](task)
        task.stated["device"] = described(task.devices[0])
        return headline


def set_up(spec: dict[str, Any]) -> None:
    """Make torch compute with as many threads as a spec says, and alike each time."""
    import torch

    torch.set_num_threads(int(spec.get("threads", 1)))
    # The CPU's kernels repeat themselves with a fixed number of threads; cuDNN has to be told.
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


def _watched(task: Task) -> tuple[Curves, Checkpoints]:
    if task.peers and task.peers.rank:
        # The first of several processes writes down what all do; the others read from where to go on.
        curves = Curves(task.work / f"curves-{task.peers.rank}.jsonl")
        return curves, Checkpoints(task.work, curves, math.inf)
    curves = Curves(task.work / "curves.jsonl")
    return curves, Checkpoints(task.work, curves, seconds_between_checkpoints())


def seconds_between_checkpoints() -> float:
    """How long a computation may run before it saves its state again."""
    return float(os.environ.get("ASSAY_CHECKPOINT_SECONDS", "30"))


def _data(task: Task) -> Headline:
    from assay.data.decisions import told
    from assay.data.job import build
    from assay.data.sheet import contact_sheet
    from assay.run.evidence import evidence
    from assay.run.fetch.shelf import shelf

    parent, like = (read_dataset(task.inputs[role]) if role in task.inputs else None for role in ("parent", "like"))
    spec = {key: value for key, value in task.job.spec.items() if key not in ("fingerprint", "fingerprints")}
    files = shelf(task.job.mirror, task.downloads)
    registry = registry_of(task)
    known = evidence(task, registry, parent)
    _unchanged(task.job.spec)
    dataset = build(spec, registry, parent=parent, like=like, files=files, evidence=known)
    _unchanged(task.job.spec)
    for line in told(dataset.card["decisions"]):
        print(line)
    # Ids lie in a file of their own, which those of a private dataset do not leave with.
    examples = {pair: found.pop("examples") for pair, found in dataset.card["near-duplicates"].get("pairs", {}).items()}
    write_json(task.out / "twins.json", examples)
    split = "train" if "train" in dataset.splits else next(iter(dataset.splits))
    write_dataset(task.out, dataset, contact_sheet(dataset, split, SHEET))
    return {"images": sum(len(split) for split in dataset.splits.values()), "classes": len(dataset.classes)}


def _unchanged(spec: dict[str, Any]) -> None:
    """Make sure that a user's own images are those that the job was planned with.

    Raises:
        MethodError: they changed since, perhaps while they were being read.
    """
    from assay.errors import MethodError
    from assay.study.own_data import fingerprint

    if "fingerprint" in spec and fingerprint(spec["source"]) != spec["fingerprint"]:
        raise MethodError(f"{spec['source']['path']} changed since the study was planned; run it again")


def _generator(task: Task) -> Headline:
    import torch

    from assay.run.generators import read_generator, write_generator
    from assay.synthesize.fit import fit
    from assay.train.precision import resolved

    dataset = read_dataset(task.inputs["dataset"])
    log, checkpoints = _watched(task)
    task.stated["precision"] = resolved(task.job.spec["precision"], torch.device("cpu"))
    registry = registry_of(task)
    unbiased = read_dataset(task.inputs["unbiased"]) if "unbiased" in task.inputs else None
    look = _looks(task, registry, "encoder")
    encode = (lambda images: look(images)[1]) if look else None
    taught = task.inputs.get("teacher")
    teacher = read_generator(taught, registry) if taught else None
    generator = fit(
        task.job.spec, registry, dataset, log, checkpoints, unbiased=unbiased, encode=encode, teacher=teacher
    )
    return {"parameters": write_generator(task.out, generator, task.job.spec["method"], dataset, taught)}


def _synthetic(task: Task) -> Headline:
    import torch

    from assay.data.sheet import contact_sheet
    from assay.run.generators import read_generator
    from assay.synthesize.job import synthesize
    from assay.train.precision import resolved

    dataset = read_dataset(task.inputs["dataset"])
    registry = registry_of(task)
    made = synthesize(
        task.job.spec,
        registry,
        read_generator(task.inputs["generator"], registry),
        dataset,
        _looks(task, registry, "judge"),
        parts=Parts(task.work),
        halves=[read_generator(task.inputs[role], registry) for role in ("half/0", "half/1") if role in task.inputs],
        learnt=read_dataset(task.inputs["learnt"]) if "learnt" in task.inputs else None,
        keep=partial(write_npz, task.out / "halves.npz"),
    )
    task.stated["precision"] = resolved(task.job.spec["precision"], torch.device("cpu"))
    write_dataset(task.out, made, contact_sheet(made, "synthetic", SHEET))
    write_json(task.out / "quality.json", made.card.get("quality", {}))
    evaluations = (made.card["sampled"] or {}).get("network-evaluations")
    return {"images": len(made.splits["synthetic"])} | ({"evaluations": evaluations} if evaluations else {})


def _looks(
    task: Task, registry: JobRegistry, role: str
) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]] | None:
    """The network of an input, if there is one: from images to logits and features."""
    if role not in task.inputs:
        return None
    from assay.run.models import read_model
    from assay.train.infer import logits_and_features

    return partial(logits_and_features, read_model(task.inputs[role], registry))


def _pretrain(task: Task) -> Headline:
    from assay.pretrain.job import pretrain
    from assay.run.models import write_model

    dataset = read_dataset(task.inputs["dataset"])
    log, checkpoints = _watched(task)
    model = pretrain(
        task.job.spec,
        registry_of(task),
        dataset,
        log=log,
        checkpoints=checkpoints,
        state=task.stated.update,
        device=task.devices[0],
    )
    write_model(task.out, model, task.job.spec["model"], dataset.classes, dataset.size)
    return {}


def _train(task: Task) -> Headline:
    from assay.run.models import read_model
    from assay.train.choice import choose
    from assay.train.job import train

    dataset = read_dataset(task.inputs["dataset"])
    registry = registry_of(task)
    if "weights" in task.job.spec:
        return foreign_model(task, dataset.classes, dataset.channels, dataset.size)
    spec = dict(task.job.spec)
    choice = spec.pop("choice", None) or _choice(task)
    teachers = [read_model(folder, registry) for role, folder in task.inputs.items() if role.startswith("teacher/")]
    count = sum(role.startswith("assistant/") for role in task.inputs)
    assistants = [read_model(task.inputs[f"assistant/{number}"], registry) for number in range(count)]
    log, checkpoints = _watched(task)
    model = train(
        spec,
        registry,
        dataset,
        synthetic=read_dataset(task.inputs["synthetic"]) if "synthetic" in task.inputs else None,
        teachers=teachers,
        assistants=assistants,
        **start_of(task, registry),
        choice=choice,
        keep=partial(write_npz, task.out / "dynamics.npz"),
        state=task.stated.update,
        log=log,
        checkpoints=checkpoints,
        device=task.devices[0],
        peers=task.peers,
    )
    if task.peers and task.peers.rank:
        return {}
    return write_trained(task, model, choose(spec, choice), registry, dataset)


def start_weights(spec: dict[str, Any]) -> dict[str, Any] | None:
    """The tensors of another file that an arm's training starts from, if it does."""
    if "weights" not in (spec.get("init") or {}):
        return None
    from safetensors.torch import load_file

    return load_file(foreign(spec["init"]["weights"]))


def write_trained(task: Task, model: Any, spec: dict[str, Any], registry: JobRegistry, dataset: Any) -> Headline:
    """Write a trained model, and what its augmentations do to a few images."""
    from assay.run.models import write_model
    from assay.train.preview import preview

    write_model(task.out, model, spec["model"], dataset.classes, dataset.size)
    if spec["augment"]:
        real, altered = preview(spec, registry, dataset, model)
        write_npz(task.out / "samples.npz", real=real, altered=altered)
    return _last_values(task)


def start_of(task: Task, registry: JobRegistry) -> dict[str, Any]:
    """The tensors that a training starts from, by what they are: of an `encoder`, and `weights` of another file."""
    from assay.run.models import read_model

    encoder = read_model(task.inputs["encoder"], registry).state_dict() if "encoder" in task.inputs else None
    return {"encoder": encoder, "weights": start_weights(task.job.spec)}


def _choice(task: Task) -> dict[str, Any] | None:
    """The point that a tuned arm chose; None for one that is not tuned."""
    return read_json(task.inputs["search"] / "choice.json")["choice"] if "search" in task.inputs else None


def _adjust(task: Task) -> Headline:
    from assay.adjust.job import adjust

    return _altered(task, adjust)


def _compress(task: Task) -> Headline:
    from assay.compress.job import compress
    from assay.run.models import read_model

    registry = registry_of(task)
    count = sum(role.startswith("other/") for role in task.inputs)
    others = [read_model(task.inputs[f"other/{number}"], registry) for number in range(count)]
    return _altered(task, partial(compress, others=others, **start_of(task, registry)))


def _altered(task: Task, alter: Callable[..., Any]) -> Headline:
    from assay.run.models import read_model, write_model

    dataset = read_dataset(task.inputs["dataset"])
    registry = registry_of(task)
    log, checkpoints = _watched(task)
    model = read_model(task.inputs["model"], registry)
    choice = _choice(task)
    model = alter(
        task.job.spec,
        registry,
        dataset,
        model,
        choice=choice,
        log=log,
        checkpoints=checkpoints,
        state=task.stated.update,
        device=task.devices[0],
    )
    about = read_json(task.inputs["model"] / "model.json")
    write_model(task.out, model, about["model"], dataset.classes, dataset.size)
    return _last_values(task)


def _last_values(task: Task) -> Headline:
    from assay.run.files import read_lines

    values: Headline = {}
    for line in read_lines(task.work / "curves.jsonl"):
        values |= {name: line[name] for name in ("val.accuracy", "val.loss") if name in line}
    return values


def _search(task: Task) -> Headline:
    from assay.train.search import choose

    if task.job.spec["by"] == "diswot":
        from assay.train.diswot import students

        set_up(task.job.spec)
        found = students(task.job.spec, registry_of(task), read_dataset(task.inputs["dataset"]))
        write_json(task.out / "choice.json", found)
        return {"points": len(found["scores"]), "best": found["score"]}
    made: list[tuple[np.ndarray, np.ndarray] | None] = []
    for number, _ in enumerate(task.job.spec["points"]):
        if f"val/{number}" in task.failed:
            made.append(None)
            continue
        with np.load(task.inputs[f"val/{number}"] / "predictions.npz") as archive:
            made.append((archive["logits"], archive["label"]))
    found = choose(task.job.spec["points"], made, task.job.spec["by"])
    write_json(task.out / "choice.json", found)
    return {"points": len(made), "best": found["score"]}


_STAGES: dict[str, Callable[[Task], Headline]] = {
    "data": _data,
    "generator": _generator,
    "synthetic": _synthetic,
    "pretrain": _pretrain,
    "train": _train,
    "adjust": _adjust,
    "compress": _compress,
    "search": _search,
    "predict": predict,
    "evaluate": evaluation,
    "claims": verdicts,
}
