"""However often, and wherever it was interrupted: each run once, each point once."""

import json
import multiprocessing
import os
import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from assay.run.files import read_json, write_json
from assay.track.audit import audit
from assay.track.publish import Publisher, publish
from results_tree import Server, Tree

#: Everything by which the publisher writes.
WRITES = ["create_run", "log_batch", "log_inputs", "log_outputs", "create_logged_model", "finalize_logged_model"]
WRITES += ["log_artifacts", "log_model_artifacts", "set_tag", "set_terminated", "update_run", "create_experiment"]


def fork(work: Callable[..., None], *arguments: Any) -> multiprocessing.process.BaseProcess:
    """Run in a forked process: it has MLflow imported already, and opens the database for itself."""
    process = multiprocessing.get_context("fork").Process(target=work, args=arguments)
    process.start()
    return process


def snapshot(server: Server) -> dict[str, Any]:
    """All that the server holds of the study, but for the times at which requests came in."""
    found = {}
    for run in server.runs(current=False):
        curves = {key: server.client.get_metric_history(run.info.run_id, key) for key in run.data.metrics}
        points = {key: sorted((e.step, e.timestamp, e.value) for e in history) for key, history in curves.items()}
        found[run.info.run_id] = (run.info.status, run.info.end_time, run.data.params, run.data.tags, points)
    models = server.client.search_logged_models([server.experiment.experiment_id])
    return found | {model.model_id: sorted((m.key, m.timestamp) for m in model.metrics) for model in models}


@pytest.mark.parametrize("forget", [False, True])
def test_publishing_again_changes_nothing(tree: Tree, server: Server, forget: bool):
    tree.arms = ["baseline", "student", "pruned"]
    tree.write().finish()
    publish(tree.folder, final=True)
    before = snapshot(server)
    if forget:
        shutil.rmtree(tree.folder / ".track")
    summary = publish(tree.folder, final=True)
    publish(tree.folder, final=False)
    assert summary.ok
    assert summary.created == 0
    assert snapshot(server) == before


def _publish_until(folder: Path, writes: int | None, seconds: float | None) -> None:
    """Publish, and die with SIGKILL at the given write (odd: after it) or moment."""
    from mlflow import MlflowClient

    count = 0

    def dying(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal count
            for step in (lambda: None, lambda: method(*args, **kwargs)):
                result = step()
                count += 1
                if count == writes:
                    os.kill(os.getpid(), signal.SIGKILL)
            return result

        return call

    for name in WRITES:
        setattr(MlflowClient, name, dying(getattr(MlflowClient, name)))
    if seconds is not None:
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, seconds)
    publish(folder, final=True)


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_moment_it_completes_next_time(tree: Tree, seed: int):
    tree.arms = ["baseline", "student", "pruned"]
    tree.write().finish()
    tree.fail("pruned", 1, "MethodError: loss is NaN")
    dice = random.Random(seed)
    for attempt in range(6):
        at_write, after = (dice.randrange(1, 60), None) if attempt % 2 else (None, dice.uniform(0.05, 0.6))
        process = fork(_publish_until, tree.folder, at_write, after)
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL)
        if dice.random() < 0.3:
            shutil.rmtree(tree.folder / ".track", ignore_errors=True)
    assert publish(tree.folder, final=True).ok
    server = Server(tree.uri())
    names = sorted(run.info.run_name for run in server.runs(current=False))
    assert names == sorted(set(names))
    assert len([name for name in names if name.startswith("seed-")]) == 6
    assert len(server.client.search_logged_models([server.experiment.experiment_id])) == 5
    assert audit(tree.folder) == []


def _publish(folder: Path) -> None:
    assert publish(folder, final=True).ok


def test_publishers_at_the_same_moment_take_turns(tree: Tree):
    tree.write().finish()
    processes = [fork(_publish, tree.folder) for _ in range(3)]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    names = [run.info.run_name for run in Server(tree.uri()).runs(current=False)]
    assert len(names) == len(set(names)) == 1 + 3 + 2 + 4
    assert audit(tree.folder) == []


def test_another_digest_supersedes_and_going_back_takes_it_back(tree: Tree, server: Server):
    tree.write().finish()
    publish(tree.folder, final=True)
    first = {run.info.run_name: run.info.run_id for run in server.runs(kind="trial")}
    tree.lr = 0.2
    tree.write().finish()
    summary = publish(tree.folder, final=True)
    second = {run.info.run_name: run.info.run_id for run in server.runs(kind="trial")}
    assert set(second) == set(first)
    assert not set(second.values()) & set(first.values())
    # Four trials, and two arms whose config they were.
    assert summary.superseded == 6
    old = [run for run in server.runs(current=False, kind="trial") if run.info.run_id in first.values()]
    assert {run.data.tags["assay.superseded"] for run in old} == {"true"}
    assert {run.data.params["recipe.lr"] for run in old} == {"0.1"}
    assert audit(tree.folder) == []

    tree.lr = 0.1
    tree.write().finish()
    publish(tree.folder, final=True)
    assert {run.info.run_name: run.info.run_id for run in server.runs(kind="trial")} == first
    assert audit(tree.folder) == []


def test_a_superseded_run_that_was_running_is_ended(tree: Tree, server: Server):
    tree.write().finish("datasets")
    digest = tree.train_digest("baseline", 0)
    tree.grow(digest, tree.lines(digest, 4))
    publish(tree.folder, final=False)
    (run,) = server.runs(kind="trial")
    assert run.info.status == "RUNNING"
    tree.lr = 0.2
    tree.write()
    publish(tree.folder, final=False)
    assert server.client.get_run(run.info.run_id).info.status == "KILLED"


