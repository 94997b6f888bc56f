"""Numbers of the tables, against values worked out by hand or by statsmodels."""

from __future__ import annotations

from pathlib import Path

import pytest
from assay.report.compare import Column, column, columns, comparison, least, options_of
from assay.report.material import Material
from assay.run.results import Results
from assay.study.registry import Metric, Registry
from statsmodels.stats.power import TTestPower


@pytest.fixture
def material(study_folder: Path, registry: Registry) -> Material:
    return Material(Results(study_folder), registry)


def made(**arms: list[float]) -> Column:
    metric = Metric("", "higher", 0.0, 1.0)
    return Column("m", {}, metric, {arm: dict(enumerate(values)) for arm, values in arms.items()})


def test_detectable_difference_agrees_with_statsmodels() -> None:
    one = made(a=[0.1, 0.2, 0.3, 0.4], b=[0.2, 0.2, 0.5, 0.5])
    # Differences 0.1, 0, 0.2, 0.1 have a standard deviation of sqrt(0.02 / 3).
    effect = TTestPower().solve_power(nobs=4, alpha=0.05, power=0.8, alternative="two-sided")
    assert least(one, "a") == pytest.approx(effect * (0.02 / 3) ** 0.5, rel=1e-4)


def test_detectable_difference_pairs_by_seed_and_needs_a_spread() -> None:
    paired = made(a=[0.1, 0.5, 0.9], b=[0.2, 0.6, 1.0])
    assert least(paired, "a") == pytest.approx(0, abs=1e-9) or least(paired, "a") is None
    assert least(made(a=[0.1, 0.5]), "a") is None
    one_shared = Column("m", {}, Metric("", ""), {"a": {0: 1.0, 1: 2.0}, "b": {1: 1.0, 2: 5.0}})
    assert least(one_shared, "a") is None


def test_a_cell_holds_the_mean_and_half_of_its_t_interval(material: Material) -> None:
    # t(0.975, 2) = 4.3027, and the standard error of 0.1, 0.2, 0.3 is 0.1 / sqrt(3): half the interval is 0.248.
    one = Column("m", {}, Metric("", "higher", 0.0, 1.0), {"baseline": {0: 0.1, 1: 0.2, 2: 0.3}})
    drawn = str(comparison(material, [one], "label"))
    assert '>0.200<span class="spread"> ± 0.248</span>' in drawn
    assert "seed 0: 0.100, seed 1: 0.200, seed 2: 0.300" in drawn


def test_a_cell_without_spread_claims_no_interval(material: Material) -> None:
    one = Column("m", {}, Metric("", "higher", 0.0, 1.0), {"baseline": {0: 0.2, 1: 0.2}})
    assert "±" not in str(comparison(material, [one], "label"))


def test_headlines_are_what_a_claim_means_without_keys_and_the_rarest_class(material: Material) -> None:
    shown = [(one.name, one.keys) for one in columns(material, "accuracy")]
    assert shown == [
        ("accuracy", {}),
        ("balanced-accuracy", {}),
        ("recall", {"class": "rarest"}),
        ("precision", {"class": "rarest"}),
        ("f1", {"class": "rarest"}),
        ("macro-f1", {}),
        ("mcc", {}),
        ("kappa", {"weights": "none"}),
        ("top-k-accuracy", {"k": "5"}),
        ("shot-recall", {"shots": "few"}),
        ("shot-f1", {"shots": "few"}),
    ]
    assert [one.keys for one in columns(material, "ood")][:1] == [{"detector": "msp", "set": "near"}]


def test_a_column_fills_keys_in_and_leaves_failed_arms_out(material: Material) -> None:
    found = column(material, "ood", "auroc", {"set": "glyphs"})
    assert found is not None
    assert found.keys == {"detector": "msp", "set": "glyphs"}
    assert set(found.values) == {"baseline", "mixup", "oversample", "synthetic", "student", "pruned"}
    assert all(set(seeds) == {0, 1, 2} for seeds in found.values.values())
    assert column(material, "ood", "auroc", {"set": "nowhere"}) is None


def test_the_baseline_among_methods_stands_first(material: Material) -> None:
    assert options_of(material, "calibration", "ece", "calibration") == ["none", "temperature"]
    assert options_of(material, "ood", "auroc", "detector")[0] == "msp"


def test_units_are_written_once_in_the_head(material: Material) -> None:
    one = Column("latency", {}, Metric("", "lower", 0.0, unit="s"), {"baseline": {0: 0.0012, 1: 0.0014}})
    drawn = str(comparison(material, [one], "label"))
    assert "latency (ms)" in drawn
    assert ">1.30<" in drawn
