"""What an arm's run and the study's run take from the runs below them: status, time, mean and interval over seeds."""

from __future__ import annotations

import math
from statistics import fmean, stdev

from assay.track.wanted import Point, Wanted

LEVEL = 0.95


def summarise(arm: Wanted, trials: list[Wanted]) -> None:
    """Give an arm's run, for every metric of its trials, the mean over seeds and the bounds of its t interval.

    The bounds are mean -+ t(n - 1, 0.975) s / sqrt(n), named `<metric>.low` and `<metric>.high`; one seed has none.
    """
    values: dict[tuple[str, int], list[Point]] = {}
    for trial in trials:
        for point in trial.points:
            values.setdefault((point.key, point.step), []).append(point)
    for (key, step), points in values.items():
        time = max(point.time for point in points)
        centre = fmean(point.value for point in points)
        arm.points.append(Point(key, step, centre, time))
        if len(points) > 1:
            half = half_width([point.value for point in points])
            arm.points.append(Point(f"{key}.low", step, centre - half, time))
            arm.points.append(Point(f"{key}.high", step, centre + half, time))
    done = sum(trial.status == "done" for trial in trials)
    arm.tags |= {"assay.seeds.done": str(done), "assay.seeds.planned": str(len(trials)), "assay.interval": str(LEVEL)}


def half_width(values: list[float]) -> float:
    """Half of the t interval of a mean, for two values or more."""
    from scipy.special import stdtrit

    return float(stdtrit(len(values) - 1, 0.5 + LEVEL / 2)) * stdev(values) / math.sqrt(len(values))


def inherit(run: Wanted, below: list[Wanted]) -> None:
    """Give a run the status and times of the runs below it, and the reason of the first that failed."""
    statuses = {other.status for other in below}
    failed = [other for other in below if other.status == "failed"]
    if statuses <= {"done", "failed"}:
        if failed and run.status != "failed":
            run.reason = f"{len(failed)} of {len(below)} runs failed; {failed[0].cell.name}: {failed[0].reason}"
        run.status = "failed" if failed or run.status == "failed" else "done"
    elif statuses != {"missing"}:
        run.status, run.reason = "running", None
    run.started = min((other.started for other in [run, *below] if other.started), default=None)
    run.finished = max((other.finished for other in [run, *below] if other.finished), default=None)