def test_an_added_seed_or_detector_keeps_the_runs(tree: Tree, server: Server):
    tree.write().finish()
    publish(tree.folder, final=True)
    before = {run.info.run_id for run in server.runs()}
    tree.seeds = [0, 1, 2]
    tree.detectors = ["msp", "knn"]
    tree.write().finish()
    summary = publish(tree.folder, final=True)
    assert summary.created == 2
    assert before < {run.info.run_id for run in server.runs()}
    run = server.run(kind="trial", arm="baseline", seed="0")
    assert "ood/auroc/set:glyphs/detector:knn" in run.data.metrics
    # MLflow cannot take a metric back; the run says that it is no longer computed.
    assert json.loads(run.data.tags["assay.stale"]) == [
        "ood/auroc/set:glyphs/detector:energy",
        "ood/auroc/set:hold-out/detector:energy",
    ]
    assert server.run(kind="arm", arm="baseline").data.tags["assay.seeds.done"] == "3"
    assert audit(tree.folder) == []


def test_a_correction_gets_a_newer_time_and_wins(tree: Tree, server: Server):
    tree.write().finish()
    publish(tree.folder, final=True)
    folder = tree.root / tree.plan.jobs[tree.plan.records["baseline/seed-0/accuracy"].jobs[0]].folder
    rows = read_json(folder / "metrics.json")
    old, rows[0]["value"] = rows[0]["value"], 0.125
    write_json(folder / "metrics.json", rows)
    (folder / "seal.json").touch()
    publish(tree.folder, final=True)
    run = server.run(kind="trial", arm="baseline", seed="0")
    assert run.data.metrics["accuracy/accuracy"] == 0.125
    assert server.history(run, "accuracy/accuracy") == [(0, old), (0, 0.125)]
    assert audit(tree.folder) == []
    # Back to the first value, measured earlier than what it now corrects.
    rows[0]["value"] = old
    write_json(folder / "metrics.json", rows)
    (folder / "seal.json").touch()
    publish(tree.folder, final=True)
    publish(tree.folder, final=True)
    run = server.run(kind="trial", arm="baseline", seed="0")
    assert server.history(run, "accuracy/accuracy") == [(0, old), (0, 0.125), (0, old)]
    model = server.client.get_logged_model(run.outputs.model_outputs[0].model_id)
    newest = max((m for m in model.metrics if m.key == "accuracy/accuracy"), key=lambda metric: metric.timestamp)
    assert newest.value == old
    assert audit(tree.folder) == []


def test_work_done_again_to_the_same_values_adds_no_point(tree: Tree, server: Server):
    tree.write().finish()
    publish(tree.folder, final=True)
    run = server.run(kind="trial", arm="baseline", seed="0")
    before = server.history(run, "train/loss")
    tree.seal(tree.train_digest("baseline", 0))  # the same values at other times
    publish(tree.folder, final=True)
    assert server.history(run, "train/loss") == before
    assert audit(tree.folder) == []


def test_a_renamed_dataset_is_told_in_a_tag_since_params_never_change(tree: Tree, server: Server):
    tree.write().finish()
    publish(tree.folder, final=True)
    body = read_json(tree.folder / "study.json")
    body["study"]["datasets"]["long-tail"] = body["study"]["datasets"].pop("digits-rare")
    for arm in body["study"]["arms"].values():
        arm["dataset"] = "long-tail"
    body["records"]["datasets/long-tail"] = body["records"].pop("datasets/digits-rare") | {"path": "datasets/long-tail"}
    write_json(tree.folder / "study.json", body)
    (tree.folder / "datasets" / "digits-rare.json").rename(tree.folder / "datasets" / "long-tail.json")
    assert publish(tree.folder, final=True).ok
    run = server.run(kind="trial", arm="baseline", seed="0")
    assert run.data.params["dataset"] == "digits-rare"
    assert json.loads(run.data.tags["assay.params.now"]) == {"dataset": "long-tail"}
    assert audit(tree.folder) == []


def test_a_publisher_notices_that_another_was_at_work(tree: Tree, server: Server):
    tree.write().finish("datasets")
    resident = Publisher(tree.folder)
    resident.run(final=False)
    tree.finish()
    publish(tree.folder, final=True)
    assert resident.run(final=False).created == 0
    assert audit(tree.folder) == []


def test_two_arms_of_the_same_model_are_two_runs(tree: Tree, server: Server):
    tree.write()
    body = read_json(tree.folder / "study.json")
    body["study"]["arms"]["twin"] = body["study"]["arms"]["baseline"]
    for path, record in list(body["records"].items()):
        if path.startswith("baseline/"):
            body["records"][path.replace("baseline", "twin")] = record
    write_json(tree.folder / "study.json", body)
    tree.finish()
    shutil.copytree(tree.folder / "baseline", tree.folder / "twin")
    publish(tree.folder, final=True)
    one = server.run(kind="trial", arm="baseline", seed="0")
    two = server.run(kind="trial", arm="twin", seed="0")
    assert one.data.tags["assay.digest"] == two.data.tags["assay.digest"]
    assert one.data.metrics["accuracy/accuracy"] == two.data.metrics["accuracy/accuracy"]
    assert audit(tree.folder) == []


def test_runs_deleted_by_hand_are_made_again(tree: Tree, server: Server):
    tree.write().finish()
    publish(tree.folder, final=True)
    server.client.delete_run(server.run(kind="trial", arm="baseline", seed="0").info.run_id)
    assert publish(tree.folder, final=True).created == 1
    assert audit(tree.folder) == []
