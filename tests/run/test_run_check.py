"""Which records hold, what has to be made again and why, what a run would do, and what nobody names any more."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from assay.run.accept import accept
from assay.run.check import drop, look
from assay.run.clean import find, remove
from assay.run.foretell import foretell
from assay.run.layout import Layout
from assay.run.lock import locked
from assay.run.prepare import Prepared, prepare
from assay.run.record import fulfil
from assay.run.store import Store
from assay.run.why import differences, why

Study = Callable[..., Prepared]


@pytest.fixture(autouse=True)
def no_computation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every stage writes its label and what its inputs hold."""

    def compute(task: Any) -> dict[str, Any]:
        if task.job.label.endswith("broken"):
            raise ValueError("no")
        texts = [task.job.label, *((folder / "out").read_text() for _, folder in sorted(task.inputs.items()))]
        (task.out / "out").write_text(str(hash(tuple(texts))))
        return {"n": len(texts)}

    monkeypatch.setattr("assay.run.stages.compute", compute)


@pytest.fixture
def study(layout: Layout, config: dict[str, Any]) -> Study:
    """`study(run=True, **changes)`: the config with changes, planned and, as Snakemake would, run."""

    def make(run: bool = False, file: str = "config.yaml", **changes: Any) -> Prepared:
        config.update(changes)
        Path(file).write_text(yaml.safe_dump(config, sort_keys=False))
        prepared = prepare({"study": file}, layout)
        if run:
            _run(prepared)
        return prepared

    return make


def _run(prepared: Prepared) -> None:
    """Make the records that do not hold, each after those that it needs."""
    drop(prepared, look(prepared))
    plan = prepared.plan
    for path, record in plan.records.items():
        if record.stage not in ("report", "track") and not (prepared.folder / f"{path}.json").exists():
            fulfil(prepared.layout, plan.folder, path, record.digest)


def _folder(prepared: Prepared, record: str) -> Path:
    return prepared.layout.root / prepared.plan.jobs[prepared.plan.records[record].jobs[0]].folder


def _causes(prepared: Prepared, target: str) -> dict[str, list[str]]:
    return {reason.path: reason.causes for reason in why(prepared, target)}


# -- records -------------------------------------------------------------------------------------------------------


def test_after_a_run_everything_holds(study: Study) -> None:
    prepared = study(run=True)
    state = look(prepared)
    assert not state.broken
    assert not state.undone
    assert drop(prepared, state) == []
    assert foretell(prepared)[-1] == "nothing to do"
    assert why(prepared, "all") == []


def test_a_record_is_written_again_byte_for_byte(study: Study) -> None:
    prepared = study(run=True)
    file = prepared.folder / "baseline/seed-0/train.json"
    before = file.read_bytes()
    file.unlink()
    assert look(prepared).broken == {"baseline/seed-0/train": "is not there"}
    _run(prepared)
    assert file.read_bytes() == before


def test_links_lead_from_records_to_the_store(study: Study) -> None:
    prepared = study(run=True, evaluate={"calibration": {"methods": ["none", "temperature"]}})
    folder = prepared.folder / "baseline/seed-0"
    assert (folder / "train").resolve() == _folder(prepared, "baseline/seed-0/train").resolve()
    assert not (folder / "train").readlink().is_absolute(), "results that are moved keep their links"
    assert {path.name for path in (folder / "calibration").iterdir()} == {"none", "temperature"}
    assert {path.name for path in (folder / "predict").iterdir()} == {"val", "test"}
    study(run=True, evaluate={"calibration": {"methods": ["none"]}})
    assert (folder / "calibration").is_symlink(), "one job, one link"
    study(run=True, evaluate={"calibration": {"methods": ["none", "temperature"]}})
    assert {path.name for path in (folder / "calibration").iterdir()} == {"none", "temperature"}


