"""Sends metrics and curves: what the server holds already is not sent again, what it holds otherwise is corrected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.track.curves import Tail, points
from assay.track.held import Held
from assay.track.wanted import Point, Wanted

if TYPE_CHECKING:
    from mlflow import MlflowClient

#: The most metrics that a server takes in one request.
BATCH = 1000


def send_metrics(client: MlflowClient, held: Held, wanted: list[Point]) -> None:
    """Send the metrics of evaluations, to the run and to the model that it made."""
    stepped = {point.key for point in wanted if point.step != 0}
    new = _unsent(client, held, [point for point in wanted if point.key in stepped])
    for point in wanted:
        known = held.latest.get(point.key)
        on_model = held.model is None or held.model_metrics.get(point.key) == point.value
        if point.key in stepped or (known == point.value and on_model):
            continue
        new.append(point if known in (None, point.value) else _after(client, held, point))
    _log(client, held, new, held.model)


def send_curves(client: MlflowClient, held: Held, wanted: Wanted, trusted: bool) -> None:
    """Send what the curve files hold and the server does not.

    A file is read on from where it was left; a sealed one is another file and so compared whole, unless `trusted` says
    that it was before and its last values are those on the server.
    """
    for curve in wanted.curves:
        new = points(curve, held.tails.setdefault(curve.file, Tail(curve.file)).read())
        last = {point.key: point.value for point in sorted(new, key=lambda point: point.step)}
        if not (trusted and all(held.latest.get(key) == value for key, value in last.items())):
            _log(client, held, _unsent(client, held, new), None)
    if wanted.status in ("done", "failed"):
        held.tails.clear()
        held.steps.clear()


def _unsent(client: MlflowClient, held: Held, candidates: list[Point]) -> list[Point]:
    """The points that the server lacks, or holds with another value as its newest for that step.

    A training that was killed and resumed measures some steps again at another time: the same value is not sent twice.
    A correction is given a time after that of what it corrects.
    """
    read = {key for key, _ in held.steps}
    for key in sorted({point.key for point in candidates} - read):
        if key in held.latest:
            _read_history(client, held, key)
    found = []
    for point in candidates:
        value, newest = held.steps.get((point.key, point.step), (None, -1))
        if value != point.value:
            found.append(Point(point.key, point.step, point.value, max(point.time, newest + 1)))
            held.steps[point.key, point.step] = found[-1].value, found[-1].time
    return found


def _read_history(client: MlflowClient, held: Held, key: str) -> None:
    for entry in client.get_metric_history(held.run_id, key):
        _, newest = held.steps.get((key, entry.step), (0.0, -1))
        if entry.timestamp > newest:
            held.steps[key, entry.step] = entry.value, entry.timestamp


def _after(client: MlflowClient, held: Held, point: Point) -> Point:
    newest = max((entry.timestamp for entry in client.get_metric_history(held.run_id, point.key)), default=0)
    return Point(point.key, point.step, point.value, max(point.time, newest + 1))


def _log(client: MlflowClient, held: Held, new: list[Point], model: str | None) -> None:
    from mlflow.entities import Metric

    for start in range(0, len(new), BATCH):
        batch = new[start : start + BATCH]
        metrics = [Metric(point.key, point.value, point.time, point.step, model_id=model) for point in batch]
        client.log_batch(held.run_id, metrics=metrics)
        held.latest |= {point.key: point.value for point in batch}
        if model:
            held.model_metrics |= {point.key: point.value for point in batch}
