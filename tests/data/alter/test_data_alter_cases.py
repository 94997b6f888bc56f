"""Alterations one upon another: known answers on a few images."""

from __future__ import annotations

import numpy as np
import pytest
from assay.data.dataset import Dataset, Split
from assay.data.job import build
from assay.errors import MethodError
from assay.study.registry import scan

REGISTRY = scan()
STREAMS = {"split": 0, "alteration": 0, "generator": 0}


def split(name, labels, original=None):
    labels = np.array(labels, np.int64)
    images = np.full((len(labels), 4, 4, 1), 100, np.uint8)
    ids = np.array([f"{name}{n}" for n in range(len(labels))])
    made = Split(images, labels, ids, labels.copy() if original is None else np.array(original, np.int64))
    made.flags["noisy"] = made.labels != made.original
    return made


def dataset(**splits):
    return Dataset(["cat", "dog", "owl"], splits, {"held-out": []})


def altered(parent, **spec):
    return build({"source": None, **spec, "streams": STREAMS}, REGISTRY, parent=parent)


def test_a_held_out_class_is_not_seen_under_a_wrong_name():
    parent = dataset(train=split("r", [0, 1, 1, 0, 2], original=[0, 1, 2, 2, 0]), test=split("t", [0, 1, 2]))
    made = altered(parent, classes={"hold-out": ["owl"]})
    assert made.splits["train"].ids.tolist() == ["r0", "r1"]
    held = made.splits["hold-out"]
    assert held.ids.tolist() == ["r2", "r3", "t2"]
    assert held.original.tolist() == [0, 0, 0]
    assert held.labels.tolist() == [-1, -1, -1]


def test_images_without_a_label_stay_when_their_class_does():
    parent = dataset(train=split("r", [0, 1]), unlabelled=split("u", [-1] * 4, original=[0, 1, 2, -1]))
    made = altered(parent, classes={"keep": ["dog", "cat"], "hold-out": ["owl"]})
    assert made.splits["unlabelled"].ids.tolist() == ["u0", "u1", "u3"]
    assert made.splits["unlabelled"].labels.tolist() == [-1] * 3
    assert made.splits["unlabelled"].original.tolist() == [1, 0, -1]
    assert made.splits["hold-out"].ids.tolist() == ["u2"]
    renamed = altered(parent, **{"class-map": {"cat": "pet", "dog": "pet", "owl": None}})
    assert renamed.splits["unlabelled"].original.tolist() == [0, 0, -1]


def test_taking_one_class_for_another_is_no_longer_wrong_when_they_are_joined():
    parent = dataset(train=split("r", [0, 1, 2], original=[1, 1, 0]))
    made = altered(parent, **{"class-map": {"cat": "pet", "dog": "pet"}}).splits["train"]
    assert made.flags["noisy"].tolist() == [False, False, True]


def test_joining_classes_leaves_the_held_out_ones_alone():
    parent = dataset(train=split("r", [0, 1, 2, 2]))
    held = altered(parent, classes={"hold-out": ["owl"]})
    made = altered(held, **{"class-map": {"cat": "pet", "dog": "pet"}})
    assert made.splits["hold-out"].original.tolist() == [0, 0]
    assert made.card["held-out"] == ["owl"]


def test_labels_are_dealt_out_in_the_shares_of_the_classes_and_again_to_fewer():
    parent = dataset(train=split("r", [0] * 40 + [1] * 40 + [2] * 20))
    made = altered(parent, labels=25)
    assert made.counts("train").tolist() == [10, 10, 5]
    fewer = altered(made, labels=10)
    assert fewer.counts("train").tolist() == [4, 4, 2]
    assert len(fewer.splits["unlabelled"]) == 90
    assert np.bincount(fewer.splits["unlabelled"].original).tolist() == [36, 36, 18]
    assert not fewer.splits["unlabelled"].flags["noisy"].any()


def test_attributes_go_with_what_an_image_shows_not_with_what_it_is_called():
    parent = dataset(train=split("r", [1, 1], original=[0, 1]), test=split("t", [2]))
    held = altered(parent, classes={"hold-out": ["owl"]})
    how = {"method": "colour", "correlation": 1.0, "test-correlation": 1.0, "strength": 1.0}
    made = altered(held, confounder=how)
    assert made.splits["train"].groups.tolist() == ["cat/cat", "dog/dog"]
    assert made.splits["train"].flags["aligned"].all()
    assert made.splits["hold-out"].groups[0] in ("owl/cat", "owl/dog")
    assert not made.splits["hold-out"].flags["aligned"].any()
    assert made.channels == 3


