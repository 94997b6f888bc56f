"""The agreement of two halves: of networks that copy, of networks that learnt, and of cases worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from assay.data.dataset import Dataset, Split
from assay.streams import Streams
from assay.study.registry import scan
from assay.synthesize.fit import fit
from assay.synthesize.gate import faults
from assay.synthesize.halves import agreement, half_of, streams_of
from assay.synthesize.job import synthesize

REGISTRY = scan()
STREAMS = Streams({"generator": 4})


def real(count=60, seed=0):
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 3, count)
    return draw.integers(0, 256, (count, 6, 6, 1), dtype=np.uint8), labels


def copier(half):
    """A generator that gives its own train images back."""
    images, labels = real()
    own = half_of(labels, half, STREAMS)

    def draw(asked):
        order = np.random.default_rng(9).permutation(own)
        return np.stack([images[order[labels[order] == label][n % 5]] for n, label in enumerate(asked)])

    return draw


def learner(half):
    """A generator that makes of the noise what any other does, but for a little."""

    def draw(asked):
        same = np.random.default_rng(9).integers(20, 230, (len(asked), 6, 6, 1))
        return (same + np.random.default_rng(half).integers(0, 20, same.shape)).astype(np.uint8)

    return draw


def test_halves_are_disjoint_whole_and_fair_to_each_class():
    _, labels = real(61)
    first, second = (half_of(labels, number, STREAMS) for number in (0, 1))
    assert sorted([*first, *second]) == list(range(61))
    assert abs(len(first) - len(second)) == 1
    for label in range(3):
        assert abs((labels[first] == label).sum() - (labels[second] == label).sum()) <= 1
    assert not np.array_equal(first, half_of(labels, 0, Streams({"generator": 5})))
    assert len({streams_of(STREAMS, number).numbers["generator"] for number in (0, 1)} | {4}) == 3


def test_copies_of_disjoint_halves_are_told_from_what_was_learnt():
    asked = np.repeat([0, 1, 2], 20)
    found = {make.__name__: agreement([make(0), make(1)], asked, *real(), STREAMS)[0] for make in (copier, learner)}
    assert found["copier"]["nearest"] == pytest.approx(1)
    assert found["copier"]["agreement"] < 0.3
    assert found["learner"]["agreement"] > 0.95
    assert found["learner"]["nearest"] < 0.6
    assert abs(found["learner"]["chance"]) < 0.2


def test_a_case_worked_by_hand():
    """Two pixels, one class, mean (100, 100): the images point along (60, 0) and (30, 30), 45 degrees apart."""
    images = np.array([[120, 100], [80, 100], [100, 120], [100, 80]], np.uint8).reshape(4, 1, 2, 1)
    labels = np.zeros(4, np.int64)
    made = [np.array(pixels, np.uint8).reshape(1, 1, 2, 1) for pixels in ([160, 100], [130, 130])]
    found, pairs = agreement([lambda _: made[0], lambda _: made[1]], np.zeros(1, np.int64), images, labels, STREAMS)
    assert found["agreement"] == pytest.approx(math.sqrt(0.5))
    assert found["chance"] is None
    # (1, 0) has the cosine 1 or 0 with the best of its half, the diagonal always 0.71 or 0.
    own = [half_of(labels, number, STREAMS) for number in (0, 1)]
    expected = [1.0 if 0 in own[0] else 0.0, math.sqrt(0.5) if {0, 2} & set(own[1].tolist()) else -math.sqrt(0.5)]
    assert found["nearest"] == pytest.approx(np.mean(expected))
    assert np.array_equal(pairs, np.stack(made))
    assert agreement([], np.zeros(0, np.int64), images, labels, STREAMS) == (
        {"agreement": None, "chance": None, "nearest": None},
        None,
    )


class Never:
    """Checkpoints that are not kept."""

    def load(self):
        return None

    def due(self):
        return False


def defaults(kind, name):
    return {"method": name, **{key: option.default for key, option in REGISTRY.card(kind, name).options.items()}}


def test_diffusion_models_of_two_halves_of_a_simple_set_agree_and_pass_the_gate():
    draw = np.random.default_rng(1)
    labels = np.arange(200) % 2
    images = np.clip(draw.normal(0, 8, (200, 8, 8, 1)), -30, 30)
    images[:, :, 4:] += draw.integers(40, 200, (200, 1, 1, 1))  # one number says what an image is
    images[labels == 1] = images[labels == 1][:, :, ::-1]
    split = Split(np.clip(images, 0, 255).astype(np.uint8), labels, np.arange(200).astype(str), labels.copy())
    data = Dataset(["left", "right"], {"train": split})
    method = {**defaults("generator", "ddpm"), "steps": 100, "width": 8, "batch": 16, "lr": 0.01}
    spec = {"method": method, "streams": {"generator": 4}, "precision": "fp32", "threads": 1}
    parts = [fit({**spec, "half": half}, REGISTRY, data, lambda *_, **__: None, Never()) for half in (0, 1)]
    whole = parts[0]
    use = {"balance": False, "per-class": 20, "ratio": None, "streams": {"generator": 4}, "precision": "fp32"}
    use["sampler"] = {**defaults("sampler", "ddim"), "steps": 10, "guidance": 0.0}
    kept = {}
    quality = synthesize(use, REGISTRY, whole, data, halves=parts, keep=kept.update).card["quality"]
    assert quality["halves"]["agreement"] > quality["halves"]["chance"] + 0.2
    assert kept["pairs"].shape == (2, 10, 8, 8, 1)
    assert faults(quality, {"halves": quality["halves"]["agreement"] - 0.01}) == []
    assert "halves is" in faults(quality, {"halves": 0.9999})[0]
    assert faults(synthesize(use, REGISTRY, whole, data).card["quality"], {"halves": 0.1}) == [
        "halves could not be measured"
    ]
    # A model of a half has seen that half alone.
    first, second = (part.state().values() for part in parts)
    assert any(not np.array_equal(a, b) for a, b in zip(first, second, strict=True))
