import numpy as np
import pytest
import torch
from assay.data.dataset import Dataset
from assay.errors import MethodError
from assay.models.classifier import Classifier
from assay.train.infer import logits_and_features
from assay.train.job import train
from sklearn.linear_model import LogisticRegression


def run(spec, registry, toy, memory, **inputs):
    return train(spec, registry, toy, log=memory.log, checkpoints=memory, **inputs)


def same(one, other):
    one, other = one.state_dict(), other.state_dict()
    return all(torch.equal(one[name], other[name]) for name in one)


def test_learns_and_logs(spec, registry, entry, toy, memory):
    record = memory()
    model = run(spec(augment=[], recipe=entry("recipe", "sgd", epochs=12, batch=16)), registry, toy, record)
    test = toy.splits["test"]
    logits, _ = logits_and_features(model, test.images)
    assert (logits.argmax(1) == test.labels).mean() > 0.95
    assert not model.training
    assert all(parameter.is_contiguous() and parameter.grad is None for parameter in model.parameters())
    ends = [line for line in record.lines if "val.accuracy" in line]
    assert [line["epoch"] for line in ends] == list(range(1, 13))
    assert [line["step"] for line in ends] == list(range(3, 39, 3))
    expected = {
        "step",
        "epoch",
        "train.loss",
        "train.accuracy",
        "val.loss",
        "val.accuracy",
        "lr",
        "grad-norm",
        "throughput",
        "memory",
    }
    assert all(set(line) == expected for line in ends)
    val = toy.splits["val"]
    logits, _ = logits_and_features(model, val.images)
    log_p = torch.from_numpy(logits).log_softmax(1).numpy()
    assert ends[-1]["val.accuracy"] == pytest.approx((logits.argmax(1) == val.labels).mean())
    assert ends[-1]["val.loss"] == pytest.approx(-log_p[np.arange(24), val.labels].mean(), abs=1e-5)
    assert ends[-1]["train.loss"] < ends[0]["train.loss"] / 4


def test_linear_model_reaches_the_optimum_that_scikit_learn_finds(spec, registry, entry, toy, memory):
    decay = 0.2
    recipe = entry("recipe", "sgd", epochs=400, batch=48, lr=0.05, weight_decay=decay, warmup=0.0)
    model = run(spec(model=entry("model", "linear"), recipe=recipe, augment=[]), registry, toy, memory())
    split = toy.splits["train"]
    _, features = logits_and_features(model, split.images)
    # Weight decay adds decay * w to the gradient: the penalty decay/2 |w|^2 a sample, which scikit-learn writes as C.
    reference = LogisticRegression(C=1 / (decay * len(split)), tol=1e-8, max_iter=2000).fit(features, split.labels)
    shown = np.random.default_rng(0).normal(size=(200, features.shape[1]))
    ours = torch.from_numpy(shown).float() @ model.head.weight.T + model.head.bias
    np.testing.assert_allclose(ours.softmax(1).detach().numpy(), reference.predict_proba(shown), atol=5e-3)


@pytest.mark.parametrize("recipe", ["sgd", "adamw"])
def test_resumed_run_equals_an_undisturbed_one(spec, registry, entry, toy, memory, recipe):
    what = spec(
        recipe=entry("recipe", recipe, epochs=3, batch=16, clip=1.0), rebalance=entry("rebalance", "oversample")
    )
    undisturbed = memory()
    expected = run(what, registry, toy, undisturbed)
    steps = undisturbed.lines[-1]["step"]
    assert steps == 15
    for every, stops in ((1, [1, 4, 2]), (2, [3, 3, 5]), (3, [15]), (4, [7, 9]), (5, [6, 5])):
        record = memory(every)
        model = record.through(lambda one: run(what, registry, toy, one), stops)
        assert same(model, expected), (every, stops)
        assert record.curve() == undisturbed.curve()
        assert record.loads == len(stops) + 1


def test_resuming_after_an_interrupted_log_changes_nothing(spec, registry, toy, memory):
    undisturbed = memory()
    expected = run(spec(), registry, toy, undisturbed)
    record = memory(every=2)
    log, fails = record.log, iter([True])

    def failing(step, **values):
        if step == 6 and next(fails, False):
            raise OSError("disk full")
        log(step, **values)

    record.log = failing
    with pytest.raises(OSError, match="disk full"):
        run(spec(), registry, toy, record)
    assert same(run(spec(), registry, toy, record), expected)
    assert record.curve() == undisturbed.curve()


def test_same_spec_same_bits_and_global_state_is_neither_read_nor_moved(spec, registry, toy, memory):
    torch.manual_seed(1)
    np.random.seed(1)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    first = run(spec(), registry, toy, memory())
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])
    torch.manual_seed(2)
    np.random.seed(2)
    assert same(run(spec(), registry, toy, memory()), first)


def test_each_stream_moves_its_own_part_alone(spec, registry, entry, toy, memory):
    def initial(**streams):
        # A rate too small to move a weight in float32 shows the initial weights after a whole run.
        still = entry("recipe", "sgd", epochs=1, batch=16, lr=1e-30)
        numbers = {"init": 0, "order": 0, "augment": 0} | streams
        return run(spec(recipe=still, streams=numbers), registry, toy, memory()).backbone[0].weight

    assert torch.equal(initial(order=1), initial())
    assert torch.equal(initial(augment=1), initial())
    assert not torch.equal(initial(init=1), initial())

    def trained(augments, **streams):
        numbers = {"init": 0, "order": 0, "augment": 0} | streams
        return run(spec(augment=augments, streams=numbers), registry, toy, memory())

    crop = [entry("augment", "crop", padding=1)]
    assert same(trained([], augment=1), trained([]))
    assert not same(trained(crop, augment=1), trained(crop))
    assert not same(trained([], order=1), trained([]))


