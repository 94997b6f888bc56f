"""The data stage as a whole, on real digits and on small made ones."""

from __future__ import annotations

import json

import numpy as np
import pytest
from assay.data.job import build
from assay.errors import MethodError
from assay.study.registry import scan

REGISTRY = scan()
STREAMS = {"split": 0, "alteration": 0, "generator": 0}
SPLIT = {"val": 0.15, "test": 0.2, "stratify": True}
DIGITS = {"source": {"method": "digits"}, "split": SPLIT, "streams": STREAMS}


def digits(**changes):
    return build({**DIGITS, **changes}, REGISTRY)


@pytest.fixture(scope="module")
def plain():
    return digits()


def test_splits_share_no_image_and_lose_none(plain):
    ids = np.concatenate([split.ids for split in plain.splits.values()])
    assert len(ids) == len(set(ids)) == 1797
    assert list(plain.splits) == ["train", "val", "test"]


def test_splits_are_stratified(plain):
    whole = np.array([178, 182, 177, 183, 181, 182, 181, 179, 174, 180])  # as scikit-learn documents them
    for name, share in (("val", 0.15), ("test", 0.2)):
        assert np.abs(plain.counts(name) - share * whole).max() <= 0.5 + 1e-9


def test_split_follows_its_own_stream_alone(plain):
    same = digits(streams={"split": 0, "alteration": 9, "generator": 9})
    other = digits(streams={"split": 1, "alteration": 0, "generator": 0})
    assert same.card["digest"] == plain.card["digest"]
    assert set(other.splits["test"].ids) != set(plain.splits["test"].ids)


def test_held_out_classes_leave_every_split_and_the_others_stay_where_they_were(plain):
    made = digits(classes={"keep": None, "hold-out": ["3", "9"]})
    assert made.classes == ["0", "1", "2", "4", "5", "6", "7", "8"]
    assert made.card["held-out"] == ["3", "9"]
    held = made.splits["hold-out"]
    assert len(held) == 183 + 180
    assert (held.labels == -1).all()
    assert np.bincount(held.original).tolist() == [183, 180]
    for name in ("train", "val", "test"):
        before = plain.splits[name]
        kept = ~np.isin(before.labels, [3, 9])
        assert made.splits[name].ids.tolist() == before.ids[kept].tolist()
        names = [made.classes[k] for k in made.splits[name].labels]
        assert names == [plain.classes[k] for k in before.labels[kept]]


def test_keep_gives_the_order_of_the_classes():
    made = digits(classes={"keep": ["7", "1"], "hold-out": ["0"]})
    assert made.classes == ["7", "1"]
    assert made.counts("train").tolist() == [116, 119]
    assert {name: len(split) for name, split in made.splits.items()}["hold-out"] == 178


def test_a_derived_dataset_keeps_its_parents_splits_and_adds_to_the_hold_out(plain):
    first = build({"source": None, "classes": {"hold-out": ["8"]}, "streams": STREAMS}, REGISTRY, parent=plain)
    second = build({"source": None, "classes": {"hold-out": ["2"]}, "streams": STREAMS}, REGISTRY, parent=first)
    assert second.card["held-out"] == ["8", "2"]
    assert np.bincount(second.splits["hold-out"].original).tolist() == [174, 177]
    assert set(second.splits["test"].ids) < set(plain.splits["test"].ids)
    assert first.card["held-out"] == ["8"]
    assert plain.card["held-out"] == []


def test_alterations_leave_val_and_test_alone(plain):
    made = digits(
        subset=1000,
        imbalance={"method": "exponential", "ratio": 20},
        **{"label-noise": {"method": "symmetric", "rate": 0.3}},
    )
    for name in ("val", "test"):
        assert (made.splits[name].images == plain.splits[name].images).all()
        assert (made.splits[name].labels == plain.splits[name].labels).all()
        assert "noisy" not in made.splits[name].flags
    assert [entry["step"] for entry in made.card["altered"]] == ["subset", "imbalance", "label-noise"]


def test_label_noise_keeps_the_original_label_and_marks_it(plain):
    made = digits(**{"label-noise": {"method": "symmetric", "rate": 0.25}}).splits["train"]
    assert (made.original == plain.splits["train"].labels).all()
    assert made.flags["noisy"].tolist() == (made.labels != made.original).tolist()
    assert made.flags["noisy"].sum() == round(0.25 * len(made))


