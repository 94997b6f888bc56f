"""What holds of every mixture of alterations: whole datasets from a parent with votes, groups and three splits."""

from __future__ import annotations

import numpy as np
import pytest
from assay.data.alter.steps import STEPS
from assay.data.dataset import Dataset, Split
from assay.data.job import build
from assay.streams import Streams
from assay.study.registry import scan
from hypothesis import given, settings
from hypothesis import strategies as st

REGISTRY = scan()
CLASSES = ["cat", "dog", "owl"]
COUNTS = {"train": (40, 30, 20), "val": (8, 8, 8), "test": (20, 16, 12)}


def parent():
    rng = np.random.default_rng(7)
    splits = {}
    for name, counts in COUNTS.items():
        labels = rng.permutation(np.repeat(np.arange(3), counts)).astype(np.int64)
        number = np.arange(len(labels))
        ids = np.array([f"{name}-{n}" for n in number])
        soft = rng.dirichlet(np.ones(3), len(labels)).astype(np.float32)
        images = rng.integers(0, 256, (len(labels), 6, 6, 1), np.uint8)
        flags = {"odd": number % 2 == 1}
        splits[name] = Split(images, labels, ids, labels.copy(), np.array([f"p{n // 3}" for n in number]), flags, soft)
    return Dataset(CLASSES, splits)


PARENT = parent()
#: What is true of each image for ever, by its id.
KNOWN = {
    name: (split.original[n], split.flags["odd"][n], split.soft[n], split.images[n])
    for split in PARENT.splits.values()
    for n, name in enumerate(split.ids.tolist())
}
DIAL = {"correlation": 0.8, "test-correlation": None}
CHOICES = {
    "subset": [60, 75],
    "imbalance": [
        {"method": "exponential", "ratio": 4.0},
        {"method": "step", "ratio": 2.0, "minority": 0.5},
        {"method": "explicit", "keep": {"cat": 12, "owl": 5}},
        {"method": "fractions", "keep": {"owl": 0.5}, "others": 0.9},
    ],
    "confounder": [
        {"method": "colour", **DIAL, "strength": 1.0},
        {"method": "patch", **DIAL, "varies": "place", "size": 0.2},
        {"method": "background", **DIAL, "filled-with": "texture", "darker-than": 0.2, "brightness": 0.5},
    ],
    "shift": [
        {"method": "prior", "shares": {"cat": 1.0, "owl": 2.0}},
        {"method": "prior-dirichlet", "alpha": 5.0},
        {"method": "prior-long-tail", "ratio": 5.0, "reversed": True},
    ],
    "label-noise": [
        {"method": "symmetric", "rate": 0.3},
        {"method": "asymmetric", "rate": 0.5, "map": {"cat": "dog", "dog": "owl"}},
        {"method": "instance-dependent", "rate": 0.3, "spread": 0.1},
    ],
    "poison": [{"method": "trigger-patch", "target": "dog", "share": 0.1, "size": 2}],
    "labels": [7, 15],
}
mixtures = st.fixed_dictionaries({key: st.sampled_from([None, *values]) for key, values in CHOICES.items()})
often = settings(max_examples=60, deadline=None)


def altered(spec, seed=0, **streams):
    numbers = {"split": 0, "alteration": seed, "generator": 0, **streams}
    return build({"source": None, **spec, "streams": numbers}, REGISTRY, parent=PARENT)


def same(first, second):
    if set(first.splits) != set(second.splits):
        return False
    for name, split in first.splits.items():
        other = second.splits[name]
        for key in ("images", "labels", "ids", "original", "groups"):
            if not np.array_equal(getattr(split, key), getattr(other, key)):
                return False
        if not all(np.array_equal(split.flags[flag], other.flags[flag]) for flag in split.flags):
            return False
    return True


def test_every_alteration_is_among_those_tried():
    assert list(CHOICES) == list(STEPS)
    for kind in CHOICES.keys() - {"subset", "labels"}:
        tried = {value["method"] for value in CHOICES[kind]}
        assert tried == set(REGISTRY.names(kind)) - {"from-file"}


@often
@given(mixtures)
def test_every_image_keeps_what_is_its_own(spec):
    made = altered(spec)
    for name, split in made.splits.items():
        for n, key in enumerate(split.ids.tolist()):
            original, odd, soft, image = KNOWN[key.removeprefix("triggered:")]
            assert split.original[n] == original
            assert split.flags["odd"][n] == odd
            if name == "unlabelled":
                assert split.soft is None
            else:
                assert (split.soft[n] == soft).all()
            tampered = "poisoned" in split.flags and split.flags["poisoned"][n]
            if spec["confounder"] is None and not tampered:
                assert (split.images[n] == image).all()


@often
@given(mixtures)
def test_no_test_image_is_in_train_and_none_stands_anywhere_twice(spec):
    made = altered(spec)
    ids = np.concatenate([split.ids for split in made.splits.values()])
    assert len(set(ids)) == len(ids)
    learnt = {name for part in ("train", "unlabelled") if part in made.splits for name in made.splits[part].ids}
    assert learnt <= set(PARENT.splits["train"].ids)
    assert set(made.splits["val"].ids) == set(PARENT.splits["val"].ids)
    assert set(made.splits["test"].ids) <= set(PARENT.splits["test"].ids)


