import copy

import pytest
import torch
from assay.compress.job import compress
from assay.compress.movement import Moving, Top
from assay.models.masks import weights


def test_gradients_by_hand():
    weight = torch.tensor([[1.0, -2.0], [3.0, 4.0]], requires_grad=True)
    scores = torch.tensor([[0.5, -1.0], [0.0, 2.0]], requires_grad=True)
    factor = torch.tensor([[1.0, 10.0], [100.0, 1000.0]])
    made = Top.apply(weight, scores, 2)
    assert made.tolist() == [[1.0, 0.0], [0.0, 4.0]]
    (made * factor).sum().backward()
    assert weight.grad.tolist() == [[1.0, 0.0], [0.0, 1000.0]]
    assert scores.grad.tolist() == [[1.0, -20.0], [300.0, 4000.0]], "dropped weights have scores that move too"


def test_sparsity_rises_as_a_cubic():
    part = Moving(torch.ones(10, 10), 0.8, 20)
    found = []
    for done in (0, 5, 10, 20, 30):
        part.done.fill_(done)
        found.append(part.dropped())
    assert found == [0, round(80 * (1 - 0.75**3)), 70, 80, 80]


def test_weights_that_shrink_go_and_those_that_grow_stay(spec, registry, toy, memory, parent, entry):
    """Sparsity is exact in every layer, and what stays is not what is largest."""
    method = entry("compress", "movement", sparsity=0.5, epochs=10, lr=0.05)
    what = {**spec, "method": method}

    def run(record):
        return compress(what, registry, toy, parent, log=record.log, checkpoints=record)

    record = memory()
    model = run(record)
    assert record.lines[-1]["val.accuracy"] > 0.8
    by_size = 0
    for name, weight in weights(model).items():
        assert (weight == 0).sum() == round(0.5 * weight.numel())
        before = weights(parent)[name].abs().flatten()
        largest = before.argsort(descending=True)[: round(0.5 * len(before))]
        by_size += int((weight.flatten()[largest] == 0).sum())
    assert by_size > 0
    assert not any("parametrizations" in key for key in model.state_dict())
    start = copy.deepcopy(parent)
    with torch.no_grad():
        start.head.weight[0] = 0
    method["sparsity"] = 0.1
    assert not compress(what, registry, toy, start, log=record.log, checkpoints=memory()).head.weight[0].any()
    method["sparsity"] = 0.5
    resumed = memory(1).through(lambda record: run(record).state_dict(), [9])
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in resumed.items())


def test_a_toy_problem_drops_the_weight_that_must_shrink():
    """One input of two is asked for: minimise (w' x - x_0)^2 from w = (0.2, 0.9); magnitude would drop the first."""
    part = Moving(torch.tensor([[0.2, 0.9]]), 0.5, 40)
    weight = torch.tensor([[0.2, 0.9]], requires_grad=True)
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.SGD([weight, part.scores], lr=0.05)
    for _ in range(60):
        x = torch.randn(64, 2, generator=generator)
        loss = ((x @ part(weight).T)[:, 0] - x[:, 0]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        part.done += 1
    kept = part(weight)[0]
    assert kept[1] == 0
    assert kept[0].item() == pytest.approx(1.0, abs=0.1)
