"""The claim language: what its sentences mean and how it refuses others."""

import json
import subprocess
import sys

import pytest
from assay.claims.language import parse, parse_metric
from assay.claims.reader import ClaimError
from assay.claims.tree import completed, metrics_in, written
from hypothesis import given
from hypothesis import strategies as st


def leaf(arm, metric, **keys):
    return {"arm": arm, "metric": metric, "keys": keys}


def number(value):
    return {"number": value}


def test_an_order_with_keys_and_a_margin():
    assert parse("baseline.fpr95[detector=energy, set=near] < baseline.fpr95[detector=msp,set=near] by 0.05") == {
        "op": "<",
        "left": leaf("baseline", "fpr95", detector="energy", set="near"),
        "right": leaf("baseline", "fpr95", detector="msp", set="near"),
        "by": 0.05,
    }


def test_an_equivalence():
    assert parse("a.accuracy ~ 0.94 within 5e-3") == {
        "op": "~", "left": leaf("a", "accuracy"), "right": number(0.94), "within": 0.005,
    }  # fmt: skip


def test_a_minus_has_a_space_before_it_and_a_dash_has_none():
    tree = parse("student.accuracy >= kd-t4.balanced-accuracy - 0.01")
    assert tree["right"] == {"op": "-", "left": leaf("kd-t4", "balanced-accuracy"), "right": number(0.01)}
    assert tree["by"] == 0


def test_an_arm_of_a_sweep():
    tree = parse("kd[recipe.lr=0.1,distill.temperature=4].ece[calibration=temperature] <= kd[recipe.lr=1e-2].ece")
    assert tree["left"] == leaf("kd[recipe.lr=0.1,distill.temperature=4]", "ece", calibration="temperature")
    assert tree["right"] == leaf("kd[recipe.lr=1e-2]", "ece")


def test_products_bind_closer_than_sums_and_sums_go_from_the_left():
    tree = parse("a.flops - 2 * b.flops - 3 < 0")
    twice = {"op": "*", "left": number(2.0), "right": leaf("b", "flops")}
    assert tree["left"] == {
        "op": "-",
        "left": {"op": "-", "left": leaf("a", "flops"), "right": twice},
        "right": number(3.0),
    }


def test_brackets_group():
    tree = parse("0.5 * (a.ece + b.ece) > c.ece")
    assert tree["left"]["right"]["op"] == "+"


def test_a_leading_minus():
    assert parse("-0.5 < a.gain")["left"] == number(-0.5)
    assert parse("-a.gain < 1")["left"] == {"op": "*", "left": number(-1.0), "right": leaf("a", "gain")}


def test_arms_may_start_with_a_digit_or_be_called_by():
    assert parse("2x.ece < 3-layers.ece")["left"] == leaf("2x", "ece")
    assert parse("by.ece < within.ece by 0.1")["right"] == leaf("within", "ece")


def test_values_in_quotes_or_with_brackets():
    assert parse('a.recall[class="salt, pepper"] > 0')["left"]["keys"] == {"class": "salt, pepper"}
    assert parse("a.auroc[detector=knn[k=5,x=1], set=near] > 0")["left"]["keys"] == {
        "detector": "knn[k=5,x=1]",
        "set": "near",
    }


def test_layout_leaves_no_trace():
    assert parse("  a.ece[calibration=none]<b.ece   by .1 ") == parse("a.ece[ calibration = none ] < (b.ece) by 0.10")


def test_the_metrics_of_a_claim_come_once_and_in_order():
    tree = parse("b.ece + a.ece - b.ece < 2 * c.ece[calibration=none]")
    assert metrics_in(tree) == [leaf("b", "ece"), leaf("a", "ece"), leaf("c", "ece", calibration="none")]


