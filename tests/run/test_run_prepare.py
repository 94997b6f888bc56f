"""From a config to a plan on disk, and when the plan made before still holds."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from assay.run.layout import Layout
from assay.run.lock import locked
from assay.run.prepare import Prepared, prepare
from assay.study.errors import ConfigError

PLUGIN = """
from assay import method
from my_helper import same

@method("augment", "still", summary="Does nothing.")
def still(images, targets, draw):
    return same(images), targets
"""


@pytest.fixture
def write(config: dict[str, Any]) -> Callable[..., None]:
    def write(**changes: Any) -> None:
        Path("config.yaml").write_text(yaml.safe_dump(config | changes, sort_keys=False))

    write()
    return write


@pytest.fixture
def afresh(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Prepared | None]:
    """`afresh()`: the study planned anew, or None when the plan made before was taken."""
    import assay.run.prepare as module

    real = module._plan_afresh

    def make(**options: Any) -> Prepared | None:
        made: list[Prepared] = []

        def noted(*arguments: Any) -> Prepared:
            made.append(real(*arguments))
            return made[0]

        monkeypatch.setattr(module, "_plan_afresh", noted)
        prepare({}, layout, **options)
        return made[0] if made else None

    return make


def _edit(file: Path, text: str) -> None:
    """Write a file as an editor does, some time after it was written before."""
    file.write_text(text)
    os.utime(file, ns=(time.time_ns(), time.time_ns() + 1_000_000))


def test_a_plan_is_made_once(write: Any, afresh: Callable[..., Any]) -> None:
    assert afresh()
    assert afresh() is None
    write(seeds=3)
    assert len(afresh().plan.study["seeds"]) == 3
    assert afresh() is None


def test_the_plan_on_disk_is_the_plan(write: Any, layout: Layout) -> None:
    first = prepare({}, layout)
    second = prepare({}, layout)
    assert second.plan == first.plan
    assert second.lines == first.lines
    assert second.lines["arms.baseline.model"][0] == "config.yaml"
    body = json.loads((layout.study("small") / "study.json").read_text())
    assert body["config"] == Path("config.yaml").read_text()


def test_study_json_is_rewritten_only_when_it_changes(write: Any, layout: Layout, afresh: Callable[..., Any]) -> None:
    afresh()
    file = layout.study("small") / "study.json"
    os.utime(file, ns=(1, 1))
    Path("config.yaml").touch()
    assert afresh()
    assert file.stat().st_mtime_ns == 1


def test_an_import_that_adds_nothing_yet_is_watched(write: Any, layout: Layout, afresh: Callable[..., Any]) -> None:
    Path("deep").mkdir()
    Path("deep/shared.yaml").write_text("imports: [more.yaml]\nseeds: 7\n")
    Path("deep/more.yaml").write_text("seeds: 8\n")
    write(imports=["deep/shared.yaml"])
    assert afresh()
    assert afresh() is None
    _edit(Path("deep/more.yaml"), "seeds: 8\narms:\n  second: {extends: baseline, augment: [flip]}\n")
    assert "second" in afresh().plan.study["arms"]


def test_a_plug_in_and_what_it_imports_are_watched_and_nothing_else(
    write: Any, layout: Layout, config: dict[str, Any], afresh: Callable[..., Any]
) -> None:
    """A plug-in in the project's own folder must not have every file below it looked at on every run."""
    Path("mine.py").write_text(PLUGIN)
    Path("my_helper.py").write_text("def same(x):\n    return x\n")
    Path(".venv").mkdir()
    Path(".venv/big.py").write_text("x = 1\n")
    arms = {"baseline": config["arms"]["baseline"] | {"augment": ["still"]}}
    write(plugins=["mine.py"], arms=arms)
    digest = afresh().plan.records["baseline/seed-0/train"].digest
    _edit(Path(".venv/big.py"), "x = 2\n")
    Path("elsewhere.py").write_text("x = 1\n")
    assert afresh() is None
    _edit(Path("my_helper.py"), "def same(x):\n    return x + 0\n")
    assert afresh().plan.records["baseline/seed-0/train"].digest != digest
    (cache,) = layout.private.joinpath("cache").glob("*.json")
    assert not [name for name in json.loads(cache.read_text())["files"] if ".venv" in name]


