"""Two processes that train together, against one that trains alone."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from assay.data.dataset import Dataset, Split
from assay.errors import MethodError
from assay.models.classifier import Classifier
from assay.run.datasets import write_dataset
from assay.run.models import write_model
from assay.streams import Streams
from assay.train.distributed import require_shareable
from assay.train.epochs import bound
from assay.train.job import train
from assay.train.order import Order
from doubles import in_double
from project import ROOT
from safetensors.torch import load_file

#: Weights, statistics and curves of both differ by less than this, absolutely and relatively: sums of float32 in
#: another order, over a dozen steps. Later steps at full rate make any difference larger, whatever its cause.
TOLERANCE = 2e-4
#: The same where all is computed in float64; curves are kept in float32.
EXACT = 1e-9

#: One of the processes: every spec in turn, and what it saw and made of each.
PROCESS = """
import contextlib, json, sys
from pathlib import Path
import torch
sys.path.insert(0, sys.argv[3])
from doubles import in_double
from safetensors.torch import save_file
from assay.models.classifier import Classifier
from assay.run.datasets import read_dataset
from assay.run.models import read_model
from assay.study.registry import scan
from assay.train.distributed import Peers
from assay.train.epochs import bound
from assay.train.job import train

class Checkpoints:
    load = staticmethod(lambda: None)
    due = staticmethod(lambda: False)

