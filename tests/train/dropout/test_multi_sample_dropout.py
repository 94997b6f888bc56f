import math

import pytest
import torch
from assay.augment.draw import Draw
from assay.errors import MethodError
from assay.train.dropout.multi_sample_dropout import multi_sample_dropout
from assay.train.images import Images
from assay.train.job import train
from assay.train.objective import Supervised
from scipy import stats

IDS = torch.arange(400)
FEATURES = torch.rand(400, 6, generator=torch.Generator().manual_seed(0)) + 0.1


def dropped(ids=IDS, epoch=0, samples=4, rate=0.3):
    return multi_sample_dropout(FEATURES[ids], Draw(1, epoch, ids), samples=samples, rate=rate)


def run(spec, registry, toy, record, **inputs):
    return train(spec, registry, toy, log=record.log, checkpoints=record, **inputs)


def same(one, other):
    one, other = one.state_dict(), other.state_dict()
    return all(torch.equal(one[name], other[name]) for name in one)


def test_each_sample_keeps_its_own_share_scaled_up():
    made = dropped()
    assert made.shape == (4, 400, 6)
    kept = made != 0
    torch.testing.assert_close(made[kept], (FEATURES / 0.7).expand(4, -1, -1)[kept])
    for sample in kept:
        assert stats.binomtest(int(sample.sum()), sample.numel(), 0.7).pvalue > 1e-3
    # Two masks agree in 0.3^2 + 0.7^2 of the places if they know nothing of each other.
    for first, second in ((0, 1), (2, 3), (0, 3)):
        agree = kept[first] == kept[second]
        assert stats.binomtest(int(agree.sum()), agree.numel(), 0.58).pvalue > 1e-3


def test_masks_belong_to_an_image_and_an_epoch():
    whole, some = dropped(), torch.tensor([300, 2])
    assert torch.equal(dropped(some), whole[:, some])
    assert not torch.equal(dropped(epoch=1), whole)


def test_the_loss_is_the_mean_over_samples_by_hand(registry, entry, toy):
    """A linear model without normalisation, two masks written out."""
    from assay.models.classifier import build
    from assay.study.registry import bind

    images = Images([toy.splits["train"]], 3, torch.device("cpu"))
    model = build(registry, entry("model", "linear"), 1, 3, 8, torch.Generator().manual_seed(0))
    masks = torch.zeros(2, 64)
    masks[0, :10], masks[1, 5:40] = 1, 1
    loss = bind(registry, "loss", entry("loss", "cross-entropy"))
    objective = Supervised(model, images, [], 0, loss, dropout=lambda features, _: features * masks[:, None])
    indices = torch.tensor([0, 5, 7])
    found, accuracy = objective(0, indices, torch.zeros_like(indices))

    x = toy.splits["train"].images[indices].reshape(3, 64) / 255
    w, b = model.head.weight.detach().double().numpy(), model.head.bias.detach().double().numpy()
    truth = toy.splits["train"].labels[indices]
    losses = []
    for mask in masks.double().numpy():
        logits = (x * mask) @ w.T + b
        losses += [math.log(sum(math.exp(v) for v in row)) - row[k] for row, k in zip(logits, truth, strict=True)]
    assert found.item() == pytest.approx(sum(losses) / 6, rel=1e-5)
    assert accuracy.item() == pytest.approx(((x @ w.T + b).argmax(1) == truth).mean()), "as evaluation sees it"


def test_nothing_dropped_is_plain_training(spec, registry, entry, toy, memory):
    plain = run(spec(), registry, toy, memory()).state_dict()
    for samples in (1, 3):
        dropout = entry("dropout", "multi-sample-dropout", samples=samples, rate=0.0)
        made = run(spec(dropout=dropout), registry, toy, memory()).state_dict()
        for name, value in made.items():
            torch.testing.assert_close(value, plain[name], atol=2e-5, rtol=1e-3)
    dropout = entry("dropout", "multi-sample-dropout", samples=1)
    assert (run(spec(dropout=dropout), registry, toy, memory()).head.weight - plain["head.weight"]).abs().max() > 1e-3


def test_a_teacher_is_followed_by_every_sample(spec, registry, entry, toy, memory):
    teacher = run(spec(), registry, toy, memory())
    what = spec(distill=entry("distill", "kd"), augment=[])
    plain = run(what, registry, toy, memory(), teachers=[teacher])
    none = entry("dropout", "multi-sample-dropout", samples=2, rate=0.0)
    kept = run(what | {"dropout": none}, registry, toy, memory(), teachers=[teacher])
    torch.testing.assert_close(kept.head.weight, plain.head.weight, atol=2e-5, rtol=1e-3)
    some = entry("dropout", "multi-sample-dropout", samples=2)
    assert not same(run(what | {"dropout": some}, registry, toy, memory(), teachers=[teacher]), plain)


def test_resumed_run_equals_an_undisturbed_one(spec, registry, entry, toy, memory):
    what = spec(dropout=entry("dropout", "multi-sample-dropout", samples=3))
    undisturbed = memory()
    expected = run(what, registry, toy, undisturbed)
    for every, stops in ((1, [4, 2]), (2, [3, 5])):
        record = memory(every)
        assert same(record.through(lambda one: run(what, registry, toy, one), stops), expected), (every, stops)
        assert record.curve() == undisturbed.curve()
    moved = what | {"streams": {"init": 0, "order": 0, "augment": 1}, "augment": []}
    assert not same(run(moved, registry, toy, memory()), run(what | {"augment": []}, registry, toy, memory()))


def test_what_takes_the_losss_place_is_refused(spec, registry, entry, toy, memory):
    what = spec(
        robust=entry("robust", "forward-correction", rate=0.1), dropout=entry("dropout", "multi-sample-dropout")
    )
    with pytest.raises(MethodError, match="forward-correction takes the loss's place"):
        run(what, registry, toy, memory())


def test_more_masks_give_a_steadier_head(spec, registry, entry, toy, memory):
    """The gradient's noise from masks falls with their number, so weights lie closer to those of many masks."""

    def head(samples, seed):
        dropout = entry("dropout", "multi-sample-dropout", samples=samples)
        what = spec(
            dropout=dropout,
            augment=[],
            model=entry("model", "linear"),
            streams={"init": 0, "order": 0, "augment": seed},
        )
        return run(what, registry, toy, memory()).head.weight.detach()

    def spread(samples):
        heads = torch.stack([head(samples, seed) for seed in range(4)])
        return heads.var(dim=0).mean().item()

    # Independent masks average out: a variance of one eighth.
    assert spread(1) / spread(8) == pytest.approx(8, rel=0.4)
