"""How a run shows itself: stages, trials and seconds left, live on a terminal and as plain lines elsewhere.

Snakemake finds this package by its name; `profiles/default` asks for it (`logger: assay`). It reads Snakemake's events
and the records that jobs write, and changes nothing.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_assay.display import Lines, Live
from snakemake_logger_plugin_assay.progress import GATE, STAGES, Progress

#: Events that say no more than the display does.
_SILENT = {
    LogEvent.SHELLCMD, LogEvent.PROGRESS, LogEvent.RULEGRAPH, LogEvent.DEBUG_DAG, LogEvent.RESOURCES_INFO,
    LogEvent.JOB_STARTED, LogEvent.WORKFLOW_STARTED, LogEvent.GROUP_INFO,
}  # fmt: skip

#: Messages of Snakemake that a reader of the display can do without.
_CHATTER = (
    "Building DAG", "Select jobs", "Execute ", "Using profile", "Using workflow specific", "Using shell",
    "Assuming unrestricted", "Complete log", "Conda environments", "host:", "Provided ", "Rules claiming",
    "Finished jobid", "Will exit after finishing",
)  # fmt: skip


class LogHandler(LogHandlerBase):
    """Snakemake's handler for what it has to say."""

    def __post_init__(self) -> None:
        self._progress = Progress()
        self._jobs: dict[int, tuple[str, str, list[str], list[str], float]] = {}
        stream = sys.stdout if self.common_settings.stdout else sys.stderr
        self._display = Live(stream) if stream.isatty() else Lines(stream)

    def emit(self, record: logging.LogRecord) -> None:
        """Show one event."""
        event = getattr(record, "event", None)
        if self.common_settings.dryrun or self.common_settings.verbose:
            self._say(record)
        elif event == LogEvent.RUN_INFO:
            self._begin(record.stats)  # type: ignore[attr-defined]
        elif event == LogEvent.JOB_INFO:
            self._job(record)
        elif event == LogEvent.JOB_FINISHED:
            self._done(getattr(record, "job_id", None))
        elif event == LogEvent.JOB_ERROR:
            self._lost(record)
        elif event not in _SILENT and not (event == LogEvent.ERROR and "CalledProcessError" in record.getMessage()):
            # That a command failed is said by the event of its job.
            self._say(record)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._display.end()
        super().close()

    def _say(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if text and text != "None" and not (record.levelno <= logging.INFO and text.startswith(_CHATTER)):
            self._display.say(text)

    def _begin(self, stats: dict[str, Any]) -> None:
        if self._progress.total:
            return
        self._progress.begin({rule: count for rule, count in stats.items() if rule != "total"})
        self._display.begin(self._progress)

    def _job(self, record: logging.LogRecord) -> None:
        about = record.__dict__
        outputs = [str(file) for file in about.get("output") or []]
        words = about.get("rule_msg") or about["rule_name"]
        logs = [str(file) for file in about.get("log") or []]
        self._jobs[about["jobid"]] = (about["rule_name"], words, outputs, logs, time.monotonic())
        self._display.started(words)

    def _done(self, number: int | None) -> None:
        if number not in self._jobs:
            return
        rule, words, outputs, logs, started = self._jobs.pop(number)
        self._progress.done(rule, time.monotonic() - started)
        for reason in _failures(outputs):
            self._display.say(f"FAILED {reason}")
        self._display.ended(words)
        if rule in STAGES:
            self._display.finished(words, self._progress)
        self._told_by(rule, logs)

    def _lost(self, record: logging.LogRecord) -> None:
        """A job whose command failed: not one whose method failed, which is a result."""
        about = record.__dict__
        rule, words, *_ = self._jobs.pop(about["jobid"], (about["rule_name"], about["rule_name"]))
        self._progress.lost(rule)
        self._display.ended(words)
        logs = [str(file) for file in about.get("log") or []]
        if rule == GATE:
            self._told_by(rule, logs)
        else:
            self._display.say("\n".join([f"ERROR {words}: {about.get('shellcmd') or rule}", *_ends(logs)]))

    def _told_by(self, rule: str, logs: list[str]) -> None:
        """What a gate has to say: how many records are done, or which failed."""
        if rule == GATE:
            for line in [line for log in logs for line in _lines(log)]:
                self._display.say(line)

    @property
    def writes_to_stream(self) -> bool:
        """It is the one handler that writes to the terminal."""
        return True

    @property
    def writes_to_file(self) -> bool:
        """Snakemake's own log file stays as it is."""
        return False

    @property
    def has_filter(self) -> bool:
        """What is shown is decided in `emit`."""
        return True

    @property
    def has_formatter(self) -> bool:
        """Errors and messages are worded by Snakemake's own formatter."""
        return False

    @property
    def needs_rulegraph(self) -> bool:
        """No."""
        return False


def _ends(logs: list[str], lines: int = 12) -> list[str]:
    """The last lines of log files, each under its name."""
    found = []
    for log in logs:
        if last := _lines(log)[-lines:]:
            found += [f"  {log}:", *(f"    {line}" for line in last)]
    return found


def _lines(file: str) -> list[str]:
    try:
        return Path(file).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _failures(outputs: list[str]) -> list[str]:
    """What the records of a job tell of failures that began with it."""
    found = []
    for file in outputs:
        if not file.endswith(".json"):
            continue
        try:
            body = json.loads(Path(file).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        reason = body.get("reason") if isinstance(body, dict) and body.get("status") == "failed" else None
        if reason and not reason.startswith("needs "):
            found.append(f"{body['record']}: {reason}")
    return found
