"""Targets are words; forcing does what a Snakemake user expects; the commands explain a study."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from project import ROOT, Project

pytestmark = pytest.mark.study


def test_words_are_targets(finished: Project) -> None:
    listed = finished.run("--list")
    for word in ("data", "synthesize", "train", "evaluate", "claims", "track", "report", "baseline", "student"):
        assert word in listed.split()


def test_an_arm_and_a_record_are_targets(project: Project) -> None:
    assert project.work("results/small/baseline/seed-1/train.json") == Counter(data=2, train=1)
    work = project.work("student")
    assert work["train"] == 3
    assert not (project.results / "small" / "shifted").exists()


def test_forcing_a_stage_computes_it_again(done: Project) -> None:
    before = done.contents()
    assert done.work("-R", "train", "--", "report") == Counter(train=8)
    assert done.contents() == before
    assert done.work("report") == Counter()


def test_forcing_an_arm_or_a_record(done: Project) -> None:
    assert done.work("-R", "shifted", "--", "report") == Counter(train=2, predict=10, evaluate=10)
    assert done.work("-R", "results/small/student/seed-0/train.json", "--", "report") == Counter(train=1)


def test_forcing_everything(done: Project) -> None:
    once = Counter(line["stage"] for line in done.journal())
    assert done.work("--forceall", "report") == once


def test_a_dry_run_shows_what_forcing_does_and_changes_nothing(done: Project) -> None:
    text = done.run("-n", "-R", "train", "--", "report")
    assert "train_model" in text
    assert done.work("report") == Counter()


def test_configfile_is_refused(project: Project) -> None:
    assert "--config study=FILE" in project.run("--configfile", "config.yaml", ok=False)


def test_a_typo_stops_before_any_job(project: Project) -> None:
    project.config["arms"]["shifted"]["augment"] = ["translat"]
    project.write()
    text = project.run(ok=False)
    assert "config.yaml:" in text
    assert "did you mean 'translate'" in text
    assert "Traceback" not in text
    assert not project.results.joinpath("store").exists()


def test_commands_explain_the_study(done: Project) -> None:
    assert "nothing to do" in done.assay("plan")
    assert "5 arms x 2 seeds" in done.assay("check", "config.yaml")
    done.config["arms"]["shifted"]["recipe"] = {"lr": 0.03}
    done.write()
    why = done.assay("why", "shifted")
    assert "recipe.lr: 0.1 became 0.03 (config.yaml:" in why or "recipe.lr" in why
    assert "train: 2 jobs" in done.assay("plan")
    assert "did you mean 'shifted'" in done.assay("why", "shiftd", ok=False)


def test_why_names_the_file_of_a_method(done: Project) -> None:
    file = done.folder / "workflow/assay/augment/translate.py"
    file.write_text(file.read_text() + "\nUNUSED = 1\n")
    assert "workflow/assay/augment/translate.py changed" in done.assay("why", "shifted")


def test_accept_carries_results_over(done: Project) -> None:
    file = done.folder / "workflow/assay/augment/translate.py"
    file.write_text(file.read_text() + "\nUNUSED = 1\n")
    assert "carried over" in done.assay("accept")
    assert done.work("report") == Counter()
    assert "accepted as harmless" in (done.results / "small/report.html").read_text()


def test_clean_lists_and_removes(done: Project) -> None:
    assert "0 entries" in done.assay("clean")
    del done.config["arms"]["student"]
    done.write()
    done.run("report")
    listed = done.assay("clean")
    assert "student" in listed
    done.assay("clean", "--yes")
    assert "0 entries" in done.assay("clean")
    assert done.work("report") == Counter()


def test_commands_typed_by_hand_do_the_same(done: Project) -> None:
    folder = done.stored("shifted/seed-0/train")
    before = done.contents()
    import shutil

    shutil.rmtree(folder)
    assert "done" in done.assay("train", str(folder.relative_to(done.folder)))
    assert done.contents() == before
    assert "done" in done.assay("batch", "results/small/shifted/seed-0/ood.json")


def test_methods_as_json(finished: Project) -> None:
    methods = json.loads(finished.assay("methods", "--json"))
    assert all({"name", "stage", "paper", "summary", "options"} <= set(each) for each in methods)
    assert {"mixup", "kd", "energy", "ddpm"} <= {each["name"] for each in methods}


def test_the_schema_is_printed(finished: Project) -> None:
    assert json.loads(finished.assay("schema")) == json.loads((ROOT / "config.schema.json").read_text())


def test_results_are_read_from_python(finished: Project) -> None:
    import assay

    results = assay.load(finished.results / "small")
    table = results.metrics()
    assert set(table.arm) == {"baseline", "shifted", "filled", "student", "pruned"}
    predictions = results.predictions("student", 1)["test"]
    right = (predictions["logits"].argmax(1) == predictions["label"]).mean()
    stated = table[(table.arm == "student") & (table.seed == 1) & (table.metric == "accuracy")]
    assert stated.value.iloc[0] == pytest.approx(right, abs=1e-9)
    import torch

    images = torch.zeros(3, 1, 8, 8)
    assert results.model("pruned", 0)(images).shape == (3, 8)
    with pytest.raises(KeyError, match="there are baseline"):
        results.trial("nobody", 0)
