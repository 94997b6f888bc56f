"""The command line: what is typed wrong is answered in words, and jobs do what their records need."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

import pytest
import yaml
from assay.run import cli, front, jobs_cli
from assay.run.layout import HERE, Layout
from assay.run.prepare import Prepared, prepare


@contextmanager
def as_a_job() -> Iterator[None]:
    """Standard error that writes to file descriptor 2, as that of a job does and pytest's does not."""
    with open(2, "w", closefd=False, buffering=1) as error, redirect_stderr(error):
        yield


@pytest.fixture
def small(config: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Prepared:
    """A planned study; every stage writes nothing but its name, and fails where a file `fail` says so."""

    def compute(task: Any) -> dict[str, Any]:
        if Path("fail").exists() and Path("fail").read_text() == task.job.stage:
            raise ValueError("as told")
        (task.out / "out").write_text(task.job.label)
        return {}

    monkeypatch.setattr("assay.run.stages.compute", compute)
    monkeypatch.setenv("ASSAY_COLD", "1")
    config["arms"]["second"] = {"extends": "baseline", "augment": ["flip"]}
    Path("config.yaml").write_text(yaml.safe_dump(config))
    return prepare({}, HERE)


def _all(prepared: Prepared) -> None:
    for path, record in prepared.plan.records.items():
        if record.stage not in ("report", "track"):
            assert cli.main(["batch", f"results/small/{path}.json", "--digest", record.digest[:16]]) == 0


@pytest.mark.parametrize("arguments", [["train"], ["train", "--digest", "x"], ["gate"], ["gate", "a", "b"], ["report"]])
def test_a_job_without_its_file_says_how(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ASSAY_COLD", "1")
    assert cli.main(arguments) == 2
    assert f"usage: assay {arguments[0]} FILE" in capsys.readouterr().err
    assert cli.main([arguments[0], "--help"]) == 0
    assert "usage: assay" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("elsewhere/a.json", "elsewhere/a.json is no record: records stand under results/<study>/"),
        ("results/small/nobody/seed-0/train.json", "the plan of small has no nobody/seed-0/train"),
        ("results/other/a.json", "the plan of other has no a"),
        ("results/store/train/x-0123456789abcdef", "no plan names a job 0123456789abcdef"),
        ("results/small/baseline/seed-0/train.json", "needs store/data/digits-exponential10-"),
    ],
)
def test_what_is_no_record_is_told(small: Prepared, capsys: pytest.CaptureFixture[str], file: str, words: str) -> None:
    assert cli.main(["train", file]) == 1
    error = capsys.readouterr().err
    assert error.startswith("assay train: ")
    assert words in error


def test_typed_by_hand_a_job_does_the_same(small: Prepared, capsys: pytest.CaptureFixture[str]) -> None:
    for file in ("datasets/digits", "datasets/rare", "baseline/seed-0/train"):
        assert cli.main(["batch", f"results/small/{file}.json"]) == 0
    record = json.loads(Path("results/small/baseline/seed-0/train.json").read_text())
    assert record["status"] == "done"
    assert record["digest"] == small.plan.records["baseline/seed-0/train"].digest
    assert "small/baseline/seed-0/train: done (" in capsys.readouterr().out
    assert cli.main(["train", f"results/{record['jobs'][0]['folder']}"]) == 0
    assert "store/train/digits-exponential10-linear-s0-" in capsys.readouterr().out


def test_a_job_that_failed_shows_its_traceback_and_where_all_of_its_output_lies(
    small: Prepared, capfd: pytest.CaptureFixture[str]
) -> None:
    for file in ("datasets/digits", "datasets/rare"):
        assert cli.main(["batch", f"results/small/{file}.json"]) == 0
    assert "Traceback" not in capfd.readouterr().out
    Path("fail").write_text("train")
    for typed in ("small/baseline/seed-0/train.json", "folder"):
        if typed == "folder":
            record = json.loads(Path("results/small/baseline/seed-0/train.json").read_text())
            typed = record["jobs"][0]["folder"]
        with as_a_job():
            assert cli.main(["train", f"results/{typed}"]) == 0
        told = capfd.readouterr().out
        assert ": failed, ValueError: as told\n" in told
        assert "Traceback (most recent call last)" in told
        log = next(word for word in told.split() if word.endswith("log.txt:")).removesuffix(":")
        assert 'raise ValueError("as told")' in Path(log).read_text()
    assert cli.main(["predict", "results/small/baseline/seed-0/predict.json"]) == 0
    told = capfd.readouterr().out
    assert "needs " in told
    assert "Traceback" not in told, "what only passes a failure on has no output of its own"


