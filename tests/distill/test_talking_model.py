"""Messages between a student and its teacher."""

import pytest
import torch
from assay.distill.contract import Setting
from assay.distill.maps import Maps
from assay.distill.talking_model import TalkingModel
from assay.models.classifier import build
from assay.models.initialise import initialise
from assay.train.distillation import output


@pytest.fixture
def talk(registry, entry, numbers):
    """The method between two networks, what both gave for some images, and the teacher with its maps."""

    def make(**options):
        def network(width, seed):
            generator = torch.Generator().manual_seed(seed)
            return build(registry, entry("model", "resnet8", width=width), 1, 4, 8, generator).eval()

        student, teacher = network(2, 0), network(3, 1).requires_grad_(False)
        maps, its = Maps(student, 8), Maps(teacher, 8)

        def answer(x, number, made):
            with its.replaced(number, made):
                return output(teacher, x, bf16=False)

        method = TalkingModel(**{"weight": 2.0, "consistency": 0.5, "channels": 4} | options)
        method.prepare(Setting(student, [teacher], None, maps.shapes, its.shapes, None, None, answer))
        initialise(method, torch.Generator().manual_seed(2))
        x = torch.rand(6, 1, 8, 8, generator=numbers)
        return method, output(student, x, maps, bf16=False), output(teacher, x, its, bf16=False), x, teacher

    return make


def square(a, b):
    return (a - b).square().mean().item()


def test_it_is_its_equation_with_the_teacher_run_by_hand(talk, batch):
    method, mine, its, x, teacher = talk()
    given = batch()
    given.x = x
    h, its_h = mine.maps[1], its.maps[1]
    told = method.tell(h)
    # The blocks of a resnet8 after the one whose map was replaced, one after the other.
    parts = list(teacher.backbone)
    after = next(place for place, part in enumerate(parts) if part is Maps(teacher, 8).parts[1]) + 1
    reply = method.hear(told)
    for part in parts[after:]:
        reply = part(reply)
    answer = square(mine.features, method.listen(method.teach(reply)))
    taught, said, meant = method.tell_back(its_h), method.say(mine.features), method.teach(its.features)
    states = square(method.hear_back(told), h) + square(method.hear(taught), its_h)
    states += square(method.listen(said), mine.features) + square(method.follow(meant), its.features)
    messages = square(told, taught) + square(said, meant)
    expected = given.loss.mean().item() + 2.0 * answer + 0.5 * (states + messages)
    assert method(mine, its, given).item() == pytest.approx(expected, rel=1e-4)


def test_the_answer_reaches_the_student_through_the_teacher(talk, batch):
    """With the answer alone, what the student told is moved by way of the layers of its teacher, which stay."""
    method, mine, its, x, teacher = talk(consistency=0.0)
    given = batch()
    given.x = x
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    method(mine, its, given).backward()
    assert method.tell.weight.grad.abs().sum() > 0
    assert method.hear.weight.grad.abs().sum() > 0
    assert method.hear_back.weight.grad.abs().sum() == 0
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())


def test_a_map_is_replaced_within_the_context_alone(talk):
    _, _, its, x, teacher = talk()
    maps = Maps(teacher, 8)
    with maps.replaced(1, its.maps[1]):
        assert torch.equal(teacher(x), its.logits), "its own map changes nothing"
    with maps.replaced(1, its.maps[1] * 0):
        assert not torch.allclose(teacher(x), its.logits)
        assert not (teacher(x) - teacher(x)[:1]).any(), "nothing of the image is left"
    assert torch.equal(teacher(x), its.logits)
