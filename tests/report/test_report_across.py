"""Methods over datasets, and accuracy over seeds and images."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from assay.report.across import across
from assay.report.compare import Column, column
from assay.report.material import Material
from assay.report.sections import across as section_across
from assay.report.sections import chance
from assay.run.results import Results
from assay.statistics.ranking import ranking
from assay.study.registry import Metric, Registry


@pytest.fixture
def material(study_folder: Path, registry: Registry) -> Material:
    return Material(Results(study_folder), registry)


SCORES = {"plain": [0.5, 0.6, 0.7, 0.8], "mixup": [0.6, 0.7, 0.8, 0.9]}


def swept(material: Material, datasets: int = 4) -> tuple[Material, Column]:
    """The study as if it swept two arms over four datasets under three seeds, of which the last adds 0.01."""
    names = ["a", "b", "c", "d"][:datasets]
    arms: dict[str, Any] = {f"{arm}-{data}": {"dataset": data} for arm in SCORES for data in names}
    groups = {arm: [f"{arm}-{data}" for data in names] for arm in SCORES}
    material.study = {**material.study, "arms": arms, "groups": groups, "datasets": dict.fromkeys(names)}
    values = {
        f"{arm}-{data}": {seed: value + 0.01 * (seed == 2) for seed in material.seeds}
        for arm, row in SCORES.items() for data, value in zip(names, row, strict=False)
    }  # fmt: skip
    return material, Column("accuracy", {}, Metric("", better="higher"), values)


def test_swept_arms_are_methods_and_their_points_datasets(material: Material) -> None:
    found = across(*swept(material))
    assert found is not None
    assert (found.methods, found.datasets, found.left_out) == (["plain", "mixup"], ["a", "b", "c", "d"], [])
    assert found.scores.shape == (2, 4, 3)
    assert found.scores[1, 2] == pytest.approx([0.8, 0.8, 0.81])


def test_a_dataset_where_a_seed_is_missing_is_left_out_and_named(material: Material) -> None:
    made, one = swept(material)
    del one.values["plain-b"][1]
    found = across(made, one)
    assert found is not None
    assert (found.datasets, found.left_out) == (["a", "c", "d"], ["b"])


def test_two_datasets_or_one_swept_arm_have_no_section(material: Material) -> None:
    assert section_across.section(material) is None
    made, one = swept(material, datasets=2)
    assert across(made, one) is None
    made, one = swept(material)
    del made.study["groups"]["mixup"]
    assert across(made, one) is None


def test_the_section_ranks_and_tells_what_the_ranks_bear(material: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    made, one = swept(material)
    monkeypatch.setattr(section_across, "column", lambda *_: one)
    shown = section_across.section(made)
    assert shown is not None
    text = " ".join(re.sub(r"<[^>]+>", " ", str(shown.body)).split())
    # The middle half of 0.5 0.5 0.51 0.6 0.6 0.61 0.7 0.7 0.71 0.8 0.8 0.81 is 0.6 0.6 0.61 0.7 0.7 0.71, mean 0.653.
    assert re.search(r"mixup 0\.753 \[0\.\d+, 0\.\d+\] 1\.00 plain 0\.653", text)
    # CD = 1.960 sqrt(2 * 3 / (6 * 4)) = 0.98: on four datasets two methods are just told apart when one always wins.
    assert "differ by more than 0.98 are told apart" in text
    assert "All methods are told apart." in text
    close = ranking(np.array([[0.5, 0.6, 0.4], [0.6, 0.5, 0.4], [0.5, 0.6, 0.7]]))
    assert "Not told apart: {b, a, c}" in section_across.told(["a", "b", "c"], close)


def predictions(folder: Path, right: np.ndarray, ids: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    logits = np.stack([right.astype(float), 0.5 * np.ones(len(right))], axis=1)
    np.savez(folder / "predictions.npz", logits=logits, label=np.zeros(len(right), int), id=np.array(ids))


def test_accuracy_is_told_over_seeds_and_over_images(
    material: Material, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    right = rng.random((3, 100)) < 0.8
    ids = [str(number) for number in range(100)]
    for seed in range(3):
        predictions(tmp_path / str(seed), right[seed], ids)
        material.trials["baseline", seed].predict["test"] = tmp_path / str(seed)
    one = Column("accuracy", {}, Metric("", better="higher"), {"baseline": dict(enumerate(right.mean(axis=1)))})
    assert np.array_equal(chance.rightness(material, "baseline", one), right)
    monkeypatch.setattr(chance, "column", lambda *_: one)
    shown = chance.section(material)
    assert shown is not None
    text = " ".join(re.sub(r"<[^>]+>", " ", str(shown.body)).split())
    assert re.search(rf"baseline {right.mean():.3f} \[0\.\d+, [01]\.\d+\] \[0\.\d+, 0\.\d+\] 100", text)
    # Other images, or an accuracy that is not that of the predictions, are not to be told of.
    predictions(tmp_path / "1", right[1], [f"x{number}" for number in ids])
    assert chance.rightness(material, "baseline", one) is None
    predictions(tmp_path / "1", ~right[1], ids)
    assert chance.rightness(material, "baseline", one) is None


def test_without_predictions_there_is_no_section(material: Material) -> None:
    assert column(material, "accuracy", "accuracy", {}) is not None
    assert chance.section(material) is None
