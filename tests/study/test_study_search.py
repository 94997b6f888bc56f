"""Planned tuning: the points of a search."""

import math

import pytest
from assay.study.model_arm import Search
from assay.study.search import dimension, points, size
from assay.train.choice import choose
from assay.train.search import _CRITERIA
from hypothesis import given
from hypothesis import strategies as st

LOG = {"kind": "log", "low": 1e-4, "high": 1.0}


@pytest.mark.parametrize(
    ("written", "made"),
    [
        ("log(0.01, 1.0)", {"kind": "log", "low": 0.01, "high": 1.0}),
        ("log(1e-4,1e-1)", {"kind": "log", "low": 1e-4, "high": 0.1}),
        (" uniform( -1 , .5 ) ", {"kind": "uniform", "low": -1.0, "high": 0.5}),
        ("int(1, 8)", {"kind": "int", "low": 1, "high": 8}),
        ([1, 2, 4], {"kind": "choice", "values": [1, 2, 4]}),
    ],
)
def test_what_a_space_says(written, made):
    assert dimension(written) == made


@pytest.mark.parametrize(
    "written",
    ["log(0, 1)", "log(-1, 1)", "uniform(1, 1)", "uniform(2, 1)", "int(1, 2.5)", "log(1)", "log(1, 2", "normal(0, 1)",
     "uniform(a, b)", "", "3", [], [1, 1]],
)  # fmt: skip
def test_what_is_no_dimension(written):
    with pytest.raises(ValueError, match="expected"):
        dimension(written)


@given(st.integers(1, 40), st.integers(1, 40), st.text(max_size=5))
def test_more_trials_keep_the_points_before(few, more, arm):
    space = {"recipe.lr": LOG, "model.width": {"kind": "int", "low": 1, "high": 64}}
    fewer = points(arm, space, min(few, more))
    assert points(arm, space, max(few, more))[: len(fewer)] == fewer


def test_points_are_distinct_within_bounds_and_of_the_right_type():
    space = {"a": LOG, "b": {"kind": "uniform", "low": -1.0, "high": 2.0}, "c": {"kind": "int", "low": 3, "high": 5}}
    made = points("arm", space, 200)
    assert len({str(point) for point in made}) == 200
    assert all(1e-4 <= p["a"] <= 1 and -1 <= p["b"] <= 2 and p["c"] in (3, 4, 5) for p in made)
    assert {p["c"] for p in made} == {3, 4, 5}
    assert all(isinstance(p["c"], int) for p in made)


def test_log_spreads_evenly_over_orders_of_magnitude_and_uniform_over_the_range():
    made = points("arm", {"a": LOG, "b": {"kind": "uniform", "low": 0.0, "high": 1.0}}, 1000)
    below = sum(p["a"] < 0.01 for p in made)  # half of the four orders of magnitude
    assert abs(below - 500) < 5 * math.sqrt(250)
    assert abs(sum(p["b"] < 0.01 for p in made) - 10) < 5 * math.sqrt(10)


def test_a_finite_space_is_gone_through_without_repeats():
    space = {"a": {"kind": "choice", "values": [1, 2, 3]}, "b": {"kind": "int", "low": 0, "high": 1}}
    assert size(space) == 6
    made = points("arm", space, 6)
    assert {(p["a"], p["b"]) for p in made} == {(a, b) for a in (1, 2, 3) for b in (0, 1)}
    assert made != sorted(made, key=lambda p: (p["a"], p["b"]))
    assert size({**space, "c": LOG}) is None


def test_points_depend_on_the_arm_and_the_space_but_not_on_the_order_of_keys():
    space = {"a": LOG, "b": {"kind": "int", "low": 1, "high": 10}}
    assert points("x", space, 5) == points("x", dict(reversed(space.items())), 5)
    assert points("x", space, 5) != points("y", space, 5)
    assert points("x", space, 5) != points("x", {**space, "b": {"kind": "int", "low": 1, "high": 11}}, 5)


def test_points_stay_what_they_were():
    """A change here would retune every study that searches: these are the values as first drawn."""
    made = points("tuned", {"recipe.lr": {"kind": "log", "low": 0.01, "high": 1.0}}, 3)
    assert [point["recipe.lr"] for point in made] == [0.421551, 0.826609, 0.43486]


def test_a_range_too_narrow_for_its_trials_is_told():
    with pytest.raises(ValueError, match="narrow"):
        points("a", {"x": {"kind": "uniform", "low": 1.0, "high": 1.0000001}}, 5)


def test_a_range_within_braces_is_one_value_though_a_comma_ends_a_word_there(arm):
    space = "{recipe.lr: log(0.01, 1.0), model.width: int( 4,8 ), distill.temperature: [1, 2]}"
    made = arm(
        f"  a: {{extends: base, distill: {{method: kd, teacher: base}}, search: {{space: {space}, trials: 2}}}}\n"
    )
    assert made["search"]["space"] == {
        "recipe.lr": {"kind": "log", "low": 0.01, "high": 1.0},
        "model.width": {"kind": "int", "low": 4, "high": 8},
        "distill.temperature": {"kind": "choice", "values": [1, 2]},
    }


def test_a_search_is_written_out(arm):
    made = arm("  a:\n    extends: base\n    distill: {method: kd, teacher: base}\n    search:\n"
               "      space:\n        recipe.lr: log(0.01, 1)\n        distill.temperature: [1, 2]\n"
               "        model: [linear, {method: resnet8, width: 8}]\n"
               "      trials: 4\n")  # fmt: skip
    search = made["search"]
    assert search["trials"] == 4 == len(search["points"])
    assert search["by"] == "val.accuracy"
    assert search["space"]["model"] == {
        "kind": "choice", "values": [{"method": "linear"}, {"method": "resnet8", "width": 8}],
    }  # fmt: skip
    assert all(set(point) == {"recipe.lr", "distill.temperature", "model"} for point in search["points"])
    assert all(point["model"] in search["space"]["model"]["values"] for point in search["points"])


def test_an_option_within_a_list_of_methods_is_searched_by_the_methods_name(arm):
    made = arm("  a: {extends: base, augment: [mixup], search: {space: {augment.mixup.alpha: [1, 2]}, trials: 2}}\n")
    assert sorted(point["augment.mixup.alpha"] for point in made["search"]["points"]) == [1.0, 2.0]
    assert all(isinstance(point["augment.mixup.alpha"], float) for point in made["search"]["points"])


def test_a_chosen_point_fits_into_the_arm_it_was_drawn_for(arm):
    made = arm(
        "  a: {extends: base, augment: [mixup], distill: {method: kd, teacher: base}, search: {space: "
        "{model: [linear, tiny-cnn], recipe: [sgd, adamw], recipe.lr: [0.5], distill.alpha: [0.1], rebalance: "
        "[oversample], augment.mixup.alpha: [2]}, trials: 4}}\n"
    )
    for point in made["search"]["points"]:
        spec = choose(made, point)
        assert spec["recipe"] == {**point["recipe"], "lr": 0.5}
        assert spec["model"] == point["model"]
        assert spec["rebalance"] == {"method": "oversample"}
        assert (spec["distill"]["alpha"], spec["augment"][0]["alpha"]) == (0.1, 2.0)


def test_the_metrics_that_may_choose_are_those_that_a_search_computes():
    written = Search.model_json_schema()["properties"]["by"]["enum"]
    assert written == [*(f"val.{name}" for name in _CRITERIA), "diswot"], "and one without training"
