import pytest
import torch
from assay.compress.job import compress
from assay.models.classifier import build
from assay.models.masks import weights
from assay.train.infer import logits_and_features


def test_keeps_the_parent_and_reaches_sparsity_and_accuracy(spec, registry, toy, memory, parent):
    before = {name: value.clone() for name, value in parent.state_dict().items()}
    record = memory()
    model = compress(spec, registry, toy, parent, log=record.log, checkpoints=record)
    assert all(torch.equal(value, before[name]) for name, value in parent.state_dict().items())
    pruned = torch.cat([weight.flatten() for weight in weights(model).values()])
    assert (pruned == 0).sum() == round(0.6 * len(pruned))
    test = toy.splits["test"]
    assert (logits_and_features(model, test.images)[0].argmax(1) == test.labels).mean() > 0.9
    assert [line["epoch"] for line in record.lines] == [1, 2, 3]
    assert record.lines[0]["lr"] == pytest.approx(0.01, rel=0.2), "the fine-tuning's own rate, without warm-up"


def test_fine_tunes_by_the_point_that_tuning_chose(spec, registry, toy, memory, parent):
    def run(spec, choice=None):
        record = memory()
        return compress(spec, registry, toy, parent, choice=choice, log=record.log, checkpoints=record).state_dict()

    chosen = {"recipe.batch": 8, "augment.crop.padding": 2, "model": {"method": "linear"}, "distill.alpha": 0.5}
    augment = [{**spec["augment"][0], "padding": 2}]
    by_hand = run({**spec, "recipe": {**spec["recipe"], "batch": 8}, "augment": augment})
    spec = {key: value for key, value in spec.items() if key != "model"}  # as the planner gives it
    found, plain = run(spec, chosen), run(spec)
    assert all(torch.equal(value, by_hand[name]) for name, value in found.items())
    assert not all(torch.equal(value, by_hand[name]) for name, value in plain.items())


def test_resumed_run_equals_an_undisturbed_one(spec, registry, toy, memory, parent):
    def run(record):
        return compress(spec, registry, toy, parent, log=record.log, checkpoints=record).state_dict()

    undisturbed = memory()
    expected = run(undisturbed)
    for every, stops in ((1, [2, 5]), (4, [5, 3]), (9, [9])):
        record = memory(every)
        resumed = record.through(run, stops)
        assert all(torch.equal(value, expected[name]) for name, value in resumed.items())
        assert record.curve() == undisturbed.curve()


def test_a_method_that_trains_twice_resumes_in_the_second_round(spec, registry, toy, memory, entry, monkeypatch):
    rounds = []

    def two_rounds(model, finetune):
        finetune(model, epochs=2, lr=0.02, after_step=None)
        rounds.append(model.head.weight.detach().clone())
        finetune(model, epochs=1, lr=0.01, after_step=None)
        return model

    from assay.compress import job

    monkeypatch.setattr(job, "bind", lambda *_: two_rounds)
    start = build(registry, spec["model"], 1, 3, 8, torch.Generator().manual_seed(0))

    def run(record):
        return compress(spec, registry, toy, start, log=record.log, checkpoints=record).state_dict()

    undisturbed = memory()
    expected = run(undisturbed)
    assert [line["step"] for line in undisturbed.lines] == [3, 6, 9]
    assert [line["epoch"] for line in undisturbed.lines] == [1, 2, 3]
    record = memory(1)
    resumed = record.through(run, [8])  # six steps in the first round, then two
    assert record.state["step"] == 9
    assert all(torch.equal(value, expected[name]) for name, value in resumed.items())
    assert record.curve() == undisturbed.curve()
    assert all(torch.equal(weight, rounds[0]) for weight in rounds), "the first round hands over what it had found"


def test_weights_that_are_zero_stay_zero_in_whatever_training_follows(spec, registry, toy, memory, parent, entry):
    """Pruned, then factorised: the convolution that keeps its shape keeps its zeros."""

    def run(method, model):
        record = memory()
        return compress({**spec, "method": method}, registry, toy, model, log=record.log, checkpoints=record)

    pruned = run(entry("compress", "magnitude", sparsity=0.6, finetune_epochs=0), parent)
    for recipe in ("sgd", "muon", "schedule-free"):
        further = {**spec, "recipe": entry("recipe", recipe, epochs=2, batch=16)}
        record = memory()
        method = entry("compress", "magnitude", sparsity=0.1, finetune_epochs=2)
        model = compress({**further, "method": method}, registry, toy, pruned, log=record.log, checkpoints=record)
        for name, weight in weights(model).items():
            zeros = weights(pruned)[name] == 0
            assert zeros.any()
            assert not weight[zeros].any()
            assert not torch.equal(weight, weights(pruned)[name])
