"""`assay fetch` and the data jobs of a study whose images are published elsewhere."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from assay.run import cli
from assay.run.check import drop, look
from assay.run.fetch.patience import Patience
from assay.run.layout import HERE
from assay.run.prepare import prepare
from served import Server

PLUGIN = '''
"""Two sets that somebody publishes."""
import numpy as np
from assay import Option, method
from assay.data.archive import Archive
from assay.data.raw import Raw


def read(given, name, sha256):
    file = given.files.get(Archive(f"{{name}}/{{name}}.npz", ("{url}" + name,), sha256=sha256))
    with np.load(file) as archive:
        return Raw(archive["images"], archive["labels"], ["dark", "bright"])


@method("source", "squares", summary="Squares.")
def squares(given):
    return read(given, "squares", "{squares}")


@method("source", "circles", summary="Circles, in the shape of squares.")
def circles(given):
    assert given.like.splits["test"].images.shape[1:] == (4, 4, 1)
    return read(given, "circles", "{circles}")


@method("source", "relabelled", summary="Other labels.", options={{"path": Option(..., "labels", type=str)}})
def relabelled(given, *, path):
    raw = read(given, "circles", "{circles}")
    raw.labels = np.load(path)["labels"]
    return raw
'''

CONFIG: dict[str, Any] = {
    "study": "shapes",
    "seeds": 1,
    "plugins": ["shapes.py"],
    "datasets": {
        "squares": {"source": "squares", "split": {"val": 0.2, "test": 0.2}},
        "bright": {"from": "squares", "subset": 10},
        "mine": {"source": {"method": "npz", "path": "mine.npz"}},
    },
    "arms": {"plain": {"dataset": "bright", "model": "linear"}},
    "evaluate": {"ood": {"far": ["circles"]}},
}

FILES = ("squares/squares.npz", "circles/circles.npz")


def _set(seed: int, count: int = 40) -> bytes:
    file = io.BytesIO()
    images = np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 1), np.uint8)
    np.savez(file, images=images, labels=np.arange(count) % 2)
    return file.getvalue()


@pytest.fixture
def published(server: Server, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The two sets on the server, the plug-in that knows them, and the study that wants them."""
    made = {"squares": _set(1), "circles": _set(2)}
    for name, body in made.items():
        server.put(name, body)
    digests = {name: hashlib.sha256(body).hexdigest() for name, body in made.items()}
    Path("shapes.py").write_text(PLUGIN.format(url=server.url(""), **digests))
    Path("mine.npz").write_bytes(_set(3))
    Path("config.yaml").write_text(yaml.safe_dump(CONFIG))
    monkeypatch.setenv("ASSAY_COLD", "1")
    quick = Patience(pause=0.01, longest=0.05)
    monkeypatch.setattr("assay.run.fetch.download.Patience", lambda: quick)
    # Every test has a plug-in of its own under this name.
    monkeypatch.delitem(sys.modules, "assay_plugin_shapes", raising=False)
    return made


@pytest.fixture
def data(published: dict[str, bytes]) -> Callable[[str], dict[str, Any]]:
    """`data(name)`: plan as Snakemake would, run the job of a dataset, and return its record."""

    def run(name: str) -> dict[str, Any]:
        prepared = prepare({})
        drop(prepared, look(prepared))
        file = f"results/shapes/datasets/{name}.json"
        assert cli.main(["data", file]) == 0
        return json.loads(Path(file).read_text())

    return run


def _asked(server: Server) -> int:
    return sum(len(file.asked) for file in server.files.values()) + len(server.gone)


