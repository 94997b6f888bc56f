import pytest
import torch
from assay.errors import MethodError
from assay.train.job import train


def run(spec, registry, toy, record, **inputs):
    return train(spec, registry, toy, log=record.log, checkpoints=record, **inputs)


def same(one, other):
    one, other = one.state_dict(), other.state_dict()
    return all(torch.equal(one[name], other[name]) for name in one)


def close(one, other):
    other = other.state_dict()
    for name, value in one.state_dict().items():
        torch.testing.assert_close(value, other[name], atol=2e-5, rtol=1e-3)


METHODS = {
    "forward-correction": {"warmup": 1},
    "early-learning-regularisation": {},
    "co-teaching": {"rate": 0.4, "gradual": 2},
    "mixup-beta": {"warmup": 0.3},
}


@pytest.mark.parametrize("name", METHODS)
def test_resumed_run_equals_an_undisturbed_one(spec, registry, entry, toy, memory, name):
    crop = [entry("augment", "crop", padding=1)]
    robust = entry("robust", name, **METHODS[name])
    what = spec(augment=crop, robust=robust, rebalance=entry("rebalance", "oversample"))
    undisturbed = memory()
    expected = run(what, registry, toy, undisturbed)
    assert not same(expected, run(what | {"robust": None}, registry, toy, memory()))
    for every, stops in ((1, [4, 2]), (2, [3, 5]), (4, [9])):
        record = memory(every)
        model = record.through(lambda one: run(what, registry, toy, one), stops)
        assert same(model, expected), (every, stops)
        assert record.curve() == undisturbed.curve()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("forward-correction", {"rate": 0.0}),
        ("early-learning-regularisation", {"weight": 0.0}),
        ("co-teaching", {"rate": 0.0}),
    ],
)
def test_without_noise_a_method_is_plain_training(spec, registry, entry, toy, memory, name, options):
    crop = [entry("augment", "crop", padding=1)]
    plain = run(spec(augment=crop), registry, toy, memory())
    close(run(spec(augment=crop, robust=entry("robust", name, **options)), registry, toy, memory()), plain)


def test_the_arms_loss_and_sampling_are_used(spec, registry, entry, toy, memory):
    robust = entry("robust", "forward-correction", rate=0.0)
    deferred = entry("loss", "class-weighted", by="inverse", defer=0.6)
    what = spec(augment=[], loss=deferred, rebalance=entry("rebalance", "progressive"))
    close(run(what | {"robust": robust}, registry, toy, memory()), run(what, registry, toy, memory()))
    assert not same(run(what, registry, toy, memory()), run(spec(augment=[]), registry, toy, memory()))


def test_mixed_labels_are_refused_where_each_image_is_remembered(spec, registry, entry, toy, memory):
    mixup = [entry("augment", "mixup")]
    for name in ("early-learning-regularisation", "mixup-beta"):
        with pytest.raises(MethodError, match="mixes labels"):
            run(spec(augment=mixup, robust=entry("robust", name)), registry, toy, memory())
    run(spec(augment=mixup, robust=entry("robust", "forward-correction", rate=0.1)), registry, toy, memory())


def test_two_networks_from_the_same_weights_are_refused(spec, registry, entry, toy, memory):
    donor = run(spec(), registry, toy, memory()).state_dict()
    with pytest.raises(MethodError, match="co-teaching needs networks that differ"):
        run(spec(robust=entry("robust", "co-teaching", rate=0.1)), registry, toy, memory(), weights=donor)


def test_symmetric_noise_is_withstood(spec, registry, entry, memory):
    """Forward correction with the true rate recovers what plain training on noisy labels loses in its probabilities."""
    import numpy as np
    from assay.data.dataset import Dataset, Split
    from assay.train.infer import logits_and_features

    rng = np.random.default_rng(0)
    patterns = np.zeros((3, 8, 8))
    patterns[0, :, :4] = patterns[1, :4, :] = patterns[2, 2:6, 2:6] = 1

    def split(count, rate):
        labels = rng.integers(0, 3, count)
        pixels = 255 * (0.25 + 0.5 * patterns[labels]) + 40 * rng.standard_normal((count, 8, 8))
        shown = np.where(rng.random(count) < rate, (labels + rng.integers(1, 3, count)) % 3, labels)
        ids = np.array([f"{count}-{i}" for i in range(count)])
        return Split(pixels.clip(0, 255).astype(np.uint8)[..., None], shown.astype(np.int64), ids, labels.copy())

    data = Dataset(["a", "b", "c"], {"train": split(600, 0.3), "val": split(30, 0.0), "test": split(300, 0.0)})
    what = spec(augment=[], recipe=entry("recipe", "sgd", epochs=4, batch=50))

    def right(robust):
        model = run(what | {"robust": robust}, registry, data, memory())
        logits = torch.from_numpy(logits_and_features(model, data.splits["test"].images)[0])
        return logits.softmax(1)[torch.arange(300), torch.from_numpy(data.splits["test"].labels)].mean().item()

    assert right(None) == pytest.approx(0.7, abs=0.08), "plain training learns the noisy posterior"
    assert right(entry("robust", "forward-correction", rate=0.3)) > 0.9
