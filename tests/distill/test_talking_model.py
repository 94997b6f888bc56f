"""Messages between a student and its teacher."""

import pytest
import torch
from assay.distill.contract import Output, Setting
from assay.distill.maps import Maps
from assay.distill.talking_model import TalkingModel, scale
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

    def standard(x, like=None):
        like = x if like is None else like
        rows = like.detach().movedim(1, 0).flatten(1)
        shape = [1, -1, *[1] * (x.ndim - 2)]
        std = rows.var(1, unbiased=False).sqrt()
        return (x - rows.mean(1).view(shape)) / std.clamp(min=std.mean().item() / 10).view(shape)

    h, its_h = standard(mine.maps[1]), standard(its.maps[1])
    f, its_f = standard(mine.features), standard(its.features)
    told = method.tell(h)
    # The blocks of a resnet8 after the one whose map was replaced, one after the other.
    parts = list(teacher.backbone)
    after = next(place for place, part in enumerate(parts) if part is Maps(teacher, 8).parts[1]) + 1
    rows = its.maps[1].movedim(1, 0).flatten(1)
    reply = method.hear(told) * rows.std(1, unbiased=False).view(1, -1, 1, 1) + rows.mean(1).view(1, -1, 1, 1)
    for part in parts[after:]:
        reply = part(reply)
    answer = square(f, method.listen(method.teach(standard(reply, its.features))))
    taught, said, meant = method.tell_back(its_h), method.say(f), method.teach(its_f)
    states = square(method.hear_back(told), h) + square(method.hear(taught), its_h)
    states += square(method.listen(said), f) + square(method.follow(meant), its_f)
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
    assert method.tell[0].weight.grad.abs().sum() > 0
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


def test_a_network_at_another_scale_says_the_same(talk, batch):
    method, mine, its, x, _ = talk()
    given = batch()
    given.x = x
    larger = Output(mine.logits, 1000 * mine.features + 5, [1000 * each - 3 for each in mine.maps])
    assert method(larger, its, given).item() == pytest.approx(method(mine, its, given).item(), rel=1e-2)


def test_a_channel_that_is_dead_may_wake():
    x = torch.randn(50, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 2.0, 0.0])
    mean, std = scale(x)
    alive = x[:, :2].std(dim=0, correction=0)
    assert std[0, 2].item() == pytest.approx(0.1 * alive.sum().item() / 3, rel=1e-3)
    torch.testing.assert_close(std[0, :2], alive)
    assert not mean[0, 2]
