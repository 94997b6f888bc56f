"""What the Snakefile asks: the planned study, the inputs and digest of a record, and what a command line forces."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snakemake_interface_common.exceptions import WorkflowError
from snakemake_interface_executor_plugins.settings import ExecMode

from assay.run.check import drop, look
from assay.run.declared import declare
from assay.run.files import write_json
from assay.run.lock import Busy, acquire
from assay.run.prepare import Prepared, prepare
from assay.study.claims import too_few
from assay.study.errors import ConfigError
from assay.study.jobs import digest_of

#: Options of Snakemake with which it reads the Snakefile and runs no job.
_LOOKS = (
    "dryrun", "lint", "list_rules", "list_target_rules", "summary", "detailed_summary", "dag", "rulegraph", "d3dag",
    "filegraph", "report", "unlock", "list_changes", "list_input_changes", "list_params_changes", "archive",
    "containerize", "export_cwl", "generate_unit_tests", "delete_all_output", "delete_temp_output", "touch",
    "list_untracked", "print_compilation", "cleanup_metadata", "gui",
)  # fmt: skip


#: Rules that make records, with the stage of these.
_RULES = {
    "build_dataset": "data", "fit_generator": "generator", "make_synthetic": "synthetic",
    "pretrain_encoder": "pretrain", "train_model": "train", "train_together": "train", "choose_point": "search",
    "adjust_model": "adjust", "compress_model": "compress", "predict_trial": "predict", "evaluate_trial": "evaluate",
    "decide_claims": "claims",
}  # fmt: skip


@dataclass
class Study:
    """A planned study as rules see it. Paths are those of Snakemake: below the working directory."""

    prepared: Prepared
    forced: set[str]

    @property
    def name(self) -> str:
        """The study's folder, as a pattern for a wildcard constraint."""
        return re.escape(self.prepared.plan.folder)

    @property
    def targets(self) -> list[str]:
        """Every word that is a target, but for `all`, which the Snakefile itself declares."""
        return [word for word in self.prepared.plan.target_names() if word != "all"]

    @property
    def families(self) -> list[str]:
        """The evaluation families of the study."""
        return list(self.prepared.plan.study["evaluate"])

    @property
    def seeds(self) -> list[int]:
        """The study's seeds."""
        return list(self.prepared.plan.study["seeds"])

    @property
    def together(self) -> str:
        """The arms whose seeds are trained in one job, as a pattern for a wildcard constraint; empty for none."""
        arms = self.prepared.plan.study["arms"]
        return "|".join(re.escape(name) for name, arm in arms.items() if arm["together"])

    def file(self, path: str) -> str:
        """The file of a record."""
        return f"{self.prepared.folder}/{path}.{'html' if path == 'report' else 'json'}"

    def path(self, file: str) -> str:
        """The record that a file holds."""
        return str(file).removeprefix(f"{self.prepared.folder}/").removesuffix(".json").removesuffix(".html")

    def needs(self, *files: str) -> list[str]:
        """The files that records need."""
        found: dict[str, None] = {}
        for file in files:
            for path in self._record(self.path(file)).needs:
                found[self.file(path)] = None
        return list(found)

    def digest(self, *files: str) -> str:
        """What identifies the work behind some records, as one text (a param of Snakemake)."""
        mark = "!" if any(self.path(file) in self.forced for file in files) else ""
        return "+".join(self._record(self.path(file)).digest[:16] for file in files) + mark

    def gate(self, target: str) -> str:
        """The file that stands once everything behind a target word is done and nothing failed."""
        return f"{self.prepared.folder}/gates/{target}.json"

    def members(self, target: str) -> list[str]:
        """The files behind a target word, with all that they need.

        Snakemake makes a missing file again only where a job that runs asks for it; a gate asks for everything.
        """
        return [self.file(path) for path in self.prepared.plan.behind(target)]

    def target_digest(self, target: str) -> str:
        """What identifies all the work behind a target word."""
        plan = self.prepared.plan
        return digest_of([plan.records[path].digest for path in plan.target(target)])[:16]

    def resource(self, stage: str, name: str, default: Any) -> Any:
        """A resource that the config declares for a stage, else the default."""
        value = (self.prepared.plan.study.get("resources") or {}).get(stage, {}).get(name)
        return default if value is None else value

    def resources(self, stage: str) -> dict[str, Any]:
        """The resources of a stage under Snakemake's names: `mem`, `runtime`, `gpu`."""
        names = {"memory": "mem", "time": "runtime", "gpus": "gpu"}
        declared = (self.prepared.plan.study.get("resources") or {}).get(stage, {})
        return {names[key]: value for key, value in declared.items() if key in names and value not in (None, "auto")}

    def _record(self, path: str) -> Any:
        try:
            return self.prepared.plan.records[path]
        except KeyError:
            raise WorkflowError(f"the study has no {path}; `assay plan` lists what it has") from None


