import pytest
import torch
from assay.compress.job import compress
from assay.compress.lottery_ticket import lottery_ticket
from assay.models.masks import weights
from assay.train.finetune import FineTune
from assay.train.job import train


@pytest.fixture
def asked(spec, entry):
    """The spec of a compression that may ask what the training started from."""
    return {**spec, "init": None, "method": entry("compress", "lottery-ticket", sparsity=0.75, rounds=2)}


def test_doing_the_training_over_gives_the_same_weights(asked, registry, toy, memory, parent):
    """The start, order and augmentation are those of the training, so its last epoch ends at the bits of its model."""
    from assay.compress import job

    found = {}

    def replay(model, finetune):
        found["early"] = finetune.start()
        finetune.again(found["early"], 0, 2, replay=True)
        found["whole"] = finetune.start()
        finetune.again(found["whole"], replay=True)
        finetune.again(found["early"], 2, replay=True)
        return model

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "bind", lambda *_: replay)
        record = memory()
        compress(asked, registry, toy, parent, log=record.log, checkpoints=record)
    expected = parent.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in found["whole"].state_dict().items())
    # From epoch 2 on the schedule is the same, but the momentum begins anew.
    early = found["early"].state_dict()
    assert not torch.equal(early["head.weight"], expected["head.weight"])
    torch.testing.assert_close(early["head.weight"], expected["head.weight"], rtol=0.5, atol=0.5)
    epochs = [line["epoch"] for line in record.lines]
    assert epochs == sorted(epochs), "the curves go on"
    assert epochs[-1] == 2 + 15 + 13


@pytest.mark.parametrize("recipe", [{"ema": 0.9}, {"swa": 0.5}])
def test_weights_on_the_way_are_those_of_the_optimiser(asked, registry, toy, memory, parent, recipe, entry):
    what = {**asked, "recipe": entry("recipe", "sgd", epochs=4, batch=16, warmup=0.0)}

    def early(recipe):
        record = memory()
        tuning = FineTune(
            {**what, "recipe": recipe}, registry, toy, log=record.log, checkpoints=record, device=torch.device("cpu"),
            start=parent,
        )  # fmt: skip
        model = tuning.start()
        tuning.again(model, 0, 1, replay=True)
        return model.head.weight

    assert torch.equal(early(what["recipe"]), early({**what["recipe"], **recipe}))


class Rounds:
    """Notes from where each round goes on, and moves what is not zero by one."""

    def __init__(self, start, epochs):
        self.initial, self.epochs, self.seen = start, epochs, []

    def start(self):
        return self.initial

    def epoch(self, share):
        return round(share * self.epochs)

    def again(self, model, begin, end=None, *, replay=False):
        self.seen.append((begin, end, replay, {name: weight.clone() for name, weight in weights(model).items()}))
        with torch.no_grad():
            for weight in weights(model).values():
                weight += 1.0 * (weight != 0)


def test_each_round_prunes_what_it_trained_and_goes_back(make):
    """By hand on one layer of 192 weights: at 75 % in two rounds half go, then half of the rest."""
    model, start = make("linear"), make("linear")
    with torch.no_grad():
        start.head.weight.copy_(torch.arange(192.0).view(3, 64) / 192 - 0.7)
        model.head.weight.copy_(torch.arange(192.0).flip(0).view(3, 64) + 1)
    initial = start.head.weight.detach().clone()
    rounds = Rounds(start, epochs=10)
    lottery_ticket(model, rounds, sparsity=0.75, rounds=2, rewind=0.0)
    (begin, end, _, first), (_, _, _, second) = ((b, e, r, found["head"].flatten()) for b, e, r, found in rounds.seen)
    assert (begin, end) == (0, None)
    flat = initial.flatten()
    kept = torch.arange(192) < 96  # the trained model falls along the weights
    assert torch.equal(first, flat * kept)
    # In the second round the trained weights are initial + 1 where kept: the largest 48 of these stay, rewound.
    best = (flat + 1).where(kept, torch.zeros(())).abs().argsort(descending=True)[:48]
    expected = torch.zeros(192)
    expected[best] = flat[best]
    assert torch.equal(second, expected)
    assert (model.head.weight == 0).sum() == 144


def test_late_rewinding_goes_back_to_an_epoch_of_the_same_training(make):
    rounds = Rounds(make("linear"), epochs=10)
    lottery_ticket(make("linear"), rounds, sparsity=0.5, rounds=1, rewind=0.2)
    assert [(begin, end, replay) for begin, end, replay, _ in rounds.seen] == [(0, 2, True), (2, None, False)]


def test_a_ticket_of_a_real_training(asked, registry, toy, memory, parent):
    def run(record):
        return compress(asked, registry, toy, parent, log=record.log, checkpoints=record)

    undisturbed = memory()
    model = run(undisturbed)
    flat = torch.cat([weight.flatten() for weight in weights(model).values()])
    assert (flat == 0).sum() == round(0.75 * len(flat))
    assert undisturbed.lines[-1]["val.accuracy"] > 0.8
    record = memory(1)
    resumed = record.through(lambda record: run(record).state_dict(), [7, 70])
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in resumed.items())
    assert record.curve() == undisturbed.curve()


@pytest.mark.parametrize("start", ["encoder", "init", "generation"])
def test_what_a_training_started_from_is_known(asked, registry, toy, memory, parent, entry, start):
    """The start is the one of the training, its head included."""
    from assay.compress import job

    found = {}

    def look(model, finetune):
        found["start"] = finetune.start()
        return model

    encoder = {name: value + 1 for name, value in parent.state_dict().items()} if start == "encoder" else None
    if start == "init":
        asked |= {"init": entry("init", "orthogonal"), "mup": {"option": "width", "base-width": 4}}
    if start == "generation":
        asked |= {"taught": {"images": "labelled", "repeat": 2}}
    record = memory()
    still = {**asked["recipe"], "lr": 1e-30, "epochs": 1}
    trained = train({**asked, "recipe": still}, registry, toy, encoder=encoder, log=record.log, checkpoints=record)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "bind", lambda *_: look)
        compress(asked, registry, toy, trained, encoder=encoder, log=record.log, checkpoints=memory())
    named = dict(found["start"].named_parameters())
    for name, value in trained.named_parameters():
        # A rate too small to move anything but zeros.
        torch.testing.assert_close(value, named[name], rtol=0, atol=1e-20)
    assert torch.equal(found["start"].mean, encoder["mean"] if encoder else parent.mean)
