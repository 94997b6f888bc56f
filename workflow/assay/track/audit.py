"""Compares MLflow with `results/`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.run.results import Results
from assay.track.arms import inherit, summarise
from assay.track.attach import ARTIFACTS
from assay.track.cells import Identity, cells
from assay.track.curves import Tail, points
from assay.track.describe import describe
from assay.track.held import runs_of
from assay.track.store import Unreachable, connect, sqlite_file, tracking_uri
from assay.track.wanted import Wanted

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_STATUS = {"done": "FINISHED", "failed": "FAILED"}


def audit(folder: Path) -> list[str]:
    """The differences between a study's results and MLflow, in words; empty when there are none.

    Every run that the plan expects must be there exactly once, with its digest, its status, each metric with its value,
    each curve with every step once, its datasets, model and artifacts; and no other run may pass for current.
    Meant for a study at rest: what is still running is compared as far as it has come.
    """
    folder = Path(folder).resolve()
    results = Results(folder)
    uri = tracking_uri(folder.parent)
    database = sqlite_file(uri)
    if database is not None and not database.exists():
        return [f"{database} is not there"]
    try:
        client = connect(uri)
    except Unreachable as error:
        return [str(error)]
    runs = _runs(client, folder)
    differences = []
    wanted = _wanted(results)
    for identity, run in wanted.items():
        found = runs.pop(identity, [])
        if len(found) > 1:
            differences.append(f"{run.cell.name}: {len(found)} runs with digest {identity.digest[:16] or '-'}")
        if run.status == "missing":
            continue
        if not found:
            differences.append(f"{run.cell.name}: no run with digest {identity.digest[:16] or '-'}")
        for each in found[:1]:
            differences += [f"{run.cell.name}: {words}" for words in _differences(client, run, each)]
    for left in runs.values():
        differences += [f"{run.info.run_name}: current on the server, but not in the plan" for run in left]
    return differences


def _runs(client: MlflowClient, folder: Path) -> dict[Identity, list[Run]]:
    """The runs of the study that are not superseded, by identity."""
    home = str(folder.parent)
    experiments = [
        entry.experiment_id
        for entry in client.search_experiments()
        if entry.tags.get("assay.root") == home and entry.name.startswith(folder.name)
    ]
    found: dict[Identity, list[Run]] = {}
    for run in runs_of(client, experiments, folder.name):
        if run.data.tags.get("assay.superseded") != "true":
            found.setdefault(Identity.of(run.data.tags), []).append(run)
    return found


def _wanted(results: Results) -> dict[Identity, Wanted]:
    runs = {cell.identity: describe(results, cell) for cell in cells(results)}
    for kind in ("arm", "study"):
        for identity, run in runs.items():
            if identity.kind != kind:
                continue
            below = [other for other in runs.values() if other.cell.parent == identity]
            trials = [other for other in below if other.cell.identity.kind == "trial"]
            inherit(run, trials if kind == "arm" else below)
            if kind == "arm":
                summarise(run, trials)
    return runs


def _differences(client: MlflowClient, wanted: Wanted, run: Run) -> list[str]:
    words: list[str] = []
    status = _STATUS.get(wanted.status)
    if status and run.info.status != status:
        words.append(f"status {run.info.status}, not {status}")
    curves: dict[str, dict[int, float]] = {}
    for curve in wanted.curves:
        for point in points(curve, Tail(curve.file).read()):
            curves.setdefault(point.key, {})[point.step] = point.value
    for point in wanted.points:
        if point.step:
            curves.setdefault(point.key, {})[point.step] = point.value
    words += _metrics(wanted, run, set(curves))
    for key, steps in curves.items():
        words += _curve(client, run, key, steps)
    words += _attachments(wanted, run)
    return words


def _metrics(wanted: Wanted, run: Run, curves: set[str]) -> list[str]:
    words = []
    expected = {point.key: point.value for point in wanted.points if point.key not in curves}
    for key, value in expected.items():
        held = run.data.metrics.get(key)
        if held != value:
            words.append(f"{key} is {held}, not {value}")
    known = set(expected) | curves
    stale = run.data.tags.get("assay.stale", "")
    words += [
        f"{key} is not in the results"
        for key in sorted(set(run.data.metrics) - known)
        if f'"{key}"' not in stale and not stale.startswith("see artifact")
    ]
    return words


def _curve(client: MlflowClient, run: Run, key: str, steps: dict[int, float]) -> list[str]:
    held: dict[int, Any] = {}
    doubled = 0
    for entry in client.get_metric_history(run.info.run_id, key):
        known = held.get(entry.step)
        doubled += known is not None and known.value == entry.value
        if known is None or entry.timestamp >= known.timestamp:
            held[entry.step] = entry
    words = [f"{key}: {doubled} points doubled"] if doubled else []
    missing = sorted(set(steps) - set(held))
    if missing:
        words.append(f"{key}: {len(missing)} of {len(steps)} steps are missing, first {missing[0]}")
    wrong = sorted(step for step in steps.keys() & held.keys() if held[step].value != steps[step])
    if wrong:
        words.append(f"{key}: {len(wrong)} values differ, first at step {wrong[0]}")
    beyond = sorted(set(held) - set(steps))
    if beyond:
        words.append(f"{key}: {len(beyond)} steps are not in the results, first {beyond[0]}")
    return words


def _attachments(wanted: Wanted, run: Run) -> list[str]:
    words = []
    datasets = {entry.dataset.digest for entry in run.inputs.dataset_inputs} if run.inputs else set()
    words += [f"dataset {s.name} is not among its inputs" for s in wanted.sources if s.digest not in datasets]
    if wanted.model is not None and not (run.outputs and run.outputs.model_outputs):
        words.append("its model is not logged")
    sent = run.data.tags.get(ARTIFACTS, "")
    words += [
        f"artifacts {role.name or 'of the study'} are not up to date"
        for role in wanted.roles
        if not role.empty and role.marker not in sent
    ]
    return words