@pytest.mark.parametrize(
    ("text", "column", "part"),
    [
        ("", 1, "empty"),
        ("a.ece", 6, "expected <, <=, >, >= or ~, but the text ends here"),
        ("a.ece == b.ece", 7, "within 0.01"),
        ("a.ece = b.ece", 7, "within 0.01"),
        ("a.ece ≤ b.ece", 7, "<= or >="),
        ("a.ece / b.ece < 1", 7, "product"),
        ("a.ece < b.ece + 1%", 18, "0.01"),
        ("a.ece < b.ece ~ c.ece", 15, "one comparison"),
        ("a.ece < b.ece > c.ece", 22, "same way"),
        ("a.ece < ", 9, "text ends"),
        ("a.ece < b", 10, "after the arm 'b'"),
        ("a.ece < b.", 11, "name of a metric"),
        ("a.ece < b.ece by", 17, "after `by`"),
        ("a.ece < b.ece by -1", 18, "after `by`"),
        ("a.ece < b.ece within 1", 15, "end of the claim"),
        ("a.ece ~ b.ece", 14, "`within`"),
        ("a.ece ~ b.ece by 1", 15, "`within`"),
        ("a.ece ~ b.ece within 0", 22, "> 0"),
        ("a.ece-0.01 < b.ece", 8, "space before it"),
        ("a.val.accuracy > 0.5", 3, "accuracy[split=val]"),
        ("a.ece.b < 1", 6, "no further"),
        ("a.ece * b.ece < 1", 7, "number on one side"),
        ("1 < 2", 1, "needs a metric"),
        ("a.ece < (a.ece)", 7, "same"),
        ("(a.ece < 1", 8, "bracket at column 1"),
        ("a.ece[calibration < 1", 6, "not closed"),
        ("a.ece[calibration='none] < 1", 6, "quote"),
        ("a.ece[] < 1", 7, "expected a key"),
        ("a.ece[calibration] < 1", 18, "expected `=`"),
        ("a.ece[calibration=] < 1", 19, "expected a value"),
        ("a.ece[set=near, set=far] < 1", 17, "twice"),
        ("a.ece[set='near' far] < 1", 18, "expected `,` or `]`"),
        ("a.ece < 1e999", 9, "too large"),
        ("$ < 1", 1, "expected a metric of an arm"),
    ],
)
def test_a_wrong_claim_says_what_was_expected_and_where(text, column, part):
    with pytest.raises(ClaimError) as caught:
        parse(text)
    assert part in caught.value.message
    assert caught.value.column == column


def test_keys_that_are_left_out_are_completed():
    tree = parse("a.ece[calibration=temperature] + a.auroc < 2 * b.ece")
    made = completed(tree, {"ece": {"calibration": "none"}, "auroc": {"detector": "msp", "set": "near"}})
    assert metrics_in(made) == [
        leaf("a", "ece", calibration="temperature"),
        leaf("a", "auroc", detector="msp", set="near"),
        leaf("b", "ece", calibration="none"),
    ]
    assert metrics_in(tree)[2]["keys"] == {}


def test_a_metric_alone():
    assert parse_metric("val.accuracy") == {"metric": "accuracy", "keys": {"split": "val"}}
    assert parse_metric("recall[class=rarest, split=val]") == {
        "metric": "recall",
        "keys": {"class": "rarest", "split": "val"},
    }
    for wrong in ("val.", "val.accuracy[split=test]", "accuracy < 1", "arm.val.accuracy"):
        with pytest.raises(ClaimError):
            parse_metric(wrong)


names = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,3}(-[a-z0-9]{1,2})?", fullmatch=True)
values = st.text(st.characters(codec="utf-8", exclude_categories=("C",), exclude_characters="\"'"), min_size=1)
leaves = st.builds(lambda arm, metric, keys: {"arm": arm, "metric": metric, "keys": keys}, names, names,
                   st.dictionaries(names, values.filter(str.strip), max_size=2))  # fmt: skip


@given(leaves)
def test_a_written_metric_reads_as_itself(metric):
    assert parse(f"{written(metric)} > 0.25")["left"] == metric


@given(st.text(st.sampled_from("ab.[]=,<>~*-+() 01'\"by"), max_size=30) | st.text(max_size=20))
def test_any_text_gives_a_tree_or_a_claim_error(text):
    refused = None
    try:
        tree = parse(text)
    except ClaimError as error:
        refused = error
    assert 1 <= refused.column <= len(text) + 1 if refused else json.loads(json.dumps(tree)) == tree


def test_the_language_needs_neither_numpy_nor_torch():
    code = "import sys, assay.claims.language; print([m for m in ('numpy', 'torch') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