def open_study(workflow: Any, config: dict[str, Any]) -> Study:
    """Plan the study for a Snakefile; for the main process of a real run also lock it and drop what does not hold.

    Raises:
        WorkflowError: a run of the same study is under way.
        SystemExit: the config is wrong; every fault has been printed.
    """
    if workflow.config_settings and workflow.config_settings.configfiles:
        raise WorkflowError("--configfile merges files and is not used here; say --config study=FILE")
    here = str(Path(sys.executable).parent)
    if here not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = here + os.pathsep + os.environ.get("PATH", "")
    main = workflow.exec_mode == ExecMode.DEFAULT
    try:
        prepared = prepare(dict(config), cached=not main)
    except ConfigError as error:
        # Raised, Snakemake would dress it up with lines of the Snakefile, where nothing is wrong.
        print(error, file=sys.stderr)
        sys.exit(2)
    arguments = _arguments() if main else None
    real = main and not any(getattr(arguments, option, None) for option in _LOOKS)
    forced = _forced(prepared, arguments)
    if real:
        _begin(prepared, forced)
        forced = set()
    return Study(prepared, forced)


def _arguments() -> Any:
    """The command line as Snakemake understood it, or None when it was started from Python."""
    if Path(sys.argv[0]).name not in ("snakemake", "__main__.py"):
        return None
    from snakemake.cli import parse_args

    return parse_args(sys.argv[1:])[1]


def _forced(prepared: Prepared, arguments: Any) -> set[str]:
    """The records that -R, -F or -f name: a target word, or a rule, stands for all its records."""
    if arguments is None:
        return set()
    plan = prepared.plan
    if getattr(arguments, "forceall", False):
        words = list(getattr(arguments, "targets", None) or ["all"])
    else:
        words = list(getattr(arguments, "forcerun", None) or [])
        words += list(arguments.targets or ["all"]) if getattr(arguments, "force", False) else []
    found: set[str] = set()
    for word in words:
        path = word.removeprefix(f"{prepared.folder}/").removesuffix(".json")
        if path in plan.records:
            found.add(path)
        elif word in plan.target_names():
            found.update(plan.target(word))
        elif word in _RULES:
            found.update(path for path, record in plan.records.items() if record.stage == _RULES[word])
    if getattr(arguments, "forceall", False):
        # -F means what a target needs too.
        open_ = list(found)
        while open_:
            more = [path for path in plan.records[open_.pop()].needs if path not in found]
            found.update(more)
            open_ += more
    return found


def _begin(prepared: Prepared, forced: set[str]) -> None:
    """Take the study's lock for as long as this process lives, and drop what does not hold or is to be made afresh."""
    _lock(prepared)
    prepared.publish()
    declare(prepared.plan, prepared.folder)
    from assay.run.store import Store

    Store(prepared.layout).sweep()
    for line in drop(prepared, look(prepared)):
        print(line, file=sys.stderr)
    if words := too_few(prepared.plan.study):
        print(words, file=sys.stderr)
    now = time.time()
    for path in forced:
        (prepared.folder / f"{path}.json").unlink(missing_ok=True)
    write_json(prepared.layout.private / "forced" / f"{prepared.plan.folder}.json", dict.fromkeys(sorted(forced), now))


def _lock(prepared: Prepared) -> None:
    """Take the study's lock; commands that only look hold it for a moment without a word about themselves."""
    about = f"process {os.getpid()}, started {time.strftime('%Y-%m-%d %H:%M:%S')}"
    for pause in (0.1, 0.4, None):
        try:
            acquire(prepared.layout.study_lock(prepared.plan.folder), wait=False, about=about)
            return
        except Busy as busy:
            if pause is None:
                raise WorkflowError(
                    f"study {prepared.plan.folder} is being run by {busy.holder or 'another process'}; "
                    "wait for it, or give yours another name under `study:`"
                ) from None
            time.sleep(pause)
        except OSError as error:
            raise WorkflowError(f"{prepared.layout.root} cannot be written: {error.strerror}") from None


def start_follower(study: Study) -> None:
    """Start the process that sends curves and finished trials to MLflow while the study runs."""
    if not study.prepared.plan.study["track"]["live"]:
        return
    log = study.prepared.layout.private / f"follow-{study.prepared.plan.folder}.log"
    with log.open("ab") as file:
        subprocess.Popen(
            [sys.executable, "-m", "assay.run.cli", "follow", str(study.prepared.folder), "--parent", str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
