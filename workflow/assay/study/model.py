"""The typed model of a config: the single truth for its keys, their types, defaults, meaning and examples.

The JSON Schema (`assay.study.schema`), the reference page (`assay.study.reference`) and most messages come from it.
A study is validated once its declarations are expanded, so no field here knows of `append`, `remove` or `sweep` points.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from assay.study.fields import Bytes, Count, Distinct, Duration, Gpus, Section, Seeds, Slug, key
from assay.study.model_arm import Arm
from assay.study.model_data import Dataset, Encoder, Generator

Stream = Literal["init", "order", "augment", "split", "alteration", "generator"]


class Claim(Section):
    """A falsifiable sentence over metrics of arms, declared before the run."""

    claim: str = key(
        ...,
        "The sentence, as the report prints it.",
        "claims:\n  - {claim: Wider is better, expect: baseline.accuracy > 0.9}",
        min_length=1,
    )
    expect: str = key(
        ...,
        "What must hold: `ARM.METRIC[key=value]`, compared by `<`, `<=`, `>`, `>=` (perhaps `by` a margin) or "
        "`~ ... within` a margin.",
        "claims:\n  - {claim: It is calibrated, expect: 'baseline.ece[calibration=none] < 0.1'}",
        min_length=1,
    )
    primary: bool = key(
        True,
        "Whether it counts in the correction for several claims; a secondary claim is exploratory.",
        "claims:\n  - {claim: Wider is better, expect: baseline.accuracy > 0.9, primary: false}",
    )
    alpha: float = key(
        0.05,
        "The error rate at which it is tested.",
        "claims:\n  - {claim: Wider is better, expect: baseline.accuracy > 0.9, alpha: 0.01}",
        gt=0,
        lt=0.5,
    )
    source: str | None = key(
        None,
        "Where the claim was published.",
        "claims:\n  - {claim: Wider is better, expect: baseline.accuracy > 0.9, source: 'arXiv:1605.07146'}",
    )


class Resources(Section):
    """What a job of a stage may use."""

    gpus: Gpus | None = key(
        None,
        "How many GPUs a job holds. `auto`, as when nothing is said, takes one (or the arm's `devices`) where there is "
        "any, and else the CPU; 0 means the CPU, and any other number that there must be a GPU.",
        "resources:\n  train: {gpus: auto}",
    )
    time: Duration | None = key(
        None,
        "How long a job may run.",
        "resources:\n  train: {time: 2h}",
    )
    memory: Bytes | None = key(
        None,
        "How much memory a job may use.",
        "resources:\n  train: {memory: 8G}",
    )
    threads: Count | None = key(
        None,
        "How many cores a job holds while it runs. The threads of its computation are the arm's `threads`.",
        "resources:\n  train: {threads: 1}",
    )


class Track(Section):
    """What MLflow is given."""

    artifacts: Literal["copy", "refer"] = key(
        "copy",
        "Whether files are copied into MLflow, or all referred to by path and digest. The study's config, plan and "
        "report and the pictures of trials are always copied, a dataset's arrays never.",
        "track: {artifacts: refer}",
    )
    copy_below: Bytes = key(
        "50M",
        "With `copy`, the size from which on a file is referred to all the same.",
        "track: {copy-below: 10M}",
    )
    live: bool = key(
        True,
        "Send curves and finished trials while the study runs; otherwise all at its end.",
        "track: {live: false}",
    )


class Keep(Section):
    """What of each prediction is stored."""

    features: bool = key(
        True,
        "Keep the features before the head, which detectors read.",
        "keep: {features: true}",
    )
    precision: Literal["float32", "float16"] = key(
        "float32",
        "Number format of stored logits and features.",
        "keep: {precision: float16}",
    )


Stage = Literal[
    "data", "synthesize", "pretrain", "train", "adjust", "compress", "predict", "evaluate", "claims", "track", "report"
]


class Study(Section):
    """One study: what is trained on what, how it is judged, and what is claimed."""

    study: Slug = key(
        ...,
        "The study's name: its folder below `results/`, its experiment in MLflow.",
        "study: example",
    )
    description: str = key(
        "",
        "What the study is about, for the report.",
        "description: Does a wider network help on few images?",
    )
    imports: list[str] = key(
        [],
        "Files with shared declarations, relative to this one; what stands here is laid over them.",
        "imports: [shared.yaml]",
    )
    variants: dict[Slug, dict[str, Any]] = key(
        {},
        "Named changes, laid over the study when chosen by `--config variant=NAME`; the results get their own folder.",
        "variants:\n  tiny: {arms: {baseline: {model: linear}}}",
    )
    scale: Literal["smoke"] | None = key(
        None,
        "`smoke` runs every arm for a minute: few seeds, epochs, steps, images and trials, in a folder of its own.",
        "scale: smoke",
    )
    seeds: Seeds = key(
        5,
        "The replicates: a number, a list, or how many now and at which growing numbers claims are looked at, paid by "
        "alpha spending.",
        "seeds: {plan: 5, looks: [5, 10]}",
    )
    vary: Annotated[list[Stream], Distinct] = key(
        ["init", "order", "augment"],
        "The streams of randomness that a seed changes; the others stay as under seed 0.",
        "vary: [init, order]",
    )
    datasets: dict[str, Dataset] = key(
        ...,
        "Images and labels by name.",
        "datasets:\n  digits: {source: digits, split: {val: 0.15, test: 0.2}}",
        min_length=1,
    )
    generators: dict[str, Generator] = key(
        {},
        "What makes synthetic images, by name.",
        "generators:\n  ddpm: {method: ddpm, dataset: digits}",
    )
    encoders: dict[str, Encoder] = key(
        {},
        "Pretrained backbones by name.",
        "encoders:\n  turned: {method: rotation, dataset: digits, model: resnet8}",
    )
    arms: dict[str, Arm] = key(
        ...,
        "The ways to obtain a model, by name.",
        "arms:\n  plain: {dataset: digits, model: linear}",
        min_length=1,
    )
    evaluate: dict[str, dict[str, Any]] = key(
        {"accuracy": {}},
        "The families of metrics, each with its options (`{}` for the defaults); see `assay methods`.",
        "evaluate:\n  accuracy: {}\n  calibration: {methods: [none, temperature]}",
        min_length=1,
    )
    claims: list[Claim] = key(
        [],
        "What is expected to come out.",
        "claims:\n  - {claim: It learns, expect: baseline.accuracy > 0.5}",
    )
    resources: dict[Stage, Resources] = key(
        {},
        "What jobs may use, by stage.",
        "resources:\n  train: {gpus: auto, time: 2h, memory: 8G}",
    )
    track: Track = key(
        {},
        "What MLflow is given.",
        "track: {artifacts: copy, copy-below: 50M}",
    )
    keep: Keep = key(
        {},
        "What of each prediction is stored.",
        "keep: {features: true, precision: float32}",
    )
    plugins: Annotated[list[str], Distinct] = key(
        [],
        "Python files with methods of your own, from the folder in which the study runs.",
        "plugins: [my_methods.py]",
    )
    mirror: Annotated[str, Field(min_length=1)] | None = key(
        None,
        "A folder that holds published files already, as `assay fetch` fills one; nothing is fetched that lies there. "
        "It is taken from the folder in which the study runs. `ASSAY_MIRROR` names another, which comes first.",
        "mirror: downloads",
    )
