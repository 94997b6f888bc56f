"""What `assay fetch STUDY.yaml --into DIR` prints and returns."""

from __future__ import annotations

import sys
from pathlib import Path

from assay.run.fetch.progress import megabytes
from assay.run.fetch.shelf import OFFLINE, Shelf, is_offline, shelf
from assay.run.fetch.staging import Staging, own_files, stage
from assay.run.layout import Layout
from assay.study.load import load_study
from assay.study.registry import scan


def fetch(file: Path, into: Path, variant: str | None, layout: Layout) -> int:
    """Stage what a study needs into a folder; the exit status, 1 when something could not be had.

    Files that lie on another mirror or in the cache of `layout` are copied from there.

    Raises:
        ConfigError: the study has faults.
    """
    # A study may name this very folder as its mirror before there is one.
    into.mkdir(parents=True, exist_ok=True)
    study = load_study(file, variant=variant)
    elsewhere = shelf(study["mirror"], layout.downloads)
    elsewhere.mirrors = [mirror for mirror in elsewhere.mirrors if mirror.resolve() != into.resolve()]
    here = Shelf([into], into, offline=is_offline())
    files = Staging(here, elsewhere, lambda line: print(line, flush=True))
    faults = stage(study, scan([Path(plugin) for plugin in study["plugins"]]), files)
    for path in own_files(study):
        print(f"{path}: yours, not copied")
    print(f"{len(files.staged)} published files, {megabytes(sum(files.staged.values()))}, lie in {into}")
    if not faults:
        print(f"With `mirror: {into}` or ASSAY_MIRROR={into} the study needs no network; {OFFLINE}=1 makes sure of it")
        return 0
    for fault in faults:
        print(f"could not be had: {fault}", file=sys.stderr)
    return 1
