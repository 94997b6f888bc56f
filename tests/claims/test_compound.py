"""Claims of several parts: p values by hand, and error rates by simulation with parts that hang together."""

import numpy as np
import pytest
from assay.claims.compound import at_least
from assay.claims.job import decide
from assay.claims.language import parse
from hypothesis import given
from hypothesis import strategies as st

ALPHA, RUNS, SEEDS = 0.05, 300, 7
ERROR = 3 * (ALPHA * (1 - ALPHA) / RUNS) ** 0.5


def test_p_values_by_hand():
    p = [0.04, 0.01, 0.2]
    assert at_least(p, 3) == 0.2  # all: the largest
    assert at_least(p, 2) == 2 * 0.04
    assert at_least(p, 1) == pytest.approx(3 * 0.01)  # any: Bonferroni
    assert at_least([0.9, 0.8], 1) == 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_more_is_harder_to_show_up_to_the_factor(p):
    assert at_least(p, len(p)) == max(p)
    assert at_least(p, 1) == pytest.approx(min(1, len(p) * min(p)))


def judged(tree, arms, **more):
    claim = {"tree": tree, "alpha": ALPHA, "primary": True, **more}
    seeds = list(range(len(next(iter(arms.values())))))
    return decide({"claims": [claim], "seeds": seeds}, lambda arm, metric, keys: dict(enumerate(arms[arm])))[0]  # noqa: ARG005


def compound(texts, wanted):
    return {"at-least": wanted, "of": [parse(text) for text in texts], "form": "for most set"}


CLEAR = {"a": [0, 0, 0, 0, 0, 0, 0.1], "b": [1, 1.1, 1.2, 0.9, 1, 1, 1], "c": [2, 2.1, 2, 2.2, 1.9, 2, 2],
         "d": [2, 1.9, 2.2, 2.1, 1.8, 2.3, 1.95]}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a.m < b.m < c.m", "supported"),
        ("c.m > b.m > a.m by 0.5", "supported"),
        ("a.m < b.m < c.m by 1.2", "refuted"),
        ("b.m < a.m < c.m", "refuted"),
        ("a.m < c.m < d.m", "inconclusive"),
    ],
)
def test_a_chain_holds_when_each_link_does(text, word):
    found = judged(parse(text), CLEAR)
    assert found["verdict"] == word
    assert len(found["parts"]) == 2
    assert (found["effect"], found["left"]) == (None, [])
    assert found["p_holm"] == max(part["p"] for part in found["parts"])


def test_most_is_less_than_all():
    texts = ["a.m < b.m", "a.m < c.m", "c.m < d.m"]
    assert judged(compound(texts, 2), CLEAR)["verdict"] == "supported"
    assert judged(compound(texts, 3), CLEAR)["verdict"] == "inconclusive"
    assert judged(compound(["b.m < a.m", "c.m < a.m", "c.m < d.m"], 2), CLEAR)["verdict"] == "refuted"


def test_a_part_without_values_leaves_the_whole_undecided_and_is_named():
    found = judged(compound(["a.m < b.m", "a.m < c.m", "a.m < d.m"], 2), {**CLEAR, "d": [None] * 7})
    assert found["verdict"] == "inconclusive"
    assert "d.m (seed 0)" in found["note"]


@pytest.mark.parametrize("wanted", [1, 2, 3])
def test_false_claims_are_supported_and_true_ones_refuted_at_most_at_the_nominal_rate(wanted):
    # One baseline under all parts, so that they hang together. With one part fewer true than wanted and the others at
    # the boundary, the claim is false by a hair; with as many at the boundary as wanted and the others far off, true.
    above, not_below = ([f"{name}.m {order} a.m" for name in "bcd"] for order in (">", ">="))
    rng = np.random.default_rng(wanted)
    supported = refuted = 0

    def draw(shifts):
        base = rng.normal(0, 1, SEEDS)
        return {"a": base, **{name: base + rng.normal(by, 1, SEEDS) for name, by in zip("bcd", shifts, strict=True)}}

    for _ in range(RUNS):
        hair = draw([9 if place < wanted - 1 else 0 for place in range(3)])
        supported += judged(compound(above, wanted), hair)["verdict"] == "supported"
        hair = draw([0 if place < wanted else -9 for place in range(3)])
        refuted += judged(compound(not_below, wanted), hair)["verdict"] == "refuted"
    assert supported / RUNS <= ALPHA + ERROR
    assert refuted / RUNS <= ALPHA + ERROR


def test_a_claim_over_counts_and_tests():
    spec = {"at-least": 2, "of": [parse("b.m > a.m"), parse("a.parameters < b.parameters")], "form": "dominates"}
    counts = {"a": dict.fromkeys(range(7), 10), "b": dict.fromkeys(range(7), 20)}

    def values(arm, metric, keys):
        return counts[arm] if metric == "parameters" else dict(enumerate(CLEAR[arm]))

    claim = {"tree": spec, "alpha": ALPHA, "primary": True}
    found = decide({"claims": [claim], "seeds": list(range(7))}, values)[0]
    assert (found["verdict"], found["p"]) == ("supported", 2**-7)
    assert [part["p"] for part in found["parts"]] == [2**-7, 0]
