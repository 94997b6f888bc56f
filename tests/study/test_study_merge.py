"""The rules by which one declaration is laid over another."""

import pytest
from assay.study.merge import UNSET, merge
from assay.study.methods import plain
from assay.study.yaml import parse


def laid(base, over, key="x"):
    """What `over` laid over `base` gives, both as YAML."""
    return plain(merge(parse(f"x: {base}", "base")["x"], parse(f"x: {over}", "over")["x"], key))


@pytest.mark.parametrize(
    ("base", "over", "result"),
    [
        # mappings merge by key, at every depth
        ("{a: 1, b: 2}", "{b: 3, c: 4}", {"a": 1, "b": 3, "c": 4}),
        ("{a: {b: {c: 1, d: 2}}}", "{a: {b: {c: 3}}}", {"a": {"b": {"c": 3, "d": 2}}}),
        ("{a: {b: 1}}", "{a: 2}", {"a": 2}),
        ("{a: 2}", "{a: {b: 1}}", {"a": {"b": 1}}),
        ("{a: 1}", "{}", {"a": 1}),
        # a list replaces
        ("[1, 2]", "[3]", [3]),
        ("[1, 2]", "[]", []),
        # unless it says how to change the one below
        ("[1, 2]", "{append: [3]}", [1, 2, 3]),
        ("[1, 2, 3]", "{remove: [2]}", [1, 3]),
        ("[1, 2]", "{remove: [1], append: [1]}", [2, 1]),
        ("[1, 2]", "{remove: [9]}", [1, 2]),
        ("[{method: a, k: 1}, b]", "{remove: [a]}", ["b"]),
        ("[a, {method: b}]", "{remove: [b]}", ["a"]),
        ("[a]", "{append: [{method: b, k: 2}]}", ["a", {"method": "b", "k": 2}]),
        # changes of a list that has not been seen yet add up
        ("{append: [1]}", "{append: [2]}", {"append": [1, 2]}),
        ("{append: [1, 2]}", "{remove: [1]}", {"remove": [1], "append": [2]}),
        ("{remove: [1]}", "{remove: [2], append: [3]}", {"remove": [1, 2], "append": [3]}),
        ("{append: [1]}", "[2]", [2]),
        # a changed method starts its options afresh, the same one keeps them
        ("{method: a, k: 1}", "{method: b, j: 2}", {"method": "b", "j": 2}),
        ("{method: a, k: 1}", "{method: a, j: 2}", {"method": "a", "k": 1, "j": 2}),
        ("{method: a, k: 1}", "{k: 2}", {"method": "a", "k": 2}),
        ("{method: a, k: 1, teacher: t}", "{method: b}", {"method": "b", "teacher": "t"}),
        # a bare name is a mapping
        ("{method: a, k: 1}", "b", {"method": "b"}),
        ("{method: a, k: 1}", "a", {"method": "a", "k": 1}),
        ("a", "{k: 1}", {"method": "a", "k": 1}),
        ("a", "{method: b, k: 1}", {"method": "b", "k": 1}),
        ("a", "b", "b"),
    ],
)
def test_what_lies_above(base, over, result):
    assert laid(base, over) == result


def test_a_bare_teacher_is_an_arm_and_a_bare_synthetic_set_a_generator():
    assert laid("t", "{seed: all}", "teacher") == {"arm": "t", "seed": "all"}
    assert laid("{arm: t, seed: all}", "u", "teacher") == {"arm": "u", "seed": "all"}
    assert laid("g", "{ratio: 1}", "synthetic") == {"generator": "g", "ratio": 1}


def test_alternatives_replace_each_other():
    assert laid("{encoder: e}", "{weights: w}", "init") == {"weights": "w"}
    assert laid("{method: orthogonal, gain: 2}", "{encoder: e}", "init") == {"encoder": "e"}
    assert laid("{encoder: e}", "dirac", "init") == "dirac"
    assert laid("{encoder: e}", "{method: dirac}", "init") == {"method": "dirac"}
    assert laid("orthogonal", "{gain: 2}", "init") == {"method": "orthogonal", "gain": 2}
    assert laid("{method: orthogonal, gain: 2}", "{method: dirac}", "init") == {"method": "dirac"}


def test_null_unsets_what_lies_below_and_only_that():
    made = merge(parse("a: 1\nb: 2", "f"), parse("a:\nc:", "f"))
    assert made == {"a": UNSET, "b": 2, "c": None}
    assert merge(made, parse("a: 3\nc: 4", "f")) == {"a": 3, "b": 2, "c": 4}
    assert merge(made, parse("a:", "f"))["a"] is UNSET


def test_neither_side_is_changed_and_marks_say_which_file_a_value_is_from():
    base, over = parse("a: {x: 1, y: 2}\nb: 1", "base"), parse("\na: {y: 3}", "over")
    made = merge(base, over)
    assert base == {"a": {"x": 1, "y": 2}, "b": 1}
    assert over == {"a": {"y": 3}}
    assert (made.marks["b"].file, made["a"].marks["x"].file, made["a"].marks["y"]) == ("base", "base", ("over", 2))