@often
@given(mixtures)
def test_only_the_train_split_has_wrong_or_missing_labels(spec):
    made = altered(spec)
    for name in ("val", "test"):
        assert (made.splits[name].labels == made.splits[name].original).all()
    train = made.splits["train"]
    wrong = train.labels != train.original
    marked = np.zeros(len(train), bool)
    for flag in ("noisy", "poisoned"):
        marked |= train.flags.get(flag, False)
    assert (wrong <= marked).all()
    assert (train.labels >= 0).all()
    if "unlabelled" in made.splits:
        assert (made.splits["unlabelled"].labels == -1).all()


@often
@given(mixtures, st.integers(0, 3))
def test_a_seed_repeats_itself_and_other_streams_do_not_matter(spec, seed):
    assert same(altered(spec, seed), altered(spec, seed, split=5, generator=9))


@pytest.mark.parametrize("key", [key for key in CHOICES if key != "imbalance"])
def test_another_seed_gives_another_dataset(key):
    for value in CHOICES[key]:
        assert not same(altered({key: value}, 0), altered({key: value}, 1))


@pytest.mark.parametrize("noise", CHOICES["label-noise"])
def test_alterations_draw_apart_from_one_another(noise):
    """Wrong labels are the same ones whether or not images are coloured or poisoned, or test is shifted."""
    alone = altered({"label-noise": noise}).splits["train"]
    among = altered({"label-noise": noise, "shift": CHOICES["shift"][1], "poison": CHOICES["poison"][0], "labels": 80})
    split = among.splits["train"]
    clean = ~split.flags["poisoned"]
    label = dict(zip(alone.ids.tolist(), alone.labels.tolist(), strict=True))
    assert [label[name] for name in split.ids[clean]] == split.labels[clean].tolist()


def test_no_two_alterations_share_a_draw(monkeypatch):
    drawn = []
    seed = Streams.seed
    monkeypatch.setattr(Streams, "seed", lambda self, *parts: drawn.append(parts) or seed(self, *parts))
    parts = {}
    for key, (value, *_) in CHOICES.items():
        drawn.clear()
        altered({key: value})
        parts[key] = {each[:2] for each in drawn}
    # A subset and an imbalance keep the first of one order, so that one lies within the other.
    assert parts.pop("subset") == parts["imbalance"] == {("alteration", "order")}
    assert {stream for each in parts.values() for stream, _ in each} == {"alteration"}
    assert sum(map(len, parts.values())) == len(set.union(*parts.values())) == len(parts)


@given(st.integers(1, 89), st.integers(1, 89), st.integers(0, 2))
@settings(max_examples=40, deadline=None)
def test_a_smaller_budget_of_labels_lies_within_a_larger_one(first, second, seed):
    few, many = (altered({"labels": count}, seed).splits for count in sorted((first, second)))
    assert set(few["train"].ids) <= set(many["train"].ids)
    assert set(few["unlabelled"].ids) >= set(many["unlabelled"].ids)
    assert len(few["train"]) == min(first, second)
    assert len(few["train"]) + len(few["unlabelled"]) == 90


@given(st.integers(1, 90), st.integers(1, 90))
@settings(max_examples=40, deadline=None)
def test_a_smaller_subset_lies_within_a_larger_one(first, second):
    few, many = (altered({"subset": count}).splits["train"].ids for count in sorted((first, second)))
    assert set(few) <= set(many)


@given(st.floats(1, 40), st.floats(1, 40))
@settings(max_examples=40, deadline=None)
def test_a_stronger_imbalance_lies_within_a_weaker_one(first, second):
    weak, strong = (
        altered({"imbalance": {"method": "exponential", "ratio": ratio}}).splits["train"].ids
        for ratio in sorted((first, second))
    )
    assert set(strong) <= set(weak)


@often
@given(mixtures)
def test_the_card_measures_what_was_done(spec):
    made = altered(spec)
    rows = {row["step"]: row for row in made.card["altered"]}
    assert list(rows) == [key for key in STEPS if spec[key] is not None]
    train = made.splits["train"]
    everything = [train, *([made.splits["unlabelled"]] if "unlabelled" in made.splits else [])]
    if spec["labels"] is not None:
        assert rows["labels"]["effect"]["labelled"] == spec["labels"] == len(train)
        assert rows["labels"]["effect"]["unlabelled"] == len(made.splits["unlabelled"])
    elif spec["label-noise"] is not None:
        assert rows["label-noise"]["effect"]["rate"] == pytest.approx(train.flags["noisy"].mean())
    if spec["poison"] is not None:
        marks = np.concatenate([split.flags["poisoned"] for split in everything])
        assert rows["poison"]["effect"]["poisoned"] == marks.sum() == round(0.1 * len(marks))
        assert rows["poison"]["effect"]["triggered"] == len(made.splits["triggered"])
    if spec["shift"] is not None:
        shares = np.bincount(made.splits["test"].labels, minlength=3) / len(made.splits["test"])
        assert list(rows["shift"]["effect"]["shares"].values()) == pytest.approx(shares.tolist())
    if spec["confounder"] is not None:
        effect = rows["confounder"]["effect"]
        assert effect["agreement"]["val"] == pytest.approx(made.splits["val"].flags["aligned"].mean())
        assert effect["groups"] == "replaced"
