"""What a run shows of itself, on a terminal and in a log."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_logger_plugin_assay import LogHandler
from snakemake_logger_plugin_assay.display import Lines, Live, clock
from snakemake_logger_plugin_assay.progress import STAGES, Progress


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that passes only when a test says so."""
    time = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: time[0])
    return time


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


# -- the estimate --------------------------------------------------------------------------------------------------


def test_the_estimate_is_the_mean_of_like_jobs_over_how_many_run_at_a_time(now: list[float]) -> None:
    progress = Progress()
    progress.begin({"train_model": 10, "evaluate_trial": 10, "pass_gate": 1, "train": 1})
    assert progress.total == 20
    assert progress.seconds_left() is None
    now[0] += 10
    # Two at a time: 20 s of work in 10 s.
    progress.done("train_model", 8)
    progress.done("train_model", 10)
    assert progress.seconds_left() is None, "two jobs tell too little"
    progress.done("evaluate_trial", 2)
    # 8 trainings of 9 s and 9 evaluations of 2 s are 90 s of work, two at a time.
    assert progress.seconds_left() == pytest.approx(45)


def test_a_kind_of_job_that_was_not_seen_counts_as_the_mean_of_all(now: list[float]) -> None:
    progress = Progress()
    progress.begin({"train_model": 3, "compress_model": 2})
    now[0] += 30
    for seconds in (5, 10, 15):
        progress.done("train_model", seconds)
    assert progress.seconds_left() == pytest.approx(20)


def test_at_least_one_job_runs_at_a_time(now: list[float]) -> None:
    progress = Progress()
    progress.begin({"train_model": 4})
    now[0] += 100
    for _ in range(3):
        progress.done("train_model", 1)
    assert progress.seconds_left() == pytest.approx(1)


def test_lost_jobs_are_not_waited_for(now: list[float]) -> None:
    progress = Progress()
    progress.begin({"train_model": 5})
    now[0] += 3
    for _ in range(3):
        progress.done("train_model", 1)
    progress.lost("train_model")
    assert progress.seconds_left() == pytest.approx(1)
    assert progress.finished == 3
    progress.lost("pass_gate")
    progress.done("train", 1)
    assert progress.finished == 3


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0:00"), (65, "1:05"), (3599.6, "1:00:00"), (7265, "2:01:05")])
def test_clock(seconds: float, words: str) -> None:
    assert clock(seconds) == words


def test_every_rule_that_works_is_counted() -> None:
    rules = Path(__file__).resolve().parents[2] / "rules"
    named = {
        line.split()[1].rstrip(":")
        for file in rules.glob("*.smk")
        for line in map(str.strip, file.read_text().splitlines())
        if line.startswith("rule ") and line.endswith(":")
    }
    assert named - {"pass_gate"} == set(STAGES)


# -- the two displays ----------------------------------------------------------------------------------------------


def test_lines_are_plain(now: list[float]) -> None:
    stream, progress = io.StringIO(), Progress()
    lines = Lines(stream)
    progress.begin({"build_dataset": 1, "train_model": 4})
    lines.begin(progress)
    for seconds in (2, 3, 4):
        lines.started("train baseline, seed-0")
        now[0] += seconds
        progress.done("train_model", seconds)
        lines.ended("train baseline, seed-0")
        lines.finished("train baseline, seed-0", progress)
    lines.end()
    assert stream.getvalue().splitlines() == [
        "5 jobs: 1 data, 4 train",
        "[1/5, 0:02] train baseline, seed-0",
        "[2/5, 0:05] train baseline, seed-0",
        "[3/5, 0:09, 0:06 left] train baseline, seed-0",
    ]
    assert "\x1b" not in stream.getvalue()


def test_nothing_to_count_is_not_counted() -> None:
    stream, progress = io.StringIO(), Progress()
    progress.begin({"pass_gate": 1})
    Lines(stream).begin(progress)
    Live(stream).begin(progress)
    assert stream.getvalue() == ""


