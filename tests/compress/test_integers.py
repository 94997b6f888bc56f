"""Weights as integers of 8 and 4 bits."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from assay.compress.job import compress
from assay.compress.ptq import ptq
from assay.compress.quantise import bounds, codes_of, grid, scales
from assay.errors import MethodError
from assay.evaluate.cost.flops import flops
from assay.models.integers import packed, unpacked
from assay.models.masks import prunable, weights
from assay.run.models import read_model, write_model
from hypothesis import given, settings
from hypothesis import strategies as st


def quantised(model, tuning, **options):
    options = {"bits": 8, "cut": False, "activations": False, "images": 16, "beyond": 0.0, **options}
    return ptq(model, tuning, **options)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(1, 9), st.integers(0, 99))
def test_codes_of_four_bits_are_packed_and_come_back(outputs, inputs, seed):
    codes = torch.randint(-7, 8, (outputs, inputs), generator=torch.Generator().manual_seed(seed)).to(torch.int8)
    assert packed(codes).shape == (outputs, -(-inputs // 2))
    assert torch.equal(unpacked(packed(codes), inputs), codes)


@pytest.mark.parametrize("bits", [8, 4])
def test_the_error_is_at_most_half_a_step_of_the_channel(make, still, bits):
    model = make("resnet8", width=4)
    before = {name: weight.detach().clone() for name, weight in weights(model).items()}
    quantised(model, still(), bits=bits)
    for name, weight in before.items():
        layer = model.get_submodule(name)
        step = weight.flatten(1).abs().amax(dim=1) / (127 if bits == 8 else 7)
        error = (layer.weight - weight).flatten(1).abs().amax(dim=1)
        assert (error <= 0.5 * step * (1 + 1e-4)).all()
        assert error.max() > 0.1 * step.max(), "something was rounded"
        # The largest of each channel is represented as it is.
        torch.testing.assert_close(layer.weight.flatten(1).abs().amax(dim=1), weight.flatten(1).abs().amax(dim=1))


def test_per_channel_agrees_with_torch():
    weight = (
        torch.randn(6, 5, 3, 3, generator=torch.Generator().manual_seed(0))
        * torch.logspace(-2, 1, 6)[:, None, None, None]
    )
    scale = scales(weight, 8, cut=False)
    theirs = torch.quantize_per_channel(weight, scale.double(), torch.zeros(6), 0, torch.qint8)
    assert torch.equal(theirs.int_repr().float(), codes_of(weight, scale, 8))


def test_cutting_off_lowers_the_squared_error():
    weight = torch.randn(4, 300, generator=torch.Generator().manual_seed(0))
    whole, cut = (scales(weight, 4, cut=way) for way in (False, True))
    errors = [((codes_of(weight, s, 4) * s[:, None] - weight) ** 2).sum(dim=1) for s in (whole, cut)]
    assert (errors[1] <= errors[0]).all()
    assert errors[1].sum() < 0.8 * errors[0].sum()
    # Of all steps, by a finer search that knows nothing of the candidates.
    steps = np.linspace(0.3, 1.0, 400)[:, None] * whole.numpy()
    w = weight.numpy()
    best = [
        min(((np.clip(np.round(row / s), -7, 7) * s - row) ** 2).sum() for s in steps[:, number])
        for number, row in enumerate(w)
    ]
    np.testing.assert_allclose(errors[1].numpy(), best, rtol=0.02)


@pytest.mark.parametrize(("bits", "smaller"), [(8, 4), (4, 8)])
def test_bytes_on_disk_shrink_and_the_file_gives_the_same_model(
    make, still, images, registry, entry, tmp_path, bits, smaller
):
    model = make("mlp", hidden=400)
    what, folders = entry("model", "mlp", hidden=400), [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    write_model(folders[0], model, what, ["a", "b", "c"], 8)
    operations = flops(model, (1, 8, 8))
    quantised(model, still(images), bits=bits, activations=True)
    write_model(folders[1], model, what, ["a", "b", "c"], 8)
    sizes = [(folder / "model.safetensors").stat().st_size for folder in folders]
    assert sizes[0] / sizes[1] == pytest.approx(smaller, rel=0.1)
    again = read_model(folders[1], registry)
    assert torch.equal(again(images), model(images))
    assert flops(again, (1, 8, 8)) == operations
    assert again.head.weight.shape == (3, 400)
    assert (again.head.in_features, again.head.out_features) == (400, 3)


def test_a_layer_computes_what_integers_would(make, still, images):
    """Input codes times weight codes in 64-bit integers, then scaled, is what the layer gives."""
    model = make("linear")
    with torch.no_grad():
        model.head.bias.fill_(0.25)
    tuning = still(images)
    inputs = (images - model.mean) / model.std
    low, high = min(0, inputs.min().item()), max(0, inputs.max().item())
    quantised(model, tuning, activations=True)
    step = (high - low) / 255
    zero = round(-low / step)
    x = ((inputs.flatten(1) / step).round() + zero).clamp(0, 255).long() - zero
    sums = x @ model.head.codes.long().T
    expected = sums * step * model.head.scale + 0.25
    torch.testing.assert_close(model(images), expected, rtol=1e-4, atol=1e-4)
    assert model.head.zero == zero


def test_bounds_hold_zero_and_leave_outliers_out(make):
    model = make("linear")
    x = torch.linspace(0, 1, 64).view(1, 1, 8, 8)
    model.mean.fill_(-1.0)
    assert bounds(model, x, 0.0)["head"] == pytest.approx((0.0, (1 + 1) / model.std.item()))
    model.mean.fill_(0.5)
    low, high = bounds(model, x, 2 / 64)["head"]
    assert (low, high) == pytest.approx(((1 / 63 - 0.5) / model.std.item(), (62 / 63 - 0.5) / model.std.item()))
    assert grid(0.0, 2.55) == (pytest.approx(0.01), 0)


def test_attacks_find_a_gradient_through_rounded_inputs(make, still, images):
    plain, model = make("resnet8", width=4), quantised(make("resnet8", width=4), still(images), activations=True)
    gradients = []
    for network in (plain, model):
        x = images.clone().requires_grad_()
        F.cross_entropy(network(x), torch.arange(16) % 3).backward()
        gradients.append(x.grad.flatten())
    assert F.cosine_similarity(*gradients, dim=0) > 0.9


def test_what_is_quantised_has_no_layer_left_to_prune(make, still):
    model = quantised(make(), still())
    with pytest.raises(MethodError, match="quantise it last"):
        prunable(model)


@pytest.mark.parametrize("activations", [False, True])
def test_quantisation_aware_training(spec, registry, toy, memory, parent, entry, activations):
    """At 4 bits it beats quantising afterwards on the loss of the train split, and pruned weights stay zero."""
    from assay.train.infer import logits_and_features

    def run(name, record=None, start=None, **options):
        record = record or memory()
        method = entry("compress", name, **options)
        what = {**spec, "augment": [], "method": method}
        return compress(what, registry, toy, start or parent, log=record.log, checkpoints=record)

    def loss(model):
        split = toy.splits["train"]
        logits, _ = logits_and_features(model, split.images)
        return F.cross_entropy(torch.from_numpy(logits), torch.from_numpy(split.labels)).item()

    pruned = run("magnitude", sparsity=0.5, finetune_epochs=0)
    zeros = {name: weight == 0 for name, weight in weights(pruned).items()}
    after = run("ptq", start=pruned, bits=4, activations=activations)
    aware = run("qat", start=pruned, bits=4, activations=activations, epochs=8, lr=0.05)
    assert loss(aware) < loss(after)
    assert all(not aware.get_submodule(name).weight[zero].any() for name, zero in zeros.items())
    assert {aware.get_submodule(name).codes.dtype for name in zeros} == {torch.uint8}
    resumed = memory(1).through(
        lambda record: run("qat", record, pruned, bits=4, activations=activations, epochs=8, lr=0.05).state_dict(), [5]
    )
    assert all(torch.equal(value, aware.state_dict()[name]) for name, value in resumed.items())


def test_training_sees_the_weights_that_will_be_stored(make, still, images, registry, entry):
    from assay.compress.qat import qat

    seen = {}

    class Look(still):
        def __call__(self, model, **how):
            with torch.no_grad():
                for _, layer in prunable(model).items():
                    layer.parametrizations.weight.original.add_(0.01)
            seen["logits"] = model(images)
            assert how == {"epochs": 3, "lr": 0.1, "hold": False}

    model = qat(make("resnet8", width=4), Look(images), bits=4, activations=True, images=16, epochs=3, lr=0.1)
    torch.testing.assert_close(model(images), seen["logits"], rtol=1e-5, atol=1e-5)
    plain = make("resnet8", width=4)
    assert not torch.allclose(plain(images), seen["logits"], atol=0.01)
