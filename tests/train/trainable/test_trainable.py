"""What each trainable part trains, what it leaves alone, and what is stored."""

import pytest
import torch
from assay.errors import MethodError
from assay.models.classifier import build
from assay.train.job import train

# Tiny-cnn at width 4 on grey images: convolutions of 4 and 8 filters with norm layers, features of 8, 3 classes.
CONVOLUTIONS, NORMS, HEAD = 4 * 9 + 8 * 4 * 9, 2 * 4 + 2 * 8, 8 * 3 + 3


@pytest.mark.parametrize(
    ("part", "options", "count"),
    [
        ("all", {}, CONVOLUTIONS + NORMS + HEAD),
        ("head", {}, HEAD),
        ("bn", {}, NORMS),
        ("bn", {"head": True}, NORMS + HEAD),
        ("film", {}, NORMS + HEAD),
        ("film", {"head": False}, NORMS),
        # r (O + I) with I = 9 of the first layer and 36 of the second; rank 3, then more than either layer has.
        ("lora", {"rank": 3}, 3 * (4 + 9) + 3 * (8 + 36) + HEAD),
        ("lora", {"rank": 99, "head": False}, 4 * (4 + 9) + 8 * (8 + 36)),
    ],
)
def test_counts(model, prepare, trained, part, options, count):
    network = model(width=4)
    prepare(network, part, **options)
    assert trained(network) == count


def test_counts_in_networks_of_other_layers(model, prepare, trained):
    # The mlp has no norm layers: a scale and a shift for each unit of its two layers.
    network = model("mlp", hidden=5, layers=2)
    prepare(network, "film", head=False)
    assert trained(network) == 2 * 5 + 2 * 5
    network = model("vit-tiny", depth=1)
    prepare(network, "film", head=False)
    assert trained(network) == 3 * 2 * 192
    network = model("vit-tiny", depth=1)
    prepare(network, "lora", rank=2, head=False)
    sizes = [(192, 16), (576, 192), (192, 192), (768, 192), (192, 768)]
    assert trained(network) == 2 * sum(outputs + inputs for outputs, inputs in sizes)


def test_what_a_model_lacks_is_said(model, prepare):
    for part in ("film", "lora"):
        with pytest.raises(MethodError, match=f"trainable: {part}, and the model has no"):
            prepare(model("linear"), part)
    with pytest.raises(MethodError, match="no batch normalisation to train; try film or lora"):
        prepare(model("mlp"), "bn")


@pytest.mark.parametrize("part", ["film", "lora"])
@pytest.mark.parametrize("name", ["tiny-cnn", "mlp", "vit-tiny"])
def test_additions_start_at_the_model_and_merging_changes_nothing(model, prepare, part, name):
    network = model(name, **({"depth": 1} if name == "vit-tiny" else {})).eval()
    x = torch.rand(2, 1, 8, 8)
    names = set(network.state_dict())
    before = network(x)
    finish = prepare(network, part)
    assert torch.equal(network(x), before)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for value in network.parameters():
            if value.requires_grad:
                value += 0.1 * torch.randn(value.shape, generator=generator)
    moved = network(x)
    assert not torch.equal(moved, before)
    finish()
    assert torch.equal(network(x), moved)
    assert set(network.state_dict()) == names
    assert all(value.requires_grad for value in network.parameters())
    assert not network.train().still


def test_lora_adds_a_matrix_of_its_rank(model, prepare):
    network = model("mlp", hidden=32, layers=1)
    layer = network.backbone[1]
    before = layer.weight.detach().clone()
    finish = prepare(network, "lora", rank=3, alpha=6.0)
    part = layer.parametrizations.weight[0]
    torch.nn.init.normal_(part.up)
    expected = 2.0 * part.up.detach() @ part.down.detach()
    finish()
    torch.testing.assert_close(layer.weight.detach() - before, expected, atol=1e-5, rtol=1e-4)
    assert torch.linalg.matrix_rank(expected) == 3


def test_film_scales_the_norm_and_then_shifts(model, prepare):
    network = model(width=4)
    norm = network.backbone[1]
    with torch.no_grad():
        norm.weight.fill_(3.0)
        norm.bias.fill_(0.5)
    finish = prepare(network, "film")
    with torch.no_grad():
        norm.parametrizations.weight[0].scale.fill_(2.0)
        norm.parametrizations.bias[0].shift.fill_(0.25)
    finish()
    assert (norm.weight == 6.0).all()
    assert (norm.bias == 0.75).all()


def moved(before, after):
    return {name for name in before if not torch.equal(before[name], after[name])}


RUNNING = {
    f"backbone.{layer}.{name}" for layer in (1, 5) for name in ("running_mean", "running_var", "num_batches_tracked")
}
AFFINE = {f"backbone.{layer}.{name}" for layer in (1, 5) for name in ("weight", "bias")}


@pytest.mark.parametrize(
    ("part", "options", "changed"),
    [
        ("head", {}, {"head.weight", "head.bias"}),
        ("bn", {}, AFFINE | RUNNING),
        ("film", {"head": False}, AFFINE),
        ("lora", {}, {"backbone.0.weight", "backbone.4.weight", "head.weight", "head.bias"}),
    ],
)
def test_training_moves_that_part_and_no_other_bit(spec, registry, entry, toy, memory, part, options, changed):
    what = spec(trainable=entry("trainable", part, **options), augment=[])
    start = build(registry, what["model"], 1, 3, 8, torch.Generator().manual_seed(9))
    start.fit_normalisation(toy.splits["train"].images)
    weights = {name: value.clone() for name, value in start.state_dict().items()}
    record = memory()
    model = train(what, registry, toy, weights=weights, log=record.log, checkpoints=record)
    assert moved(weights, model.state_dict()) == changed
    # What is stored is a plain model of the architecture.
    plain = build(registry, what["model"], 1, 3, 8, torch.Generator().manual_seed(1))
    plain.load_state_dict(model.state_dict())
    x = torch.rand(2, 1, 8, 8)
    assert torch.equal(plain.eval()(x), model(x))


def test_a_part_learns(spec, registry, entry, toy, memory):
    recipe = entry("recipe", "sgd", epochs=12, batch=16)
    for part in ("bn", "film", "lora"):
        record = memory()
        what = spec(trainable=entry("trainable", part), augment=[], recipe=recipe)
        train(what, registry, toy, log=record.log, checkpoints=record)
        ends = [line["train.loss"] for line in record.lines if "train.loss" in line]
        assert ends[-1] < 0.9 * ends[0], part


def test_a_resumed_run_equals_an_undisturbed_one(spec, registry, entry, toy, memory):
    what = spec(trainable=entry("trainable", "lora"))

    def run(one):
        return train(what, registry, toy, log=one.log, checkpoints=one)

    undisturbed = memory()
    expected = run(undisturbed).state_dict()
    record = memory(2)
    resumed = record.through(run, [3, 5]).state_dict()
    assert not moved(expected, resumed)
    assert record.curve() == undisturbed.curve()


def test_all_is_the_default_and_the_stream_moves_only_what_is_drawn(spec, registry, entry, toy, memory):
    def run(**changes):
        record = memory()
        what = spec(**changes)
        return train(what, registry, toy, log=record.log, checkpoints=record).state_dict()

    assert not moved(run(), run(trainable=None))
    assert moved(run(), run(trainable=entry("trainable", "bn")))
