"""Synthetic sets: how many images of each class, and what is said about their quality."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from assay.data.dataset import Dataset, Split
from assay.data.job import build
from assay.errors import MethodError
from assay.study.registry import scan
from assay.synthesize.fit import fit
from assay.synthesize.job import synthesize, wanted
from assay.synthesize.quality import assess

REGISTRY = scan()
STREAMS = {"split": 0, "alteration": 0, "generator": 0}
NOTHING = {"balance": False, "per-class": None, "ratio": None, "streams": {"generator": 0}, "precision": "fp32"}


@pytest.fixture(scope="module")
def digits():
    return build(
        {
            "source": {"method": "digits"},
            "split": {"val": 0.15, "test": 0.2, "stratify": True},
            "imbalance": {"method": "exponential", "ratio": 20},
            "streams": STREAMS,
        },
        REGISTRY,
    )


def split(images, labels):
    labels = np.asarray(labels, np.int64)
    return Split(images, labels, np.arange(len(labels)).astype(str), labels)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"balance": True}, [0, 6, 9]),
        ({"per-class": 4}, [4, 4, 4]),
        ({"ratio": 0.5}, [5, 2, 1]),
        ({"ratio": 2.0}, [20, 8, 2]),
    ],
)
def test_how_many_of_each_class(spec, expected):
    assert wanted({**NOTHING, **spec}, np.array([10, 4, 1])).tolist() == expected


def test_the_amount_is_stated_once():
    with pytest.raises(MethodError, match="state one of"):
        wanted(NOTHING, np.array([1]))
    with pytest.raises(MethodError, match="balance and ratio"):
        wanted({**NOTHING, "balance": True, "ratio": 1.0}, np.array([1]))


def test_smote_fills_the_tail_of_real_digits(digits):
    spec = {
        "method": {"method": "smote", "neighbours": 5},
        "streams": {"generator": 0},
        "precision": "fp32",
        "threads": 1,
    }
    generator = fit(spec, REGISTRY, digits, print, None)
    made = synthesize({**NOTHING, "balance": True}, REGISTRY, generator, digits)
    counts = digits.counts("train")
    assert list(made.splits) == ["synthetic"]
    assert (made.counts("synthetic") + counts == counts.max()).all()
    assert made.classes == digits.classes
    quality = made.card["quality"]
    assert json.loads(json.dumps(made.card, allow_nan=False)) == made.card
    assert quality["agreement"]["synthetic"] > 0.95
    assert quality["agreement"]["val"] > 0.85
    assert quality["nearest"]["ratio"] < 0.8  # between two train images one is close to both
    assert quality["copied"]["synthetic"] > quality["copied"]["val"]


def test_copies_of_train_images_are_seen_as_such(digits):
    train = digits.splits["train"]
    found = assess(train.take(np.arange(0, 100)), digits)
    assert found["duplicates"] == {"train": 1.0, "repeated": 0.0}
    assert found["nearest"]["ratio"] == pytest.approx(0, abs=1e-6)
    assert found["copied"]["synthetic"] == 1


def test_unseen_real_images_look_like_unseen_real_images(digits):
    found = assess(digits.splits["val"], digits)
    assert found["nearest"]["ratio"] == pytest.approx(1)
    assert found["agreement"]["synthetic"] == found["agreement"]["val"]
    assert found["copied"]["synthetic"] == found["copied"]["val"]
    assert found["counts"] == digits.card["counts"]["val"]


def test_wrong_labels_and_noise_are_seen_as_such(digits):
    val = digits.splits["val"]
    wrong = assess(split(val.images, (val.labels + 1) % 10), digits)
    assert wrong["agreement"]["synthetic"] < 0.1
    noise = np.random.default_rng(0).integers(0, 256, (100, 8, 8, 1), dtype=np.uint8)
    assert assess(split(noise, np.zeros(100)), digits)["nearest"]["ratio"] > 1.5


def test_distances_in_a_case_worked_by_hand():
    def grey(values):
        return np.array(values, np.uint8).reshape(-1, 1, 1, 1)

    data = Dataset(["a", "b"], {"train": split(grey([0, 51, 255]), [0, 0, 1]), "val": split(grey([102, 153]), [0, 1])})
    found = assess(split(grey([51, 25, 51, 204]), [0, 0, 0, 1]), data)
    assert found["duplicates"] == {"train": 0.5, "repeated": 0.25}
    # To the nearest of 0, 51, 255: 0, 25, 0, 51 and 51, 102 of 255.
    assert found["nearest"]["synthetic"] == pytest.approx(12.5 / 255)
    assert found["nearest"]["val"] == pytest.approx(76.5 / 255)
    # Train images lie 51, 51 and 204 from their nearest fellow.
    assert found["copied"] == {"synthetic": 1.0, "val": 0.5}


def test_nothing_to_make_and_nothing_to_judge():
    images = np.zeros((2, 2, 2, 1), np.uint8)
    data = Dataset(["a", "b"], {"train": split(images, [0, 1])})

    class Never:
        def sample(self, labels, _, reference):
            return np.zeros((len(labels), *reference[0].shape[1:]), np.uint8)

    made = synthesize({**NOTHING, "balance": True}, REGISTRY, Never(), data)
    assert len(made.splits["synthetic"]) == 0
    assert made.card["quality"]["nearest"] == {"synthetic": None, "val": None, "ratio": None}


def test_a_generator_that_breaks_its_contract_is_caught(digits):
    class Wrong:
        def sample(self, labels, *_):
            return np.zeros((len(labels), 4, 4, 1), np.uint8)

    with pytest.raises(MethodError, match="expected uint8"):
        synthesize({**NOTHING, "per-class": 1}, REGISTRY, Wrong(), digits)
    with pytest.raises(MethodError, match="needs train images"):
        fit({}, REGISTRY, Dataset(digits.classes, {"test": digits.splits["test"]}), print, None)


class Grey:
    """A generator whose i-th image of a class is as bright as a hundred times its class plus i."""

    def sample(self, labels, _, reference):
        place = np.array([(labels[:number] == label).sum() for number, label in enumerate(labels)])
        values = (100 * labels + place).astype(np.uint8)
        return np.broadcast_to(values[:, None, None, None], (len(labels), *reference[0].shape[1:])).copy()


def judge(images):
    """Sees class 1 in what is 103 or brighter, and is the surer the brighter."""
    bright = images.reshape(len(images), -1).mean(1).astype(np.float32)
    return np.stack([103 - bright, bright - 102.9], 1) / 10, np.stack([bright, bright**2 / 255], 1)


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 40)
    images = (100 * labels[:, None, None, None] + rng.integers(0, 10, (80, 2, 2, 1))).astype(np.uint8)
    return Dataset(["dark", "bright"], {"train": split(images, labels), "val": split(images[::4], labels[::4])})


def test_a_filter_takes_the_best_of_more_images(pair):
    entry = {"method": "agreement", "candidates": 2.0, "least": 0.0}
    made = synthesize({**NOTHING, "per-class": 4, "filter": entry}, REGISTRY, Grey(), pair, judge)
    found = made.splits["synthetic"]
    # Of 0..7 the darkest four; of 100..107 the brightest four, since the judge is surest of them.
    assert found.images[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 104, 105, 106, 107]
    assert found.labels.tolist() == [0] * 4 + [1] * 4
    assert found.soft is None


def test_fewer_are_left_where_the_judge_sees_another_class(pair, capsys):
    entry = {"method": "agreement", "candidates": 1.0, "least": 0.0}
    made = synthesize({**NOTHING, "per-class": 8, "filter": entry}, REGISTRY, Grey(), pair, judge)
    assert made.counts("synthetic").tolist() == [8, 5]  # 100, 101 and 102 look dark
    assert "left 13 of 16 images" in capsys.readouterr().out


def test_soft_labels_are_the_probabilities_of_the_judge(pair):
    made = synthesize({**NOTHING, "per-class": 3, "soft": True}, REGISTRY, Grey(), pair, judge).splits["synthetic"]
    logits = judge(made.images)[0].astype(float)
    expected = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
    assert made.soft[:, 1] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("spec", [{"soft": True}, {"filter": {"method": "agreement", "candidates": 1.0, "least": 0.0}}])
def test_what_needs_a_judge_says_so(pair, spec):
    with pytest.raises(MethodError, match="and there is none"):
        synthesize({**NOTHING, "per-class": 3, **spec}, REGISTRY, Grey(), pair)


def test_a_judge_gives_classes_and_features(pair):
    found = assess(pair.splits["val"], pair, judge)
    assert found["space"] == "judge"
    assert found["agreement"]["synthetic"] == found["agreement"]["val"]
    assert found["agreement"]["classes"]["dark"] == 1
    assert found["fid"]["synthetic"] == found["fid"]["val"]
    assert found["kid"]["synthetic"] == found["kid"]["val"]
    assert assess(pair.splits["val"], pair)["fid"] == {"synthetic": None, "val": None}


def test_classes_weigh_as_they_do_among_the_synthetic_images(pair):
    """A set of one class alone is as good as real images of it, though real images have another class besides."""
    train = pair.splits["train"]
    bright = assess(train.take(np.arange(40, 80)), pair, judge)
    assert bright["fid"]["synthetic"] == pytest.approx(0, abs=1e-6)
    assert bright["recall"]["synthetic"] == 1
    assert bright["coverage"]["synthetic"] == 1
    assert bright["diversity"] == {"classes": {"bright": 1.0}, "least": 1.0}


def test_images_of_one_kind_have_no_diversity(pair):
    same = split(np.full((10, 2, 2, 1), 5, np.uint8), np.zeros(10))
    found = assess(same, pair)
    assert found["diversity"]["least"] == 0
    assert found["duplicates"]["repeated"] == 0.9


def test_the_closest_images_are_named_with_their_neighbours(pair):
    train = pair.splits["train"]
    images = np.stack([np.full((2, 2, 1), 50, np.uint8), train.images[7]])
    (first, second) = assess(split(images, [0, 0]), pair)["examples"]
    assert first[0] == 1
    assert (train.images[first[1]] == train.images[7]).all()
    assert (first[2], second[0]) == (0, 0)


def test_the_sampler_reaches_the_generator_and_its_evaluations_are_kept(pair):
    class Asked(Grey):
        def sample(self, labels, streams, reference, sampling):
            x = torch.zeros(len(labels), 1, 2, 2)
            sampling(lambda x, *_: x, x, [3.0, 2.0, 1.0, 0.0], torch.zeros(len(labels), dtype=int), 2, None)
            return super().sample(labels, streams, reference)

    options = {key: option.default for key, option in REGISTRY.card("sampler", "heun").options.items()}
    spec = {**NOTHING, "per-class": 2, "sampler": {"method": "heun", **options, "guidance": 0.0}}
    made = synthesize(spec, REGISTRY, Asked(), pair)
    assert made.card["sampled"]["method"] == "heun"
    assert made.card["sampled"]["network-evaluations"] == 5
    assert synthesize({**NOTHING, "per-class": 2}, REGISTRY, Grey(), pair).card["sampled"] is None
