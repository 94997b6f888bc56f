"""Which drawings a trial has, and what they show."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from assay.figures.selective import curves_of
from assay.figures.svg import Drawing
from assay.figures.trial import drawings

ACCURACY = {
    "classes": ["cat", "dog"],
    "train-counts": [30, 6],
    "confusion": {"val": [[1, 0], [0, 1]], "test": [[3, 1], [0, 4]]},
    "recall": {"val": [1.0, 1.0], "test": [0.75, 1.0]},
}
CALIBRATION = {
    "none": {"edges": [0.0, 0.5, 1.0], "count": [0, 8], "confidence": [None, 0.9], "accuracy": [None, 0.75]},
    "temperature": {
        "edges": [0.0, 0.5, 1.0],
        "count": [0, 8],
        "confidence": [None, 0.76],
        "accuracy": [None, 0.75],
        "fitted": {"temperature": 1.5},
    },
}

SELECTIVE = {
    "rules": {"margin": {"coverage": [0.25, 0.5, 0.75, 1.0], "risk": [0.0, 0.1, 0.2, 0.4]}},
    "best": {"coverage": [0.25, 0.5, 0.75, 1.0], "risk": [0.0, 0.0, 0.2, 0.4]},
}


def detector(name: str, *, good: bool) -> dict[str, object]:
    """A detector that never errs or one that is no better than chance."""
    edges = [float(edge) for edge in range(41)]
    density = {"test": [0.5, 0.5] + [0.0] * 38, "glyphs": [0.0] * 38 + [0.5, 0.5]}
    curve = {"fpr": [0.0, 0.0, 1.0], "tpr": [0.0, 1.0, 1.0]} if good else {"fpr": [0.0, 1.0], "tpr": [0.0, 1.0]}
    return {"detectors": {name: {"edges": edges, "density": density, "roc": {"glyphs": curve}}}}


GROUPS = {"groups": ["cat/dog", "cat/cat"], "images": [2, 8], "accuracy": [0.5, 0.875], "mean": 0.8}


def corrupted(name: str, low: float) -> dict[str, object]:
    """A corruption that takes accuracy from 0.9 to `low`."""
    drawn = {"severities": [1, 5], "accuracy": [0.8, low], "ece": [0.1, 0.2], "undefined": None}
    return {"images": 10, "clean": {"accuracy": 0.9, "ece": 0.1}, "corruptions": {name: drawn}}


def words(drawing: Drawing) -> list[str]:
    """The texts of a drawing, in order."""
    return [one.text or "" for one in ET.fromstring(drawing.draw()).iter("text")]


def titles(drawing: Drawing) -> list[str]:
    """What is told when the pointer rests on a mark."""
    return [one.text or "" for one in ET.fromstring(drawing.draw()).iter("title")]


def test_every_evaluation_that_draws_and_every_curve_has_its_drawing() -> None:
    made = drawings(
        "baseline/seed-0",
        {
            "accuracy": {"": ACCURACY},
            "calibration": {name: {"reliability": {name: drawn}} for name, drawn in CALIBRATION.items()},
            "ood": {"msp": detector("msp", good=False), "knn": detector("knn", good=True)},
            "conformal": {"lac": {"methods": {"lac": {"0.1": {"size": [0, 6, 2]}, "0.05": {"size": [0, 4, 4]}}}}},
            "corruption": {name: corrupted(name, low) for name, low in (("fog", 0.2), ("snow", 0.4))},
            "groups": {"": {"splits": {"test": GROUPS}}},
            "selective": {"": SELECTIVE},
            "cost": {"": {"latency": {"1": [0.1]}}},
        },
        {
            "train": [
                {"step": 1, "time": 1.0, "epoch": 1.0, "loss": 2.0},
                {"step": 2, "time": 2.0, "epoch": 2.0, "loss": 1.0},
            ]
        },
    )
    assert set(made) == {
        ("confusion",),
        ("recall",),
        ("reliability",),
        ("roc", "glyphs"),
        ("scores", "msp"),
        ("scores", "knn"),
        ("set-sizes", "alpha-0.1"),
        ("set-sizes", "alpha-0.05"),
        ("severity", "mean"),
        ("severity", "fog"),
        ("severity", "snow"),
        ("groups",),
        ("risk-coverage",),
        ("curves", "train", "loss"),
    }
    assert [name for name, _ in made["roc", "glyphs"].legend] == ["msp", "knn"]
    # Fog ends at 0.2 and snow at 0.4.
    assert "baseline/seed-0 from 0.900 to 0.300" in made["severity", "mean"].label
    assert "baseline/seed-0, severity 5: 0.400" in titles(made["severity", "snow"])
    assert "on cat/dog, the worst of baseline/seed-0: baseline/seed-0 0.500" in made["groups",].label


def test_a_trial_without_results_has_none() -> None:
    assert drawings("x", {}, {}) == {}
    assert (
        drawings(
            "x",
            {
                "accuracy": {"": {}},
                "ood": {"msp": {}},
                "conformal": {"lac": {}},
                "groups": {"": {}},
                "corruption": {"fog": {}},
            },
            {"train": []},
        )
        == {}
    )


def test_confusion_is_in_percent_of_each_true_class_of_the_test_split() -> None:
    drawing = drawings("x", {"accuracy": {"": ACCURACY}}, {})["confusion",]
    assert [one for one in words(drawing) if one.isdigit()] == ["75", "25", "100"]
    assert "most often cat is taken for dog, 25%" in drawing.label


def test_recall_stands_beside_the_train_images_rarest_last() -> None:
    drawing = drawings("x", {"accuracy": {"": ACCURACY}}, {})["recall",]
    assert titles(drawing) == ["x, cat: 0.750 (0.750 to 0.750)", "x, dog: 1.000 (1.000 to 1.000)"]
    assert {"30", "6"} <= set(words(drawing))
    assert "on dog, which has the fewest" in drawing.label


def test_reliability_shows_confidence_against_accuracy_and_what_was_learnt() -> None:
    drawing = drawings("x", {"calibration": {"": {"reliability": CALIBRATION}}}, {})["reliability",]
    assert titles(drawing) == [
        "none: confidence 0.900, accuracy 0.750 (0.409 to 0.929), 8 images",
        "temperature: confidence 0.760, accuracy 0.750 (0.409 to 0.929), 8 images",
    ]
    assert drawing.label.endswith("temperature 1.5")


@pytest.mark.parametrize(("good", "told"), [(True, "100%"), (False, "5%")])
def test_roc_tells_a_perfect_detector_from_chance(good: bool, told: str) -> None:
    drawing = drawings("x", {"ood": {"knn": detector("knn", good=good)}}, {})["roc", "glyphs"]
    assert f"knn rejects {told} of outliers at 5% of test images" in drawing.label


def test_set_sizes_are_shares_of_images_by_method() -> None:
    parts = {
        name: {"methods": {name: {"0.1": {"size": size}}}} for name, size in (("lac", [0, 6, 2]), ("aps", [0, 2, 2]))
    }
    drawing = drawings("x", {"conformal": parts}, {})["set-sizes", "alpha-0.1"]
    assert "one class: lac 75%; aps 50%" in drawing.label
    assert "lac: 25.0% of images get 2 classes" in titles(drawing)


def test_risk_is_read_at_the_share_kept_and_averaged_over_trials() -> None:
    drawing = drawings("x", {"selective": {"": SELECTIVE}}, {})["risk-coverage",]
    # Between 0.2 at 75% and 0.4 at 100%.
    assert "errors among the 80% most confident: margin 24.0%" in drawing.label
    assert [name for name, _ in drawing.legend] == ["margin"]
    other = {"rules": {"margin": {"coverage": [0.5, 1.0], "risk": [0.0, 0.0]}}}
    assert curves_of([SELECTIVE, other])["margin"][-1] == pytest.approx(0.2)


def test_a_curve_passes_over_what_is_not_finite() -> None:
    lines = [{"step": step, "time": 1.0, "loss": loss} for step, loss in enumerate((2.0, 1.0, float("nan")))]
    drawing = drawings("x", {}, {"train": lines})["curves", "train", "loss"]
    line = next(one for one in ET.fromstring(drawing.draw()).iter("path") if one.get("class") == "line")
    assert (line.get("d") or "").count("L") == 1
    assert drawing.label == "loss of train of x against the step"
