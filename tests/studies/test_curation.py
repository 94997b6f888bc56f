"""A dataset that the training of an arm curates: what is made, what comes along, and what an edit costs."""

from __future__ import annotations

import json

import numpy as np
import pytest
from project import Project

pytestmark = pytest.mark.study


@pytest.fixture
def curated(project: Project) -> Project:
    arm = {"dataset": "noisy", "model": "linear", "recipe": {"method": "sgd", "epochs": 12, "batch": 32}}
    project.config |= {"generators": {}, "claims": [], "seeds": 1, "evaluate": {"accuracy": {}}}
    project.config["datasets"] = {
        "digits": {"source": "digits", "split": {"val": 0.2, "test": 0.2}},
        "noisy": {"from": "digits", "label-noise": {"method": "symmetric", "rate": 0.1}},
        "clean": {"from": "noisy", "curate": [{"method": "aum", "arm": "baseline", "keep": 0.9}]},
        "even": {
            "from": "noisy",
            "curate": [{"method": "hierarchical-kmeans", "arm": "baseline", "keep": 0.5, "clusters": [20, 5]}],
        },
    }
    project.config["arms"] = {"baseline": arm, "cleaned": {"extends": "baseline", "dataset": "clean"}}
    project.write()
    return project


def test_curated_by_an_arm(curated: Project) -> None:
    work = curated.work("report")
    # Digits, noisy, the two curated sets and their random twins; the baseline and one arm on each side.
    assert work["data"] == 6
    assert work["train"] == 3

    cards = {name: json.loads((curated.stored(f"datasets/{name}") / "card.json").read_text()) for name in
             ("noisy", "clean", "clean-random")}  # fmt: skip
    assert cards["clean"]["total"]["train"] == cards["clean-random"]["total"]["train"]
    step = cards["clean"]["altered"][-1]
    assert (step["method"], step["of"]) == ("aum", cards["noisy"]["total"]["train"])
    # The tenth with the smallest area is where the wrong tenth of labels lies.
    precision = step["wrong-labels-dropped"] / (step["of"] - step["kept"])
    recall = step["wrong-labels-dropped"] / (step["wrong-labels-dropped"] + step["wrong-labels-kept"])
    assert precision > 0.85
    assert recall > 0.85
    with np.load(curated.stored("baseline/seed-0/train") / "dynamics.npz") as dynamics:
        assert dynamics["margin"].shape == (12, cards["noisy"]["total"]["train"])
    assert not (curated.stored("cleaned/seed-0/train") / "dynamics.npz").exists()
    page = (curated.results / "small" / "report.html").read_text()
    assert "cleaned-random" in page
    assert "clean-random" in page

    # Editing a curator's file makes anew what it curated and what learns from that; the rest stands.
    file = curated.folder / "workflow/assay/data/curate/aum.py"
    file.write_text(file.read_text().replace("view.dynamics.margin\n", "view.dynamics.margin + 0\n"))
    before = len(curated.journal())
    curated.run("train")
    labels = [(line["stage"], line["digest"]) for line in curated.journal()[before:]]
    assert [stage for stage, _ in labels].count("data") == 2  # clean and, as it counts its images, clean-random
    made = {digest for _, digest in labels}
    assert {curated.record(f"datasets/{name}")["jobs"][0]["digest"] for name in ("clean", "clean-random")} <= made
    assert curated.record("baseline/seed-0/train")["jobs"][0]["digest"] not in made

    # Editing the loop makes the arm anew, and with it what it curates; data that asks no model stands.
    file = curated.folder / "workflow/assay/train/loop.py"
    text = file.read_text()
    assert text.count("step = begin * order.steps\n") == 1
    file.write_text(text.replace("step = begin * order.steps\n", "step = int(begin * order.steps)\n"))
    before = len(curated.journal())
    curated.run("data")
    made = [line["digest"] for line in curated.journal()[before:]]
    kept = [curated.record(f"datasets/{name}")["jobs"][0]["digest"] for name in ("digits", "noisy")]
    assert not set(kept) & set(made)
    assert curated.record("datasets/clean")["jobs"][0]["digest"] in made
    assert curated.record("datasets/even")["jobs"][0]["digest"] in made


def test_killed_at_its_end_the_training_hands_over_all_of_its_dynamics(curated: Project) -> None:
    """What the last checkpoint kept is all there is: no step is left to watch."""
    once = str(curated.folder / "once")
    curated.run("data", ok=False, ASSAY_COLD="1", ASSAY_KILL_AT="rename:train", ASSAY_KILL_ONCE=once)
    assert not (curated.results / "small/datasets/clean.json").exists()
    curated.run("data")
    folder = curated.stored("baseline/seed-0/train")
    assert "resuming at step" in (folder / "log.txt").read_text()
    with np.load(folder / "dynamics.npz") as dynamics:
        assert np.isfinite(dynamics["margin"]).all()
