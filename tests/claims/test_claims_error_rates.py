"""Error rates by simulation: how often claims that are false are supported, true ones refuted, and power as announced.

Rates are compared with their nominal values to within three standard errors of the simulation.
"""

import numpy as np
import pytest
from assay.claims.job import decide
from assay.claims.language import parse
from assay.claims.power import detectable

ALPHA = 0.05
RUNS = 600
ERROR = 3 * (ALPHA * (1 - ALPHA) / RUNS) ** 0.5


def judged(texts, arms):
    """The verdicts of claims on values by arm, as many of each."""
    claims = [{"tree": parse(text), "alpha": ALPHA, "primary": True} for text in texts]
    spec = {"claims": claims, "seeds": list(range(len(next(iter(arms.values())))))}
    return decide(spec, lambda arm, metric, keys: dict(enumerate(arms[arm])))  # noqa: ARG005


def rates(texts, draw):
    """Shares of simulated studies with any claim supported, and with any refuted. `draw(rng)` gives values by arm."""
    rng = np.random.default_rng(11)
    found = []
    for _ in range(RUNS):
        words = [verdict["verdict"] for verdict in judged(texts, draw(rng))]
        found.append(["supported" in words, "refuted" in words])
    return np.mean(found, axis=0)


def paired(shift):
    """Two arms whose difference is `shift`, with a part that a seed gives to both."""

    def draw(rng):
        common = rng.normal(0, 1, 5)
        return {"a": common + rng.normal(0, 0.5, 5), "b": common + shift + rng.normal(0, 0.5, 5)}

    return draw


@pytest.mark.parametrize(
    ("text", "shift"),
    [("b.m > a.m", 0.0), ("b.m <= a.m", 0.0), ("b.m >= a.m - 1", -1.0), ("a.m < b.m by 0.3", 0.3)],
)
def test_at_the_boundary_an_order_is_supported_and_refuted_at_the_nominal_rate(text, shift):
    assert rates([text], paired(shift)) == pytest.approx([ALPHA, ALPHA], abs=ERROR)


def test_a_constant_is_met_at_the_nominal_rate():
    assert rates(["a.m > 0"], paired(0)) == pytest.approx([ALPHA, ALPHA], abs=ERROR)


@pytest.mark.parametrize("shift", [3.0, -3.0])
def test_at_either_end_an_equivalence_is_supported_at_the_nominal_rate(shift):
    supported, refuted = rates(["b.m ~ a.m within 3"], paired(shift))
    assert supported == pytest.approx(ALPHA, abs=ERROR)
    assert refuted <= ALPHA / 2 + ERROR


def test_a_narrow_equivalence_that_is_true_is_refuted_at_most_at_the_nominal_rate():
    _, refuted = rates(["b.m ~ a.m within 0.001"], paired(0))
    assert refuted == pytest.approx(ALPHA, abs=ERROR)


def test_several_false_claims_against_one_baseline():
    def draw(rng):
        return {name: rng.normal(0, 1, 8) for name in "abcde"}

    supported, refuted = rates([f"{name}.m > a.m" for name in "bcde"], draw)
    assert 0.01 < supported <= ALPHA + ERROR
    assert refuted <= ALPHA + ERROR


def test_false_claims_beside_true_ones():
    def draw(rng):
        return {name: rng.normal(9 if name in "de" else 0, 1, 8) for name in "abcde"}

    rng = np.random.default_rng(5)
    wrong = true = 0
    for _ in range(RUNS):
        found = judged([f"{name}.m > a.m" for name in "bcde"], draw(rng))
        wrong += any(verdict["verdict"] == "supported" for verdict in found[:2])
        true += all(verdict["verdict"] == "supported" for verdict in found[2:])
    assert wrong / RUNS <= ALPHA + ERROR
    assert true / RUNS > 0.9


@pytest.mark.parametrize("images", [20, 300])
def test_accuracies_on_few_images_do_not_raise_the_rate(images):
    # Differences of small counts are often equal or zero, where t tests are at their weakest.
    def draw(rng):
        return {name: rng.binomial(images, 0.97, 5) / images for name in "ab"}

    supported, refuted = rates(["b.m > a.m"], draw)
    assert supported <= ALPHA + ERROR
    assert refuted <= ALPHA + ERROR


def test_failed_trials_never_raise_the_rate():
    def draw(rng):
        arms = paired(0)(rng)
        arms["b"] = [None if rng.random() < 0.2 else value for value in arms["b"]]
        return arms

    supported, refuted = rates(["b.m > a.m"], draw)
    assert supported <= ALPHA * 0.8**5 + ERROR
    assert refuted <= ALPHA * 0.8**5 + ERROR


def test_intervals_cover_the_true_difference_as_often_as_they_say():
    rng = np.random.default_rng(7)
    covered = []
    for _ in range(RUNS):
        found = judged(["b.m > a.m by 1"], paired(0.7)(rng))[0]
        covered.append(found["interval"][0] <= 0.7 <= found["interval"][1])
    assert np.mean(covered) == pytest.approx(0.90, abs=3 * (0.9 * 0.1 / RUNS) ** 0.5)


def test_the_detectable_difference_is_found_with_eighty_percent_power():
    shift = detectable(0.5 * 2**0.5, 5, alpha=ALPHA, sides=1)
    supported, _ = rates(["b.m > a.m"], paired(shift))
    assert supported == pytest.approx(0.8, abs=3 * (0.8 * 0.2 / RUNS) ** 0.5)
