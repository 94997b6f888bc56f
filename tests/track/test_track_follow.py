"""The publisher beside a study: curves while they grow, and nothing doubled when work is cut back and done again."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from assay.run.lock import locked
from assay.track.audit import audit
from assay.track.follow import follow
from assay.track.publish import Publisher, publish
from assay.track.store import publisher_lock
from results_tree import Server, Tree


class Follower:
    def __init__(self, folder: Path):
        self.stop = threading.Event()
        self.thread = threading.Thread(target=follow, args=(folder, self.stop.is_set), kwargs={"interval": 0.05})
        self.thread.start()

    def end(self) -> None:
        self.stop.set()
        self.thread.join()


@pytest.fixture
def follower(tree: Tree) -> Iterator[Callable[[], Follower]]:
    started: list[Follower] = []

    def start() -> Follower:
        started.append(Follower(tree.folder))
        return started[-1]

    yield start
    for each in started:
        each.end()


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.02)


def steps(server: Server, key: str = "train/loss", **tags: str) -> list[int]:
    if server.experiment is None:
        return []
    return [step for run in server.runs(kind="trial", **tags) for step, _ in server.history(run, key)]


def test_curves_arrive_while_they_grow(tree: Tree, server: Server, follower: Callable[[], Follower]):
    running = follower()  # before there is a study
    tree.write()
    digest = tree.train_digest("baseline", 0)
    tree.grow(digest, tree.lines(digest, 3))
    until(lambda: steps(server) == [1, 2, 3])
    run = server.run(kind="trial", arm="baseline", seed="0")
    assert run.info.status == "RUNNING"
    assert run.data.params["recipe.lr"] == "0.1"
    tree.grow(digest, tree.lines(digest, 6, start=4))
    until(lambda: steps(server) == [1, 2, 3, 4, 5, 6])
    tree.finish("datasets", "baseline")
    until(lambda: server.run(kind="trial", arm="baseline", seed="0").info.status == "FINISHED")
    running.end()
    assert server.run(kind="study").info.status == "RUNNING"
    tree.finish()
    publish(tree.folder, final=True)
    assert server.run(kind="trial", arm="baseline", seed="0").info.run_id == run.info.run_id
    assert audit(tree.folder) == []


@pytest.mark.parametrize("restart", [False, True])
def test_a_training_that_resumes_doubles_no_point(tree: Tree, server: Server, restart: bool):
    tree.write()
    digest = tree.train_digest("baseline", 0)
    publisher = Publisher(tree.folder)
    tree.grow(digest, tree.lines(digest, 8))
    publisher.run(final=False)
    # Killed at step 8, resumed from a checkpoint at step 4: the same values at later times.
    tree.grow(digest, tree.lines(digest, 6, start=5), keep=4)
    publisher = Publisher(tree.folder) if restart else publisher
    publisher.run(final=False)
    assert steps(server) == list(range(1, 9))
    tree.grow(digest, tree.lines(digest, 12, start=7))
    publisher.run(final=False)
    assert steps(server) == list(range(1, 13))
    assert steps(server, "train/val_accuracy") == [4, 8, 12]
    tree.finish()
    publish(tree.folder, final=True)
    assert steps(server, arm="baseline", seed="0") == list(range(1, 13))
    assert audit(tree.folder) == []


def test_a_training_that_is_done_between_two_passes_is_complete(tree: Tree, server: Server):
    tree.write()
    digest = tree.train_digest("baseline", 0)
    publisher = Publisher(tree.folder)
    tree.grow(digest, tree.lines(digest, 5))
    publisher.run(final=False)
    tree.grow(digest, tree.lines(digest, 9, start=6))
    tree.record("baseline/seed-0/train")
    publisher.run(final=False)
    assert steps(server) == list(range(1, 10))


def test_generators_are_followed_too(tree: Tree, server: Server):
    tree.arms = ["synthetic"]
    tree.write()
    digest = tree.plan.records["generators/ddpm/seed-0"].jobs[0]
    tree.grow(digest, tree.lines(digest, 3))
    Publisher(tree.folder).run(final=False)
    run = server.run(kind="generator")
    assert run.info.status == "RUNNING"
    assert len(server.history(run, "generator/loss")) == 3
    assert run.data.params["method"] == "ddpm"


def test_a_pass_without_news_asks_nothing(tree: Tree, server: Server, monkeypatch: pytest.MonkeyPatch):
    tree.write().finish()
    publisher = Publisher(tree.folder)
    publisher.run(final=False)
    from mlflow import MlflowClient

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a request without need")

    for name in ("search_runs", "log_batch", "get_metric_history", "set_tag", "log_artifacts", "log_inputs"):
        monkeypatch.setattr(MlflowClient, name, refuse)
    assert publisher.run(final=False).ok


def test_nothing_is_tracked_before_anything_began(tree: Tree, server: Server):
    tree.write()
    assert Publisher(tree.folder).run(final=False).created == 0
    assert server.experiment is None


def test_the_follower_waits_its_turn(tree: Tree, server: Server, follower: Callable[[], Follower]):
    tree.write().finish("datasets")
    with locked(publisher_lock(tree.root, tree.uri())):
        running = follower()
        time.sleep(0.3)
        assert server.experiment is None
        running.end()
    running = follower()
    until(lambda: server.experiment is not None and len(server.runs(kind="dataset")) == 3)


def test_errors_are_noted_and_tried_again(
    tree: Tree, server: Server, follower: Callable[[], Follower], monkeypatch: pytest.MonkeyPatch
):
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    create, broken = MlflowClient.create_run, threading.Event()
    broken.set()

    def flaky(*args: Any, **kwargs: Any) -> Any:
        if broken.is_set():
            raise MlflowException("the server is down")
        return create(*args, **kwargs)

    monkeypatch.setattr(MlflowClient, "create_run", flaky)
    tree.write().finish()
    follower()
    log = tree.folder / ".track" / "errors.log"
    until(lambda: log.exists() and log.read_text().count("the server is down") >= 2)
    broken.clear()
    until(lambda: server.experiment is not None and len(server.runs(kind="trial")) == 4)
    until(lambda: audit(tree.folder) == [])