def test_what_is_no_longer_asked_for_is_not_linked(study: Study) -> None:
    prepared = study(run=True, evaluate={"ood": {"detectors": ["msp", "energy", "knn"], "near": ["hold-out"]}})
    study(run=True, evaluate={"ood": {"detectors": ["msp", "knn"], "near": ["hold-out"]}})
    assert {path.name for path in (prepared.folder / "baseline/seed-0/ood").iterdir()} == {"msp", "knn"}


def test_a_dataset_that_begins_to_differ_by_seed_leaves_the_store_alone(study: Study) -> None:
    """Where its link stood there is a folder now, and nothing may be written through the link."""
    prepared = study(run=True)
    place = _folder(prepared, "datasets/rare")
    before = {path.name for path in place.iterdir()}
    varied = study(run=True, vary=["init", "split"])
    assert {path.name for path in place.iterdir()} == before
    assert (varied.folder / "datasets/rare/seed-1").is_symlink()
    assert not look(varied).broken
    again = study(run=True, vary=["init", "order", "augment"])
    (again.folder / "datasets/rare.json").unlink()
    _run(again)
    assert (again.folder / "datasets/rare").resolve() == place.resolve()


def test_a_folder_that_was_altered_is_made_again(study: Study) -> None:
    prepared = study(run=True)
    place = _folder(prepared, "baseline/seed-1/train")
    (place / "out").write_text("something else")
    told = drop(prepared, look(prepared))
    assert told == [f"{place} out is not what was sealed: it is made again"]
    assert not place.exists()
    assert not (prepared.folder / "baseline/seed-1/train.json").exists()
    assert (prepared.folder / "baseline/seed-1/predict.json").exists(), "it still holds if the same comes out"
    _run(prepared)
    assert not look(prepared).broken


def test_a_folder_that_another_study_is_mending_is_left_to_it(study: Study) -> None:
    prepared = study(run=True)
    place = _folder(prepared, "baseline/seed-1/train")
    whole = (place / "out").read_text()
    (place / "out").write_text("something else")
    state = look(prepared)
    with locked(prepared.layout.job_lock(place.name.rpartition("-")[2])):
        assert drop(prepared, state) == []
        assert place.exists()
    # Mended between the look and the drop: what was seen is no longer so.
    (place / "out").write_text(whole)
    assert drop(prepared, state) == []
    assert place.exists()


def test_what_was_made_from_another_input_is_made_again(study: Study, store: Store) -> None:
    prepared = study(run=True)
    train = prepared.plan.jobs[prepared.plan.records["baseline/seed-0/train"].jobs[0]]
    seal = store.seal(train)
    assert seal
    seal["inputs"]["dataset"] = "another"
    (store.place(train) / "seal.json").write_text(json.dumps(seal))
    state = look(prepared)
    assert state.undone == {train.digest: "was made from another dataset"}
    assert list(state.broken) == ["baseline/seed-0/train"]
    assert not state.altered


def test_failed_records_are_tried_again(study: Study, layout: Layout) -> None:
    prepared = study(run=True)
    file = prepared.folder / "baseline/seed-0/train.json"
    body = json.loads(file.read_text())
    for reason, heard in (("ValueError: no", True), ("needs rare: ValueError: no", False)):
        file.write_text(json.dumps(body | {"status": "failed", "reason": reason}))
        told = drop(prepared, look(prepared))
        assert bool(told) == heard, "what only passes a failure on is not worth a line"
        assert not file.exists()