def test_records_of_arms_with_brackets_are_told_from_their_files() -> None:
    layout = Layout(Path("results"))
    for path in ("kd[recipe.lr=0.1,model.width=8]/seed-0/train", "gates/kd[recipe.lr=0.1]", "datasets/noise.v2"):
        assert jobs_cli.record_of(Path(f"results/s/{path}.json"), layout) == ("s", path)


def test_a_gate_passes_what_is_done_and_stops_at_failures(small: Prepared, capsys: pytest.CaptureFixture[str]) -> None:
    _all(small)
    capsys.readouterr()
    assert cli.main(["gate", "results/small/gates/second.json"]) == 0
    assert capsys.readouterr().out == "second: 8 records done\n"
    assert json.loads(Path("results/small/gates/second.json").read_text()) == {"target": "second", "records": 8}
    Path("fail").write_text("train")
    for stage in ("train", "predict", "evaluate"):
        shutil.rmtree(f"results/store/{stage}")
    _all(small)
    capsys.readouterr()
    assert cli.main(["gate", "results/small/gates/second.json"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "FAILED small/second/seed-0/train: ValueError: as told",
        "FAILED small/second/seed-1/train: ValueError: as told",
        "6 of 8 records behind second failed, 4 of them because of others; the next run tries them again",
    ]


class _Arguments:
    """What Snakemake understood of a command line."""

    def __init__(self, **options: Any):
        self.targets: list[str] = options.pop("targets", [])
        self.__dict__.update(options)


def _paths(prepared: Prepared, stage: str) -> set[str]:
    return {path for path, record in prepared.plan.records.items() if record.stage == stage}


@pytest.mark.parametrize("word", ["train", "train_model"])
def test_a_target_word_and_a_rule_force_their_records(small: Prepared, word: str) -> None:
    forced = front._forced(small, _Arguments(forcerun=[word]))
    assert (
        forced == _paths(small, "train") == {f"{arm}/seed-{n}/train" for arm in ("baseline", "second") for n in (0, 1)}
    )


def test_forcing_by_arm_by_file_and_with_what_it_needs(small: Prepared) -> None:
    assert front._forced(small, None) == set()
    arm = front._forced(small, _Arguments(forcerun=["second"]))
    assert arm == {path for path in small.plan.records if path.startswith("second/")}
    file = "results/small/second/seed-0/train.json"
    assert front._forced(small, _Arguments(force=True, targets=[file])) == {"second/seed-0/train"}
    needed = front._forced(small, _Arguments(forceall=True, targets=[file]))
    assert needed == {"second/seed-0/train", "datasets/rare", "datasets/digits"}
    assert front._forced(small, _Arguments(forceall=True)) == set(small.plan.records)
    assert front._forced(small, _Arguments(forcerun=["nothing"])) == set()


def test_every_rule_that_makes_records_is_known() -> None:
    from assay.study.jobs import STAGES

    assert set(front._RULES.values()) == set(STAGES)


def test_rules_are_told_the_files_of_records(small: Prepared) -> None:
    study = front.Study(small, {"second/seed-0/train"})
    train = "results/small/second/seed-0/train.json"
    assert study.needs(train) == ["results/small/datasets/rare.json"]
    digest = small.plan.records["second/seed-0/train"].digest[:16]
    assert study.digest(train) == f"{digest}!", "what is forced looks like other work, so that a dry run shows it"
    assert front.Study(small, set()).digest(train, train) == f"{digest}+{digest}"
    assert study.file("report") == "results/small/report.html"
    assert study.path("results/small/report.html") == "report"
    assert study.resource("train", "threads", 3) == 3
    assert study.families == ["accuracy"]
    assert "all" not in study.targets


def test_help_is_light() -> None:
    """`assay --help` and the import of the package load none of the heavy libraries."""
    code = (
        "import sys, assay, assay.run.cli as c\ntry: c.main(['--help'])\nexcept SystemExit: pass\nprint(*sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "One config in, evidence out" in out
    assert not {"torch", "numpy", "pandas", "pydantic", "mlflow", "snakemake"} & set(out.split())


def test_a_disk_that_refuses_is_told_without_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied", "results/store")

    monkeypatch.setattr("assay.run.clean.find", refuse)
    assert cli.main(["clean"]) == 1
    assert capsys.readouterr().err == "assay clean: results/store: Permission denied\n"
