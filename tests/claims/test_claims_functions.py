"""Functions of curves: known curves with known answers."""

import numpy as np
import pytest
from assay.claims import functions
from assay.claims.functions import NoValueError, value
from assay.claims.job import decide
from hypothesis import given
from hypothesis import strategies as st

X = [1.0, 2.0, 4.0, 8.0]


@given(st.floats(-3, 3), st.floats(0.1, 10))
def test_a_power_law_gives_its_exponent(b, a):
    assert value("exponent", X, [[a * x**b for x in X]]) == pytest.approx(b, abs=1e-9)


@given(st.floats(-3, 3), st.floats(-5, 5))
def test_a_line_gives_its_slope(b, a):
    assert value("slope", X, [[a + b * x for x in X]]) == pytest.approx(b, abs=1e-9)


def test_a_broken_line_bends_at_its_break():
    assert value("knee", [0, 0.5, 0.8, 0.9, 1], [[0.9, 0.9, 0.9, 0.5, 0.1]]) == 0.8
    assert value("knee", [0, 1, 2, 3], [[0, 5, 5.5, 6]]) == 1


def test_crossings_lie_between_points():
    assert value("crossing", X, [[0, 1, 3, 7]], 2.0) == 3
    assert value("crossing", X, [[0, 1, 3, 7]], 3.0) == 4
    assert value("crossover", X, [[0, 1, 2, 3], [2, 2, 1, 1]]) == pytest.approx(3)


def test_ranks_and_lines():
    up, bent = [1, 2, 3, 4], [1, 10, 11, 400]
    assert value("spearman", X, [up, bent]) == pytest.approx(1)
    assert value("pearson", X, [up, [2, 4, 6, 8]]) == pytest.approx(1)
    assert value("pearson", X, [up, bent]) == pytest.approx(np.corrcoef(up, bent)[0, 1])


@pytest.mark.parametrize(
    ("name", "curves", "reason"),
    [
        ("exponent", [[1, 2, 0, 1]], "above 0"),
        ("knee", [[1, 2, 4, 8]], "on a line"),
        ("crossing", [[1, 2, 3, 4]], "nowhere"),
        ("crossing", [[-1, 1, -1, -1]], "2 times"),
        ("spearman", [[1, 1, 1, 1], [1, 2, 3, 4]], "the same everywhere"),
    ],
)
def test_without_a_value_the_reason_is_told(name, curves, reason):
    with pytest.raises(NoValueError, match=reason):
        value(name, X, curves)


def test_a_claim_about_an_exponent_is_tested_over_seeds():
    rng = np.random.default_rng(2)
    arms = {f"p{x}": [float(x ** -(0.5 + e)) for e in rng.normal(0, 0.01, 6)] for x in (1, 2, 4)}
    leaves = [{"arm": name, "metric": "nll", "keys": {}} for name in arms]
    curve = {"function": "exponent", "of": [leaves], "x": [1, 2, 4], "over": "n", "names": ["p.nll"]}
    tree = {"op": "~", "left": curve, "right": {"number": -0.5}, "within": 0.1}
    claim = {"tree": tree, "alpha": 0.05, "primary": True}
    spec = {"claims": [claim], "seeds": list(range(6))}
    found = decide(spec, lambda arm, metric, keys: dict(enumerate(arms[arm])))[0]  # noqa: ARG005
    assert found["verdict"] == "supported"
    expected = [
        functions.exponent(np.array([1, 2, 4]), np.array([arms[name][seed] for name in arms])) for seed in range(6)
    ]
    assert found["left"] == pytest.approx(expected)
    assert found["curves"] == [{"name": "p.nll", "key": "n", "x": [1, 2, 4], "y": [arms[name] for name in arms]}]


def test_a_seed_whose_curve_has_no_value_is_named():
    leaves = [{"arm": name, "metric": "m", "keys": {}} for name in "ab"]
    curve = {"function": "crossing", "of": [leaves], "x": [0, 1], "over": "n", "names": ["p.m"], "number": 0.5}
    tree = {"op": "<", "left": curve, "right": {"number": 2}, "by": 0}
    arms = {"a": [0.0] * 6, "b": [1.0] * 5 + [0.2]}
    claim = {"tree": tree, "alpha": 0.05, "primary": True}
    spec = {"claims": [claim], "seeds": list(range(6))}
    found = decide(spec, lambda arm, metric, keys: dict(enumerate(arms[arm])))[0]  # noqa: ARG005
    assert found["verdict"] == "inconclusive"
    assert "(seed 5: it is crossed nowhere)" in found["note"]
