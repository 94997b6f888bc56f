import numpy as np
import pytest
import torch
from assay.augment.draw import Draw, keys, mix
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

IDS = torch.arange(20_000)


def splitmix64(state):
    """The reference implementation (Vigna, public domain) with Python's own integers."""
    mask = (1 << 64) - 1
    z = state & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return z ^ (z >> 31)


@given(st.integers(-(2**63), 2**63 - 1))
def test_mix_is_splitmix64(value):
    assert mix(torch.tensor([value])).item() % 2**64 == splitmix64(value)


def test_known_first_output_of_splitmix64():
    # The published first output for the seed 1234567 (Rosetta Code, task "Pseudo-random numbers/Splitmix64").
    state = torch.tensor([1234567]) + (0x9E3779B97F4A7C15 - 2**64)
    assert mix(state).item() % 2**64 == 6457827717110365317


KINDS = {
    "uniform": lambda draw: draw.uniform(3),
    "integers": lambda draw: draw.integers(-4, 9, 2),
    "normal": lambda draw: draw.normal(2),
    "beta": lambda draw: draw.beta(0.4, 0.4),
}


@pytest.mark.parametrize("kind", KINDS)
def test_draws_do_not_depend_on_the_batch(kind):
    whole = KINDS[kind](Draw(5, 2, IDS[:300]))
    some = torch.tensor([250, 3, 77])
    assert torch.equal(KINDS[kind](Draw(5, 2, IDS[some])), whole[some])
    assert torch.equal(KINDS[kind](Draw(5, 2, IDS[7:8])), whole[7:8])


@pytest.mark.parametrize("kind", KINDS)
def test_later_draws_do_not_depend_on_the_batch_either(kind):
    def second(ids):
        draw = Draw(5, 2, ids)
        KINDS[kind](draw)
        return draw.uniform()

    assert torch.equal(second(IDS[:300])[41:42], second(IDS[41:42]))


def test_seed_epoch_op_sample_and_call_each_change_everything():
    def first(*, seed=1, epoch=0, op=0, ids=IDS[:2000], skip=0):
        draw = Draw(seed, epoch, ids, op)
        for _ in range(skip):
            draw.uniform()
        return draw.uniform()[:, 0].numpy()

    base = first()
    others = [first(seed=2), first(epoch=1), first(op=1), first(ids=IDS[2000:4000]), first(skip=1)]
    for number, one in enumerate([base, *others]):
        for other in others[number:]:
            assert abs(np.corrcoef(one, other)[0, 1]) < 0.08
            assert (one != other).mean() > 0.99


def test_uniform_is_uniform_in_each_column_and_between_columns():
    draws = Draw(0, 0, IDS).uniform(4).numpy()
    assert draws.min() >= 0
    assert draws.max() < 1
    for column in draws.T:
        assert stats.kstest(column, "uniform").pvalue > 1e-3
    assert np.abs(np.corrcoef(draws.T) - np.eye(4)).max() < 0.03


def test_integers_cover_their_range_alike():
    draws = Draw(0, 0, IDS).integers(-2, 5)[:, 0]
    counts = torch.bincount(draws + 2, minlength=7)
    assert stats.chisquare(counts.numpy()).pvalue > 1e-3
    with pytest.raises(ValueError, match="low < high"):
        Draw(0, 0, IDS).integers(3, 3)


def test_normal_is_normal():
    assert stats.kstest(Draw(0, 0, IDS).normal()[:, 0].numpy(), "norm").pvalue > 1e-3


@pytest.mark.parametrize(("a", "b"), [(0.05, 0.05), (0.2, 0.2), (1, 1), (2, 5), (40, 40)])
def test_beta_is_beta(a, b):
    draws = Draw(3, 0, IDS).beta(a, b)[:, 0].double().numpy()
    assert ((draws >= 0) & (draws <= 1)).all()
    # Values at the ends are rounded to float32, which a test of the distribution function must not see as a lump.
    inner = draws[(draws > 1e-6) & (draws < 1 - 1e-6)]
    low, high = stats.beta.cdf([1e-6, 1 - 1e-6], a, b)
    assert len(inner) / len(draws) == pytest.approx(high - low, abs=0.02)
    assert stats.kstest((stats.beta.cdf(inner, a, b) - low) / (high - low), "uniform").pvalue > 1e-3


def test_keys_belong_to_ids():
    assert torch.equal(keys(["a", "b"])[1:], keys(["b", "c"])[:1])
    many = keys([f"image-{i}" for i in range(5000)])
    assert len(many.unique()) == 5000
    assert keys([]).shape == (0,)


class Far:
    """Numbers of samples on a device that cannot be trusted with integers of 64 bits."""

    device = torch.device("meta")

    def cpu(self):
        return IDS


def test_numbers_are_made_on_the_cpu_for_a_device_whose_integers_may_not_wrap(monkeypatch):
    monkeypatch.setattr("assay.augment.draw.ELSEWHERE", ("meta",))
    near, far = Draw(5, 1, IDS, 2), Draw(5, 1, Far(), 2)
    assert torch.equal(far.base, near.base)
    assert (far.device.type, len(far)) == ("meta", len(near))
    for ask in (
        lambda draw: draw.bits(3), lambda draw: draw.uniform(2), lambda draw: draw.integers(0, 9),
        lambda draw: draw.normal(), lambda draw: draw.beta(1, 1), lambda draw: draw.dirichlet(0.5, 3),
    ):  # fmt: skip
        here, there = ask(near), ask(far)
        assert (there.device.type, there.shape, there.dtype) == ("meta", here.shape, here.dtype)
        assert near.calls == far.calls
