"""Back doors: the exact share, the patch alone, and the label that is wanted."""

from __future__ import annotations

import numpy as np
import pytest
from altering import subject
from assay.data.poison.trigger_patch import trigger_patch
from assay.errors import MethodError

LABELS = np.arange(400) % 4
IMAGES = np.random.default_rng(0).integers(1, 255, (400, 9, 9, 3), np.uint8)


def poisoned(split="train", share=0.1, size=3, seed=0):
    return trigger_patch(subject(LABELS, 4, images=IMAGES, split=split, seed=seed), target="c2", share=share, size=size)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.75])
def test_exactly_the_share_of_train_is_poisoned_and_none_was_of_the_target(share):
    _, labels, marks = poisoned(share=share)
    assert marks.sum() == round(share * 400)
    assert (LABELS[marks] != 2).all()
    assert (labels[marks] == 2).all()
    assert (labels[~marks] == LABELS[~marks]).all()


def test_the_patch_is_a_chequerboard_in_the_corner_and_nothing_else_changes():
    images, _, marks = poisoned()
    board = 255 * np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]])[..., None]
    assert (images[marks, 5:8, 5:8] == board).all()
    changed = (images != IMAGES).any(3)
    assert (changed.any((1, 2)) == marks).all()
    outside = np.ones((9, 9), bool)
    outside[5:8, 5:8] = False
    assert not changed[:, outside].any()


def test_at_test_every_image_of_another_class_is_tried():
    _, labels, marks = poisoned("test", share=0.01)
    assert (marks == (LABELS != 2)).all()
    assert (labels == 2).all()


def test_another_seed_poisons_other_images():
    assert (poisoned(seed=0)[2] == poisoned(seed=0)[2]).all()
    assert (poisoned(seed=0)[2] != poisoned(seed=1)[2]).any()


@pytest.mark.parametrize(("options", "says"), [({"share": 0.8}, "only 300 are not c2"), ({"size": 9}, "does not fit")])
def test_what_cannot_be_done_is_said(options, says):
    with pytest.raises(MethodError, match=says):
        poisoned(**options)