folder, rank = Path(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(1)
registry, dataset, teacher = scan(), read_dataset(folder), read_model(folder)
peers = Peers(rank, 2, folder / "meeting", torch.device("cpu"))
seen, features = [], Classifier.features
def spying(self, x):
    if self.training:
        seen.append(x.detach().clone())
    return features(self, x)
Classifier.features = spying
for name, spec in json.loads((folder / "specs.json").read_text()).items():
    seen.clear()
    lines = []
    log = lambda step, **values: lines.append({"step": step, **values})
    teachers = [teacher] if spec["distill"] else []
    with in_double() if name == "exact" else contextlib.nullcontext():
        model = train(
            spec, registry, dataset, teachers=teachers, log=log, checkpoints=Checkpoints, peers=peers
        )
    batches = {f"seen.{step}": x for step, x in enumerate(seen)}
    save_file({**model.state_dict(), **batches}, folder / f"{name}-{rank}.safetensors")
    (folder / f"{name}-{rank}.json").write_text(json.dumps(lines))
peers.close()
"""


@pytest.fixture(scope="module")
def specs(entry):
    """Specs by name; no batch can be halved, and those of `uneven` differ in size too."""

    def make(**changes):
        return {
            "model": entry("model", "resnet8", width=4), "trainable": entry("trainable", "all"),
            "recipe": entry("recipe", "sgd", epochs=2, batch=9), "augment": [entry("augment", "crop", padding=1)],
            "loss": entry("loss", "cross-entropy"), "rebalance": None, "robust": None, "synthetic": None, "init": None,
            "distill": None, "precision": "fp32", "threads": 1, "streams": {"init": 0, "order": 0, "augment": 0},
        } | changes  # fmt: skip

    kd = {"method": "kd", **{key: option for key, option in entry("distill", "kd").items() if key != "method"}}
    return {
        "uneven": make(recipe=entry("recipe", "sgd", epochs=2, batch=11)),
        "exact": make(
            model=entry("model", "resnet8", width=8),
            augment=[entry("augment", "crop"), entry("augment", "mixup")],
            recipe=entry("recipe", "sgd", epochs=3, batch=11) | {"accumulate": 2},
        ),
        "plain": make(augment=[]),
        "mixed": make(augment=[entry("augment", "trivialaugment"), entry("augment", "mixup")]),
        "accumulated": make(
            recipe=entry("recipe", "sgd", epochs=2, batch=22, clip=0.5) | {"accumulate": 2, "ema": 0.9},
            rebalance=entry("rebalance", "oversample"),
        ),
        "averaged": make(recipe=entry("recipe", "adamw", epochs=2, batch=9, lr=1e-3) | {"swa": 0.5}),
        "ascending": make(recipe=entry("recipe", "sam", epochs=2, batch=9)),
        "patient": make(
            model=entry("model", "linear"), recipe=entry("recipe", "sgd", epochs=3, batch=9, lr=1.0) | {"patience": 1}
        ),
        "dropped": make(dropout=entry("dropout", "multi-sample-dropout"), augment=[entry("augment", "cutmix")]),
        "taught": make(distill=kd, model=entry("model", "tiny-cnn", width=4)),
    }


@pytest.fixture(scope="module")
def taught_by(registry, specs, toy_dataset):
    return train(specs["plain"], registry, toy_dataset, log=lambda *_, **__: None, checkpoints=Nothing)


class Nothing:
    load = staticmethod(lambda: None)
    due = staticmethod(lambda: False)


@pytest.fixture(scope="module")
def toy_dataset():
    rng = np.random.default_rng(5)

    def split(name, count):
        labels = np.arange(count) % 3
        images = rng.integers(0, 200, (count, 8, 8, 1), dtype=np.uint8)
        images[np.arange(count), labels * 2] += 55
        return Split(images, labels, np.array([f"{name}-{i}" for i in range(count)]), labels.copy())

    return Dataset(["a", "b", "c"], {"train": split("train", 54), "val": split("val", 12)})


@pytest.fixture(scope="module")
def together(tmp_path_factory, specs, toy_dataset, taught_by):
    """The folder in which two processes left what they made."""
    folder = tmp_path_factory.mktemp("together")
    write_dataset(folder, toy_dataset, None)
    write_model(folder, taught_by, specs["plain"]["model"], toy_dataset.classes, 8)
    (folder / "specs.json").write_text(json.dumps(specs))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, folder, str(rank), ROOT / "tests"], stderr=subprocess.PIPE, text=True
        )
        for rank in range(2)
    ]
    for process in processes:
        _, errors = process.communicate(timeout=200)
        assert process.returncode == 0, errors
    return folder


@pytest.fixture
def alone(registry, specs, toy_dataset, taught_by, monkeypatch):
    """`alone(name, **changes)`: weights, curves, and the batches that one process sees."""

    def run(name, **changes):
        seen, lines, features = [], [], Classifier.features

        def spying(self, x):
            if self.training:
                seen.append(x.detach().clone())
            return features(self, x)

        def log(step, **values):
            lines.append({"step": step, **values})

        what = specs[name] | changes
        teachers = [taught_by] if what["distill"] else []
        with monkeypatch.context() as patch:
            patch.setattr(Classifier, "features", spying)
            with in_double() if name == "exact" else nullcontext():
                model = train(what, registry, toy_dataset, teachers=teachers, log=log, checkpoints=Nothing)
        return model.state_dict(), lines, seen

    return run


def made(folder, name, rank):
    tensors = load_file(folder / f"{name}-{rank}.safetensors")
    seen = [tensors.pop(key) for key in sorted((key for key in tensors if "seen." in key), key=lambda k: int(k[5:]))]
    return tensors, json.loads((folder / f"{name}-{rank}.json").read_text()), seen


NAMES = ["uneven", "exact", "plain", "mixed", "accumulated", "averaged", "ascending", "patient", "dropped", "taught"]


@pytest.mark.parametrize("name", NAMES)
def test_two_processes_train_what_one_trains(together, alone, specs, name):
    assert list(specs) == NAMES
    expected, curve, _ = alone(name)
    weights, lines, _ = made(together, name, 0)
    assert set(weights) == set(expected)
    tolerance = EXACT if name == "exact" else TOLERANCE
    for key, value in expected.items():
        torch.testing.assert_close(weights[key], value, atol=tolerance, rtol=tolerance)
    assert len(lines) == len(curve)
    assert (curve[-1]["epoch"] < specs[name]["recipe"]["epochs"]) == (name == "patient")
    for ours, theirs in zip(lines, curve, strict=True):
        assert set(ours) == set(theirs)
        for key in set(ours) - {"throughput", "memory"}:
            assert ours[key] == pytest.approx(theirs[key], rel=TOLERANCE, abs=TOLERANCE), key


@pytest.mark.parametrize("name", NAMES)
def test_both_processes_hold_the_same_bits(together, name):
    first, second = (made(together, name, rank)[0] for rank in range(2))
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("name", ["uneven", "plain", "mixed", "taught"])
def test_each_sees_its_part_of_the_same_batches_to_the_bit(together, alone, name):
    _, _, batches = alone(name)
    parts = [made(together, name, rank)[2] for rank in range(2)]
    assert len(parts[0]) == len(parts[1]) == len(batches)
    for batch, *halves in zip(batches, *parts, strict=True):
        assert torch.equal(torch.cat(halves), batch)
        assert len(halves[0]) - len(halves[1]) in (0, 1)


def test_pixels_depend_on_neither_batch_nor_threads_nor_processes(together, alone, specs):
    """One after the other the batches of an epoch are its order, however it is cut."""
    _, _, batches = alone("uneven")
    expected = torch.cat(batches)
    halves = [made(together, "uneven", rank)[2] for rank in range(2)]
    assert torch.equal(torch.cat([torch.cat(pair) for pair in zip(*halves, strict=True)]), expected)
    for batch in (7, 54):
        recipe = specs["uneven"]["recipe"] | {"batch": batch}
        assert torch.equal(torch.cat(alone("uneven", recipe=recipe)[2]), expected)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        assert torch.equal(torch.cat(alone("uneven")[2]), expected)
    finally:
        torch.set_num_threads(before)
    assert not torch.equal(expected[:54], expected[54:])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"robust": {"method": "co-teaching"}}, "no `robust`"),
        ({"dynamics": True}, "no `dynamics`"),
        ({"compile": True}, "no `compile`"),
        ({"recipe": {"batch": 9, "accumulate": 3}}, "smallest part of a batch, which has 3 images"),
    ],
)
def test_what_cannot_be_shared_is_refused(changes, message):
    order = Order(np.zeros(54, np.int64), 9, Streams({"order": 0}))
    with pytest.raises(MethodError, match=message):
        require_shareable({"recipe": {"batch": 9}} | changes, None, order, 4)
    require_shareable({"recipe": {"batch": 9}}, None, order, 4)


def test_a_loss_that_compares_the_features_of_a_batch_is_refused(registry, entry):
    order = Order(np.zeros(54, np.int64), 9, Streams({"order": 0}))
    loss = bound(registry, "loss", entry("loss", "bias-loss"))
    with pytest.raises(MethodError, match="no bias-loss, which compares features"):
        require_shareable({"recipe": {"batch": 9}, "loss": entry("loss", "bias-loss")}, loss, order, 2)
