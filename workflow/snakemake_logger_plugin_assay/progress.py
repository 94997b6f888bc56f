"""How far a run is and how long it will still take."""

from __future__ import annotations

import time

#: The stage that each rule belongs to; target rules and gates cost nothing and are not counted.
STAGES = {
    "build_dataset": "data",
    "fit_generator": "synthesize",
    "make_synthetic": "synthesize",
    "pretrain_encoder": "pretrain",
    "train_model": "train",
    "train_together": "train",
    "choose_point": "train",
    "adjust_model": "adjust",
    "compress_model": "compress",
    "predict_trial": "predict",
    "evaluate_trial": "evaluate",
    "decide_claims": "claims",
    "write_report": "report",
    "track_study": "track",
}

#: The rule behind every target word.
GATE = "pass_gate"


class Progress:
    """Counts of jobs by stage, and an estimate from the jobs done so far."""

    def __init__(self) -> None:
        self.total = 0
        self.finished = 0
        self.started = time.monotonic()
        self.stages: dict[str, list[int]] = {}
        self._left: dict[str, int] = {}
        self._took: dict[str, list[float]] = {}
        self._busy = 0.0

    def begin(self, rules: dict[str, int]) -> None:
        """Take in how many jobs of each rule there are."""
        self.started = time.monotonic()
        for rule, count in rules.items():
            if rule in STAGES:
                self.stages.setdefault(STAGES[rule], [0, 0])[1] += count
                self._left[rule] = count
                self.total += count

    def done(self, rule: str, seconds: float) -> None:
        """Take in a finished job."""
        if rule not in STAGES:
            return
        self.finished += 1
        self.stages[STAGES[rule]][0] += 1
        self._left[rule] -= 1
        self._took.setdefault(rule, []).append(seconds)
        self._busy += seconds

    def lost(self, rule: str) -> None:
        """Take in a job that will not finish in this run."""
        if rule in STAGES:
            self._left[rule] -= 1

    def seconds_left(self) -> float | None:
        """Seconds until the end, once a few jobs are done: their like takes as long, as many at a time as so far."""
        if self.finished < 3:
            return None
        every = self._busy / self.finished
        work = sum(
            left * (sum(self._took[rule]) / len(self._took[rule]) if rule in self._took else every)
            for rule, left in self._left.items()
        )
        at_a_time = max(1.0, self._busy / max(1e-9, time.monotonic() - self.started))
        return work / at_a_time
