"""Claims over sweeps, keys and shapes: what they are spelt out as, and what a wrong one is told."""

import pytest
from assay.claims.tree import leaves, written
from assay.study.errors import ConfigError

STUDY = """\
study: s
datasets:
  d: {source: digits, split: {val: 0.15, test: 0.2}}
  e: {from: d, subset: 500}
arms:
  base: {dataset: d, model: resnet8, sweep: {grid: {dataset: [d, e]}}}
  other: {dataset: d, model: linear, sweep: {grid: {dataset: [d, e]}}}
  grid: {dataset: d, model: resnet8, sweep: {grid: {recipe.lr: [0.3, 0.1, 0.01], recipe.epochs: [1, 2]}}}
  one: {dataset: d, model: linear}
evaluate:
  accuracy: {}
  calibration: {methods: [none, temperature]}
  ood: {detectors: [msp, energy], near: [], far: [noise, e]}
  cost: {}
claims:
  - claim: words
    expect: "EXPECT"
"""


@pytest.fixture
def tree(load):
    return lambda expect: load(STUDY.replace("EXPECT", expect))["claims"][0]["tree"]


def parts(tree):
    return [written(part).replace("[split=test]", "") for part in tree["of"]]


def test_for_all_fills_a_key_into_every_metric_that_has_it(tree):
    found = tree("for all set in noise, e: one.auroc > base[dataset=d].auroc - one.ece")
    assert (found["at-least"], found["form"]) == (2, "for all set")
    assert [leaf["keys"].get("set") for leaf in leaves(found)] == ["noise", "noise", None, "e", "e", None]
    assert found == tree("for all set: one.auroc > base[dataset=d].auroc - one.ece")  # means over sets are left out


def test_for_most_over_the_points_of_sweeps(tree):
    found = tree("for most dataset: base.accuracy > other.accuracy")
    assert parts(found) == [f"base[dataset={d}].accuracy > other[dataset={d}].accuracy" for d in "de"]
    assert found["at-least"] == 2
    assert tree("for most class in 0, 1, 2: one.recall > 0.5")["at-least"] == 2


def test_quantifiers_nest(tree):
    found = tree("for all dataset: for all set: base.auroc > other.auroc")
    assert [part["at-least"] for part in found["of"]] == [2, 2]


def test_a_curve_runs_over_numbers_in_their_order(tree):
    found = tree("increasing(grid[recipe.epochs=2].accuracy over recipe.lr)")
    assert parts(found) == [
        "grid[recipe.lr=0.01,recipe.epochs=2].accuracy < grid[recipe.lr=0.1,recipe.epochs=2].accuracy",
        "grid[recipe.lr=0.1,recipe.epochs=2].accuracy < grid[recipe.lr=0.3,recipe.epochs=2].accuracy",
    ]
    assert found["curve"]["x"] == [0.01, 0.1, 0.3]
    slope = tree("slope(grid[recipe.epochs=2].accuracy over recipe.lr) > 0")["left"]
    assert (slope["x"], slope["over"], len(slope["of"][0])) == ([0.01, 0.1, 0.3], "recipe.lr", 3)


def test_a_bend_is_one_of_the_inner_points(tree):
    found = tree("hill-shaped(grid[recipe.epochs=2].accuracy over recipe.lr)")
    assert (found["at-least"], len(found["of"])) == (1, 1)
    assert [part["op"] for part in found["of"][0]["of"]] == [">", ">"]


def test_best_and_dominance_go_by_what_is_better(tree):
    assert parts(tree("best(one.ece, base[dataset=d].ece)"))[0].startswith("one.ece[calibration=none] < ")
    found = parts(tree("dominates(one, base[dataset=d], accuracy, parameters)"))
    assert [text.split()[1] for text in found] == [">", "<"]


def test_a_correlation_over_all_arms_or_a_sweep(tree):
    assert len(tree("spearman(*.ece, *.accuracy) > 0.5")["left"]["of"][0]) == 11
    assert len(tree("spearman(grid.ece, grid.accuracy) > 0.5")["left"]["of"][1]) == 6


@pytest.mark.parametrize(
    ("expect", "part"),
    [
        ("base.accuracy > 0.5", "base is a sweep, not one arm; name one of its points: base[dataset=d]"),
        ("grid[recipe.lr=0.1].accuracy > 0.5", "is a sweep, not one arm"),
        ("grid[recipe.lr=0.2].accuracy > 0.5", "no point of the sweep is called grid[recipe.lr=0.2]"),
        ("for all sett: one.auroc > 0.5", "no metric of the claim has the key 'sett'"),
        ("for all set in noise, svhn: one.auroc > 0.5", "nobody computes auroc for set=svhn"),
        ("for all dataset in d, f: base.accuracy > 0.5", "no point with dataset=f; there is d, e"),
        ("for all class: one.recall > 0.5", "write `for all class in"),
        ("for all detector in msp: one.auroc > 0.5", "two values or more"),
        ("slope(grid.accuracy over recipe.lr) > 0", "fix recipe.epochs, as in grid[recipe.epochs=...]"),
        ("slope(base.accuracy over dataset) > 0", "needs numbers to run over"),
        ("slope(grid[recipe.epochs=1].accuracy over lr) > 0", "does not run over 'lr'"),
        ("exponent(grid[recipe.lr=0.1].accuracy over recipe.epochs) > 0", "needs 3 points or more, and there are 2"),
        ("spearman(grid.ece, base.accuracy) > 0", "there are 6 and 2"),
    ],
)
def test_what_is_not_there_is_told(tree, expect, part):
    with pytest.raises(ConfigError) as caught:
        tree(expect)
    assert part in str(caught.value)
