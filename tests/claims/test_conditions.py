"""Trials made on different devices, in different precisions or by different software are not compared in silence."""

import pytest
from assay.claims.conditions import differences, facts
from assay.claims.job import decide
from assay.claims.language import parse

TREE = parse("b.m > a.m")
ARMS = {"a": [0.0, 0.1, 0.05, 0.0, 0.1], "b": [1.0, 1.1, 1.2, 0.9, 1.0]}
ALIKE = {(arm, seed): {"device": "cpu (X)", "torch": "2.11.0"} for arm in "ab" for seed in range(5)}


def judged(conditions, text="b.m > a.m"):
    claim = {"tree": parse(text), "alpha": 0.05, "primary": True}
    spec = {"claims": [claim], "seeds": list(range(5))}
    return decide(spec, lambda arm, metric, keys: dict(enumerate(ARMS[arm])), conditions)[0]  # noqa: ARG005


def test_alike_they_are_compared():
    assert judged(ALIKE)["verdict"] == "supported"
    assert judged(None)["verdict"] == "supported"


@pytest.mark.parametrize(("fact", "value"), [("device", "cuda (H100)"), ("torch", "2.10.0")])
@pytest.mark.parametrize("text", ["b.m > a.m", "b.m < a.m"])
def test_one_that_differs_leaves_the_claim_undecided_and_is_named(fact, value, text):
    found = judged(ALIKE | {("b", 3): {**ALIKE["b", 3], fact: value}}, text)
    assert found["verdict"] == "inconclusive"
    assert f"{fact} is {value} in b (seed 3) and {ALIKE['a', 0][fact]} elsewhere" in found["note"]
    assert found["p"] is not None  # what was measured is still told


def test_trials_of_other_arms_and_unknown_ones_do_not_count():
    assert not differences(TREE, [0, 1], ALIKE | {("c", 0): {"device": "tpu"}})
    assert not differences(TREE, [0, 1, 7], {("a", 0): {"device": "cpu"}})


def test_a_precision_that_the_config_names_is_no_condition():
    run = {"device": "cpu (X)", "precision": "bf16", "packages": {"torch": "2.11.0"}, "python": "3.11.7"}
    assert facts(run, {"precision": "auto"}) == {
        "device": "cpu (X)", "precision": "bf16", "torch": "2.11.0", "python": "3.11.7"
    }  # fmt: skip
    assert "precision" not in facts(run, {"precision": "fp32"})
