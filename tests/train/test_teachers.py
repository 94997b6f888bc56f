"""Who teaches: the flattest way down, or a network that nobody trained."""

import pytest
import torch
from assay.errors import MethodError
from assay.models.classifier import build
from assay.streams import Streams
from assay.train.job import train
from assay.train.teachers import best, teaching

CPU = torch.device("cpu")


def test_the_flattest_way_down_is_taken():
    """Slopes by hand: 0.02 / 0.5, 0.05 / 0.9 and 0.01 / 0.1 points of accuracy for all of the teacher's weights."""
    teacher, half, tenth, most = (0.90, 1000), (0.88, 500), (0.85, 100), (0.89, 900)
    assert best(teacher, [half, tenth, most]) == 0
    assert best(teacher, [tenth, most]) == 0, "neither the most accurate nor the largest"
    assert best(teacher, [most, (0.90, 950), half]) == 1, "one that loses nothing"
    assert best(teacher, [(0.90, 500), (0.90, 200)]) == 1, "of equals the smallest"
    with pytest.raises(MethodError, match="assistant 1 has no fewer weights than the teacher, 1,000"):
        best(teacher, [half, (0.95, 1000)])


@pytest.fixture
def ask(registry, toy):
    def made(spec, teachers=(), assistants=(), dataset=toy, **more):
        streams = Streams({"init": 3, "order": 0, "augment": 0})
        return teaching(spec, registry, dataset, toy.splits["train"].images, streams, teachers, assistants, CPU, **more)

    return made


@pytest.fixture
def network(registry, entry, toy):
    def make(width, bias=None):
        model = build(registry, entry("model", "tiny-cnn", width=width), 1, 3, 8, torch.Generator().manual_seed(0))
        if bias is not None:  # always says one class
            torch.nn.init.zeros_(model.head.weight)
            model.head.bias.data = torch.nn.functional.one_hot(torch.tensor(bias), 3).float()
        return model

    return make


def test_the_chosen_assistant_teaches_alone(ask, network, toy):
    labels = toy.splits["val"].labels
    counts = [(labels == label).sum() for label in range(3)]
    stated = {}
    small, large = network(4, 0), network(8, 0)
    # As accurate as each other and as the teacher: the smaller one.
    found = ask({}, [network(16, 0)], [large, small], state=stated.update)
    assert len(found) == 1
    assert found[0] is small
    assert stated == {"assistant": 1}
    assert len(set(counts)) == 1 or max(counts)
    bare = type(toy)(**{**vars(toy), "splits": {"train": toy.splits["train"]}})
    with pytest.raises(MethodError, match="no val split"):
        ask({}, [network(16)], [small], dataset=bare)


def test_a_guide_is_drawn_by_its_own_part_of_the_stream_and_knows_the_images(ask, registry, entry, toy):
    guide = {"model": entry("model", "resnet8", width=2), "init": None}
    (made,) = ask({"guide": guide})
    (again,) = ask({"guide": guide})
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in made.state_dict().items())
    streams = Streams({"init": 3, "order": 0, "augment": 0})
    student = build(registry, guide["model"], 1, 3, 8, streams.torch("init", "model"))
    assert not torch.equal(made.head.weight, student.head.weight)
    student.fit_normalisation(toy.splits["train"].images)
    assert torch.equal(made.mean, student.mean)


def test_a_guide_moves_a_student_as_a_trained_teacher_would(registry, entry, toy, memory):
    def run(weight):
        record = memory()
        spec = {
            "model": entry("model", "mlp", hidden=8),
            "recipe": entry("recipe", "sgd", epochs=6, batch=48, lr=0.05),
            "augment": [],
            "loss": entry("loss", "cross-entropy"),
            "distill": entry("distill", "guidance", weight=weight),
            "guide": {"model": entry("model", "tiny-cnn", width=4), "init": None},
            "precision": "fp32",
            "streams": {"init": 0, "order": 0, "augment": 0},
        }
        return train(spec, registry, toy, log=record.log, checkpoints=record), record.lines

    (plain, _), (guided, lines) = run(0.0), run(1.0)
    assert not torch.equal(plain.head.weight, guided.head.weight)
    losses = [line["train.loss"] for line in lines if "train.loss" in line]
    assert losses[-1] < losses[0]
