import torch
from assay.distill.contract import Output
from assay.train.distillation import joint

LOGITS = torch.tensor([[1.0, 2.0, -1.0], [0.0, 0.5, 3.0]])


def test_one_teacher_stays_as_it_is():
    output = Output(LOGITS, LOGITS)
    assert joint([output]) is output


def test_several_teachers_are_averaged_in_probability():
    other = LOGITS.flip(0) * 2
    made = joint([Output(LOGITS, LOGITS), Output(other, other)])
    expected = (LOGITS.softmax(1) + other.softmax(1)) / 2
    torch.testing.assert_close(made.logits.softmax(1), expected)
    torch.testing.assert_close(made.logits.exp().sum(1), torch.ones(2))
    assert made.features.shape == (2, 6)
    equal = joint([Output(LOGITS, LOGITS)] * 3)
    torch.testing.assert_close(equal.logits.softmax(1), LOGITS.softmax(1))