def test_imbalance_keeps_the_counts_that_the_method_asks_for(plain):
    made = digits(imbalance={"method": "step", "ratio": 10, "minority": 0.3})
    assert made.counts("train").tolist() == [*plain.counts("train")[:7], 11, 11, 11]  # 119 / 10
    assert made.card["imbalance-ratio"] == pytest.approx(119 / 11)


@pytest.mark.parametrize("small", [10, 95, 700])
def test_a_subset_lies_within_a_larger_one_and_keeps_the_shares(plain, small):
    less, more = digits(subset=small), digits(subset=small + 7)
    assert len(less.splits["train"]) == small
    assert set(less.splits["train"].ids) < set(more.splits["train"].ids) < set(plain.splits["train"].ids)
    share = small / 1169 * plain.counts("train")
    assert np.abs(less.counts("train") - share).max() < 1


def test_a_stronger_imbalance_lies_within_a_weaker_one():
    ids = [
        set(digits(imbalance={"method": "exponential", "ratio": ratio}).splits["train"].ids) for ratio in (100, 10, 2)
    ]
    assert ids[0] < ids[1] < ids[2]


def test_the_order_of_the_images_survives_thinning(plain):
    made = digits(subset=300).splits["train"]
    assert made.ids.tolist() == [name for name in plain.splits["train"].ids.tolist() if name in set(made.ids)]


def test_the_digest_sees_pixels_labels_and_splits(plain):
    before = plain.digest()
    split = plain.splits["val"]
    split.images[0, 0, 0, 0] ^= 1
    changed = plain.digest()
    split.images[0, 0, 0, 0] ^= 1
    split.labels[0] = (split.labels[0] + 1) % 10
    relabelled = plain.digest()
    split.labels[0] = split.original[0]
    assert len({before, changed, relabelled}) == 3
    assert plain.digest() == before == plain.card["digest"]


def test_channel_moments_are_those_of_the_train_split(plain):
    pixels = plain.splits["train"].images / 255
    assert plain.card["mean"] == pytest.approx([pixels.mean()])
    assert plain.card["std"] == pytest.approx([pixels.std()])


def test_the_card_is_plain_json(plain):
    card = digits(imbalance={"method": "exponential", "ratio": 5}, classes={"hold-out": ["1"]}).card
    assert json.loads(json.dumps(card, allow_nan=False)) == card


def test_without_a_split_everything_is_test():
    made = digits(split=None)
    assert {name: len(split) for name, split in made.splits.items()} == {"test": 1797}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"classes": {"hold-out": ["eight"]}}, "no class 'eight'"),
        ({"classes": {"keep": ["1", "2"], "hold-out": ["2"]}}, "both kept and held out"),
        ({"classes": {"hold-out": [str(k) for k in range(10)]}}, "none is left"),
        ({"subset": 5000}, "5000 images asked for"),
        ({"subset": 10, "split": None}, "no train split"),
        ({"split": {"val": 0.5, "test": 0.5}}, "leave images to train on"),
        ({"source": None}, "needs a source"),
    ],
)
def test_what_cannot_be_done_is_said(changes, says):
    with pytest.raises(MethodError, match=says):
        digits(**changes)


def test_a_derived_dataset_is_not_split_again(plain):
    with pytest.raises(MethodError, match="split already"):
        build({"source": None, "split": SPLIT, "streams": STREAMS}, REGISTRY, parent=plain)


def test_a_class_map_takes_the_classes_of_the_dataset_it_is_judged_by(plain):
    names = {**{str(k): None for k in range(10)}, "3": "7", "0": "0", "1": "0"}
    made = digits(split=None, **{"class-map": names})
    assert made.classes == ["0", "7"]
    aligned = build({"source": {"method": "digits"}, "class-map": names, "streams": STREAMS}, REGISTRY, like=plain)
    assert aligned.classes == plain.classes
    assert aligned.counts("test").tolist() == [178 + 182, 0, 0, 0, 0, 0, 0, 183, 0, 0]
    with pytest.raises(MethodError, match="none of the classes"):
        build({"source": {"method": "digits"}, "class-map": {"3": "x"}, "streams": STREAMS}, REGISTRY, like=plain)


@pytest.mark.parametrize(("limit", "expected"), [(100, 100), (10**6, None)])
def test_a_limit_takes_what_there_is(limit, expected):
    whole = len(digits().splits["train"])
    assert len(digits(limit=limit).splits["train"]) == (expected or whole)