def test_data_that_a_source_reads_is_watched(
    write: Any, config: dict[str, Any], afresh: Callable[..., Any], tmp_path: Path
) -> None:
    import numpy as np

    images = np.zeros((12, 4, 4), np.uint8)
    np.savez("images.npz", images=images, labels=np.arange(12) % 2)
    config["datasets"] = {
        "rare": {"source": {"method": "npz", "path": "images.npz"}, "split": {"val": 0.2, "test": 0.2}}
    }
    write(generators={})
    digest = afresh().plan.records["datasets/rare"].digest
    assert afresh() is None
    np.savez("images.npz", images=images + 1, labels=np.arange(12) % 2)
    assert afresh().plan.records["datasets/rare"].digest != digest


def test_the_plan_of_a_run_under_way_is_left_alone(write: Any, layout: Layout, afresh: Callable[..., Any]) -> None:
    """Who edits the config and asks what would happen must not pull the plan away from the jobs of a run."""
    afresh()
    file = layout.study("small") / "study.json"
    before = file.read_text()
    with locked(layout.study_lock("small"), about="a run"):
        write(seeds=3)
        asked = afresh()
        assert len(asked.plan.study["seeds"]) == 3
        assert file.read_text() == before
        # A job on a cluster reads the Snakefile, and with it the plan of the run that it belongs to.
        assert afresh(cached=True) is None
        assert len(prepare({}, layout, cached=True).plan.study["seeds"]) == 2
    assert len(afresh().plan.study["seeds"]) == 3
    assert len(json.loads(file.read_text())["study"]["seeds"]) == 3


@pytest.mark.parametrize("fault", [PermissionError(13, "Permission denied"), OSError(30, "Read-only file system")])
def test_results_that_may_only_be_read_can_be_planned_for(
    write: Any, layout: Layout, monkeypatch: pytest.MonkeyPatch, fault: OSError
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise fault

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert prepare({}, layout).plan.records
    assert not layout.root.exists()


def test_other_faults_of_the_disk_are_told(write: Any, layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(OSError, match="No space left"):
        prepare({}, layout)


def test_only_the_known_keys_choose_a_study(write: Any, layout: Layout) -> None:
    with pytest.raises(ConfigError, match="did you mean 'variant'"):
        prepare({"varient": "x"}, layout)


def test_variants_and_scales_have_folders_of_their_own(write: Any, layout: Layout) -> None:
    write(variants={"tiny": {"seeds": 1}})
    plain, tiny = prepare({}, layout), prepare({"variant": "tiny"}, layout)
    smoke = prepare({"variant": "tiny", "scale": "smoke"}, layout)
    assert [each.folder.name for each in (plain, tiny, smoke)] == ["small", "small-tiny", "small-tiny-smoke"]
    assert len(tiny.plan.study["seeds"]) == 1
    assert prepare({}, layout).plan == plain.plan


def test_an_image_deep_in_a_folder_is_watched(
    write: Any, config: dict[str, Any], afresh: Callable[..., Any], tmp_path: Path
) -> None:
    for name in ("a/x", "a/deep/y", "b/z"):
        Path(f"set/{name}.png").parent.mkdir(parents=True, exist_ok=True)
        Path(f"set/{name}.png").write_bytes(b"1")
    config["datasets"] = {
        "rare": {"source": {"method": "folder", "path": "set"}, "split": {"val": 0.2, "test": 0.2}},
    }
    write(generators={})
    digest = afresh().plan.records["datasets/rare"].digest
    assert afresh() is None
    _edit(Path("set/a/deep/y.png"), "2")
    changed = afresh().plan.records["datasets/rare"].digest
    assert changed != digest
    assert afresh() is None
    Path("set/b/new.png").write_bytes(b"3")
    assert afresh().plan.records["datasets/rare"].digest not in (digest, changed)


def test_a_folder_that_turns_unreadable_is_told_with_file_and_line(
    write: Any, config: dict[str, Any], afresh: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("set/a").mkdir(parents=True)
    config["datasets"] = {"rare": {"source": {"method": "folder", "path": "set"}, "split": {"val": 0.2, "test": 0.2}}}
    write(generators={})
    real = os.scandir

    def scandir(path: Any = ".") -> Any:
        if str(path) == "set/a":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(ConfigError, match=r"config.yaml:\d+: datasets.rare.source.path: .*'set/a' cannot be read"):
        afresh()
