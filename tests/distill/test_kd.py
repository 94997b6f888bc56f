import numpy as np
import pytest
import torch
from assay.distill.contract import Batch, Output
from assay.distill.kd import kd
from scipy.special import rel_entr, softmax

RNG = torch.Generator().manual_seed(0)
STUDENT, TEACHER = (Output(torch.randn(6, 4, generator=RNG) * 3, torch.zeros(6, 1)) for _ in range(2))
LOSS = torch.rand(6, generator=RNG)


def batch(loss=LOSS):
    return Batch(loss, *[None] * 5)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_formula(temperature, alpha):
    p = softmax(TEACHER.logits.double().numpy() / temperature, axis=1)
    q = softmax(STUDENT.logits.double().numpy() / temperature, axis=1)
    expected = alpha * temperature**2 * rel_entr(p, q).sum(1).mean() + (1 - alpha) * LOSS.double().mean().item()
    assert kd(STUDENT, TEACHER, batch(), temperature=temperature, alpha=alpha).item() == pytest.approx(
        expected, rel=1e-5
    )


def test_by_hand():
    sure, unsure = (Output(torch.tensor([logits]), torch.zeros(1, 1)) for logits in ([50.0, 0.0], [0.0, 0.0]))
    # A teacher that is certain, a student that is not: log 2.
    assert kd(unsure, sure, batch(), temperature=1.0, alpha=1.0).item() == pytest.approx(np.log(2))
    assert kd(sure, sure, batch(), temperature=3.0, alpha=1.0).item() == pytest.approx(0, abs=1e-6)


def test_at_high_temperature_it_matches_logits():
    # Section 2.1, eq. 4: the gradient tends to (z - v) / (N T^2) for centred logits, here times T^2 and over the batch.
    student = (STUDENT.logits - STUDENT.logits.mean(1, keepdim=True)).double().requires_grad_()
    teacher = (TEACHER.logits - TEACHER.logits.mean(1, keepdim=True)).double()
    made = kd(Output(student, student), Output(teacher, teacher), batch(LOSS.double()), temperature=1e4, alpha=1.0)
    made.backward()
    torch.testing.assert_close(student.grad, (student.detach() - teacher) / 4 / 6, rtol=1e-3, atol=1e-6)


def probabilities(model, toy):
    x = torch.from_numpy(toy.splits["train"].images).permute(0, 3, 1, 2).float() / 255
    return model(x).softmax(1).detach()


def test_a_student_learns_what_its_teacher_says_rather_than_the_labels(run, entry, toy):
    teacher = run(init=7)
    with torch.no_grad():  # A teacher that is sure of the wrong class everywhere.
        teacher.head.weight.copy_(teacher.head.weight.roll(1, 0))
        teacher.head.bias.copy_(teacher.head.bias.roll(1, 0))
    student = run(entry("distill", "kd", alpha=1.0, temperature=1.0) | {"teacher": {"arm": "x"}}, [teacher])
    said, learnt, plain = probabilities(teacher, toy), probabilities(student, toy), probabilities(run(), toy)
    assert (learnt.argmax(1) == said.argmax(1)).float().mean() > 0.95
    assert (plain.argmax(1) == said.argmax(1)).float().mean() < 0.05
    assert (learnt - said).abs().max() < 0.3


def test_alpha_zero_is_the_task_alone_and_the_teacher_is_not_trained(run, entry):
    teacher = run(init=7)
    kept = {name: value.clone() for name, value in teacher.state_dict().items()}
    student = run(entry("distill", "kd", alpha=0.0), [teacher], epochs=5)
    plain = run(epochs=5)
    assert all(torch.equal(value, plain.state_dict()[name]) for name, value in student.state_dict().items())
    assert all(torch.equal(value, kept[name]) for name, value in teacher.state_dict().items())


def test_twice_the_same_teacher_is_one_teacher(run, entry):
    teacher, how = run(init=7), entry("distill", "kd")
    once, twice = run(how, [teacher], epochs=5), run(how, [teacher, teacher], epochs=5)
    torch.testing.assert_close(once.head.weight, twice.head.weight, rtol=1e-3, atol=1e-4)
