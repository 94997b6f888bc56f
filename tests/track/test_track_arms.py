import pytest
from assay.track.arms import half_width, inherit, summarise
from assay.track.cells import Cell, Identity
from assay.track.wanted import Point, Wanted


def _wanted(status: str, *values: float, reason: str | None = None) -> Wanted:
    run = Wanted(Cell(Identity("trial", "a", "0"), "a/seed-0", None), status, reason)
    run.points = [Point("accuracy/accuracy", 0, value, 1000 + number) for number, value in enumerate(values)]
    return run


def test_mean_and_t_interval_of_one_two_three():
    arm = Wanted(Cell(Identity("arm", "a"), "a", None), "missing")
    summarise(arm, [_wanted("done", value) for value in (1.0, 2.0, 3.0)])
    found = {point.key: point.value for point in arm.points}
    # s = 1; the 0.975 quantile of t with 2 degrees of freedom is 4.302652729911275 (any table); 4.3027 / sqrt(3).
    assert found["accuracy/accuracy"] == 2.0
    assert found["accuracy/accuracy.low"] == pytest.approx(2 - 2.484137711, abs=1e-8)
    assert found["accuracy/accuracy.high"] == pytest.approx(2 + 2.484137711, abs=1e-8)


def test_one_seed_has_no_interval():
    arm = Wanted(Cell(Identity("arm", "a"), "a", None), "missing")
    summarise(arm, [_wanted("done", 0.5)])
    assert [point.key for point in arm.points] == ["accuracy/accuracy"]


def test_the_interval_agrees_with_statsmodels():
    from statsmodels.stats.weightstats import DescrStatsW

    values = [0.81, 0.84, 0.79, 0.9, 0.83]
    low, high = DescrStatsW(values).tconfint_mean(alpha=0.05)
    assert 2 * half_width(values) == pytest.approx(high - low)


@pytest.mark.parametrize(
    ("below", "expected"),
    [
        (["done", "done"], "done"),
        (["done", "failed"], "failed"),
        (["done", "missing"], "running"),
        (["running", "failed"], "running"),
        (["missing", "missing"], "missing"),
    ],
)
def test_a_parent_is_what_its_children_are(below: list[str], expected: str):
    arm = Wanted(Cell(Identity("arm", "a"), "a", None), "missing")
    inherit(arm, [_wanted(status, reason="loss is NaN" if status == "failed" else None) for status in below])
    assert arm.status == expected
    assert ("loss is NaN" in (arm.reason or "")) == (expected == "failed")