@pytest.fixture
def drawn(now: list[float]) -> Any:
    """`drawn(live, progress)`: the table of a live display as plain text."""
    from rich.console import Console

    def draw(live: Live, progress: Progress) -> list[str]:
        console = Console(width=80, file=io.StringIO(), color_system=None)
        with console.capture() as capture:
            console.print(live._drawn(progress))
        return [line.rstrip() for line in capture.get().splitlines()]

    return draw


def test_the_table_tells_stages_jobs_under_way_and_time(now: list[float], drawn: Any) -> None:
    live, progress = Live(Terminal()), Progress()
    progress.begin({"build_dataset": 1, "train_model": 4, "choose_point": 1})
    for number in range(5):
        live.started(f"train a, seed-{number}")
    now[0] += 9
    for number in range(3):
        progress.done("train_model", 3)
        live.ended(f"train a, seed-{number}")
    *stages, words, running = drawn(live, progress)
    assert [line.split()[0] for line in stages] == ["data", "train"]
    assert stages[1].endswith("3/5")
    # One training of 3 s and two jobs of unknown length, taken for 3 s as well.
    assert words == "3/6 jobs, 0:09 passed, about 0:09 left"
    assert running == "now: train a, seed-3, train a, seed-4"
    now[0] += 60
    assert "1:09 passed" in drawn(live, progress)[-2], "the clock goes on without any job ending"


def test_many_jobs_under_way_are_counted(drawn: Any) -> None:
    live, progress = Live(Terminal()), Progress()
    progress.begin({"train_model": 9})
    for number in range(5):
        live.started(str(number))
    assert drawn(live, progress)[-1] == "now: 0, 1, 2 and 2 more"
    live.ended("not under way")
    for number in range(5):
        live.ended(str(number))
    assert drawn(live, progress)[-1] == ""


def test_a_live_display_begins_says_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream, progress = Terminal(), Progress()
    live = Live(stream)
    live.say("[a] message before")
    progress.begin({"train_model": 1})
    live.begin(progress)
    live.say("[red]not a colour[/red]")
    live.end()
    live.end()
    text = stream.getvalue()
    assert "[a] message before" in text
    assert "[red]not a colour[/red]" in text
    assert "0/1 jobs" in text


# -- the handler ---------------------------------------------------------------------------------------------------


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    return stream


@pytest.fixture
def handler(stream: io.StringIO) -> Iterator[LogHandler]:
    common: Any = SimpleNamespace(stdout=False, dryrun=False, verbose=False)
    handler = LogHandler(common, None)
    yield handler
    handler.close()


def _event(
    handler: LogHandler, event: LogEvent | None, message: str = "", level: int = logging.INFO, **more: Any
) -> None:
    record = logging.LogRecord("snakemake", level, "", 0, message, (), None)
    record.__dict__.update(more | ({"event": event} if event else {}))
    handler.emit(record)


def _begin(handler: LogHandler, **rules: int) -> None:
    _event(handler, LogEvent.RUN_INFO, stats={**rules, "total": sum(rules.values())})


def _job(handler: LogHandler, number: int, rule: str, words: str | None, outputs: list[str], **more: Any) -> None:
    about = {"jobid": number, "rule_name": rule, "rule_msg": words, "output": outputs, **more}
    _event(handler, LogEvent.JOB_INFO, **about)