def test_what_is_fetched_once_runs_where_no_network_is(
    server: Server,
    published: dict[str, bytes],
    data: Callable[[str], dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = {**CONFIG, "mirror": "carried"}
    Path("config.yaml").write_text(yaml.safe_dump(config))
    assert cli.main(["fetch", "config.yaml", "--into", "carried"]) == 0, "a study may name its mirror before it is"
    assert capsys.readouterr().out.splitlines() == [
        "squares/squares.npz: fetched, 1.5 kB",
        "circles/circles.npz: fetched, 1.5 kB",
        "mine.npz: yours, not copied",
        "2 published files, 2.9 kB, lie in carried",
        "With `mirror: carried` or ASSAY_MIRROR=carried the study needs no network; ASSAY_OFFLINE=1 makes sure of it",
    ]
    held = {file.relative_to("carried").as_posix() for file in Path("carried").rglob("*") if file.is_file()}
    assert held == set(FILES)
    assert not Path("results").exists(), "what is staged is nothing of a run"
    assert _asked(server) == 2
    server.stop()
    monkeypatch.setenv("ASSAY_OFFLINE", "1")
    for name in ("squares", "circles"):
        assert data(name)["status"] == "done"
    assert not HERE.downloads.exists()
    assert cli.main(["fetch", "config.yaml", "--into", "carried"]) == 0
    assert capsys.readouterr().out.splitlines()[-5:-3] == [f"{name}: already there, 1.5 kB" for name in FILES]


def test_the_environment_names_a_mirror_too(
    server: Server, data: Callable[[str], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.main(["fetch", "--into", "carried"]) == 0
    server.stop()
    assert data("squares")["status"] == "failed"
    monkeypatch.setenv("ASSAY_MIRROR", "carried")
    assert data("squares")["status"] == "done"


def test_a_network_that_fails_is_a_failed_record_that_the_next_run_tries_again(
    server: Server,
    published: dict[str, bytes],
    data: Callable[[str], dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.put("squares", published["squares"], failures=[503] * 5)
    record = data("squares")
    assert record["status"] == "failed"
    assert record["reason"].startswith("UnavailableError: squares/squares.npz is not to be had. Tried: ")
    assert f"{server.url('squares')}: 503 Service Unavailable (5 tries)" in record["reason"]
    assert "503 Service Unavailable; again in" in capsys.readouterr().err
    assert data("squares")["status"] == "done"
    assert data("squares")["status"] == "done"
    assert (HERE.downloads / "squares/squares.npz").read_bytes() == published["squares"]
    assert len(server.files["/squares"].asked) == 6


def test_where_a_file_comes_from_changes_no_digest(published: dict[str, bytes]) -> None:
    Path("carried").mkdir()
    before = set(prepare({}).plan.jobs)
    Path("config.yaml").write_text(yaml.safe_dump({**CONFIG, "mirror": "carried"}))
    after = prepare({}).plan
    assert set(after.jobs) == before
    assert {job.mirror for job in after.jobs.values() if job.stage == "data"} == {None, "carried"}
    assert {job.mirror for job in after.jobs.values() if job.label.startswith("squares-n10")} == {None}


def test_a_mirror_that_went_away_is_told_before_any_job(
    published: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("carried").mkdir()
    Path("config.yaml").write_text(f"mirror: carried\n{yaml.safe_dump(CONFIG)}")
    assert cli.main(["plan"]) == 0
    Path("carried").rmdir()
    assert cli.main(["plan"]) == 2
    assert capsys.readouterr().err == "config.yaml:1: mirror: there is no folder 'carried'\n"


def test_what_lies_elsewhere_already_is_copied(
    server: Server,
    published: dict[str, bytes],
    data: Callable[[str], dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    data("squares")
    Path("other").mkdir()
    Path("other/circles.npz").write_bytes(published["circles"])
    Path("config.yaml").write_text(yaml.safe_dump({**CONFIG, "mirror": "other"}))
    asked = _asked(server)
    assert cli.main(["fetch", "--into", "carried"]) == 0
    assert capsys.readouterr().out.splitlines()[-5:-3] == [f"{name}: copied, 1.5 kB" for name in FILES]
    assert [Path("carried", name).read_bytes() for name in FILES] == [published["squares"], published["circles"]]
    assert _asked(server) == asked


def test_what_cannot_be_had_is_listed_and_the_rest_is_staged(
    server: Server, published: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    del server.files["/circles"]
    assert cli.main(["fetch", "--into", "carried"]) == 1
    out, err = capsys.readouterr()
    assert "squares/squares.npz: fetched" in out
    assert "needs no network" not in out
    (line,) = [line for line in err.splitlines() if line.startswith("could not be had: ")]
    assert line.startswith("could not be had: circles: circles/circles.npz is not to be had. Tried: ")
    assert f"{server.url('circles')}: 404 Not Found" in line
    server.put("circles", published["circles"])
    assert cli.main(["fetch", "--into", "carried"]) == 0


def test_what_takes_its_shape_from_a_set_that_is_missing_is_listed_too(
    server: Server, published: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    del server.files["/squares"]
    assert cli.main(["fetch", "--into", "carried"]) == 1
    faults = [line for line in capsys.readouterr().err.splitlines() if line.startswith("could not be had: ")]
    assert len(faults) == 2
    assert faults[1] == "could not be had: circles: not read, since squares, whose shape it takes on, could not be"


def test_a_file_that_is_whole_but_cannot_be_read_is_found_out(
    server: Server, published: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    """A digest says that the bytes are the publisher's; only reading says that they are images."""
    text = Path("shapes.py").read_text()
    Path("shapes.py").write_text(text.replace(hashlib.sha256(published["circles"]).hexdigest(), ""))
    server.put("circles", b"no archive")
    assert cli.main(["fetch", "--into", "carried"]) == 1
    assert "could not be had: circles: ValueError: " in capsys.readouterr().err


def test_a_source_that_reads_a_file_of_ones_own_may_need_others_besides(
    published: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    datasets = {**CONFIG["datasets"], "mine": {"source": {"method": "relabelled", "path": "mine.npz"}}}
    Path("config.yaml").write_text(yaml.safe_dump({**CONFIG, "datasets": datasets, "evaluate": {"accuracy": {}}}))
    assert cli.main(["fetch", "--into", "carried"]) == 0
    assert Path("carried", FILES[1]).exists()
    assert "mine.npz: yours, not copied" in capsys.readouterr().out


def test_a_variant_fetches_what_it_adds(published: dict[str, bytes], capsys: pytest.CaptureFixture[str]) -> None:
    plain = {**CONFIG, "evaluate": {"accuracy": {}}, "variants": {"open": {"evaluate": {"ood": {"far": ["circles"]}}}}}
    Path("config.yaml").write_text(yaml.safe_dump(plain))
    assert cli.main(["fetch", "--into", "carried"]) == 0
    assert not Path("carried/circles").exists()
    assert cli.main(["fetch", "--into", "carried", "--variant", "open"]) == 0
    assert Path("carried", FILES[1]).exists()


def test_a_full_disk_is_told_and_nothing_concluded(
    published: dict[str, bytes], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device", "carried")

    monkeypatch.setattr(shutil, "copyfile", full)
    HERE.downloads.joinpath("squares").mkdir(parents=True)
    HERE.downloads.joinpath(FILES[0]).write_bytes(published["squares"])
    assert cli.main(["fetch", "--into", "carried"]) == 1
    assert capsys.readouterr().err == "assay fetch: carried: No space left on device\n"
