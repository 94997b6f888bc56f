"""Which of many detectors are drawn."""

from assay.figures.ood import MOST, foremost
from assay.figures.trial import drawings


def drawn(height):
    return {"roc": {"noise": {"fpr": [0.0, 0.0, 1.0], "tpr": [0.0, height, 1.0]}}, "density": {}}


def test_the_baseline_and_those_with_the_largest_areas_are_drawn():
    many = {"msp": drawn(0.0)} | {f"d{number}": drawn(number / 20) for number in range(20)}
    assert foremost([many]) == ["msp", "d19", "d18", "d17", "d16", "d15"]
    assert MOST == 6
    legend = drawings("x", {"ood": {name: {"detectors": {name: one}} for name, one in many.items()}}, {})
    assert [name for name, _ in legend["roc", "noise"].legend] == foremost([many])


def test_areas_are_means_over_seeds_and_one_without_a_curve_is_left_out():
    first, second = {"msp": drawn(0.1), "a": drawn(0.9), "b": drawn(0.6)}, {"a": drawn(0.1), "b": drawn(0.6)}
    assert foremost([first | {"none": {"density": {}}}, second]) == ["msp", "b", "a"]
