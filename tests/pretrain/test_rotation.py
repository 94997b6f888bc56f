import math

import pytest
import torch
from assay.augment.draw import Draw
from assay.errors import MethodError
from assay.models.classifier import Classifier
from assay.pretrain.job import pretrain
from assay.pretrain.rotation import Rotation
from assay.train.job import train
from torch import nn

DRAW = Draw(0, 0, torch.arange(2))


def test_loss_of_a_head_that_knows_nothing_is_log_4():
    rotation, model = Rotation(), Classifier(nn.Flatten(), 16, 1, 3)
    nn.init.zeros_(rotation.prepare(16, torch.Generator()).weight)
    nn.init.zeros_(rotation.head.bias)
    assert rotation.loss(model, torch.rand(2, 1, 4, 4), DRAW).item() == pytest.approx(math.log(4))


def test_a_head_that_reads_the_corner_names_every_rotation():
    # One bright corner goes round counter-clockwise: top left, bottom left, bottom right, top right.
    image = torch.zeros(2, 1, 4, 4)
    image[:, 0, 0, 0] = 1
    rotation, model = Rotation(), Classifier(nn.Flatten(), 16, 1, 3)
    head = rotation.prepare(16, torch.Generator().manual_seed(0))
    with torch.no_grad():
        head.weight.zero_()
        head.bias.zero_()
        for label, corner in enumerate([0, 12, 15, 3]):
            head.weight[label, corner] = 50
    assert rotation.loss(model, image, DRAW).item() == pytest.approx(0, abs=1e-6)
    with torch.no_grad():
        head.weight.copy_(head.weight.roll(1, 0))
    assert rotation.loss(model, image, DRAW).item() == pytest.approx(50, abs=1e-4)


def test_the_head_comes_from_the_generator():
    heads = [Rotation().prepare(5, torch.Generator().manual_seed(seed)).weight for seed in (0, 0, 1)]
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


def test_images_must_be_square():
    rotation = Rotation()
    rotation.prepare(8, torch.Generator())
    with pytest.raises(MethodError, match="square images, these are 2x4"):
        rotation.loss(Classifier(nn.Flatten(), 8, 1, 3), torch.rand(1, 1, 2, 4), DRAW)


@pytest.fixture
def spec(entry):
    return {
        "method": entry("pretrain", "rotation"),
        "model": entry("model", "tiny-cnn", width=8),
        "recipe": entry("recipe", "adamw", epochs=8, batch=16, lr=0.01),
        "augment": [entry("augment", "crop", padding=1)],
        "precision": "fp32",
        "threads": 1,
        "streams": {"init": 0, "order": 0, "augment": 0},
    }


def test_learns_without_labels(spec, registry, toy, memory):
    def run():
        record = memory()
        return pretrain(spec, registry, toy, log=record.log, checkpoints=record), record

    model, record = run()
    losses = [line["train.loss"] for line in record.lines]
    assert losses[-1] < 0.8 * losses[0]
    measured = {"throughput", "memory"}
    assert set(record.lines[0]) == {"step", "epoch", "train.loss", "val.loss", "grad-norm", "lr"} | measured
    assert record.lines[-1]["val.loss"] < math.log(4)
    toy.splits["train"].labels[:] = 0
    blind, _ = run()
    assert all(torch.equal(value, blind.state_dict()[name]) for name, value in model.state_dict().items())


def test_resumed_run_equals_an_undisturbed_one(spec, registry, toy, memory):
    def run(record):
        return pretrain(spec, registry, toy, log=record.log, checkpoints=record).state_dict()

    undisturbed, record = memory(), memory(3)
    expected = run(undisturbed)
    resumed = record.through(run, [4, 11, 2])
    assert all(torch.equal(value, expected[name]) for name, value in resumed.items())
    assert record.curve() == undisturbed.curve()


def test_an_arm_starts_from_the_encoder(spec, registry, entry, toy, memory):
    record = memory()
    encoder = pretrain(spec, registry, toy, log=record.log, checkpoints=record)
    arm = spec | {
        "recipe": entry("recipe", "sgd", epochs=1, batch=48, lr=1e-30),
        "loss": entry("loss", "cross-entropy"),
        "precision": "fp32",
        "streams": {"init": 3, "order": 3, "augment": 3},
    }
    model = train(arm, registry, toy, encoder=encoder.state_dict(), log=record.log, checkpoints=memory())
    assert torch.equal(model.backbone[0].weight, encoder.backbone[0].weight)
    assert not torch.equal(model.head.weight, encoder.head.weight)
