"""Sampling that is killed goes on from what it wrote, and makes the same images."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from assay.run.parts import Parts
from assay.streams import Streams
from assay.study.registry import bind, scan
from assay.synthesize.diffuser import BATCH
from assay.synthesize.fit import computing
from assay.synthesize.sampling import Sampling
from assay.synthesize.unet import UNet

REGISTRY = scan()
STREAMS = Streams({"generator": 3})
LABELS = np.arange(5 * BATCH + 3) % 2


class Never:
    """Checkpoints that are not kept."""

    def load(self):
        return None

    def due(self):
        return False


def defaults(kind, name):
    return {"method": name, **{key: option.default for key, option in REGISTRY.card(kind, name).options.items()}}


def trained():
    entry = {**defaults("generator", "ddpm"), "width": 8, "batch": 16, "steps": 3, "lr": 0.01}
    generator = bind(REGISTRY, "generator", entry)()
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1), dtype=np.uint8)
    generator.fit(images, np.arange(20) % 2, 2, STREAMS, lambda *_, **__: None, Never())
    return generator


def sampling(parts=None, name="ancestral", steps=20):
    return Sampling.of(REGISTRY, {**defaults("sampler", name), "steps": steps}, parts)


def sample(generator, how, labels=LABELS, precision="bf16"):
    with computing(precision):
        return generator.sample(labels, STREAMS, (np.zeros((1, 8, 8, 1), np.uint8), np.zeros(1)), how)


@pytest.fixture(scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def generator(one_thread):
    return trained()


def test_a_sampling_killed_in_the_middle_goes_on_to_the_same_bytes(generator, tmp_path, monkeypatch):
    text = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import torch; torch.set_num_threads(1)\n"
        "from pathlib import Path; from test_sampling_resumed import *\n"
        f"sample(trained(), sampling(Parts(Path({str(tmp_path)!r}))))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", text])
    progress = tmp_path / "sampled.json"
    while process.poll() is None and not progress.exists():
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    done = json.loads(progress.read_text())["images"]
    assert 0 < done < len(LABELS), "it was killed before or after its work"

    batches = []
    forward = Sampling.__call__

    def spy(self, denoise, x, *rest):
        batches.append(len(x))
        return forward(self, denoise, x, *rest)

    monkeypatch.setattr(Sampling, "__call__", spy)
    resumed = sample(generator, sampling(Parts(tmp_path)))
    assert sum(batches) == len(LABELS) - done
    whole = sample(generator, sampling())
    assert np.array_equal(resumed, whole)
    assert len(np.unique(whole[:, 0, 0, 0])) > 10  # images differ, so an order that is lost would show


def test_all_there_is_nothing_to_do_and_the_evaluations_are_known(generator, tmp_path, monkeypatch):
    first = sampling(Parts(tmp_path))
    made = np.array(sample(generator, first))
    monkeypatch.setattr(UNet, "forward", None)
    again = sampling(Parts(tmp_path))
    assert np.array_equal(sample(generator, again), made)
    assert again.evaluations == first.evaluations == 40


@pytest.mark.parametrize("spoilt", ["other shape", "no images", "no progress", "half of one"])
def test_what_cannot_be_gone_on_with_is_begun_anew(spoilt, tmp_path):
    parts = Parts(tmp_path)
    images, *_ = parts.open((4, 2, 2, 1))
    images[:2] = 7
    parts.keep(2, 5)
    if spoilt == "other shape":
        assert Parts(tmp_path).open((5, 2, 2, 1))[1:] == (0, 0)
        return
    assert Parts(tmp_path).open((4, 2, 2, 1))[1:] == (2, 5)
    name = "sampled.json" if spoilt == "no progress" else "sampled.npy"
    if spoilt == "half of one":
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:100])
    else:
        (tmp_path / name).unlink()
    assert Parts(tmp_path).open((4, 2, 2, 1))[1:] == (0, 0)


def test_in_bf16_the_whole_network_computes_in_it_and_stays_as_it_was(generator, monkeypatch):
    kinds = []
    forward = UNet.forward

    def spy(self, x, t, y):
        told = forward(self, x, t, y)
        kinds.append((self.norm.weight.dtype, told.dtype))
        return told

    monkeypatch.setattr(UNet, "forward", spy)
    halves, whole = (sample(generator, sampling(name="ddim"), LABELS[:8], kind) for kind in ("bf16", "fp32"))
    assert set(kinds) == {(torch.bfloat16, torch.bfloat16), (torch.float32, torch.float32)}
    assert np.abs(halves.astype(int) - whole).mean() < 3
    assert all(value.dtype == torch.float32 for value in generator.state().values())
