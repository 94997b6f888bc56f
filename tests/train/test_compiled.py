"""`compile` and `deterministic`: the same training, and everything as before once it is over."""

from __future__ import annotations

import pytest
import torch
from assay.errors import MethodError
from assay.models.classifier import build
from assay.train.compiled import compiled
from assay.train.deterministic import deterministic
from assay.train.job import train


def run(spec, registry, toy, record):
    return train(spec, registry, toy, log=record.log, checkpoints=record)


def test_compiled_training_is_that_of_the_layers_one_by_one(spec, registry, toy, memory):
    alone, fused = memory(), memory()
    expected = run(spec(), registry, toy, alone)
    made = run(spec(compile=True), registry, toy, fused)
    assert list(made.state_dict()) == list(expected.state_dict())
    for name, value in expected.state_dict().items():
        torch.testing.assert_close(made.state_dict()[name], value, rtol=1e-3, atol=1e-4)
    losses = [[line["train.loss"] for line in record.curve()] for record in (alone, fused)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_the_compiler_runs_if_it_is_asked_for_and_leaves_nothing(spec, registry, toy, memory):
    from torch._dynamo.utils import counters

    counters.clear()
    run(spec(), registry, toy, memory())
    assert not counters["stats"]
    model = run(spec(compile=True), registry, toy, memory())
    assert counters["stats"]["unique_graphs"] >= 1
    assert "features" not in vars(model)


def test_deterministic_mode_refuses_what_does_not_repeat_and_is_put_back():
    seen = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.deterministic
    with deterministic(True):
        assert torch.are_deterministic_algorithms_enabled()
        assert (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark) == (True, False)
        with pytest.raises(RuntimeError, match="deterministic"):
            torch.zeros(4, dtype=torch.int64).put_(torch.tensor([0, 0]), torch.tensor([1, 2]))
    with deterministic(False):
        assert (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark) == (False, True)
    assert (torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.deterministic) == seen


def test_nothing_is_touched_where_it_is_not_wanted(registry, entry):
    model = build(registry, entry("model", "tiny-cnn", width=4), 1, 3, 8, torch.Generator())
    with compiled([model], False):
        assert "features" not in vars(model)


def test_graphs_are_refused_where_there_is_no_cuda_before_anything_is_compiled(spec, registry, toy, memory):
    record = memory()
    with pytest.raises(MethodError, match="compile: cuda-graphs needs a CUDA device; this one is cpu"):
        run(spec(compile="cuda-graphs"), registry, toy, record)
    assert not record.curve()


def test_graphs_are_asked_of_the_compiler_on_cuda(registry, entry, monkeypatch):
    model = build(registry, entry("model", "tiny-cnn", width=4), 1, 3, 8, torch.Generator())
    plain, asked = model.features, []

    class Elsewhere(torch.Tensor):
        device = torch.device("cuda")

    model.mean = model.mean.as_subclass(Elsewhere)
    monkeypatch.setattr(torch, "compile", lambda call, **options: asked.append((call, options)) or call)
    with compiled([model], "cuda-graphs"):
        assert model.features == plain
    assert asked == [(plain, {"dynamic": False, "mode": "reduce-overhead"})]
