"""What a finished study looks like in MLflow."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from assay.track.audit import audit
from assay.track.publish import publish
from results_tree import Server, Tree


def test_runs_are_nested_and_each_is_there_once(tree: Tree, server: Server):
    tree.arms = ["baseline", "synthetic", "pruned"]
    tree.write().finish()
    summary = publish(tree.folder, final=True)
    assert summary.ok
    assert summary.runs == summary.created == 1 + 3 + 1 + 3 + 6
    study = server.run(kind="study")
    arms = {run.data.tags["assay.arm"]: run for run in server.runs(kind="arm")}
    assert set(arms) == {"baseline", "synthetic", "pruned"}
    for run in server.runs(kind="trial"):
        assert run.data.tags["mlflow.parentRunId"] == arms[run.data.tags["assay.arm"]].info.run_id
    for kind in ("arm", "dataset", "generator"):
        assert {run.data.tags["mlflow.parentRunId"] for run in server.runs(kind=kind)} == {study.info.run_id}
    assert {run.info.status for run in server.runs()} == {"FINISHED"}
    assert {run.info.run_name for run in server.runs(kind="trial")} == {
        f"seed-{seed} {arm}" for arm in tree.arms for seed in tree.seeds
    }
    assert {run.info.run_name for run in server.runs(kind="generator")} == {"ddpm seed-0 (generator)"}
    assert server.experiment.tags["assay.root"] == str(tree.root)
    assert audit(tree.folder) == []


def test_a_trial_shows_all_of_itself(tree: Tree, server: Server):
    tree.write().finish()
    publish(tree.folder, final=True)
    run = server.run(kind="trial", arm="pruned", seed="1")
    assert run.data.tags["assay.digest"] == tree.model_digest("pruned", 1)
    assert run.data.params["recipe.lr"] == "0.1"
    assert run.data.params["dataset"] == "digits-rare"
    assert run.data.params["dataset.imbalance.ratio"] == "20"
    assert run.data.params["seed"] == "1"
    assert run.data.tags["mlflow.source.git.commit"] == "b" * 40
    assert run.data.tags["assay.git.dirty"] == "false"
    assert run.data.tags["assay.device"] == "cpu (test)"
    assert "torch 2.11.0" in run.data.tags["assay.packages"]

    rows = json.loads(server.text(run, "evaluate/accuracy/metrics.json"))
    assert run.data.metrics["accuracy/accuracy"] == rows[0]["value"]
    (awkward,) = [key for key in run.data.metrics if key.startswith("accuracy/recall/class:a_b")]
    assert run.data.metrics[awkward] == rows[3]["value"]
    assert run.data.metrics["ood/auroc/set:glyphs/detector:energy"] > 0
    assert run.data.metrics["job/train/peak-memory-bytes"] == 1e8

    curve = [json.loads(line) for line in server.text(run, "train/curves.jsonl").splitlines()]
    expected = [(line["step"], line["loss"]) for line in curve]
    assert server.history(run, "train/loss") == expected
    first = server.client.get_metric_history(run.info.run_id, "train/loss")[0]
    assert first.timestamp == int(curve[0]["time"] * 1000)

    inputs = {entry.dataset.name: entry for entry in run.inputs.dataset_inputs}
    assert set(inputs) == {"digits-rare", "glyphs"}
    assert all(len(entry.dataset.digest) <= 36 for entry in inputs.values())
    assert [tag.value for tag in inputs["digits-rare"].tags] == ["train, test"]
    assert server.artifacts(run) >= {
        "train/model.safetensors",
        "compress/model.safetensors",
        "predict/test/predictions.npz",
        "evaluate/ood/msp/figures.json",
        "train/log.txt",
        "train/run.json",
    }


def test_params_tell_the_datasets_behind_and_what_holds_for_all_trials(tree: Tree, server: Server):
    tree.write().finish()
    publish(tree.folder, final=True)
    params = server.run(kind="trial", arm="baseline", seed="0").data.params
    assert params["dataset.from"] == "digits"
    assert params["dataset.digits.source"] == "digits"
    assert params["dataset.digits.split.val"] == "0.1"
    assert params["dataset.imbalance"] == "exponential"
    assert json.loads(params["vary"]) == ["init", "order", "augment"]
    assert server.run(kind="dataset", arm="glyphs").data.params["digits.split.val"] == "0.1"
    study = server.run(kind="study").data.params
    assert study["evaluate"] == "accuracy, ood"
    assert json.loads(study["evaluate.ood.detectors"]) == ["msp", "energy"]
    assert json.loads(study["vary"]) == ["init", "order", "augment"]


def test_an_arm_whose_base_dataset_is_split_otherwise_is_another_run(tree: Tree, server: Server):
    """Params never change, and those of an arm hold the split of the dataset that its own is made from."""
    tree.write().finish()
    publish(tree.folder, final=True)
    tree.val = 0.3
    tree.write().finish()
    publish(tree.folder, final=True)
    arm = server.run(kind="arm", arm="baseline").data
    assert arm.params["dataset.digits.split.val"] == "0.3"
    assert not arm.tags.get("assay.params.now")
    assert audit(tree.folder) == []


def test_the_study_shows_the_commit_that_published_and_a_trial_that_of_its_job(
    tree: Tree, server: Server, monkeypatch: pytest.MonkeyPatch
):
    tree.write().finish()
    for commit, dirty in (("c" * 40, True), ("d" * 40, False)):
        state = {"commit": commit, "dirty": dirty}
        monkeypatch.setattr("assay.run.environment.git", lambda state=state: state)
        publish(tree.folder, final=True)
        tags = server.run(kind="study").data.tags
        assert (tags["mlflow.source.git.commit"], tags["assay.git.dirty"]) == (commit, str(dirty).lower())
    assert server.run(kind="trial", arm="pruned", seed="1").data.tags["mlflow.source.git.commit"] == "b" * 40


def test_the_final_model_is_logged_with_its_metrics(tree: Tree, server: Server):
    tree.arms = ["baseline", "student"]
    tree.write().finish()
    publish(tree.folder, final=True)
    models = server.client.search_logged_models([server.experiment.experiment_id])
    assert {model.name for model in models} == {f"{arm}-seed-{seed}" for arm in tree.arms for seed in tree.seeds}
    run = server.run(kind="trial", arm="student", seed="0")
    (output,) = run.outputs.model_outputs
    model = server.client.get_logged_model(output.model_id)
    assert str(model.status) == "READY"
    assert model.source_run_id == run.info.run_id
    assert {metric.key: metric.value for metric in model.metrics}["accuracy/accuracy"] == run.data.metrics[
        "accuracy/accuracy"
    ]
    path = model.tags["assay.weights"].removeprefix(f"runs:/{run.info.run_id}/")
    assert path in server.artifacts(run)
    # The teacher's model is an input of the student.
    teacher = server.run(kind="trial", arm="baseline", seed="0").outputs.model_outputs[0].model_id
    inputs = server.client.get_run(run.info.run_id).inputs.model_inputs
    assert [entry.model_id for entry in inputs] == [teacher]


def test_arms_carry_mean_and_interval_and_the_study_its_verdicts(tree: Tree, server: Server):
    tree.seeds = [0, 1, 2]
    tree.write().finish()
    publish(tree.folder, final=True)
    values = [run.data.metrics["accuracy/accuracy"] for run in server.runs(kind="trial", arm="baseline")]
    arm = server.run(kind="arm", arm="baseline").data
    assert arm.metrics["accuracy/accuracy"] == pytest.approx(sum(values) / 3)
    assert arm.metrics["accuracy/accuracy.low"] < min(values) + 1e-9
    assert arm.metrics["accuracy/accuracy.high"] > max(values) - 1e-9
    assert arm.tags["assay.seeds.done"] == "3"
    study = server.run(kind="study")
    assert study.data.tags["assay.claim.1"] == "supported: Pruning costs nothing"
    assert study.data.metrics["claims/supported"] == 1
    assert study.data.metrics["claims/1/high"] == 0.04
    assert "claims/2/high" not in study.data.metrics
    assert server.text(study, "config.yaml") == "study: digits\n"
    assert "study.json" in server.artifacts(study)
    assert "| supported |" in study.data.tags["mlflow.note.content"]


def test_what_the_report_writes_for_papers_comes_with_it(tree: Tree, server: Server):
    tree.write().finish()
    publish(tree.folder, final=True)
    assert not {"report.html", "methods.md"} & server.artifacts(server.run(kind="study"))
    (tree.folder / "tables").mkdir()
    for name in ("tables/accuracy.csv", "tables/accuracy.tex", "methods.md", "methods.bib", "tables/.x.csv.part"):
        (tree.folder / name).write_text(name, encoding="utf-8")
    (tree.folder / "report.html").write_text("<p>", encoding="utf-8")
    publish(tree.folder, final=True)
    found = server.artifacts(server.run(kind="study"))
    assert {"report.html", "tables/accuracy.csv", "tables/accuracy.tex", "methods.md", "methods.bib"} <= found
    assert not any(name.endswith(".part") for name in found)


def test_datasets_show_card_and_sheet_and_refer_to_their_arrays(tree: Tree, server: Server):
    tree.arms = ["synthetic"]
    tree.write().finish()
    publish(tree.folder, final=True)
    digits = server.run(kind="dataset", arm="digits")
    found = server.artifacts(digits)
    assert {"data/card.json", "data/sheet.png", "data/kept-elsewhere.json"} <= found
    assert not any(name.endswith((".npy", ".npz")) for name in found)
    kept = json.loads(server.text(digits, "data/kept-elsewhere.json"))
    assert set(kept) == {"train.images.npy", "train.npz"}
    trial = server.run(kind="trial", seed="0")
    assert {"synthetic/sheet.png", "synthetic/synthetic.images.npy"} <= server.artifacts(trial)
    assert "synthetic/synthetic" in {entry.dataset.name for entry in trial.inputs.dataset_inputs}
    assert "generator/generator.safetensors" in server.artifacts(server.run(kind="generator"))


def test_what_is_copied_goes_by_size_up_to_the_limit(tree: Tree, server: Server):
    tree.track = {"artifacts": "copy", "copy-below": "2K"}
    tree.write().finish()
    publish(tree.folder, final=True)
    run = server.run(kind="trial", arm="baseline", seed="0")
    assert {"train/model.json", "train/run.json", "train/curves.jsonl"} <= server.artifacts(run)
    assert "train/model.safetensors" not in server.artifacts(run)
    kept = json.loads(server.text(run, "train/kept-elsewhere.json"))
    assert set(kept) == {"model.safetensors", "samples.npz"}
    _referred_to(tree, server, run, kept["model.safetensors"])
    assert audit(tree.folder) == []


def test_every_file_can_be_referred_to(tree: Tree, server: Server):
    tree.track = {"artifacts": "refer", "copy-below": "50M"}
    tree.write().finish()
    publish(tree.folder, final=True)
    run = server.run(kind="trial", arm="baseline", seed="0")
    files = {name for name in server.artifacts(run) if not name.startswith("figures/")}
    assert {Path(name).name for name in files} == {"kept-elsewhere.json"}
    kept = json.loads(server.text(run, "train/kept-elsewhere.json"))
    assert set(kept) == {"model.safetensors", "model.json", "run.json", "curves.jsonl", "log.txt", "samples.npz"}
    _referred_to(tree, server, run, kept["model.safetensors"])
    assert "config.yaml" in server.artifacts(server.run(kind="study"))
    assert audit(tree.folder) == []


def _referred_to(tree: Tree, server: Server, run: Any, kept: dict[str, Any]) -> None:
    """The weights of a run are where its listing and its logged model say."""
    folder = tree.root / tree.plan.jobs[tree.model_digest("baseline", 0)].folder
    assert kept["path"] == str(folder / "model.safetensors")
    assert kept["sha256"] == json.loads((folder / "seal.json").read_text())["contents"]["model.safetensors"]["sha256"]
    model = server.client.get_logged_model(run.outputs.model_outputs[0].model_id)
    assert model.tags["assay.weights"] == kept["path"]


def test_private_pixels_and_ids_stay_at_home(tree: Tree, server: Server):
    tree.private = True
    tree.arms = ["baseline", "synthetic"]
    tree.write().finish()
    tree.fail("baseline", 1, "MethodError: loss is NaN")
    publish(tree.folder, final=True)
    public = server.run(kind="dataset", arm="glyphs")
    assert "data/sheet.png" in server.artifacts(public)
    for run in server.runs():
        for name in server.artifacts(run) if run.info.run_id != public.info.run_id else ():
            assert not name.endswith((".png", ".npz", ".npy", "figures.json", "generator.safetensors")), name
            if name.endswith((".json", ".txt")):
                assert "secret-" not in server.text(run, name)
    digits = server.run(kind="dataset", arm="digits-rare")
    assert digits.data.tags["assay.private"] == "true"
    assert json.loads(server.text(digits, "data/card.json"))["decisions"] == {"turned": {"count": 9}}
    assert json.loads(server.text(public, "data/card.json"))["decisions"]["turned"]["ids"] == ["secret-1"]
    assert "assay.private" not in public.data.tags
    trial = server.run(kind="trial", arm="baseline", seed="0")
    assert "train/model.safetensors" in server.artifacts(trial)
    assert trial.data.metrics["accuracy/accuracy"] > 0
    assert audit(tree.folder) == []


@pytest.mark.parametrize("private", [True, False])
def test_why_a_private_dataset_failed_stays_at_home(tree: Tree, server: Server, private: bool):
    tree.private = private
    tree.write().finish()
    reason = "MethodError: folder: 1 of 9 images cannot be read: secret-1"
    tree.record("datasets/digits-rare", reason)
    label = tree.plan.jobs[tree.plan.records["datasets/digits-rare"].jobs[0]].label
    tree.record("baseline/seed-0/train", f"needs {label}: {reason}")
    publish(tree.folder, final=True)
    told = [
        run.data.tags.get("assay.reason", "") + run.data.tags.get("mlflow.note.content", "") for run in server.runs()
    ]
    told += [
        server.text(run, name) for run in server.runs() for name in server.artifacts(run) if name.endswith("n.txt")
    ]
    assert any(f"needs {label}: " in text for text in told)
    assert any("secret-1" in text for text in told) is not private
    assert any("why is told under results/ alone" in text for text in told) is private


def test_a_failed_trial_says_why(tree: Tree, server: Server):
    tree.write().finish()
    tree.fail("baseline", 1, "MethodError: loss is NaN at step 3")
    publish(tree.folder, final=True)
    run = server.run(kind="trial", arm="baseline", seed="1")
    assert run.info.status == "FAILED"
    assert run.data.tags["assay.reason"] == "MethodError: loss is NaN at step 3"
    assert "loss is NaN" in run.data.tags["mlflow.note.content"]
    assert "loss is NaN" in server.text(run, "failure/train-log.txt")
    assert server.run(kind="arm", arm="baseline").info.status == "FAILED"
    assert server.run(kind="arm", arm="pruned").info.status == "FINISHED"
    assert "baseline/seed-1" in server.run(kind="study").data.tags["assay.reason"]
    assert audit(tree.folder) == []

    tree.write().finish()
    publish(tree.folder, final=True)
    again = server.run(kind="trial", arm="baseline", seed="1")
    assert again.info.run_id == run.info.run_id
    assert again.info.status == "FINISHED"
    assert not again.data.tags["assay.reason"]
    assert not again.data.tags["mlflow.note.content"]
    assert audit(tree.folder) == []


def test_a_metric_without_a_value_is_told_in_a_tag(tree: Tree, server: Server):
    tree.write().finish()
    publish(tree.folder, final=True)
    run = server.run(kind="trial", arm="baseline", seed="0")
    assert "accuracy/recall/class:2" not in run.data.metrics
    assert json.loads(run.data.tags["assay.undefined"]) == {"accuracy/recall/class:2": "no test image of class 2"}


def test_an_infinite_metric_is_not_stored_as_a_huge_number(tree: Tree, server: Server):
    tree.write().finish()
    digest = tree.plan.records["baseline/seed-0/accuracy"].jobs[0]
    file = tree.root / tree.plan.jobs[digest].folder / "metrics.json"
    file.write_text('[{"metric": "accuracy", "keys": {}, "value": Infinity, "note": null}]')
    publish(tree.folder, final=True)
    run = server.run(kind="trial", arm="baseline", seed="0")
    assert "accuracy/accuracy" not in run.data.metrics
    assert "inf" in run.data.tags["assay.undefined"]


def test_long_values_become_artifacts(tree: Tree, server: Server):
    tree.write()
    body = json.loads((tree.folder / "study.json").read_text())
    body["study"]["arms"]["baseline"]["recipe"]["milestones"] = list(range(1000))
    (tree.folder / "study.json").write_text(json.dumps(body))
    tree.finish()
    summary = publish(tree.folder, final=True)
    assert summary.ok
    run = server.run(kind="trial", arm="baseline", seed="0")
    assert run.data.params["recipe.milestones"] == "see artifact long/param.recipe.milestones.txt"
    assert json.loads(server.text(run, "long/param.recipe.milestones.txt")) == list(range(1000))


def test_an_unfinished_study_ends_as_killed(tree: Tree, server: Server):
    tree.write().finish("datasets", "baseline")
    digest = tree.train_digest("pruned", 0)
    tree.grow(digest, tree.lines(digest, 5))
    publish(tree.folder, final=True)
    assert server.run(kind="trial", arm="pruned", seed="0").info.status == "KILLED"
    assert server.runs(kind="trial", arm="pruned", seed="1") == []
    assert server.run(kind="study").info.status == "KILLED"
    assert server.run(kind="arm", arm="baseline").info.status == "FINISHED"

    tree.finish()
    publish(tree.folder, final=True)
    assert {run.info.status for run in server.runs()} == {"FINISHED"}
    assert audit(tree.folder) == []


def test_the_audit_tells_what_is_wrong(tree: Tree, server: Server):
    tree.write().finish()
    publish(tree.folder, final=True)
    one, two = server.runs(kind="trial", arm="baseline")
    server.client.log_metric(one.info.run_id, "accuracy/accuracy", 0.0)
    server.client.log_metric(one.info.run_id, "train/loss", 9.0, step=3)
    server.client.log_metric(one.info.run_id, "made/up", 1.0)
    server.client.delete_run(two.info.run_id)
    server.client.set_tag(server.run(kind="study").info.run_id, "assay.superseded", "true")
    text = "\n".join(audit(tree.folder))
    name, gone = (f"baseline/seed-{run.data.tags['assay.seed']}" for run in (one, two))
    assert f"{name}: accuracy/accuracy is 0.0" in text
    assert f"{name}: train/loss: 1 values differ, first at step 3" in text
    assert f"{name}: made/up is not in the results" in text
    assert f"{gone}: no run with digest" in text
    assert "digits: no run" in text
    # Publishing again puts right what can be put right; without its notes, curves too.
    shutil.rmtree(tree.folder / ".track")
    publish(tree.folder, final=True)
    assert [words for words in audit(tree.folder) if "made/up" not in words] == []


def test_a_folder_without_a_study_is_refused(tree: Tree):
    with pytest.raises(FileNotFoundError, match="holds no study"):
        publish(tree.root / "nothing", final=True)