def test_a_study_is_tracked_again_where_it_was_not_sent(
    study: Study, layout: Layout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Another server is asked for, or the results were moved and their database with them."""
    from assay.run import jobs_cli

    sent: list[Path] = []

    def publish(folder: Path, *, final: bool) -> Any:
        sent.append(folder)
        return SimpleNamespace(ok=len(sent) > 1, errors=["down"])

    monkeypatch.setattr("assay.track.publish.publish", publish)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    prepared = study(run=True)
    file = prepared.folder / "track.json"
    assert look(prepared).broken == {}, "a study that nobody asked to track is not told of"
    jobs_cli.track(str(file), layout)
    assert look(prepared).broken == {"track": "failed: MLflow is not up to date: down"}
    jobs_cli.track(str(file), layout)
    assert look(prepared).broken == {}
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@server")
    assert look(prepared).broken == {"track": "was sent elsewhere"}
    jobs_cli.track(str(file), layout)
    assert look(prepared).broken == {}
    assert "secret" not in file.read_text()
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    jobs_cli.track(str(file), layout)
    layout.root.rename(tmp_path / "moved")
    moved = prepare({}, Layout(tmp_path / "moved"))
    assert look(moved).broken == {"track": "was sent elsewhere"}


def test_what_another_study_makes_again_is_reported_and_sent_again(
    study: Study, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Studies share folders: the records of one stand when another forces the jobs, but times and curves are new."""
    from assay.run import jobs_cli

    monkeypatch.setattr("assay.track.publish.publish", lambda *_, **__: SimpleNamespace(ok=True, errors=[]))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    prepared = study(run=True)
    track, report = prepared.folder / "track.json", prepared.folder / "report.html"
    report.write_text("<p>old</p>")
    jobs_cli.track(str(track), layout)
    assert look(prepared).broken == {}
    seal = _folder(prepared, "baseline/seed-0/train") / "seal.json"
    seconds = report.stat().st_mtime + 5
    os.utime(seal, (seconds, seconds))
    assert look(prepared).broken == dict.fromkeys(("report", "track"), "is older than the results")
    drop(prepared, look(prepared))
    assert not track.exists()
    assert report.read_text() == "<p>old</p>", "it can be read until it is written again"
    record = prepared.folder / "baseline/seed-0/train.json"
    assert report.stat().st_mtime < record.stat().st_mtime, "Snakemake takes it for old"
    jobs_cli.track(str(track), layout)
    os.utime(report, (seconds + 1, seconds + 1))
    assert look(prepared).broken == {}


def test_results_on_another_disk_are_as_good(study: Study, tmp_path: Path, layout: Layout) -> None:
    (tmp_path / "disk").mkdir()
    layout.root.symlink_to(tmp_path / "disk")
    prepared = study(run=True)
    assert (prepared.folder / "baseline/seed-0/train/out").exists()
    assert not look(prepared).broken
    study(run=True, arms={"other": prepared.plan.study["arms"]["baseline"] | {"synthetic": None, "sweep": None}})
    assert prepared.folder / "baseline" in [waste.path for waste in find(layout)]


# -- why -----------------------------------------------------------------------------------------------------------


def test_why_names_the_key_and_its_line(study: Study, config: dict[str, Any]) -> None:
    study(run=True)
    config["arms"]["baseline"]["recipe"] |= {"lr": 0.02, "epochs": 3}
    causes = _causes(study(), "baseline/seed-0/train")
    lines = Path("config.yaml").read_text().splitlines()
    at = next(number for number, line in enumerate(lines, 1) if "lr:" in line)
    assert causes["baseline/seed-0/train"] == [
        f"recipe.epochs: 1 became 3 (config.yaml:{at - 1})",
        f"recipe.lr: 0.1 became 0.02 (config.yaml:{at})",
    ]


def test_why_tells_what_is_new_what_is_gone_and_what_follows(study: Study, config: dict[str, Any]) -> None:
    prepared = study(run=True)
    shutil.rmtree(_folder(prepared, "baseline/seed-0/train"))
    assert _causes(prepared, "baseline") == {"baseline/seed-0/train": ["its folder is gone"]}
    (_folder(prepared, "baseline/seed-1/train") / "out").write_text("x")
    assert _causes(prepared, "baseline/seed-1/train") == {
        "baseline/seed-1/train": ["its folder out is not what was sealed"]
    }
    config["arms"]["second"] = {"extends": "baseline", "augment": ["flip"]}
    prepared = study()
    (train, *_) = why(prepared, "second/seed-0/train")
    assert train.causes[0].startswith("arms.second is new (config.yaml:")
    predict = {reason.path: reason for reason in why(prepared, "second")}["second/seed-0/predict"]
    assert predict.because_of == ["second/seed-0/train"]
    with pytest.raises(KeyError):
        why(prepared, "nobody")
    del config["arms"]["second"]
    config["seeds"] = 3
    added = {reason.path: reason for reason in why(study(), "baseline")}
    (cause,) = added["baseline/seed-2/train"].causes
    assert cause.startswith("seeds: 2 was added (config.yaml:")


def test_differences_are_dotted_paths() -> None:
    before = {"a": {"b": 1, "c": [1]}, "d": None, "e": {"method": "x"}}
    after = {"a": {"b": 2, "c": [1]}, "e": {"method": "y", "k": 1}, "f": 3}
    assert differences(before, after) == [("a.b", 1, 2), ("e.k", None, 1), ("e.method", "x", "y"), ("f", None, 3)]
    assert differences(before, before) == []
    assert differences([1, 2], [2, 1], "x") == [("x", [1, 2], [2, 1])]


# -- what would run ------------------------------------------------------------------------------------------------


def test_a_plan_counts_jobs_and_judges_by_their_like(study: Study, store: Store) -> None:
    fresh = "\n".join(foretell(study()))
    assert "small: 10 jobs planned, 0 done" in fresh
    assert "train: 2 jobs\n    digits-exponential10-linear  x 2" in fresh
    assert "10 of them are of a stage that never ran here" in fresh
    seen = store.layout.store / "train/digits-exponential10-linear-s77-0123456789abcdef/run.json"
    seen.parent.mkdir(parents=True)
    seen.write_text(json.dumps({"stage": "train", "label": "digits-exponential10-linear-s77", "seconds": 7.0}))
    told = "\n".join(foretell(study()))
    assert "train: 2 jobs, 14.0 s" in told
    assert "10 jobs, about 14 s of computation judging by earlier jobs" in told
    assert "8 of them are of a stage that never ran here" in told
    seen.write_text(json.dumps({"stage": "train", "label": "fashion-resnet8-s0", "seconds": 5.0}))
    assert "train: 2 jobs, 10.0 s" in "\n".join(foretell(study())), "a stage's own past is the next best guess"
    prepared = study(run=True)
    (prepared.folder / "baseline/seed-0/train.json").unlink()
    assert foretell(prepared)[-1] == "1 records to be written, nothing to compute"


# -- what nobody names ---------------------------------------------------------------------------------------------


def _wasted(layout: Layout) -> set[str]:
    return {waste.path.relative_to(layout.root).as_posix() for waste in find(layout)}


def test_an_arm_that_is_gone_is_waste_and_the_rest_is_not(study: Study, layout: Layout, config: dict[str, Any]) -> None:
    config["arms"]["second"] = {"extends": "baseline", "augment": ["flip"]}
    study(run=True)
    assert _wasted(layout) == set()
    del config["arms"]["second"]
    prepared = study(run=True)
    wasted = _wasted(layout)
    assert "small/second" in wasted
    assert sum(path.startswith("store/train/") for path in wasted) == 2
    assert not any("baseline" in path for path in wasted)
    remove(find(layout))
    assert _wasted(layout) == set()
    assert not look(prepared).broken


def test_the_record_of_a_dataset_that_now_differs_by_seed_is_waste(study: Study, layout: Layout) -> None:
    study(run=True, vary=["split"])
    prepared = study(run=True, vary=["init"])
    assert (prepared.folder / "datasets/rare").is_symlink()
    assert not any(path.startswith("small/") for path in _wasted(layout))
    study(run=True, vary=["split"])
    assert "small/datasets/rare.json" in _wasted(layout)
    assert "small/datasets/rare" not in _wasted(layout)


def test_a_study_counts_as_long_as_its_config_declares_it(study: Study, layout: Layout) -> None:
    study(run=True)
    study(run=True, file="other.yaml", study="other", vary=["order"])
    assert _wasted(layout) == set()
    Path("other.yaml").rename("moved.yaml")
    assert "other" in _wasted(layout)
    Path("moved.yaml").rename("other.yaml")
    Path("other.yaml").write_text("study: [not, yet")
    assert _wasted(layout) == set(), "a slip of the pen must not cost results"
    study(run=True, file="other.yaml", study="renamed")
    wasted = _wasted(layout)
    assert "other" in wasted
    assert not any(path.startswith("store/") for path in wasted), "what it made is the renamed study's now"


def test_a_variant_that_is_gone_is_waste(study: Study, layout: Layout) -> None:
    study(variants={"tiny": {"seeds": 1}, "other": {"seeds": 1}})
    prepare({"study": "config.yaml", "variant": "tiny"}, layout)
    assert _wasted(layout) == set()
    study(variants={"other": {"seeds": 1}})
    assert _wasted(layout) == {"small-tiny"}


def test_what_is_being_built_is_not_waste(study: Study, layout: Layout) -> None:
    prepared = study(run=True)
    place = _folder(prepared, "baseline/seed-0/train")
    hidden = place.with_name(f".{place.name}.12")
    hidden.mkdir()
    work = layout.work / place.name.rpartition("-")[2]
    work.mkdir(parents=True)
    (layout.work / "0123456789abcdef").mkdir()
    layout.failures.mkdir(exist_ok=True)
    for digest in (prepared.plan.records["baseline/seed-0/train"].digest, "0" * 64):
        (layout.failures / f"{digest}.json").write_text("{}")
    left = {"work/0123456789abcdef", f".assay/failed/{'0' * 64}.json"}
    with locked(layout.job_lock(place.name.rpartition("-")[2])):
        assert _wasted(layout) == left
    assert _wasted(layout) == left | {hidden.relative_to(layout.root).as_posix()}


# -- accepting a change of code ------------------------------------------------------------------------------------


def _edit_code(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> Prepared:
    """The study as planned after an edit of the training's code."""
    from assay.study.code import Code

    closure = Code.closure

    def edited(self: Code, modules: list[str]) -> dict[str, str]:
        found = closure(self, modules)
        return found | {"assay.train.job": "edited"} if "assay.train.job" in found else found

    monkeypatch.setattr(Code, "closure", edited)
    Path("config.yaml").touch()
    return prepare({"study": "config.yaml"}, prepared.layout)


@pytest.mark.parametrize("links", [True, False])
def test_results_are_carried_over_a_change_of_code(
    study: Study, store: Store, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    before = study(run=True)
    after = _edit_code(before, monkeypatch)
    assert (
        "code: workflow/assay/train/job.py changed" in _causes(after, "baseline/seed-0/train")["baseline/seed-0/train"]
    )
    if not links:
        # exFAT and some network file systems have none.
        def refuse(*_: Any) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr("os.link", refuse)
    carried = accept(after)
    assert {job.stage for job, _ in carried} == {"train", "predict", "evaluate"}
    assert {tuple(changed) for job, changed in carried if job.stage == "train"} == {("assay.train.job",)}
    assert not look(after).undone
    seal = store.seal(after.plan.jobs[after.plan.records["baseline/seed-0/train"].jobs[0]])
    assert seal
    assert seal["accepted"]["from"] == before.plan.records["baseline/seed-0/train"].jobs[0]
    assert accept(after) == []
    assert not list(store.layout.store.glob("*/.*"))


def test_what_was_altered_is_not_carried_over(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    before = study(run=True)
    (_folder(before, "baseline/seed-0/train") / "out").write_text("x")
    carried = [job for job, _ in accept(_edit_code(before, monkeypatch)) if job.stage == "train"]
    assert len(carried) == 1
