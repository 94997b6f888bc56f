"""The families: which images count as robust, the worst of all attacks, and signs of masked gradients."""

import json

import numpy as np
import pytest
import torch
from assay.errors import MethodError
from assay.evaluate.adversarial.family import family, packed, unpacked
from assay.evaluate.adversarial.fgsm import fgsm
from assay.evaluate.adversarial.summary import summary
from assay.evaluate.result import UndefinedError
from assay.study.registry import scan
from hypothesis import given
from hypothesis import strategies as st
from judged import convolutional, pictures, trial_of

SPLIT = pictures(150)


@pytest.fixture(scope="module")
def model():
    return convolutional(SPLIT, epochs=4)


@pytest.fixture
def trial(model):
    return trial_of(model, SPLIT)


def still(model, images, labels, ball, draw):
    return images


def leaves(model, images, labels, ball, draw):
    return (images + 2 * ball.size).clamp(0, 1)


def never(model, images, labels, ball, draw):
    raise UndefinedError("not this time")


def table(result):
    return {(row.metric, *row.keys.values()): row for row in result.rows}


def right(model, images):
    with torch.no_grad():
        return (model(images).argmax(1) == torch.from_numpy(SPLIT.labels)).numpy()


def test_robust_is_what_is_right_before_and_after(trial, model):
    rows = table(family(trial, {"still": still, "fgsm": fgsm}, ["linf-8/255"], None))
    images = torch.from_numpy(SPLIT.images).permute(0, 3, 1, 2).float() / 255
    clean = right(model, images)
    assert 0.5 < clean.mean() < 1
    x = images.clone().requires_grad_(True)
    torch.nn.functional.cross_entropy(model(x), torch.from_numpy(SPLIT.labels)).backward()
    attacked = right(model, (images + 8 / 255 * x.grad.sign()).clamp(0, 1))
    assert rows["robust-accuracy", "still", "linf-8/255"].value == pytest.approx(clean.mean())
    assert rows["robust-accuracy", "fgsm", "linf-8/255"].value == pytest.approx((clean & attacked).mean())
    assert (clean & attacked).mean() < clean.mean()


def test_an_attack_that_cheats_is_caught(trial):
    with pytest.raises(MethodError, match="left its budget linf-8/255"):
        family(trial, {"leaves": leaves}, ["linf-8/255"], None)


def test_the_worst_case_is_taken_image_by_image(trial):
    bits = {"a": [1, 1, 0, 0], "b": [1, 0, 1, 0]}
    trial.found = [
        {
            "images": 4,
            "clean": packed(np.array([1, 1, 1, 0], bool)),
            "attacks": {name: {"l2-1": {"robust": packed(np.array(marks, bool)), "accuracy": 0.5}}},
        }
        for name, marks in bits.items()
    ]
    trial.found.append({**trial.found[0], "attacks": {"c": {"l2-1": {"undefined": "why not"}}}})
    rows = table(summary(trial))
    assert rows["worst-robust-accuracy", "l2-1"].value == 0.25
    assert rows["worst-robust-accuracy", "l2-1"].note == "over a, b; left out: c (why not)"
    assert rows["attacked-clean-accuracy",].value == 0.75


def signs(trial, **found):
    trial.found = [
        {
            "images": 1,
            "clean": "80",
            "attacks": {name: {text: {"robust": "80", "accuracy": value} for text, value in accuracies.items()}},
        }
        for name, accuracies in found.items()
    ]
    return {row.keys["sign"]: row for row in summary(trial).rows if row.metric == "masking-sign"}


def test_signs_of_masked_gradients(trial):
    sound = signs(
        trial,
        noise={"linf-1/10": 0.9},
        fgsm={"linf-1/10": 0.5},
        pgd={"linf-1/10": 0.4, "linf-2/10": 0.2, "linf-1": 0.0},
    )
    assert {name: row.value for name, row in sound.items()} == dict.fromkeys(sound, 0.0)
    masked = signs(
        trial,
        noise={"linf-1/10": 0.3},
        fgsm={"linf-1/10": 0.3},
        pgd={"linf-1/10": 0.4, "linf-2/10": 0.5, "linf-1": 0.1},
    )
    assert {name: row.value for name, row in masked.items()} == dict.fromkeys(masked, 1.0)
    bare = signs(trial, noise={"l2-1": 0.5}, pgd={"l2-1": 0.5})
    assert bare["random"].value == 0
    for name in ("single-step", "larger-budget", "unbounded"):
        assert bare[name].value is None
        assert bare[name].note


@given(st.lists(st.booleans(), max_size=40))
def test_bits_come_back(marks):
    marks = np.array(marks, bool)
    assert np.array_equal(unpacked(packed(marks), len(marks)), marks)


def test_rows_are_those_of_the_cards_and_plain_json(trial):
    found = family(trial, {"fgsm": fgsm, "never": never}, ["linf-8/255", "l2-0.5"], 50)
    trial.found = [found.figures]
    for name, result in (("adversarial", found), ("adversarial-summary", summary(trial))):
        card = scan().card("evaluation", name)
        assert {row.metric for row in result.rows} == set(card.metrics)
        assert all(set(row.keys) == set(card.metrics[row.metric].keys) for row in result.rows)
        assert all(row.note for row in result.rows if row.value is None)
        json.dumps(result.figures, allow_nan=False)
    assert found.figures["images"] == 50


def test_no_images_leave_reasons(model):
    empty = trial_of(model, SPLIT.take(np.arange(0)))
    found = family(empty, {"fgsm": fgsm}, ["linf-8/255"], None)
    assert all(row.value is None and row.note for row in found.rows)
    empty.found = [found.figures]
    rows = table(summary(empty))
    assert rows["worst-robust-accuracy", "linf-8/255"].value is None
