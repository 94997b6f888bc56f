"""Publishing a study: MLflow is brought to what `results/` says, however often and wherever it was interrupted."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.run.files import canonical, read_json, sha256_text, write_json
from assay.run.layout import Layout
from assay.run.lock import locked
from assay.run.results import Results
from assay.track.arms import inherit, summarise
from assay.track.cells import Cell, Identity, cells
from assay.track.describe import describe
from assay.track.mirror import Mirror
from assay.track.store import (
    connect,
    experiment,
    first_line,
    publisher_lock,
    server_errors,
    short,
    shown,
    sqlite_file,
    tracking_uri,
)
from assay.track.wanted import Wanted

#: Changes when a later version of the package publishes more of the same results.
_VERSION = 2
#: Errors that concern one run alone; after any other the server is taken to be out of order.
_OF_ONE_RUN = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS")


@dataclass
class Summary:
    """What a pass did.

    Attributes:
        uri: where to, without a password.
        experiment: name of the experiment.
        runs: how many runs the study has there now, superseded ones not counted.
        created, superseded: how many were made in this pass; how many the plan no longer holds.
        seconds: how long it took.
        errors: what could not be published, in words; empty when the server holds everything.
    """

    uri: str
    experiment: str = ""
    runs: int = 0
    created: int = 0
    superseded: int = 0
    seconds: float = 0.0
    errors: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything was published."""
        return not self.errors

    def __str__(self) -> str:
        if self.errors:
            return "\n".join(self.errors)
        return f"MLflow experiment {self.experiment!r} at {self.uri}: {self.runs} runs, {self.created} of them new"


def publish(folder: Path, *, final: bool) -> Summary:
    """Bring MLflow up to date with a study.

    Waits for another publisher of the same results to finish its pass. Doing it again sends nothing again. Curves that
    `.track/` notes as sent whole are not read back; without these notes everything on the server is compared.

    Args:
        folder: the study's folder, `results/<study>`.
        final: nobody works on the study any more: runs that are unfinished are ended as killed, and arms get mean and
            interval over the seeds that are there.

    Returns:
        What was done. A server that does not answer is no exception: it is told in `errors`.

    Raises:
        FileNotFoundError: the folder holds no study.
    """
    publisher = Publisher(folder)
    with locked(publisher.lock, about="assay track"):
        summary = publisher.run(final=final)
        for pause in (1.0, 3.0):
            if summary.ok or sqlite_file(publisher.uri) is None:
                break
            # Another study or the UI may have held the SQLite file for longer than its own patience.
            time.sleep(pause)
            summary = publisher.run(final=final)
    return summary


