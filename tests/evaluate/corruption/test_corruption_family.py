"""The families: what is judged, means, and corruption errors against a reference."""

import json
import math

import numpy as np
import pytest
import torch
from assay.errors import MethodError
from assay.evaluate.corruption.family import family
from assay.evaluate.corruption.mean_corruption_error import corruption_error, relative_corruption_error
from assay.evaluate.corruption.summary import summary
from assay.evaluate.result import UndefinedError
from assay.study.registry import scan
from judged import convolutional, pictures, trial_of
from torchmetrics.functional.classification import multiclass_calibration_error

SPLIT = pictures()


def darker(images, severity, draw):
    """Each severity takes away a fifth of the light."""
    return (images * (1 - severity / 5)).astype(np.uint8)


def undefined(images, severity, draw):
    raise UndefinedError("not for these")


@pytest.fixture(scope="module")
def model():
    return convolutional(SPLIT)


@pytest.fixture
def trial(model):
    return trial_of(model, SPLIT)


def table(result):
    return {(row.metric, *row.keys.values()): row for row in result.rows}


def logits(model, images):
    with torch.no_grad():
        return model(torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255).numpy()


def test_accuracy_and_ece_are_those_of_corrupted_images(trial, model):
    rows = table(family(trial, {"darker": darker}, [2, 5], None))
    values = []
    for severity in (2, 5):
        said = logits(model, darker(SPLIT.images, severity, None))
        right = (said.argmax(1) == SPLIT.labels).mean()
        assert rows["corrupted-accuracy", "darker", str(severity)].value == pytest.approx(right, abs=1e-9)
        expected = multiclass_calibration_error(
            torch.from_numpy(said).double().softmax(1), torch.from_numpy(SPLIT.labels), 3, n_bins=15
        )
        assert rows["corrupted-ece", "darker", str(severity)].value == pytest.approx(float(expected), abs=1e-5)
        values.append(right)
    assert rows["corrupted-accuracy", "darker", "mean"].value == pytest.approx(np.mean(values))
    assert values[0] != values[1]


def test_fewer_images_lie_within_more_and_all_arms_take_the_same(trial):
    few = trial.judged(20)[1].ids.tolist()
    assert set(few) < set(trial.judged(40)[1].ids.tolist())
    turned = trial_of(trial.model(), SPLIT.take(np.arange(len(SPLIT))[::-1]))
    assert turned.judged(20)[1].ids.tolist() == few
    assert family(trial, {"darker": darker}, [1], 20).figures["images"] == 20


def test_without_a_model_there_is_an_error_that_says_so():
    with pytest.raises(MethodError, match="elsewhere"):
        family(trial_of(None, SPLIT), {"darker": darker}, [1], None)


def test_undefined_corruptions_have_reasons_and_are_left_out_of_means(trial):
    result = family(trial, {"darker": darker, "never": undefined}, [1, 5], None)
    rows = table(result)
    for severity in ("1", "5", "mean"):
        assert rows["corrupted-accuracy", "never", severity].value is None
        assert "not for these" in rows["corrupted-accuracy", "never", severity].note
    trial.found = [result.figures]
    made = table(summary(trial, None))
    assert made["mean-corrupted-accuracy", "mean"].value == rows["corrupted-accuracy", "darker", "mean"].value
    assert "never" in made["mean-corrupted-accuracy", "mean"].note


def figures(clean, **accuracies):
    """Figures of one part for each corruption."""
    return [
        {
            "images": 10,
            "clean": {"accuracy": clean, "ece": 0.1},
            "corruptions": {
                name.replace("_", "-"): {
                    "severities": [1, 5], "accuracy": values, "ece": [0.2, 0.4], "undefined": None
                }
            },
        }
        for name, values in accuracies.items()
    ]  # fmt: skip


def test_mean_corruption_errors_by_hand(trial):
    trial.found = figures(0.9, fog=[0.8, 0.6], snow=[0.7, 0.5])
    trial.reference = figures(0.8, fog=[0.6, 0.2], snow=[0.5, 0.3])
    rows = table(summary(trial, "plain"))
    assert rows["corruption-error", "fog"].value == pytest.approx(0.6 / 1.2)
    assert rows["corruption-error", "snow"].value == pytest.approx(0.8 / 1.2)
    assert rows["mean-corruption-error",].value == pytest.approx((0.5 + 2 / 3) / 2)
    # Added errors: fog 0.1 + 0.3 over 0.2 + 0.6, snow 0.2 + 0.4 over 0.3 + 0.5.
    assert rows["relative-mean-corruption-error",].value == pytest.approx((0.4 / 0.8 + 0.6 / 0.8) / 2)
    assert rows["mean-corrupted-accuracy", "1"].value == pytest.approx(0.75)
    assert rows["mean-corrupted-accuracy", "mean"].value == pytest.approx(0.65)
    assert rows["corruption-drop",].value == pytest.approx(0.25)
    assert "plain" in rows["mean-corruption-error",].note


def test_a_reference_measured_against_itself_is_one(trial):
    trial.found = trial.reference = figures(0.9, fog=[0.8, 0.6], snow=[0.7, 0.5])
    rows = table(summary(trial, "plain"))
    assert rows["mean-corruption-error",].value == pytest.approx(1)
    assert rows["relative-mean-corruption-error",].value == pytest.approx(1)


def test_a_reference_that_makes_no_errors_leaves_a_reason(trial):
    trial.found = figures(0.9, fog=[0.8, 0.6], snow=[0.7, 0.5])
    trial.reference = figures(1.0, fog=[1.0, 1.0])
    rows = table(summary(trial, "plain"))
    assert "no error" in rows["corruption-error", "fog"].note
    assert "not judged" in rows["corruption-error", "snow"].note
    for name in ("mean-corruption-error", "relative-mean-corruption-error"):
        assert rows[name,].value is None
        assert "fog" in rows[name,].note
    assert table(summary(trial_with(trial.found), None))["mean-corruption-error",].note


def trial_with(found):
    made = trial_of(None, SPLIT)
    made.found = found
    return made


def test_errors_of_one_corruption():
    assert corruption_error(np.array([0.2, 0.4]), np.array([0.5, 0.7])) == pytest.approx(0.5)
    assert relative_corruption_error(np.array([0.2, 0.4]), 0.1, np.array([0.5, 0.7]), 0.4) == pytest.approx(1.0)
    assert relative_corruption_error(np.array([0.1, 0.1]), 0.1, np.array([0.5, 0.7]), 0.4) == 0
    with pytest.raises(UndefinedError):
        relative_corruption_error(np.array([0.2]), 0.1, np.array([0.4]), 0.4)


def test_rows_are_those_of_the_cards_and_plain_json(trial):
    cards = scan()
    found = family(trial, {"darker": darker}, [1, 5], 30)
    trial.found = trial.reference = [found.figures]
    made = summary(trial, "plain")
    for name, result in (("corruption", found), ("corruption-summary", made)):
        card = cards.card("evaluation", name)
        assert {row.metric for row in result.rows} == set(card.metrics)
        assert all(set(row.keys) == set(card.metrics[row.metric].keys) for row in result.rows)
        assert all(row.note if row.value is None else math.isfinite(row.value) for row in result.rows)
        json.dumps(result.figures, allow_nan=False)


def test_no_images_leave_reasons(model):
    empty = trial_of(model, SPLIT.take(np.arange(0)))
    found = family(empty, {"darker": darker}, [1], None)
    assert all(row.value is None and row.note for row in found.rows)
    empty.found = [found.figures]
    assert all(row.value is None and row.note for row in summary(empty, None).rows)
