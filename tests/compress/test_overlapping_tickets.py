import numpy as np
import pytest
import torch
from assay.compress.job import compress
from assay.compress.overlapping_tickets import overlap, overlapping_tickets
from assay.errors import MethodError
from assay.models.masks import weights
from assay.train.order import Only, Order


def ranks(*numbers):
    return {"a": torch.tensor(numbers, dtype=torch.float32)}


def test_what_all_networks_keep_is_kept():
    """By hand: of eight weights each drops its two smallest; those of the first are 0 and 1, of the second 1 and 2."""
    everything = {"a": torch.ones(8, dtype=torch.bool)}
    first, second = ranks(1, 2, 8, 7, 6, 5, 4, 3), ranks(8, 2, 1, 7, 6, 5, 4, 3)
    made = overlap([first, second], everything, 0.25, 2)["a"]
    assert made.tolist() == [False, False, False, True, True, True, True, True]
    # One network alone, as an ordinary ticket would: two are dropped.
    alone = overlap([first, first], everything, 0.25, 2)["a"]
    assert alone.tolist() == [False, False, True, True, True, True, True, True]


def test_what_is_gone_stays_gone_and_a_share_is_of_what_is_left():
    kept = {"a": torch.tensor([False, True, True, True, True, False])}
    # A weight that is gone is large again after training: that does not bring it back.
    learnt = ranks(9, 1, 2, 3, 4, 9)
    assert overlap([learnt, learnt], kept, 0.25, 1)["a"].tolist() == [False, False, True, True, True, False]


@pytest.mark.parametrize("aim", [3, 4, 5, 6])
def test_the_last_round_drops_no_more_than_is_asked_for(aim):
    everything = {"a": torch.ones(8, dtype=torch.bool)}
    learnt = [ranks(1, 2, 3, 4, 5, 6, 7, 8), ranks(8, 7, 6, 5, 4, 3, 2, 1)]
    # Each dropping half leaves nothing; each dropping d leaves 8 - 2 d.
    made = overlap(learnt, everything, 0.5, aim)["a"]
    assert made.sum() == aim
    middle = torch.arange(8).sub(3.5).abs()
    assert middle[made].max() <= middle[~made].min()


def test_layers_are_compared_with_each_other():
    kept = {name: torch.ones(2, dtype=torch.bool) for name in "ab"}
    learnt = {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([3.0, 4.0])}
    made = overlap([learnt, learnt], kept, 0.5, 1)
    assert made["a"].tolist() == [False, False]
    assert made["b"].tolist() == [True, True]


def test_an_epoch_of_some_classes_holds_all_of_theirs_and_none_else(toy):
    from assay.streams import Streams

    labels = np.array([0, 1, 2, 1, 0, 2, 2])
    order = Order(labels, 2, Streams({"init": 0, "order": 0, "augment": 0}), Only([0, 2]))
    seen = np.concatenate([images.numpy() for images, _ in order.batches(0)])
    assert sorted(seen) == [0, 2, 4, 5, 6]
    twice = Only([2], lambda labels, _: np.repeat(np.arange(len(labels)), 2))
    assert twice(labels, np.random.default_rng(0)).tolist() == [2, 2, 5, 5, 6, 6]
    with pytest.raises(MethodError, match="no images"):
        Order(labels, 2, Streams({"init": 0, "order": 0, "augment": 0}), Only([3]))


class Schools:
    """Notes who learns what from which weights; what is learnt is one more, but on class 0 the first weight is lost."""

    def __init__(self, start):
        self.initial, self.seen = start, []

    def start(self):
        return self.initial

    def generator(self):
        return torch.Generator().manual_seed(0)

    def again(self, model, *, classes=None):
        self.seen.append((classes, {name: weight.detach().clone() for name, weight in weights(model).items()}))
        with torch.no_grad():
            for weight in weights(model).values():
                weight += weight.sign()


def test_rounds_go_back_to_the_start_with_what_is_left(make):
    model, start = make(width=4), make(width=4)
    initial = {name: weight.detach().clone() for name, weight in weights(start).items()}
    schools = Schools(start)
    overlapping_tickets(model, schools, sparsity=0.5, parts=3, share=0.2)
    taught = [classes for classes, _ in schools.seen]
    assert taught[-1] is None, "the ticket itself learns all classes"
    for at in range(0, len(taught) - 1, 3):
        assert sorted(label for classes in taught[at : at + 3] for label in classes) == [0, 1, 2]
    for _, begun in schools.seen:
        assert all(torch.equal(value, initial[name].where(value != 0, value)) for name, value in begun.items())
    last = schools.seen[-1][1]
    inner = torch.cat([value.flatten() for name, value in last.items() if name != "head"])
    assert (inner == 0).sum() == round(0.5 * len(inner))
    assert last["head"].all()
    # All networks learn alike here, so each round drops a share, until 0.8^4 < 0.5.
    assert len(schools.seen) == 3 * 4 + 1


def test_a_ticket_of_a_real_training(spec, registry, toy, memory, parent, entry):
    asked = {**spec, "init": None, "recipe": entry("recipe", "sgd", epochs=8, batch=16)}
    asked["method"] = entry("compress", "overlapping-tickets", sparsity=0.5, share=0.4)

    def run(record):
        return compress(asked, registry, toy, parent, log=record.log, checkpoints=record)

    undisturbed = memory()
    model = run(undisturbed)
    inner = torch.cat([weight.flatten() for name, weight in weights(model).items() if name != "head"])
    assert (inner == 0).sum() == round(0.5 * len(inner))
    assert undisturbed.lines[-1]["val.accuracy"] > 0.8
    resumed = memory(1).through(lambda record: run(record).state_dict(), [7, 40])
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in resumed.items())


@pytest.mark.parametrize(
    ("name", "parts", "words"), [("tiny-cnn", 4, "classes, 3, found 4"), ("linear", 2, "no layer")]
)
def test_what_cannot_be_dealt_out_is_said(make, name, parts, words):
    with pytest.raises(MethodError, match=words):
        overlapping_tickets(make(name), Schools(make(name)), sparsity=0.5, parts=parts, share=0.2)
