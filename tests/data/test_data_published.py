"""Routes to a published set, and the proof that it is the set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from assay import Origin, method
from assay.data.archive import Archive, UnavailableError
from assay.data.dataset import content_digest
from assay.data.published import Route, obtain, publish
from assay.errors import MethodError

IMAGES = np.arange(5 * 2 * 2, dtype=np.uint8).reshape(5, 2, 2, 1)
LABELS = np.array([0, 1, 0, 1, 1])
PARTS = {"train": (IMAGES[:3], LABELS[:3]), "test": (IMAGES[3:], LABELS[3:])}


@method(
    "source",
    "tiny",
    summary="",
    origin=Origin(
        archive="",
        licence="L",
        citation="C",
        counts={"plain": {"train": 3, "test": 2}, "more": {"train": 9}},
        digest={"plain": content_digest(IMAGES, LABELS)},
    ),
)
def tiny(given):
    """Stands for any source."""


class Somewhere:
    """`here` lies at hand, `there` has to be fetched, all else is nowhere."""

    def __init__(self, here: str, there: str):
        self.here, self.there = here, there

    def has(self, wanted):
        return wanted.name in self.here

    def get(self, wanted):
        if wanted.name not in self.here + self.there:
            raise UnavailableError(f"{wanted.name} is nowhere")
        return Path(wanted.name)


def routes(*names: str) -> list[Route[str]]:
    return [Route(tuple(Archive(letter) for letter in name), lambda *paths: "".join(map(str, paths))) for name in names]


@pytest.mark.parametrize(
    ("here", "there", "taken"),
    [
        ("", "abc", "a"),  # the official one first
        ("bc", "a", "bc"),  # but what lies here needs no network
        ("b", "ac", "a"),  # half of a route is not at hand
        ("", "bc", "bc"),  # a fallback when the official one cannot be had
    ],
)
def test_routes_are_tried_in_this_order(here, there, taken):
    assert obtain(Somewhere(here, there), routes("a", "bc")) == taken


def test_why_each_route_failed_is_told():
    with pytest.raises(UnavailableError, match="a is nowhere\nc is nowhere"):
        obtain(Somewhere("", "b"), routes("a", "bc"))


def test_a_wrong_file_is_an_error_and_no_reason_to_look_elsewhere():
    def broken(path):
        raise MethodError("damaged")

    with pytest.raises(MethodError, match="damaged"):
        obtain(Somewhere("a", "b"), [Route((Archive("a"),), broken), *routes("b")])


def test_parts_are_put_one_after_the_other_under_official_numbers():
    raw = publish(tiny, PARTS, ["x", "y"], choice="plain")
    assert (raw.images == IMAGES).all()
    assert raw.labels.tolist() == LABELS.tolist()
    assert raw.ids.tolist() == ["train-0", "train-1", "train-2", "test-0", "test-1"]
    assert raw.parts.tolist() == ["train"] * 3 + ["test"] * 2
    assert (raw.licence, raw.citation) == ("L", "C")


@pytest.mark.parametrize(
    ("parts", "choice", "says"),
    [
        ({"train": PARTS["train"]}, "plain", "tiny: expected train 3, test 2 images, found train 3$"),
        ({"train": PARTS["test"], "test": PARTS["train"]}, "plain", "expected train 3, test 2 images, found train 2, "),
        (PARTS, "more", "expected train 9 images, found train 3, test 2"),
        ({**PARTS, "test": (IMAGES[3:], LABELS[:3])}, "plain", "tiny: test has 3 labels for 2 images"),
        ({**PARTS, "test": (IMAGES[3:], LABELS[3:] - 2)}, "plain", "test has labels below the first class"),
        ({**PARTS, "test": (IMAGES[3:], np.array([1, 0]))}, "plain", "not the images and labels .*expected content"),
        ({**PARTS, "train": (IMAGES[2::-1], LABELS[:3])}, "plain", "or not in their order: expected content"),
    ],
)
def test_what_is_not_the_set_is_refused(parts, choice, says):
    with pytest.raises(MethodError, match=says):
        publish(tiny, parts, ["x", "y"], choice=choice)


def test_a_digest_says_nothing_of_images_in_another_size():
    parts = {part: (images[:, :1], labels) for part, (images, labels) in PARTS.items()}
    assert publish(tiny, parts, ["x", "y"], choice="plain", resized=True).images.shape == (5, 1, 2, 1)
