"""Brings the runs of one experiment to what they should be.

Nothing here trusts a memory of what was sent: a run is found by its tags, and what it holds is compared with what it
should hold. So it does not matter where an earlier publisher stopped.
"""

from __future__ import annotations

import json
import time
from getpass import getuser
from typing import TYPE_CHECKING

from assay.run.files import canonical, sha256_text
from assay.track.attach import (
    LONGEST_PARAM,
    LONGEST_TAG,
    send_artifacts,
    send_datasets,
    send_model,
    send_teachers,
)
from assay.track.cells import Identity
from assay.track.held import Held, held, models_of, runs_of
from assay.track.points import send_curves, send_metrics
from assay.track.wanted import Role, Wanted

if TYPE_CHECKING:
    from mlflow import MlflowClient

_ENDED = {"done": "FINISHED", "failed": "FAILED"}
#: What MLflow shows as the description of a run.
_NOTE = "mlflow.note.content"
_FAILED = "**Failed.**"


class Mirror:
    """The runs of a study on a server.

    Args:
        client: see `store.connect`.
        experiment_id: the study's experiment.
        study: the study's folder name; runs with another `assay.study` are left alone.

    Attributes:
        held: the runs that were found or made, by identity.
        created: how many were made.
    """

    def __init__(self, client: MlflowClient, experiment_id: str, study: str):
        self.client = client
        self.experiment_id = experiment_id
        self.created = 0
        self.held: dict[Identity, Held] = {}
        self._twins: list[Held] = []
        models = models_of(client, experiment_id)
        for run in runs_of(client, [experiment_id], study):
            found = held(run, models.get(run.info.run_id))
            # Two publishers on machines that do not see each other's locks made the same run; the older one stays.
            if found.identity in self.held:
                self._twins.append(found)
            else:
                self.held[found.identity] = found

    def send(self, wanted: Wanted, *, final: bool = False, trusted: bool = False) -> None:
        """Make a run hold what it should; nothing is sent twice. One of which nothing has begun is not made.

        Args:
            wanted: the run as it should be. That of its parent was sent before.
            final: end the run even if it is unfinished, since nobody works on it any more.
            trusted: the curves are known to have been sent whole, so that their histories need not be read.
        """
        run = self.held.get(wanted.cell.identity)
        if run is None and wanted.status == "missing":
            return
        if run is None:
            run = self._create(wanted)
        if wanted.status == "running" and run.status != "RUNNING":
            self.client.update_run(run.run_id, status="RUNNING")
            run.status = "RUNNING"
        long = self._tags_and_params(run, wanted)
        send_model(self.client, self.experiment_id, run, wanted)
        send_metrics(self.client, run, wanted.points)
        send_curves(self.client, run, wanted, trusted)
        send_datasets(self.client, run, wanted.sources)
        send_artifacts(self.client, run, [*wanted.roles, *long])
        self._end(run, wanted, final)

    def _create(self, wanted: Wanted) -> Held:
        """Make the run. Its identity is part of the same request, so a publisher that dies leaves no nameless run."""
        tags = {"assay.study": wanted.tags["assay.study"], **wanted.cell.identity.tags(), "assay.superseded": "false"}
        tags["mlflow.user"] = _user()
        if wanted.cell.parent:
            tags["mlflow.parentRunId"] = self.held[wanted.cell.parent].run_id
        started = int((wanted.started or time.time()) * 1000)
        made = held(
            self.client.create_run(self.experiment_id, start_time=started, tags=tags, run_name=wanted.cell.title)
        )
        self.created += 1
        self.held[made.identity] = made
        return made

    def _tags_and_params(self, run: Held, wanted: Wanted) -> list[Role]:
        """Send params that are new and tags that changed; returns what is too long, as artifacts: nothing is cut."""
        from mlflow.entities import Param, RunTag

        long: dict[str, str] = {}

        def fitting(key: str, value: str, limit: int) -> str:
            if len(value) <= limit:
                return value
            name = f"{key.replace('/', '_')}.txt"
            long[name] = value
            return f"see artifact long/{name}"

        params = {key: fitting(f"param.{key}", value, LONGEST_PARAM) for key, value in wanted.params.items()}
        tags = self._tags(run, wanted, params)
        tags = {key: fitting(f"tag.{key}", value, LONGEST_TAG) for key, value in tags.items()}
        # An empty tag says no more than none: it is only sent to take an earlier value back.
        tags = {key: value for key, value in tags.items() if run.tags.get(key, "") != value}
        params = {key: value for key, value in params.items() if key not in run.params}
        if params or tags:
            self.client.log_batch(
                run.run_id,
                params=[Param(key, value) for key, value in params.items()],
                tags=[RunTag(key, value) for key, value in tags.items()],
            )
            run.params |= params
            run.tags |= tags
        return [Role("long", sha256_text(canonical(long))[:8], texts=long)] if long else []

    def _tags(self, run: Held, wanted: Wanted, params: dict[str, str]) -> dict[str, str]:
        tags = {"assay.superseded": "false", "assay.reason": "", **wanted.tags}
        tags["assay.undefined"] = _listed(wanted.undefined)
        # Params never change in MLflow. One that reads otherwise now (a dataset was renamed, say) is told in a tag.
        tags["assay.params.now"] = _listed({k: v for k, v in params.items() if run.params.get(k, v) != v})
        if wanted.status in _ENDED:
            # Nor can a metric be taken back. One that is no longer computed (a detector was removed) is told in a tag.
            curves = tuple(f"{curve.prefix}/" for curve in wanted.curves)
            known = {point.key for point in wanted.points}
            tags["assay.stale"] = _listed(
                [k for k in sorted(run.latest) if k not in known and not k.startswith(curves)]
            )
        if wanted.status == "failed":
            tags["assay.reason"] = wanted.reason or ""
            tags[_NOTE] = f"{_FAILED} {wanted.reason}\n\n{tags.get(_NOTE, '')}".strip()
        elif run.tags.get(_NOTE, "").startswith(_FAILED):
            tags.setdefault(_NOTE, "")
        if wanted.cell.parent:
            tags["mlflow.parentRunId"] = self.held[wanted.cell.parent].run_id
        return tags

    def _end(self, run: Held, wanted: Wanted, final: bool) -> None:
        status = _ENDED.get(wanted.status) or ("KILLED" if final else None)
        if status and status != run.status:
            ended = int((wanted.finished or time.time()) * 1000)
            self.client.set_terminated(run.run_id, status=status, end_time=ended)
            run.status = status

    def link_teachers(self, runs: list[Wanted]) -> None:
        """Record the logged models of its teachers as inputs of each student's run."""
        by_digest = {identity.digest: run for identity, run in self.held.items() if identity.kind == "trial"}
        for wanted in runs:
            student = self.held.get(wanted.cell.identity)
            if student and wanted.teachers:
                found = [by_digest[digest] for digest in wanted.teachers if digest in by_digest]
                send_teachers(self.client, student, found)

    def supersede(self, identities: set[Identity]) -> int:
        """Tag every run of the study that its plan no longer holds, and end those that still count as running."""
        others = [run for identity, run in self.held.items() if identity not in identities] + self._twins
        for run in others:
            if run.tags.get("assay.superseded") != "true":
                self.client.set_tag(run.run_id, "assay.superseded", "true")
                run.tags["assay.superseded"] = "true"
            if run.status == "RUNNING":
                self.client.set_terminated(run.run_id, status="KILLED", end_time=int(time.time() * 1000))
                run.status = "KILLED"
        return len(others)


def _listed(value: dict[str, str] | list[str]) -> str:
    return json.dumps(value, ensure_ascii=False) if value else ""


def _user() -> str:
    try:
        return getuser()
    except (KeyError, OSError):
        return "assay"
