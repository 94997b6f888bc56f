"""The job: families found by name, their methods bound, and rows as their cards declare them."""

import json
import math

import numpy as np
import pytest
from assay.errors import MethodError
from assay.evaluate.job import evaluate
from assay.study.registry import scan

REGISTRY = scan()
OPTIONS = {
    "accuracy": {"splits": ["test", "val"], "top": [1, 2], "many": 70, "few": 20},
    "one-vs-rest": {"splits": ["test", "val"], "specificities": [0.8, 0.95]},
    "calibration": {"methods": [{"method": "none"}, {"method": "temperature"}], "bins": 15},
    "ood": {
        "detectors": [
            {"method": "msp"},
            {"method": "energy", "temperature": 1.0},
            {"method": "knn", "k": 5},
            {"method": "mahalanobis"},
        ],
        "near": ["hold-out"],
        "far": ["noise", "glyphs"],
    },
    "conformal": {
        "methods": [{"method": "lac"}, {"method": "aps", "randomised": True}, {"method": "all-labels"}],
        "alpha": [0.1, 0.25],
        "directions": 20,
    },
    "seeds": {"bins": 15},
    "external": {"test-sets": {"test": {}, "val": {"zero": "one"}}, "bins": 15},
    "votes": {"methods": [{"method": "none"}, {"method": "temperature"}]},
    "selective": {
        "rules": [
            {"method": "max-softmax"},
            {"method": "margin"},
            {"method": "entropy"},
            {"method": "energy", "temperature": 1.0},
            {"method": "softmax-centroid"},
        ],
        "coverages": [0.8, 0.9],
        "risks": [0.05],
    },
    "cost": {"batches": [1, 4], "repeats": 2},
}


def run(family, trial, **changes):
    trial.external = dict.fromkeys(("test", "val"), trial.classes)
    trial.seeds = [trial.sets["test"], trial.sets["test"]]
    return evaluate({"family": family, "options": {**OPTIONS[family], **changes}}, REGISTRY, trial)


@pytest.mark.parametrize("family", OPTIONS)
def test_rows_are_those_that_the_card_declares(family, trial):
    card = REGISTRY.card("evaluation", family)
    rows = run(family, trial).rows
    assert {row.metric for row in rows} == set(card.metrics)
    allowed = {
        "splits": {"test", "val"},
        "classes": {*trial.classes, "rarest"},
        "sets": {"hold-out", "noise", "glyphs", "near", "far"},
        "alpha": {"0.1", "0.25"},
        "batches": {"1", "4"},
        "test-sets": {"test", "val"},
        "top": {"1", "2"},
        "specificities": {"0.8", "0.95"},
        "none|linear|quadratic": {"none", "linear", "quadratic"},
        "many|medium|few": {"many", "medium", "few"},
        "coverages": {"0.8", "0.9"},
        "risks": {"0.05"},
        **{option: {entry["method"] for entry in OPTIONS[family][option]} for option in card.methods},
    }
    for row in rows:
        metric = card.metrics[row.metric]
        assert set(row.keys) == set(metric.keys)
        assert all(value in allowed[metric.keys[key]] for key, value in row.keys.items())
        assert set(metric.defaults) <= set(metric.keys)
        if row.value is None:
            assert row.note
        else:
            assert math.isfinite(row.value)
            assert metric.low is None or row.value >= metric.low
            assert metric.high is None or row.value <= metric.high + 1e-12
    for name, metric in card.metrics.items():
        expected = math.prod(len(allowed[source]) for source in metric.keys.values())
        assert sum(row.metric == name for row in rows) == expected
    assert len({(row.metric, tuple(sorted(row.keys.items()))) for row in rows}) == len(rows)


@pytest.mark.parametrize("family", OPTIONS)
def test_results_are_plain_json_and_the_same_each_time(family, trial):
    result = run(family, trial)
    text = json.dumps(result.figures, allow_nan=False)
    if family != "cost":
        again = run(family, trial)
        assert again.rows == result.rows
        assert json.dumps(again.figures) == text


@pytest.mark.parametrize("family", ["calibration", "ood", "conformal", "selective"])
def test_a_method_alone_gives_the_rows_it_gives_among_others(family, trial):
    (option,) = REGISTRY.card("evaluation", family).methods
    together = run(family, trial).rows
    alone = [row for entry in OPTIONS[family][option] for row in run(family, trial, **{option: [entry]}).rows]
    assert sorted(map(str, alone)) == sorted(map(str, together))


def test_a_method_named_twice_is_refused(trial):
    with pytest.raises(MethodError, match="named twice"):
        run("ood", trial, detectors=[{"method": "knn", "k": 5}, {"method": "knn", "k": 9}])


def test_a_set_that_was_not_predicted_is_named(trial):
    with pytest.raises(MethodError, match="no predictions on 'places'"):
        run("ood", trial, far=["places"])
    with pytest.raises(MethodError, match="near"):
        run("ood", trial, near=[], far=[])


@pytest.mark.parametrize("family", ["accuracy", "one-vs-rest", "calibration", "ood", "conformal", "selective"])
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_logits_that_are_not_finite_leave_reasons_and_no_nan(family, wrong, trial):
    trial.sets["test"].logits[3, 1] = wrong
    for row in run(family, trial).rows:
        assert row.value is None or math.isfinite(row.value)
        assert row.value is not None or row.note


@pytest.mark.parametrize("family", ["accuracy", "one-vs-rest", "calibration", "ood", "conformal", "selective"])
def test_an_empty_test_set_leaves_reasons(family, trial):
    test = trial.sets["test"]
    for name in ("logits", "features", "ids", "labels"):
        setattr(test, name, getattr(test, name)[:0])
    rows = run(family, trial).rows
    assert rows
    assert all(row.value is None and row.note for row in rows if row.keys.get("split", "test") == "test")
