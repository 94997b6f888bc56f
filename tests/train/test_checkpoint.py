import torch
from assay.train.checkpoint import Phases, optimizer_state, restore_optimizer
from assay.train.eager import eager
from torch import nn


def make():
    torch.manual_seed(0)
    model = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    return model, eager(torch.optim.SGD)(model.parameters(), lr=0.1, momentum=0.9)


def step(model, optimizer):
    model(torch.ones(1, 3, 5, 5)).square().sum().backward()
    optimizer.step()
    optimizer.zero_grad()


def test_optimizer_comes_back_in_the_layout_of_its_parameters():
    model, optimizer = make()
    step(model, optimizer)
    # A file keeps no memory layout.
    state = {
        key: {name: value.contiguous() for name, value in entry.items()}
        for key, entry in optimizer_state(optimizer).items()
    }
    other, restored = make()
    step(other, restored)
    restored.state.clear()
    restore_optimizer(restored, state)
    buffer = restored.state[other.weight]["momentum_buffer"]
    assert buffer.stride() == other.weight.stride()
    assert torch.equal(buffer, optimizer.state[model.weight]["momentum_buffer"])
    step(model, optimizer)
    step(other, restored)
    assert torch.equal(model.weight, other.weight)


def test_state_is_a_copy():
    model, optimizer = make()
    step(model, optimizer)
    state = optimizer_state(optimizer)
    kept = state["0"]["momentum_buffer"].clone()
    step(model, optimizer)
    assert torch.equal(state["0"]["momentum_buffer"], kept)


def test_phases_keep_apart_what_several_trainings_save(memory):
    store = memory()
    phases = Phases(store)
    first, model = phases.next(0), nn.Linear(1, 1)
    assert first.load() is None
    assert first.finished() is None
    first.save({"step": 4, "here": 1})
    again = Phases(store).next(0)
    assert again.load() == {"step": 4, "here": 1}
    first.finish(model)
    second = phases.next(10)
    assert second.load() is None
    second.save({"step": 2})
    assert store.state["step"] == 12
    resumed = Phases(store)
    assert torch.equal(resumed.next(0).finished()["weight"], model.weight)
    assert resumed.next(10).load() == {"step": 2}
