import numpy as np
import pytest
from assay.claims.floor import fewest, floor
from assay.claims.job import decide
from assay.claims.language import parse


def test_five_seeds_for_one_claim_and_seven_for_six():
    assert (fewest(0.05), fewest(0.05, 6), fewest(0.05, 10)) == (5, 7, 8)
    assert floor(5) == 1 / 32


@pytest.mark.parametrize(("seeds", "claims", "word"), [(4, 1, "inconclusive"), (5, 1, "supported"),
                                                       (6, 6, "inconclusive"), (7, 6, "supported")])  # fmt: skip
def test_with_fewer_nothing_is_decided_however_clear_it_is(seeds, claims, word):
    rng = np.random.default_rng(0)
    arms = {"a": rng.normal(0, 0.001, seeds), "b": rng.normal(1, 0.001, seeds)}
    spec = {"claims": [{"tree": parse(f"b.m > a.m + {k}e-3"), "alpha": 0.05, "primary": True} for k in range(claims)]}
    found = decide({**spec, "seeds": list(range(seeds))}, lambda arm, metric, keys: dict(enumerate(arms[arm])))  # noqa: ARG005
    assert {verdict["verdict"] for verdict in found} == {word}
    if word == "inconclusive":
        assert f"{seeds} seeds cannot decide" in found[0]["note"]
        assert f"; {seeds + 1} can" in found[0]["note"]


def test_a_secondary_claim_is_neither_corrected_nor_corrects():
    arms = {"a": [0.0] * 5, "b": [1.0, 1.1, 1.2, 0.9, 0.8]}
    claims = [{"tree": parse(f"b.m > a.m + {k}e-3"), "alpha": 0.05, "primary": k == 0} for k in range(6)]
    found = decide({"claims": claims, "seeds": list(range(5))}, lambda arm, metric, keys: dict(enumerate(arms[arm])))  # noqa: ARG005
    assert [verdict["verdict"] for verdict in found] == ["supported"] * 6
    assert {verdict["p_holm"] for verdict in found} == {1 / 32}
