"""The commands that people type: `assay check`, `plan`, `why`, `methods`, `clean`, `accept` and the like."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from assay.run.layout import HERE
from assay.study.errors import ConfigError, nearest


def command(arguments: list[str]) -> int:
    """Parse a command line and run it; the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except (FileNotFoundError, KeyError, ValueError) as error:
        print(f"assay {options.command}: {error.args[0] if error.args else error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 0
    except OSError as error:
        print(f"assay {options.command}: {error.filename or 'the disk'}: {error.strerror}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    from assay import __version__

    parser = argparse.ArgumentParser(
        prog="assay",
        description="One config in, evidence out. `snakemake --cores all` runs the study; these commands explain it.",
        epilog="Jobs run `assay train FILE`, `assay batch FILE...` and the like; typed by hand they do the same.",
    )
    parser.add_argument("--version", action="version", version=f"assay {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, run: Any, words: str, *, study: bool = False) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=words, description=words)
        made.set_defaults(run=run)
        if study:
            made.add_argument("--study", metavar="FILE", help="the config (default: config.yaml)")
            made.add_argument("--variant", metavar="NAME", help="a variant that the config declares")
            made.add_argument("--scale", choices=["smoke"], help="run every arm for a minute")
        return made

    made = add("check", _check, "validate a config: every fault with file, line, key and the nearest valid name")
    made.add_argument("file", nargs="?", default="config.yaml", metavar="FILE")
    made.add_argument("--variant", metavar="NAME", help="with this variant")
    made = add("fetch", _fetch, "put all published files that a study needs into a folder, for where no network is")
    made.add_argument("file", nargs="?", default="config.yaml", metavar="STUDY.yaml")
    made.add_argument("--into", required=True, metavar="DIR", help="the folder; set `mirror: DIR` or ASSAY_MIRROR=DIR")
    made.add_argument("--variant", metavar="NAME", help="with this variant")
    add("plan", _plan, "list the jobs that would run, by stage, with an estimate", study=True)
    add("register", _register, "write what the study claims, and how it will be judged, to deposit it", study=True)
    made = add("evidence", _evidence, "print the verdicts of a study as a Markdown page for docs/evidence")
    made.add_argument("folder", nargs="+", metavar="results/STUDY")
    made = add("export", _export, "write a finished study as an RO-Crate, to deposit it", study=True)
    made.add_argument("folder", nargs="?", metavar="results/STUDY", help="as it stands there (default: by --study)")
    made.add_argument("--into", metavar="DIR|FILE.zip", help="a new folder or archive (default: STUDY.crate.zip)")
    made.add_argument("--license", metavar="URL", help="the licence of the results, such as an SPDX address")
    made = add("reproduce", _reproduce, "list or start the studies that test what a paper claims")
    made.add_argument(
        "paper", nargs="?", metavar="PAPER", help="arXiv id, DOI or words of the citation; all if left out"
    )
    made.add_argument("--run", action="store_true", dest="start", help="start the study")
    made.add_argument("--variant", metavar="NAME", help="a variant that the study declares, such as cpu")
    made.add_argument("--study", metavar="FILE", help="the one meant, where several cite the paper")
    made = add("why", _why, "say which config key, input or file makes each job of TARGET run", study=True)
    made.add_argument("target", nargs="?", default="all", metavar="TARGET", help="a stage, an arm or a record")
    made = add("methods", _methods, "list the methods that a config can name, or show one")
    made.add_argument("name", nargs="?", metavar="NAME")
    made.add_argument("--json", action="store_true", help="as a list of objects")
    made.add_argument("--plugin", action="append", default=[], metavar="FILE", help="a plug-in to look into as well")
    made = add("clean", _clean, "list what no study names any more")
    made.add_argument("--yes", action="store_true", help="remove it")
    add("accept", _accept, "keep results across a change of code that you declare harmless", study=True)
    add("schema", _schema, "print the JSON Schema of a config")
    made = add("ui", _ui, "open MLflow on the results")
    made.add_argument("--port", type=int, default=5000)
    made = add("audit", _audit, "list differences between the results and MLflow")
    made.add_argument("folder", nargs="?", default=None, metavar="results/STUDY")
    made = add("follow", _follow, "send curves and finished trials to MLflow while a study runs")
    made.add_argument("folder", metavar="results/STUDY")
    made.add_argument("--parent", type=int, help="end when this process ends")
    return parser


def _prepared(options: argparse.Namespace) -> Any:
    from assay.run.prepare import prepare

    wanted = {key: getattr(options, key) for key in ("study", "variant", "scale")}
    return prepare({key: value for key, value in wanted.items() if value is not None})


def _check(options: argparse.Namespace) -> None:
    from assay.study.load import load_study

    study = load_study(Path(options.file), variant=options.variant)
    print(
        f"{options.file}: study {study['study']}, {len(study['datasets'])} datasets, {len(study['arms'])} arms x "
        f"{len(study['seeds'])} seeds, {len(study['claims'])} claims"
    )


def _fetch(options: argparse.Namespace) -> int:
    from assay.run.fetch.command import fetch

    return fetch(Path(options.file), Path(options.into), options.variant, HERE)


def _plan(options: argparse.Namespace) -> None:
    from assay.run.foretell import foretell

    print("\n".join(foretell(_prepared(options))))


def _register(options: argparse.Namespace) -> None:
    from assay.run.lock import locked
    from assay.run.register import register

    prepared = _prepared(options)
    with locked(prepared.layout.study_lock(prepared.plan.folder), wait=False):
        file = register(prepared)
    print(f"{file}: {len(prepared.plan.study['claims'])} claims, plan of {len(prepared.plan.jobs)} jobs")


def _evidence(options: argparse.Namespace) -> None:
    from assay.run.results import load
    from assay.run.verdict_table import verdict_page

    print("\n".join(verdict_page(load(folder)) for folder in options.folder), end="")


def _export(options: argparse.Namespace) -> None:
    from assay.run.export.crate import export
    from assay.run.results import load

    results = load(options.folder or _prepared(options).folder)
    into = Path(options.into or f"{results.study['folder']}.crate.zip")
    files = export(results, into, options.license)
    print(f"{into}: {len(files)} files, {len(results.verdicts())} verdicts")


def _reproduce(options: argparse.Namespace) -> int:
    from assay.run import reproduce

    studies = reproduce.ready()
    if options.paper:
        studies = reproduce.find(studies, options.paper)
    if options.study:
        studies = reproduce.chosen(studies, Path(options.study))
    if options.start:
        if not options.paper:
            raise ValueError("--run wants to know which paper")
        return reproduce.run(studies, options.paper, options.variant)
    print(reproduce.listing(studies, options.paper))
    return 0


def _why(options: argparse.Namespace) -> None:
    from assay.run.why import why

    prepared = _prepared(options)
    target = options.target.removeprefix(f"{prepared.folder}/").removesuffix(".json")
    try:
        reasons = why(prepared, target)
    except KeyError:
        names = [*prepared.plan.target_names(), *prepared.plan.records]
        guess = nearest(target, names)
        raise KeyError(f"no target {target!r}" + (f"; did you mean {guess!r}?" if guess else "")) from None
    if not reasons:
        print(f"{target}: nothing to do")
    for reason in reasons:
        print(reason.path)
        for cause in reason.causes:
            print(f"    {cause}")
        if reason.because_of:
            shown = ", ".join(reason.because_of[:3]) + (" ..." if len(reason.because_of) > 3 else "")
            print(f"    after {shown}")


def _methods(options: argparse.Namespace) -> None:
    from assay.run.catalogue import as_objects, listing, show
    from assay.study.registry import scan

    registry = scan([Path(file) for file in options.plugin])
    if options.json:
        print(json.dumps(as_objects(registry, options.name), indent=1, ensure_ascii=False))
    elif options.name:
        print(show(registry, options.name))
    else:
        print(listing(registry))


def _clean(options: argparse.Namespace) -> None:
    from assay.run.clean import find, remove

    waste = find(HERE)
    for each in waste:
        print(f"{each.size / 1e6:10.2f} MB  {each.path}")
    total = f"{len(waste)} entries, {sum(each.size for each in waste) / 1e6:.1f} MB"
    if options.yes:
        remove(waste)
        print(f"removed {total}")
    else:
        print(f"{total} that no study names" + ("; `assay clean --yes` removes them" if waste else ""))


def _accept(options: argparse.Namespace) -> None:
    from assay.run.accept import accept

    carried = accept(_prepared(options))
    for job, changed in carried:
        what = f"a change of {', '.join(changed)}" if changed else "since its inputs were"
        print(f"{job.stage}/{job.label}: carried over {what}")
    print(f"{len(carried)} results carried over")


def _schema(_: argparse.Namespace) -> None:
    from assay.study.registry import scan
    from assay.study.schema import schema

    print(json.dumps(schema(scan()), indent=1, ensure_ascii=False))


def _ui(options: argparse.Namespace) -> int:
    from assay.track.ui import ui

    return ui(HERE.root, options.port)


def _audit(options: argparse.Namespace) -> int:
    from assay.track.audit import audit

    folders = [Path(options.folder)] if options.folder else [file.parent for file in HERE.root.glob("*/study.json")]
    found = [line for folder in folders for line in audit(folder)]
    print("\n".join(found) if found else "results and MLflow agree")
    return 1 if found else 0


def _follow(options: argparse.Namespace) -> None:
    from assay.run.parent import alive
    from assay.track.follow import follow

    follow(Path(options.folder), lambda: options.parent is not None and not alive(options.parent))
