"""Rows: values, reasons and never NaN."""

import numpy as np
import pytest
from assay.evaluate.probabilities import probabilities
from assay.evaluate.result import Result, Row, UndefinedError, attempt, plain
from scipy.special import softmax


def test_a_value_and_its_note():
    result = Result()
    assert result.add("m", {"set": "near"}, max, [1, 2], note="here") == 2.0
    assert result.rows == [Row("m", {"set": "near"}, 2.0, "here")]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_undefined(value):
    result = Result()
    assert result.add("m", {}, float, value) is None
    assert result.rows[0].note == f"the value is {value}"


def test_reasons_pass_through():
    def refuse(count):
        raise UndefinedError(f"{count} images")

    reason = attempt(refuse, 0)
    result = Result()
    result.add("m", {}, float, reason)
    result.add("m", {}, refuse, 3)
    assert [row.note for row in result.rows] == ["0 images", "3 images"]


def test_arrays_become_lists():
    assert plain(np.array([[0.12345678, np.nan], [np.inf, 1]])) == [[0.123457, None], [None, 1.0]]


def test_probabilities_agree_with_scipy(case):
    logits, _ = case
    assert probabilities(logits) == pytest.approx(
        softmax(logits.astype(np.longdouble), axis=1).astype(float), abs=1e-15
    )


@pytest.mark.parametrize("row", [[np.nan, 0.0], [np.inf, 0.0], [-np.inf, -np.inf]])
def test_a_row_without_a_softmax_is_undefined(row):
    with pytest.raises(UndefinedError, match="1 of 2 images"):
        probabilities(np.array([[1.0, 0.0], row]))
