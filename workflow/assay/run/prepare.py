"""From a config to a plan on disk: the next one reads the cached plan as long as nothing it came from changed."""

from __future__ import annotations

import contextlib
import errno
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assay.run.files import canonical, read_json, sha256_text, write_if_changed, write_json
from assay.run.layout import HERE, Layout
from assay.run.lock import Busy, locked
from assay.run.plans import Plans
from assay.study.errors import ConfigError, Problem, nearest
from assay.study.jobs import Plan, digest_of
from assay.study.own_data import path_of, signature
from assay.study.registry import PACKAGE

#: What `snakemake --config` may say.
CONFIG_KEYS = ("study", "variant", "scale")


@dataclass
class Prepared:
    """A planned study and where its results go."""

    plan: Plan
    layout: Layout
    lines: dict[str, Any]
    body: dict[str, Any]

    @property
    def folder(self) -> Path:
        """The study's folder."""
        return self.layout.study(self.plan.folder)

    def publish(self) -> None:
        """Write `study.json`, from which jobs, the report and tracking read the plan. Whoever calls holds the lock."""
        write_if_changed(self.folder / "study.json", json.dumps(self.body, ensure_ascii=False) + "\n")


def prepare(config: dict[str, Any], layout: Layout = HERE, *, cached: bool = False) -> Prepared:
    """Plan the study that `--config study=FILE variant=NAME scale=smoke` names, `config.yaml` when it names none.

    Args:
        config: the keys above; others are refused.
        layout: the results folder.
        cached: take the plan of the run under way, whatever changed since (jobs on a cluster do not plan again).

    `study.json` is left alone while somebody runs the study: its jobs and report go by the plan that it was started
    with.

    Raises:
        ConfigError: with every fault of the config.
    """
    for key in config:
        if key not in CONFIG_KEYS:
            raise ConfigError(
                Problem(
                    f"--config takes {', '.join(CONFIG_KEYS)}, not {key!r}; studies are files of their own and "
                    "--configfile is not used: say --config study=FILE",
                    nearest=nearest(key, CONFIG_KEYS),
                )
            )
    wanted = {key: str(config[key]) for key in CONFIG_KEYS if config.get(key) is not None}
    wanted.setdefault("study", "config.yaml")
    cache_file = layout.private / "cache" / f"{sha256_text(canonical(wanted))[:16]}.json"
    cache = read_json(cache_file)
    if cache and (cached or _holds(cache)):
        body = read_json(layout.study(cache["folder"]) / "study.json")
        if body is not None and (cached or digest_of(body) == cache["digest"]):
            return Prepared(Plan.from_json(body), layout, cache["lines"], body)
    return _plan_afresh(wanted, layout, cache_file)


def _plan_afresh(wanted: dict[str, str], layout: Layout, cache_file: Path) -> Prepared:
    from assay.study.code import Code
    from assay.study.compose import files_of
    from assay.study.load import load_study
    from assay.study.plan import plan
    from assay.study.registry import scan

    file = Path(wanted["study"])
    study = load_study(file, variant=wanted.get("variant"), scale=wanted.get("scale"))
    lines = study.pop("lines")
    plugins = [Path(path) for path in study["plugins"]]
    code = Code(plugins)
    try:
        made = plan(study, scan(plugins), code)
    except ConfigError as error:
        raise ConfigError([_placed(problem, lines) for problem in error.problems]) from None
    with where_it_can_be_written():
        Plans(layout).save(made)
    body = {**made.as_json(), "config": file.read_text(encoding="utf-8"), "file": str(file)}
    prepared = Prepared(made, layout, lines, body)
    with where_it_can_be_written(), contextlib.suppress(Busy), locked(layout.study_lock(made.folder), wait=False):
        prepared.publish()
    read = {str(path) for path in [*files_of(file), *code.looked_for]} | files_named(study)
    read |= {study["mirror"]} if study["mirror"] else set()
    read |= {str(path) for path in [PACKAGE, *PACKAGE.rglob("*")] if path.suffix != ".pyc"}
    read = {path for path in read if "__pycache__" not in path}
    cache = {
        "files": _signatures(dict.fromkeys(sorted(read))),
        "data": [[source, signature(source)] for source in _sources(study)],
        "folder": made.folder,
        "digest": digest_of(body),
    }
    with where_it_can_be_written():
        write_json(cache_file, {**cache, "lines": lines})
    return prepared


@contextmanager
def where_it_can_be_written() -> Iterator[None]:
    """Leave out a note that cannot be made: results that may only be read can be looked at all the same."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname not in ("SQLITE_READONLY", "SQLITE_CANTOPEN"):
            raise


def _holds(cache: dict[str, Any]) -> bool:
    """Whether nothing that a plan came from has changed."""
    return cache["files"] == _signatures(cache["files"]) and all(
        signature(source) == known for source, known in cache["data"]
    )


def _placed(problem: Problem, lines: dict[str, Any]) -> Problem:
    """A problem that only planning found, with the file and line of the config that it belongs to."""
    where = lines.get(problem.path or "")
    return replace(problem, file=where[0], line=where[1]) if where and problem.file is None else problem


def _signatures(files: dict[str, Any]) -> dict[str, list[int]]:
    """Size and time of each file; a folder counts by its names alone, so that a byte-code cache changes nothing."""
    found = {}
    for name in files:
        path = Path(name)
        try:
            about = path.stat()
        except OSError:
            found[name] = [-1, -1]
            continue
        if path.is_dir():
            names = sorted(child.name for child in path.iterdir() if child.name != "__pycache__")
            found[name] = [len(names), int(sha256_text("/".join(names))[:8], 16)]
        else:
            found[name] = [about.st_size, about.st_mtime_ns]
    return found


def files_named(study: dict[str, Any]) -> set[str]:
    """Files outside the config whose contents are part of the plan."""
    from assay.study.alterations import files_of as files_of_data

    found = {arm[key] for arm in study["arms"].values() for key in ("weights", "predictions") if arm[key]}
    found |= {arm["init"]["weights"] for arm in study["arms"].values() if arm["init"] and "weights" in arm["init"]}
    return found | {path for dataset in study["datasets"].values() for path in files_of_data(dataset).values()}


def _sources(study: dict[str, Any]) -> list[dict[str, Any]]:
    """The sources that read a user's own images."""
    declared = [dataset["source"] for dataset in study["datasets"].values() if dataset["source"]]
    return [source for source in declared if path_of(source) is not None]