def test_a_run_as_it_is_told(handler: LogHandler, stream: io.StringIO) -> None:
    _event(handler, None, "Building DAG of jobs...")
    _event(handler, LogEvent.WORKFLOW_STARTED, "Workflow")
    _begin(handler, train_model=2, pass_gate=1, all=1)
    _begin(handler, train_model=99)
    _job(handler, 1, "train_model", "train a, seed-0", ["a.json"])
    _event(handler, LogEvent.SHELLCMD, "assay train a.json")
    _event(handler, LogEvent.JOB_FINISHED, job_id=1)
    Path("gate.log").write_text("all: 7 records done\n")
    _job(handler, 2, "pass_gate", "all", ["gate.json"], log=["gate.log"])
    _event(handler, LogEvent.JOB_FINISHED, job_id=2)
    _job(handler, 3, "all", None, [])
    _event(handler, LogEvent.JOB_FINISHED, job_id=3)
    _event(handler, LogEvent.JOB_FINISHED, job_id=77)
    _event(handler, None, "A warning", logging.WARNING)
    first, second, *rest = stream.getvalue().splitlines()
    assert [first, second] == ["2 jobs: 2 train", "[1/2, 0:00] train a, seed-0"]
    assert rest == ["all: 7 records done", "A warning"]


def test_failures_are_told_where_they_began(handler: LogHandler, stream: io.StringIO) -> None:
    bodies = {
        "a.json": {"record": "a/seed-0/train", "status": "failed", "reason": "ValueError: no"},
        "b.json": {"record": "b/seed-0/train", "status": "failed", "reason": "needs a: ValueError: no"},
        "c.json": {"record": "c/seed-0/train", "status": "done", "reason": None},
        "d.json": [1],
    }
    for name, body in bodies.items():
        Path(name).write_text(json.dumps(body))
    Path("e.json").write_text("{")
    _begin(handler, evaluate_trial=1)
    _job(handler, 1, "evaluate_trial", "evaluate", [*bodies, "e.json", "missing.json", "report.html"])
    _event(handler, LogEvent.JOB_FINISHED, job_id=1)
    assert stream.getvalue().splitlines()[1:] == ["FAILED a/seed-0/train: ValueError: no", "[1/1, 0:00] evaluate"]


def test_a_command_that_fails_shows_the_end_of_its_log(handler: LogHandler, stream: io.StringIO) -> None:
    Path("train.log").write_text("".join(f"line {number}\n" for number in range(100)))
    _begin(handler, train_model=1)
    _job(handler, 1, "train_model", "train a, seed-0", ["a.json"])
    about = {"jobid": 1, "rule_name": "train_model", "log": ["train.log", "no.log"], "shellcmd": "assay train a.json"}
    _event(handler, LogEvent.JOB_ERROR, "Error in rule", logging.ERROR, **about)
    _event(handler, LogEvent.ERROR, "RuleException:\nCalledProcessError in file ...", logging.ERROR)
    _event(handler, LogEvent.ERROR, "WorkflowError:\nSomething else", logging.ERROR)
    lines = stream.getvalue().splitlines()[1:]
    assert lines[:3] == ["ERROR train a, seed-0: assay train a.json", "  train.log:", "    line 88"]
    assert lines[13:] == ["    line 99", "WorkflowError:", "Something else"]


def test_a_gate_that_fails_speaks_for_itself(handler: LogHandler, stream: io.StringIO) -> None:
    Path("gate.log").write_text("FAILED a: no\n1 of 2 records failed\n")
    _begin(handler, pass_gate=1)
    _job(handler, 1, "pass_gate", "all", ["gate.json"])
    about = {"jobid": 1, "rule_name": "pass_gate", "log": ["gate.log"], "shellcmd": "assay gate gate.json"}
    _event(handler, LogEvent.JOB_ERROR, "Error in rule", logging.ERROR, **about)
    assert stream.getvalue().splitlines() == ["FAILED a: no", "1 of 2 records failed"]


def test_a_dry_run_says_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    common: Any = SimpleNamespace(stdout=False, dryrun=True, verbose=False)
    handler = LogHandler(common, None)
    _job(handler, 1, "train_model", None, [])
    _event(handler, LogEvent.SHELLCMD, "the command")
    assert "the command" in stream.getvalue()


def test_a_terminal_gets_the_live_display(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    common: Any = SimpleNamespace(stdout=True, dryrun=False, verbose=False)
    handler = LogHandler(common, None)
    assert isinstance(handler._display, Live)
    assert (handler.writes_to_stream, handler.writes_to_file) == (True, False)
    handler.close()