class Publisher:
    """Publishes one study to one server, pass by pass; whoever calls holds `lock` during a pass.

    Between passes it remembers what it sent. When another publisher was at work meanwhile, or its note
    `.track/<server>.json` is gone, it looks at the server afresh.
    """

    def __init__(self, folder: Path, uri: str | None = None):
        self.folder = Path(folder).resolve()
        self.root = self.folder.parent
        self.uri = uri or tracking_uri(self.root)
        self.lock = publisher_lock(self.root, self.uri)
        self._note = self.folder / ".track" / f"{short(self.uri)}.json"
        self._token = uuid.uuid4().hex
        self._mirror: Mirror | None = None
        self._experiment = ""
        self._sent: dict[str, str] = {}
        self._known: dict[Identity, tuple[str, Wanted]] = {}
        self._plan: tuple[int, Results, list[Cell]] | None = None

    def run(self, *, final: bool) -> Summary:
        """One pass. Errors of the server end up in the summary; the next pass then looks at it afresh."""
        started = time.monotonic()
        summary = Summary(shown(self.uri))
        results, planned = self._read_plan()
        wanted = self._describe(results, planned, final)
        try:
            if final or any(run.status != "missing" for run in wanted.values()):
                self._send(results, wanted, summary, final)
        except server_errors() as error:
            summary.errors.append(first_line(error))
        if summary.errors:
            self._mirror = None
        summary.seconds = time.monotonic() - started
        return summary

    # -- reading ---------------------------------------------------------------------------------------------

    def _read_plan(self) -> tuple[Results, list[Cell]]:
        file = self.folder / "study.json"
        stamp = file.stat().st_mtime_ns if file.exists() else 0
        if self._plan is None or self._plan[0] != stamp:
            results = Results(self.folder)
            self._plan = stamp, results, cells(results)
            self._known.clear()
        return self._plan[1:]

    def _describe(self, results: Results, planned: list[Cell], final: bool) -> dict[Identity, Wanted]:
        """Every run as it should be; only what changed on disk since the last pass is read again."""
        children: dict[Identity, list[Wanted]] = {}
        for cell in planned:
            if cell.identity.kind in ("study", "arm"):
                continue
            signature = _signature(results, cell)
            known = self._known.get(cell.identity)
            if known is None or known[0] != signature:
                self._known[cell.identity] = signature, describe(results, cell)
            run = self._known[cell.identity][1]
            if cell.parent:
                children.setdefault(cell.parent, []).append(run)
        study = next(cell for cell in planned if cell.identity.kind == "study")
        for cell in [cell for cell in planned if cell.identity.kind == "arm"] + [study]:
            below = children.get(cell.identity, [])
            parts = [self._known[run.cell.identity][0] for run in below]
            signature = sha256_text(canonical([_signature(results, cell), parts, final]))
            known = self._known.get(cell.identity)
            if known is None or known[0] != signature:
                run = describe(results, cell)
                trials = [other for other in below if other.cell.identity.kind == "trial"]
                inherit(run, trials if cell.identity.kind == "arm" else below)
                if cell.identity.kind == "arm" and (final or run.status in ("done", "failed")):
                    summarise(run, trials)
                self._known[cell.identity] = signature, run
            if cell.parent:
                children.setdefault(cell.parent, []).append(self._known[cell.identity][1])
        return {cell.identity: self._known[cell.identity][1] for cell in planned}

    # -- sending ---------------------------------------------------------------------------------------------

    def _send(self, results: Results, wanted: dict[Identity, Wanted], summary: Summary, final: bool) -> None:
        mirror = self._open()
        created = mirror.created
        summary.experiment = self._experiment
        try:
            for identity, run in wanted.items():
                self._send_one(mirror, run, self._known[identity][0], summary, final)
            summary.superseded = mirror.supersede(set(wanted))
            mirror.link_teachers(list(wanted.values()))
            if final and results.study.get("description"):
                mirror.client.set_experiment_tag(
                    mirror.experiment_id, "mlflow.note.content", results.study["description"]
                )
        finally:
            summary.created = mirror.created - created
            summary.runs = sum(identity in wanted for identity in mirror.held)
            self._save()

    def _send_one(self, mirror: Mirror, run: Wanted, signature: str, summary: Summary, final: bool) -> None:
        """Send one run unless it was sent as it is. An error that is its own does not keep the others waiting."""
        identity = run.cell.identity
        held = mirror.held.get(identity)
        trusted = held is not None and self._sent.get(held.run_id) == signature
        if held and trusted and not final and held.tags.get("assay.superseded") == "false":
            return
        if run.status == "missing" and held is None:
            return
        if run.cell.parent and run.cell.parent not in mirror.held:
            summary.errors.append(f"{run.cell.name}: its parent could not be published")
            return
        try:
            mirror.send(run, final=final, trusted=trusted)
        except server_errors() as error:
            if getattr(error, "error_code", "") not in _OF_ONE_RUN:
                raise
            summary.errors.append(f"{run.cell.name}: {first_line(error)}")
        else:
            self._sent[mirror.held[identity].run_id] = signature

    def _open(self) -> Mirror:
        """The server's runs, looked at afresh when somebody else published since the last pass."""
        from_disk = read_json(self._note) or {}
        if self._mirror is None or from_disk.get("token") != self._token:
            client = connect(self.uri)
            found = experiment(client, self.root, self.uri, self.folder.name)
            self._experiment = found.name
            self._mirror = Mirror(client, found.experiment_id, self.folder.name)
            self._sent = dict(from_disk.get("sent") or {}) if from_disk.get("version") == _VERSION else {}
            self._save()
        return self._mirror

    def _save(self) -> None:
        write_json(self._note, {"version": _VERSION, "token": self._token, "sent": self._sent})


def _signature(results: Results, cell: Cell) -> str:
    """A text that changes when a run's content on disk does: its records, sealed folders and growing curves."""
    layout = Layout(results.root)
    parts: list[Any] = [results.record(path) for path in cell.records]
    for digest in cell.jobs:
        job = results.plan["jobs"][digest]
        parts.append(_stamp(results.root / job["folder"] / "seal.json"))
        if parts[-1] is None:
            parts.append(_stamp(layout.work / digest[:16] / "curves.jsonl"))
    if cell.identity.kind == "study":
        parts += [_stamp(results.folder / name) for name in ("study.json", "report.html")]
    return sha256_text(canonical([cell.name, results.study.get("track"), parts]))


def _stamp(file: Path) -> list[int] | None:
    try:
        about = file.stat()
    except FileNotFoundError:
        return None
    return [about.st_size, about.st_mtime_ns]
