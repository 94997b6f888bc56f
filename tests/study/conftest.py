"""A small registry of made-up cards and a way to load a study from text, so that no test here needs a real method."""

from pathlib import Path

import pytest
from assay.study.load import load_study
from assay.study.registry import Card, Metric, Option, Registry

HEAD = """\
study: s
seeds: 3
datasets:
  d: {source: digits, split: {val: 0.15, test: 0.2}}
  open: {from: d, classes: {hold-out: ["8", "9"]}}
generators:
  g: {method: smote, dataset: d}
encoders:
  e: {method: rotation, dataset: d, model: resnet8}
arms:
  base: {dataset: d, model: resnet8}
"""


def _card(kind: str, name: str, **more) -> Card:
    return Card(kind, name, f"fake.{name}", name, Path(f"{name}.py"), summary=f"the {kind} {name}", **more)


RATE = {"lr": Option(0.1, "step size", above=0), "epochs": Option(30, "passes", at_least=1)}
CARDS = [
    _card("source", "digits"),
    _card("source", "noise", options={"count": Option(100, "images", at_least=1)}),
    _card("source", "npz", options={"path": Option(..., "the archive", type=str)}),
    _card("imbalance", "exponential", options={"ratio": Option(10.0, "largest over smallest", at_least=1)}),
    _card("label-noise", "symmetric", options={"rate": Option(..., "share", type=float, at_least=0, at_most=1)}),
    _card(
        "label-noise",
        "asymmetric",
        options={
            "rate": Option(..., "share", type=float, at_least=0, at_most=1),
            "map": Option(..., "class -> class", type=dict, item=str),
        },
    ),
    _card(
        "label-noise",
        "from-file",
        options={
            "path": Option(..., "the file", type=str),
            "classes": Option(None, "names", type=list, item=str, optional=True),
        },
    ),
    _card("confounder", "colour", options={"correlation": Option(..., "agreement", type=float, at_least=0, at_most=1)}),
    _card("shift", "prior", options={"shares": Option(..., "class -> share", type=dict, item=float, at_least=0)}),
    _card("poison", "trigger-patch", options={"target": Option(..., "class", type=str), "size": Option(3, "pixels")}),
    _card("augment", "translate", options={"share": Option(0.125, "of the side", above=0, at_most=1)}),
    _card("augment", "cutout", options={"share": Option(0.5, "of the side", above=0, at_most=1)}),
    _card("augment", "mixup", options={"alpha": Option(1.0, "of the beta distribution", above=0)}),
    _card("generator", "smote", options={"neighbours": Option(5, "k", at_least=1)}),
    _card(
        "generator",
        "ddpm",
        options={
            "steps": Option(1000, "of training", at_least=1),
            "ratio-steps": Option(9, "of the ratio", at_least=1),
        },
        sampler="ddim",
    ),
    _card("generator", "condensed", options={"per-class": Option(..., "images", type=int, at_least=1)}),
    _card(
        "generator",
        "consistency-distillation",
        options={"steps": Option(1000, "of training", at_least=1)},
        sampler="consistency",
        network="consistency",
        teachers={"ddpm": {"steps": 1000}},
    ),
    _card("sampler", "consistency", network="consistency"),
    _card("sampler", "ddim", options={"steps": Option(20, "visited", at_least=2)}),
    _card("sampler", "unipc", options={"steps": Option(20, "visited", at_least=2)}),
    _card("filter", "agreement", reads=["judge"]),
    _card("filter", "density"),
    _card("pretrain", "rotation"),
    _card("model", "resnet8", options={"width": Option(16, "channels", at_least=1)}),
    _card("model", "tiny-cnn", options={"width": Option(16, "channels", at_least=1)}),
    _card("model", "linear"),
    _card("init", "orthogonal", options={"gain": Option(1.0, "factor", above=0)}),
    _card("trainable", "all"),
    _card("trainable", "lora", options={"rank": Option(4, "rank", at_least=1)}),
    _card("model", "timm", options={"name": Option(..., "of the architecture", type=str)}),
    _card(
        "recipe",
        "sgd",
        optimiser="sgd",
        options={**RATE, "clip": Option(None, "norm", type=float, above=0, optional=True)},
    ),
    _card("recipe", "adamw", options={**RATE, "beta1": Option(0.9, "decay", at_least=0, below=1)}),
    _card("loss", "cross-entropy", options={"label-smoothing": Option(0.0, "share", at_least=0, below=1)}),
    _card("loss", "focal", options={"gamma": Option(2.0, "focus", at_least=0)}),
    _card("rebalance", "oversample"),
    _card("loss", "bias-loss", reads=["features"]),
    _card("trainable", "head"),
    _card("model", "experts", options={"experts": Option(3, "how many", at_least=1)}),
    _card("robust", "ni-erm", needs={"init": "", "trainable": "head"}),
    _card("robust", "mdcs", needs={"model": "experts"}),
    _card("loss", "inverse-image-frequency", needs={"adjust": "tau-norm"}),
    _card("robust", "co-teaching", options={"rate": Option(..., "share", type=float, at_least=0, below=1)}),
    _card("dropout", "multi-sample-dropout", options={"rate": Option(0.5, "share", at_least=0, below=1)}),
    _card("distill", "kd", options={"temperature": Option(4.0, "T", above=0), "alpha": Option(0.9, "share")}),
    _card("adjust", "tau-norm", options={"tau": Option(1.0, "power", at_least=0, at_most=1)}),
    _card("compress", "magnitude", options={"sparsity": Option(0.8, "share", at_least=0, below=1)}),
    _card("compress", "lottery-ticket", reads=["start", "training"]),
    _card("compress", "wise-ft", reads=["start"]),
    _card(
        "compress",
        "soup",
        options={"arms": Option([], "others", item=str), "further": Option(0, "more", at_least=0)},
        reads=["models"],
    ),
    _card("sparse", "random", options={"sparsity": Option(0.8, "share", above=0, below=1)}),
    _card("calibrator", "none"),
    _card("calibrator", "temperature"),
    _card("detector", "msp"),
    _card("detector", "energy", options={"temperature": Option(1.0, "T", above=0)}),
    _card("detector", "knn", options={"k": Option(50, "neighbours", at_least=1, grid=[5, 50])}),
    _card("detector", "odin", reads=["model"]),
    _card("detector", "matching", reads=["val"]),
    _card(
        "detector",
        "ensemble",
        options={"members": Option(None, "seeds", type=int, at_least=2, optional=True)},
        reads=["seeds"],
    ),
    _card(
        "evaluation",
        "accuracy",
        options={"splits": Option(["test", "val"], "which", item=str, choices=["test", "val"])},
        metrics={
            "accuracy": Metric("share", "higher", keys={"split": "splits"}, defaults={"split": "test"}),
            "recall": Metric(
                "share", "higher", keys={"class": "classes", "split": "splits"}, defaults={"split": "test"}
            ),
        },
    ),
    _card(
        "evaluation",
        "calibration",
        options={"methods": Option(["none", "temperature"], "how"), "bins": Option(15, "bins", at_least=1)},
        methods={"methods": "calibrator"},
        always=["none"],
        metrics={
            "ece": Metric("error", "lower", keys={"calibration": "methods"}, defaults={"calibration": "none"}),
        },
    ),
    _card(
        "evaluation",
        "ood",
        options={
            "detectors": Option(["msp"], "which"),
            "near": Option([], "sets", item=str),
            "far": Option([], "sets", item=str),
            "tune": Option(None, "which options are tried", type=dict, optional=True),
        },
        methods={"detectors": "detector"},
        always=["msp"],
        reads=["train", "test", "ood"],
        metrics={
            "auroc": Metric(
                "ranking",
                "higher",
                keys={"detector": "detectors", "set": "sets"},
                defaults={"detector": "msp", "set": "near"},
            ),
        },
    ),
    _card(
        "evaluation",
        "cost",
        options={"batches": Option([1, 256], "sizes", item=int, at_least=1)},
        reads=["model"],
        metrics={
            "parameters": Metric("count", "lower"),
            "latency": Metric("time", "lower", keys={"batch": "batches"}, defaults={"batch": "1"}),
        },
    ),
]


@pytest.fixture(scope="session")
def fake() -> Registry:
    return Registry(CARDS)


@pytest.fixture
def load(tmp_path, monkeypatch, fake):
    """Load a study from text, laid out in an empty folder beside other files given by name."""
    monkeypatch.chdir(tmp_path)

    def from_text(text, files=None, **options):
        for name, content in {"config.yaml": text, **(files or {})}.items():
            path = Path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load_study(Path("config.yaml"), registry=fake, **options)

    return from_text


@pytest.fixture
def arm(load):
    """The resolved arm `a`, declared below the arms of `HEAD`; further arms may come before it."""
    return lambda text, **options: load(HEAD + text, **options)["arms"]["a"]


@pytest.fixture
def head():
    return HEAD
