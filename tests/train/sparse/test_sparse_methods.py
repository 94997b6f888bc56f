"""Masks that are chosen before training."""

import numpy as np
import pytest
import torch
from assay.models.classifier import build
from assay.models.masks import weights
from assay.streams import Streams
from assay.study.registry import bind
from assay.train.epochs import bound
from assay.train.images import Images
from assay.train.job import train
from assay.train.sparse.random import densities
from assay.train.sparsity import chosen
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

CPU = torch.device("cpu")


@pytest.fixture
def network(registry, entry):
    def make(name="tiny-cnn", **options):
        return build(registry, entry("model", name, **options), 1, 3, 8, torch.Generator().manual_seed(0))

    return make


@pytest.fixture
def choose(registry, entry):
    def masks(model, name, gradients=None, seed=0, **options):
        method = bind(registry, "sparse", entry("sparse", name, **options))
        return method(model, gradients, torch.Generator().manual_seed(seed))

    return masks


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(1, 64)] * 2, *[st.sampled_from([1, 3])] * 2), min_size=1, max_size=6),
    st.floats(0.02, 0.98),
)
def test_erk_is_the_root_of_its_equation(shapes, density):
    """Densities min(1, e * sum / product) whose weights make up the whole, with e found by bisection."""
    named = {str(number): shape for number, shape in enumerate(shapes)}
    sizes = np.array([np.prod(shape) for shape in shapes], float)
    raw = np.array([sum(shape) for shape in shapes]) / sizes

    def surplus(factor):
        return (np.minimum(1, factor * raw) * sizes).sum() - density * sizes.sum()

    root = brentq(surplus, 0, 1 / raw.min() + 1)
    found = np.array(list(densities(named, density).values()))
    np.testing.assert_allclose(found, np.minimum(1, root * raw), rtol=1e-6)


def test_erk_of_lenet_300_100():
    """784-300-100-10 at 10 %: e such that 235200 d1 + 30000 d2 + d3 1000 = 26620, by hand."""
    found = densities({"a": (300, 784), "b": (100, 300), "c": (10, 100)}, 0.1)
    # The last layer would hold 1.83 times its weights, so it is dense and the others share what is left.
    factor = (26620 - 1000) / 1484
    assert found == pytest.approx({"a": factor * 1084 / 235200, "b": factor * 400 / 30000, "c": 1.0})


@pytest.mark.parametrize("layers", ["erk", "uniform"])
def test_random_masks_hold_the_shares_and_depend_on_the_stream_alone(network, choose, layers):
    model = network(width=8)
    masks = choose(model, "random", sparsity=0.7, layers=layers)
    shapes = {name: tuple(weight.shape) for name, weight in weights(model).items()}
    shares = densities(shapes, 0.3) if layers == "erk" else dict.fromkeys(shapes, 0.3)
    assert {name: int(mask.sum()) for name, mask in masks.items()} == {
        name: round(share * np.prod(shapes[name])) for name, share in shares.items()
    }
    again, other = (choose(model, "random", seed=seed, sparsity=0.7, layers=layers) for seed in (0, 1))
    assert all(torch.equal(mask, again[name]) for name, mask in masks.items())
    assert any(not torch.equal(mask, other[name]) for name, mask in masks.items())


def test_snip_by_hand(network, choose):
    """For a linear classifier under cross-entropy dL/dW = mean (p - y) x^T."""
    model = network("linear")
    generator = torch.Generator().manual_seed(2)
    x, y = torch.randn(20, 64, generator=generator), torch.eye(3)[torch.arange(20) % 3]
    with torch.no_grad():
        model.head.bias.normal_(generator=generator)
        gradient = (model.head(x).softmax(dim=1) - y).T @ x / 20
        score = (model.head.weight * gradient).abs().flatten()
    masks = choose(model, "snip", lambda _: {"head": gradient}, sparsity=0.9)
    kept = masks["head"].flatten()
    assert int(kept.sum()) == 192 - round(0.9 * 192)
    assert set(np.flatnonzero(kept)) == set(np.argsort(score.numpy())[-int(kept.sum()) :])


def test_the_gradients_that_a_method_gets_are_those_of_the_loss(registry, entry, toy, network):
    images = Images([toy.splits["train"]], 3, CPU)
    model = network(width=4)
    model.fit_normalisation(toy.splits["train"].images)
    before = {name: value.clone() for name, value in model.state_dict().items()}

    loss = bound(registry, "loss", entry("loss", "cross-entropy"))
    method, streams = entry("sparse", "snip", images=48, sparsity=0.5), Streams({"init": 0, "order": 0})
    masks = chosen(registry, method, model, images, loss, streams)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    # All 48 train images, so whatever the order is, this is the gradient.
    copied = network(width=4).train()
    copied.load_state_dict(before)
    x = torch.from_numpy(toy.splits["train"].images).float().permute(0, 3, 1, 2) / 255
    torch.nn.functional.cross_entropy(copied(x), torch.from_numpy(toy.splits["train"].labels)).backward()
    seen = {name: (weight * weight.grad).abs() for name, weight in weights(copied).items()}
    flat = torch.cat([value.flatten() for value in seen.values()])
    limit = flat.sort().values[round(0.5 * len(flat)) - 1]
    agree = sum(int(((seen[name] > limit) == mask).sum()) for name, mask in masks.items())
    assert agree >= len(flat) - 2, "but for ties at the limit"


@pytest.mark.parametrize("name", ["random", "snip"])
def test_trained_from_the_start_without_the_weights_and_resumed_to_the_bit(registry, entry, toy, memory, name):
    spec = {
        "model": entry("model", "tiny-cnn", width=8),
        "recipe": entry("recipe", "sgd", epochs=12, batch=16, ema=0.5),
        "augment": [],
        "loss": entry("loss", "cross-entropy"),
        "sparse": entry("sparse", name, sparsity=0.6),
        "precision": "fp32",
        "threads": 1,
        "streams": {"init": 0, "order": 0, "augment": 0},
    }

    def run(record):
        return train(spec, registry, toy, log=record.log, checkpoints=record)

    undisturbed = memory()
    model = run(undisturbed)
    zeros = sum(int((weight == 0).sum()) for weight in weights(model).values())
    total = sum(weight.numel() for weight in weights(model).values())
    assert zeros == pytest.approx(0.6 * total, abs=2)
    assert not any("parametrizations" in key for key in model.state_dict())
    assert undisturbed.lines[-1]["val.accuracy"] > 0.8
    record = memory(1)
    resumed = record.through(lambda record: run(record).state_dict(), [4, 9])
    assert all(torch.equal(value, model.state_dict()[key]) for key, value in resumed.items())
