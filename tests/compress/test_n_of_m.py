import pytest
import torch
from assay.compress.n_of_m import largest, n_of_m
from assay.errors import MethodError
from assay.models.masks import weights
from hypothesis import given, settings
from hypothesis import strategies as st


def test_by_hand():
    weight = torch.tensor([[1.0, -4.0, 2.0, 3.0, 0.5, 0.5, 0.5, -0.5]])
    assert largest(weight, 2, 4).tolist() == [[False, True, False, True, True, True, False, False]]


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([(1, 2), (2, 4), (1, 4), (4, 8)]), st.integers(0, 100))
def test_every_group_along_the_inputs_keeps_its_n_largest(pattern, seed):
    n, m = pattern
    weight = torch.randn(5, 16, 3, 2, generator=torch.Generator().manual_seed(seed))
    mask = largest(weight, n, m)
    for output in range(5):
        for row in range(3):
            for column in range(2):
                for start in range(0, 16, m):
                    group = weight[output, start : start + m, row, column].abs()
                    chosen = mask[output, start : start + m, row, column]
                    assert chosen.sum() == n
                    assert group[chosen].min() >= group[~chosen].max()


def test_layers_that_m_does_not_divide_stay_dense(make, still, capsys):
    model, tuning = make(width=8), still()
    n_of_m(model, tuning, n=2, m=4, finetune_epochs=3, finetune_lr=0.1)
    zeros = [(weight == 0).sum() / weight.numel() for weight in weights(model).values()]
    assert zeros == [0, 0.5, 0.5], "the first has one input channel"
    assert "backbone.0 stays dense: 4 does not divide its 1 inputs" in capsys.readouterr().out
    assert tuning.calls == [{"epochs": 3, "lr": 0.1}]


@pytest.mark.parametrize(("n", "m", "message"), [(4, 4, "n must be below m = 4"), (2, 7, "7 divides the inputs of no")])
def test_patterns_that_cannot_be(make, still, n, m, message):
    with pytest.raises(MethodError, match=message):
        n_of_m(make(), still(), n=n, m=m, finetune_epochs=0, finetune_lr=0.1)
