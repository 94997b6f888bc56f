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
    "dropout": {},
    "nested-dropout": {"spread": 3.0},
    "nested-co-teaching": {"rate": 0.4, "apart": 0.4, "spread": 3.0},
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
        ("dropout", {"rate": 0.0}),
    ],
)
def test_without_noise_a_method_is_plain_training(spec, registry, entry, toy, memory, name, options):
    crop = [entry("augment", "crop", padding=1)]
    plain = run(spec(augment=crop), registry, toy, memory())
    close(run(spec(augment=crop, robust=entry("robust", name, **options)), registry, toy, memory()), plain)


def test_experts_resume_to_the_bit(spec, registry, entry, toy, memory):
    what = spec(
        model=entry("model", "experts-resnet", depth=8, width=2),
        augment=[entry("augment", "crop", padding=1), entry("augment", "cutout")],
        robust=entry("robust", "mdcs", warmup=2, weak=1),
    )
    undisturbed, record = memory(), memory(2)
    expected = run(what, registry, toy, undisturbed)
    assert same(record.through(lambda one: run(what, registry, toy, one), [3, 5]), expected)
    assert record.curve() == undisturbed.curve()
    assert expected.experts == 3


def test_crosssplit_resumes_to_the_bit_and_leaves_a_plain_model(spec, registry, entry, toy, memory):
    what = spec(
        augment=[entry("augment", "crop", padding=1), entry("augment", "cutout")],
        robust=entry("robust", "crosssplit", warmup=1, weak=1),
    )
    undisturbed = memory()
    expected = run(what, registry, toy, undisturbed)
    for every, stops in ((1, [4, 2]), (2, [3, 5]), (4, [9])):
        record = memory(every)
        assert same(record.through(lambda one: run(what, registry, toy, one), stops), expected), (every, stops)
        assert record.curve() == undisturbed.curve()
    assert expected.state_dict().keys() == run(what | {"robust": None}, registry, toy, memory()).state_dict().keys()


def test_views_draw_apart_and_take_the_first_augmentations_alone(spec, registry, entry, toy, memory, monkeypatch):
    from assay.train.robust.dropout import Dropout

    seen = []

    def spying(self, batch):
        plain = self.training.images.batch(batch.indices)[0]
        seen.append((plain, batch.x, *(batch.view(*which) for which in ((0, None), (1, None), (2, None), (1, 0)))))
        logits = self.training.logits(self.training.networks[0], batch.x)
        return self.training.loss(logits, batch.targets).mean(), logits

    monkeypatch.setattr(Dropout, "loss", spying)
    run(spec(augment=[entry("augment", "crop", padding=2)], robust=entry("robust", "dropout")), registry, toy, memory())
    plain, x, again, first, second, none = seen[0]
    assert torch.equal(x, again)
    assert torch.equal(plain, none)
    assert not torch.equal(x, first)
    assert not torch.equal(first, second)


def test_the_kept_channels_are_those_of_the_trained_model(spec, registry, entry, toy, memory, capsys):
    robust = entry("robust", "nested-dropout", spread=3.0)
    model = run(spec(augment=[], robust=robust), registry, toy, memory())
    kept = int(capsys.readouterr().out.rpartition("the first ")[2].split()[0])
    assert model.head.weight[:, :kept].all()
    assert not model.head.weight[:, kept:].any()
    assert kept < model.head.in_features
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_ni_erm_is_logistic_regression_on_the_encoders_features(spec, registry, entry, toy, memory):
    from assay.train.infer import logits_and_features
    from sklearn.linear_model import LogisticRegression

    donor = run(spec(streams={"init": 5, "order": 5, "augment": 5}), registry, toy, memory()).state_dict()
    labels = toy.splits["train"].labels
    labels[::5] = (labels[::5] + 1) % 3  # ignored: nobody looks for them
    penalty = 0.05
    recipe = entry("recipe", "linear-probe", epochs=200, batch=48, lr=0.5, weight_decay=penalty)
    arm = {"trainable": entry("trainable", "head"), "recipe": recipe, "augment": []}
    what = spec(**arm, init={"encoder": "e"}, robust=entry("robust", "ni-erm"))
    model = run(what, registry, toy, memory(), encoder=donor)
    own = model.state_dict()
    assert all(torch.equal(own[name], donor[name]) for name in own if not name.startswith("head."))

    _, features = logits_and_features(model, toy.splits["train"].images)
    logits, others = logits_and_features(model, toy.splits["test"].images)
    reference = LogisticRegression(C=1 / (penalty * 48), tol=1e-9, max_iter=5000).fit(features, labels)
    made = torch.from_numpy(logits).softmax(1).numpy()
    assert abs(made - reference.predict_proba(others)).max() < 1e-3
    # The composition without the name is the same training.
    short = what | {"recipe": recipe | {"epochs": 3}}
    named, bare = (
        run(short | {"robust": each}, registry, toy, memory(), encoder=donor) for each in (what["robust"], None)
    )
    assert same(named, bare)


def test_ni_erm_refuses_to_train_the_backbone(spec, registry, entry, toy, memory):
    with pytest.raises(MethodError, match="set `trainable: head`"):
        run(spec(robust=entry("robust", "ni-erm")), registry, toy, memory())


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
