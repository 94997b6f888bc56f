"""Every method in whole trainings: what is handed on, resuming, what teachers said, images without labels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from assay.data.dataset import Dataset, Split
from assay.errors import MethodError
from assay.models.classifier import Classifier
from assay.study.registry import scan
from assay.train.infer import logits_and_features

NAMES = scan().names("distill")
NET, LARGER = ("resnet8", {"width": 2}), ("resnet8", {"width": 4})
#: Options that make a method small, or let it act within three epochs.
OPTIONS = {
    "crd": {"negatives": 8, "dimension": 4},
    "dkd": {"warmup": 1},
    "reviewkd": {"warmup": 1},
    "fitnets": {"share": 0.4},
}


def same(one, other):
    one, other = one.state_dict(), other.state_dict()
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture
def lesson(registry, entry, run):
    """`lesson(name)`: the entry of a method with options that suit the toy data, and its teachers."""
    taught = {}

    def make(name, **options):
        how = entry("distill", name, **OPTIONS.get(name, {}) | options)
        if "itself" in registry.card("distill", name).reads:
            return how, []
        if not taught:
            taught["teacher"] = run(init=7, model=LARGER, epochs=2)
        return how, [taught["teacher"]]

    return make


@pytest.mark.parametrize("name", NAMES)
def test_resumed_run_equals_an_undisturbed_one_and_hands_on_a_plain_network(lesson, run, memory, entry, name):
    how, teachers = lesson(name)
    kept = [{key: value.clone() for key, value in each.state_dict().items()} for each in teachers]
    crop = [entry("augment", "crop", padding=1)]

    def once(record):
        return run(how, teachers, model=NET, epochs=3, batch=16, augment=crop, record=record)

    undisturbed = memory()
    state = torch.get_rng_state()
    expected = once(undisturbed)
    assert torch.equal(torch.get_rng_state(), state), "the global random state moved"
    record = memory(every=2)
    assert same(record.through(once, [3, 3, 4]), expected)
    assert record.curve() == undisturbed.curve()
    plain = run(model=NET, epochs=3, batch=16, augment=crop)
    assert expected.state_dict().keys() == plain.state_dict().keys()
    assert not any(part._forward_hooks for part in expected.modules())
    assert not same(expected, plain), "as if there were no distillation"
    assert all(parameter.requires_grad for parameter in expected.parameters())
    for each, before in zip(teachers, kept, strict=True):
        assert all(torch.equal(value, before[key]) for key, value in each.state_dict().items())


@pytest.mark.parametrize("name", NAMES)
def test_several_teachers_count_as_one(lesson, run, registry, name):
    how, teachers = lesson(name)
    if teachers and "head" not in registry.card("distill", name).reads:
        made = run(how, teachers * 2, model=NET, epochs=1)
        assert all(value.isfinite().all() for value in made.state_dict().values())


@pytest.mark.parametrize("name", ["simkd", "fitnets"])
def test_parts_without_a_gradient_do_not_disturb_other_recipes(lesson, run, name):
    how, teachers = lesson(name)
    for recipe in ("sam", "muon", "adamw"):
        assert run(how, teachers, model=NET, epochs=2, recipe=recipe)


def test_adapters_draw_from_their_own_part_of_the_stream(lesson, run):
    # With weight 0 nothing reaches the student, whatever is drawn and trained beside it.
    how, teachers = lesson("reviewkd", weight=0.0)
    taught, plain = run(how, teachers, model=NET, epochs=1), run(model=NET, epochs=1)
    torch.testing.assert_close(taught.state_dict(), plain.state_dict())


def test_a_reused_head_is_that_of_the_weights_handed_on(lesson, run, toy, memory):
    (how, _), teachers, record = lesson("simkd"), [run(init=7, model=LARGER)], memory()
    made = run(how, teachers, model=NET, batch=16, record=record)
    val = toy.splits["val"]
    logits, _ = logits_and_features(made, val.images)
    assert record.lines[-1]["val.accuracy"] == pytest.approx((logits.argmax(1) == val.labels).mean())
    said, _ = logits_and_features(teachers[0], val.images)
    assert (logits.argmax(1) == said.argmax(1)).mean() > 0.9


# -- what teachers say is kept -------------------------------------------------------------------------------


def looks(run, teacher, how, **options):
    """How many images the teacher looked at in a training of 3 epochs."""
    seen, original = [], Classifier.features

    def spying(self, x):
        if self is teacher:
            seen.append(len(x))
        return original(self, x)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Classifier, "features", spying)
        made = run(how, [teacher], model=NET, epochs=3, batch=16, **options)
    return sum(seen), made


def test_a_teacher_sees_each_image_once_where_nothing_alters_it(lesson, run, entry):
    how, (teacher,) = lesson("kd")
    count, made = looks(run, teacher, how)
    assert count == 48
    # An augmentation that never acts makes the same images, for which the teacher is asked each time.
    count, asked = looks(run, teacher, how, augment=[entry("augment", "random-erasing", probability=1e-9)])
    assert count == 3 * 48
    torch.testing.assert_close(made.state_dict(), asked.state_dict(), rtol=1e-4, atol=1e-5)
    assert looks(run, teacher, entry("distill", "similarity-preserving"))[0] >= 3 * 48, "maps would fill the memory"


# -- images without labels -----------------------------------------------------------------------------------


def few(toy):
    """The toy data with three labels left, one of each class."""
    train = toy.splits["train"]
    kept = np.array([int((train.labels == label).argmax()) for label in range(3)])
    rest = train.take(np.setdiff1d(np.arange(48), kept))
    hidden = Split(rest.images, np.full(45, -1), rest.ids, rest.labels)
    return Dataset(toy.classes, {**toy.splits, "train": train.take(kept), "unlabelled": hidden})


def agreement(one, other, toy):
    images = toy.splits["test"].images
    first, second = (logits_and_features(model, images)[0].argmax(1) for model in (one, other))
    return (first == second).mean()


def test_a_student_learns_from_images_without_labels_what_its_teacher_knows(run, entry, toy, memory):
    teacher = run(init=7)
    with torch.no_grad():  # A teacher that is sure of the wrong class everywhere, so that nothing else can be learnt.
        teacher.head.weight.copy_(teacher.head.weight.roll(1, 0))
        teacher.head.bias.copy_(teacher.head.bias.roll(1, 0))
    how, small, record = entry("distill", "teacher-labels"), few(toy), memory()
    taught = run(how, [teacher], dataset=small, lesson={"images": "unlabelled", "repeat": None}, record=record)
    assert agreement(taught, teacher, toy) > 0.9
    assert agreement(run(dataset=small), teacher, toy) < 0.1
    assert all("train.accuracy" not in line for line in record.lines)
    assert record.lines[-1]["step"] == 60, "45 images in one batch"


def test_labels_have_their_share_where_there_are_any(run, entry, toy, memory):
    # Without the teacher, an image without a label says nothing: half as steep, a third of a batch of three.
    small, none = few(toy), {"images": "all", "repeat": None}
    teacher, how = run(init=7, epochs=1), entry("distill", "teacher-labels", alpha=0.0)
    record, labelled = memory(), memory()
    run(how, [teacher], dataset=small, lesson=none, epochs=1, record=record)
    run(dataset=small, epochs=1, record=labelled)
    assert record.lines[-1]["train.loss"] < labelled.lines[-1]["train.loss"] * 4 / 48


def test_missing_images_without_labels_are_named(run, entry):
    with pytest.raises(MethodError, match="images: all, and the dataset has none without a label"):
        run(entry("distill", "kd"), [run(epochs=1)], lesson={"images": "all", "repeat": None})


# -- generations ---------------------------------------------------------------------------------------------


def test_each_generation_starts_from_weights_of_its_own(run):
    plain, first, second = (run(epochs=1, lesson={"images": "labelled", "repeat": repeat}) for repeat in (None, 1, 2))
    assert not same(plain, first)
    assert not same(first, second)
    assert same(second, run(epochs=1, lesson={"images": "labelled", "repeat": 2}))