def test_success_of_an_attack_is_accuracy_on_the_triggered_split():
    parent = dataset(train=split("r", [0, 1, 2] * 10), test=split("t", [0, 1, 2, 1]))
    made = altered(parent, poison={"method": "trigger-patch", "target": "dog", "share": 0.1, "size": 2})
    triggered = made.splits["triggered"]
    assert triggered.ids.tolist() == ["triggered:t0", "triggered:t2"]
    assert triggered.labels.tolist() == [1, 1]
    assert triggered.original.tolist() == [0, 2]
    assert (made.splits["test"].images == parent.splits["test"].images).all()
    without = altered(made, classes={"keep": ["cat", "dog"]})
    assert without.splits["triggered"].original.tolist() == [0]
    held = altered(made, classes={"hold-out": ["owl"]})
    assert not any(name.startswith("triggered") for name in held.splits["hold-out"].ids)


@pytest.mark.parametrize(("keys", "shape"), [({"resolution": 6}, (6, 6, 1)), ({"channels": 3}, (4, 4, 3))])
def test_images_are_brought_to_another_shape_in_every_split(keys, shape):
    made = altered(dataset(train=split("r", [0, 1]), test=split("t", [0])), **keys)
    for each in made.splits.values():
        assert each.images.shape[1:] == shape
        assert (each.images == 100).all()
    assert made.card["altered"] == [{"step": "shape", **keys}]


def test_a_source_is_brought_to_another_shape():
    spec = {"source": {"method": "digits"}, "resolution": 16, "channels": 3, "streams": STREAMS}
    assert build(spec, REGISTRY).splits["test"].images.shape == (1797, 16, 16, 3)


@pytest.fixture
def table(tmp_path):
    file = tmp_path / "groups.csv"
    file.write_text("image,patient\nr0,a\nr1,b\nr2,a\nt0,c\n")
    return {"path": str(file), "id": "image", "group": "patient"}


def test_groups_come_from_a_file_by_id(table):
    made = altered(dataset(train=split("r", [0, 1, 0]), test=split("t", [0])), groups=table)
    assert made.splits["train"].groups.tolist() == ["a", "b", "a"]
    assert made.splits["test"].groups.tolist() == ["c"]
    assert made.card["altered"][0]["effect"] == {"groups": 3}


def test_a_source_is_cut_by_the_groups_of_a_file(tmp_path):
    ids = build({"source": {"method": "digits"}, "streams": STREAMS}, REGISTRY).splits["test"].ids
    lines = [f"{name},{n % 60}" for n, name in enumerate(ids)]
    (tmp_path / "g.csv").write_text("\n".join(["id,group", *lines]))
    spec = {"source": {"method": "digits"}, "groups": {"path": str(tmp_path / "g.csv")}, "streams": STREAMS}
    made = build({**spec, "split": {"val": 0.1, "test": 0.2, "by": "group"}}, REGISTRY)
    seen = [set(each.groups) for each in made.splits.values()]
    assert sum(map(len, seen)) == len(set.union(*seen)) == 60


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("image,patient\nr0,a\n", "no group for 1 of 2 images, such as r1; it names images like r0"),
        ("image,patents\nr0,a\n", "no column 'patient', only image, patents; did you mean 'patents'"),
        ("image,patient\nr0,a\nr0,b\n", "puts image r0 into both a and b"),
        ("image,patient\nr0,\n", "line 2 of .* gives image 'r0' no group"),
        ("", "no column 'image', only nothing"),
    ],
)
def test_a_file_of_groups_that_does_not_do_is_refused(tmp_path, content, says):
    file = tmp_path / "groups.csv"
    file.write_text(content)
    with pytest.raises(MethodError, match=says):
        altered(dataset(train=split("r", [0, 1])), groups={"path": str(file), "id": "image", "group": "patient"})


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"labels": 7}, "7 asked for, but the train split has 6 images"),
        ({"imbalance": {"method": "explicit", "keep": {"dog": 3}}}, "3 images of dog asked for, but train has 2"),
        ({"shift": {"method": "prior", "shares": {"cat": 1.0}}}, "there is no test split to alter"),
    ],
)
def test_what_the_images_cannot_satisfy_is_said(spec, says):
    with pytest.raises(MethodError, match=says):
        altered(dataset(train=split("r", [0, 0, 1, 1, 2, 2])), **spec)


def test_a_smoke_run_takes_what_there_is():
    parent = dataset(train=split("r", [0, 0, 1, 1, 2, 2]))
    made = altered(parent, most=True, imbalance={"method": "explicit", "keep": {"dog": 300, "owl": 1}}, labels=100)
    assert len(made.splits["train"]) == 2
    assert len(made.splits["unlabelled"]) == 3
