"""What the runs of a study hold on the server, read in a few requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from assay.track.cells import Identity
from assay.track.curves import Tail

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run


@dataclass
class Held:
    """A run as it stands on the server, as far as it is known.

    Attributes:
        latest: metric to its value at the highest step.
        sources: name and digest of its datasets; `outputs`: ids of the models that it made.
        steps: (metric, step) to the newest value and its time, for the metrics whose history was read.
        model: id of its logged model; `model_metrics` what that holds.
        tails: how far its curve files were read.
    """

    run_id: str
    identity: Identity
    status: str
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    latest: dict[str, float] = field(default_factory=dict)
    sources: set[tuple[str, str]] = field(default_factory=set)
    outputs: set[str] = field(default_factory=set)
    steps: dict[tuple[str, int], tuple[float, int]] = field(default_factory=dict)
    model: str | None = None
    model_ready: bool = False
    model_metrics: dict[str, float] = field(default_factory=dict)
    tails: dict[Path, Tail] = field(default_factory=dict)


def held(run: Run, model: LoggedModel | None = None) -> Held:
    """A run of MLflow with the logged model that it made."""
    tags = dict(run.data.tags)
    made = Held(run.info.run_id, Identity.of(tags), run.info.status, dict(run.data.params), tags)
    made.latest = dict(run.data.metrics)
    if run.inputs:
        made.sources = {(entry.dataset.name, entry.dataset.digest) for entry in run.inputs.dataset_inputs}
    if run.outputs:
        made.outputs = {entry.model_id for entry in run.outputs.model_outputs}
    if model is not None:
        made.model = model.model_id
        made.model_ready = model.status == "READY"
        ordered = sorted(model.metrics or [], key=lambda metric: metric.timestamp)
        made.model_metrics = {metric.key: metric.value for metric in ordered}
    return made


def runs_of(client: MlflowClient, experiments: list[str], study: str) -> list[Run]:
    """The runs of a study in some experiments, oldest first, superseded ones too."""
    found: list[Run] = []
    token = None
    while experiments:
        page = client.search_runs(
            experiments,
            filter_string=f"tags.`assay.study` = '{study}'",
            order_by=["attributes.start_time ASC"],
            max_results=1000,
            page_token=token,
        )
        found += page
        token = page.token
        if not token:
            break
    return found


def models_of(client: MlflowClient, experiment_id: str) -> dict[str, LoggedModel]:
    """The logged models of an experiment by the run that made them."""
    found: dict[str, LoggedModel] = {}
    token = None
    while True:
        page = client.search_logged_models([experiment_id], max_results=100, page_token=token)
        found |= {model.source_run_id: model for model in page if model.source_run_id}
        token = page.token
        if not token:
            return found