def test_an_image_gets_the_same_augmentation_in_any_batch(spec, registry, entry, toy, memory):
    seen = []

    original = Classifier.features

    def spying(self, x):
        if self.training:
            seen.append(x.detach().clone())
        return original(self, x)

    def pixels(batch):
        seen.clear()
        recipe = entry("recipe", "sgd", epochs=1, batch=batch)
        what = spec(model=entry("model", "linear"), recipe=recipe, augment=[entry("augment", "crop", padding=2)])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Classifier, "features", spying)
            run(what, registry, toy, memory())
        rows = torch.cat(seen).flatten(1)
        return rows[np.lexsort(rows.T.numpy())]

    assert torch.equal(pixels(48), pixels(7))


def test_where_integers_may_not_wrap_the_draws_are_the_same(spec, registry, toy, memory, monkeypatch):
    expected = run(spec(), registry, toy, memory())
    monkeypatch.setattr("assay.augment.draw.ELSEWHERE", ("cpu",))
    monkeypatch.setattr("assay.train.images.ELSEWHERE", ("cpu",))
    assert same(run(spec(), registry, toy, memory()), expected)


def test_divergence_names_epoch_step_and_a_remedy(spec, registry, entry, toy, memory):
    what = spec(recipe=entry("recipe", "sgd", epochs=3, batch=16, lr=1e30, warmup=0.0))
    with pytest.raises(
        MethodError, match=r"(loss|gradient's norm) became .* in epoch 1 of 3, at step [23]; try a lower lr"
    ):
        run(what, registry, toy, memory())


def test_a_diverged_state_is_never_saved(spec, registry, entry, toy, memory):
    what = spec(recipe=entry("recipe", "sgd", epochs=3, batch=16, lr=1e30, warmup=0.0))
    record = memory(every=1)
    with pytest.raises(MethodError):
        run(what, registry, toy, record)
    assert record.state is None or all(value.isfinite().all() for value in record.state["model"].values())


def test_choice_overrides_the_spec(spec, registry, entry, toy, memory):
    direct = run(spec(recipe=entry("recipe", "sgd", epochs=2, batch=16, lr=0.01)), registry, toy, memory())
    chosen = run(spec(), registry, toy, memory(), choice={"recipe.lr": 0.01, "recipe.epochs": 2})
    assert same(direct, chosen)


def synthetic_from(toy, count):
    return Dataset(toy.classes, {"synthetic": toy.splits["test"].take(np.arange(count))})


def test_synthetic_images_are_mixed_in(spec, registry, toy, memory):
    made = synthetic_from(toy, 32)
    record = memory()
    run(spec(synthetic={"mix": "real+synthetic"}), registry, toy, record, synthetic=made)
    assert record.lines[-1]["step"] == 3 * 5  # 48 + 32 images in batches of 16
    record = memory()
    alone = run(spec(synthetic={"mix": "synthetic-only"}), registry, toy, record, synthetic=made)
    assert record.lines[-1]["step"] == 3 * 2
    instead = Dataset(toy.classes, {"train": made.splits["synthetic"], "val": toy.splits["val"]})
    assert same(alone, run(spec(), registry, instead, memory()))


def test_what_was_not_handed_over_is_missed(spec, registry, entry, toy, memory):
    with pytest.raises(MethodError, match="real\\+synthetic"):
        run(spec(synthetic={"mix": "real+synthetic"}), registry, toy, memory())
    with pytest.raises(MethodError, match="distill: kd, and there are 0 teachers"):
        run(spec(distill=entry("distill", "kd")), registry, toy, memory())
    with pytest.raises(MethodError, match="no weights were handed over"):
        run(spec(init={"weights": "model.safetensors"}), registry, toy, memory())
    other = Dataset(["a", "b", "c"], {"synthetic": toy.splits["test"]})
    with pytest.raises(MethodError, match="has classes"):
        run(spec(synthetic={"mix": "synthetic-only"}), registry, toy, memory(), synthetic=other)


def test_encoder_is_the_start_of_the_backbone(spec, registry, entry, toy, memory):
    donor = run(spec(streams={"init": 5, "order": 0, "augment": 0}), registry, toy, memory())
    still = entry("recipe", "sgd", epochs=1, batch=16, lr=1e-30)
    started = run(spec(recipe=still), registry, toy, memory(), encoder=donor.state_dict())
    fresh = run(spec(recipe=still), registry, toy, memory())
    assert torch.equal(started.backbone[0].weight, donor.backbone[0].weight)
    assert torch.equal(started.head.weight, fresh.head.weight)
    both = run(spec(recipe=still), registry, toy, memory(), weights=donor.state_dict())
    assert torch.equal(both.head.weight, donor.head.weight)


def test_bf16_runs_the_networks_in_bfloat16(spec, registry, toy, memory):
    full, half = run(spec(), registry, toy, memory()), run(spec(precision="bf16"), registry, toy, memory())
    assert not same(full, half)
    for name, value in full.state_dict().items():
        torch.testing.assert_close(half.state_dict()[name], value, atol=0.1, rtol=0.1)
