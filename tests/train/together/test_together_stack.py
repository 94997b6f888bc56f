"""Networks that lie on top of each other compute what each computes alone."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from assay.augment.draw import Draw
from assay.models.classifier import build
from assay.study.together import METHODS
from assay.train.recipe import training_mode
from assay.train.together.draws import Joined
from assay.train.together.loop import clip_gradients, gradient_norms, take_gradients
from assay.train.together.stack import Stack
from torch import nn

#: The same code as another model of the list, with more or wider layers, which only take longer.
LARGER = (
    "airbench95", "preact-resnet110", "preact-resnet56", "resnet110", "resnet32", "resnet34", "resnet44", "resnet56",
    "vgg16", "wrn-28-2", "wrn-40-2",
)  # fmt: skip


@pytest.mark.parametrize("name", [name for name in METHODS["model"] if name not in LARGER])
def test_logits_gradients_and_buffers(registry, entry, name):
    networks = [build(registry, entry("model", name), 3, 4, 16, torch.Generator().manual_seed(0)).double()]
    networks.append(copy.deepcopy(networks[0]))
    with torch.no_grad():
        for parameter in networks[1].parameters():
            parameter.mul_(0.7).add_(0.01)
    stack = Stack(copy.deepcopy(networks))
    training_mode(stack.base)
    x = torch.rand(2, 3, 3, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[0, 1, 2], [3, 0, 1]])
    logits = stack(x)
    F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum").backward()
    parameters, buffers = dict(stack.whole.named_parameters()), dict(stack.whole.named_buffers())
    for number, network in enumerate(networks):
        training_mode(network)
        expected = network(x[number])
        torch.testing.assert_close(logits[number], expected, rtol=1e-10, atol=1e-10)
        F.cross_entropy(expected, labels[number], reduction="sum").backward()
        size = max(float(parameter.grad.abs().max()) for parameter in network.parameters())
        for path, parameter in network.named_parameters():
            torch.testing.assert_close(parameters[path].grad[number], parameter.grad, rtol=0, atol=1e-10 * size)
        for path, buffer in network.named_buffers():
            torch.testing.assert_close(buffers[path][number], buffer, rtol=1e-10, atol=1e-10)
    stack.base.eval()
    with torch.no_grad():
        shared = stack(x[0])
    for number, network in enumerate(networks):
        torch.testing.assert_close(shared[number], network.eval()(x[0]), rtol=1e-10, atol=1e-10)


def test_a_network_is_taken_out_and_what_happens_to_its_buffers_is_kept(registry, entry):
    networks = [
        build(registry, entry("model", "tiny-cnn"), 1, 3, 8, torch.Generator().manual_seed(seed)) for seed in (0, 1)
    ]
    expected = copy.deepcopy(networks[1].state_dict())
    stack = Stack(networks)
    with stack.one(1) as network:
        assert all(torch.equal(value, expected[name]) for name, value in network.state_dict().items())
        network.mean.fill_(5.0)
    assert stack.whole.mean.tolist() == [[0.0], [5.0]]


def test_joined_draws_are_those_of_each_seed():
    ids = torch.arange(5)
    draws = [Draw(seed, 3, ids + seed, 1) for seed in (4, 9)]
    joined = Joined([Draw(seed, 3, ids + seed, 1) for seed in (4, 9)])
    assert len(joined) == 10
    assert (joined.epoch, joined.op) == (3, 1)
    for call in (lambda d: d.uniform(2), lambda d: d.integers(0, 9), lambda d: d.beta(0.5, 0.5), lambda d: d.normal()):
        assert torch.equal(call(joined), torch.cat([call(draw) for draw in draws]))
    assert torch.equal(joined.steady().uniform(), torch.cat([draw.steady().uniform() for draw in draws]))


def with_gradients(*gradients):
    made = []
    for gradient in gradients:
        parameter = nn.Parameter(torch.zeros_like(torch.tensor(gradient)))
        parameter.grad = torch.tensor(gradient)
        made.append(parameter)
    return made


def test_norms_and_clipping_are_each_networks_own():
    # Two networks with a 1x2 matrix and a bias each: gradients (3, 0 | 4) and (0, 0 | 0.5).
    parameters = with_gradients([[[3.0, 0.0]], [[0.0, 0.0]]], [[4.0], [0.5]])
    norms = gradient_norms(parameters)
    assert norms.tolist() == [5.0, 0.5]
    clip_gradients(parameters, 1.0, norms)
    torch.testing.assert_close(parameters[0].grad, torch.tensor([[[0.6, 0.0]], [[0.0, 0.0]]]))
    torch.testing.assert_close(parameters[1].grad, torch.tensor([[0.8], [0.5]]))


def test_a_norm_that_is_no_number_stays_with_its_network():
    parameters = with_gradients([[float("nan")], [2.0]])
    norms = gradient_norms(parameters)
    clip_gradients(parameters, 1.0, norms)
    assert norms[0].isnan()
    torch.testing.assert_close(parameters[0].grad[1], torch.tensor([1.0]))


@pytest.mark.parametrize("accumulate", [1, 3])
def test_gradients_are_those_of_each_loss_in_parts_of_any_number(accumulate):
    # loss_k = mean_i w_k x_i with x = 1..4 and 5..8: the gradients are the means 2.5 and 6.5.
    weights = nn.Parameter(torch.tensor([2.0, -1.0]))

    def objective(epoch, indices, repeats):
        return (weights[:, None] * indices).mean(dim=1), indices.float().mean(dim=1)

    indices = torch.arange(1, 9).view(2, 4)
    results = take_gradients(objective, 0, indices, torch.zeros_like(indices), accumulate)
    torch.testing.assert_close(weights.grad, torch.tensor([2.5, 6.5]))
    torch.testing.assert_close(results, torch.tensor([[5.0, 2.5], [-6.5, 6.5]]))
