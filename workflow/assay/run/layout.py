"""Where everything under `results/` stands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The paths below a results folder. Nothing else in the package spells them out."""

    root: Path

    @property
    def store(self) -> Path:
        """Sealed folders, one for each job that was ever computed."""
        return self.root / "store"

    @property
    def work(self) -> Path:
        """Checkpoints and curves of jobs under way, one folder for each digest."""
        return self.root / "work"

    @property
    def private(self) -> Path:
        """What the engine keeps for itself: the plan, locks, failures."""
        return self.root / ".assay"

    @property
    def plans(self) -> Path:
        """The database of planned jobs, by digest."""
        return self.private / "plans.sqlite"

    @property
    def locks(self) -> Path:
        """Lock files, one for each job being computed."""
        return self.private / "locks"

    @property
    def devices(self) -> Path:
        """Lock files, one for each GPU that a job computes on."""
        return self.private / "devices"

    @property
    def failures(self) -> Path:
        """Why a job failed, one file for each digest."""
        return self.private / "failed"

    @property
    def downloads(self) -> Path:
        """Published files that were fetched, shared by all studies."""
        return self.root / "downloads"

    @property
    def journal(self) -> Path:
        """One line for each piece of work that was really done."""
        return self.root / "journal.jsonl"

    def study_lock(self, folder: str) -> Path:
        """The lock that a run of a study holds."""
        return self.private / f"study-{folder}.lock"

    def job_lock(self, digest: str) -> Path:
        """The lock that is held while a job's folder is being made or taken away."""
        return self.locks / f"{digest[:16]}.lock"

    def study(self, folder: str) -> Path:
        """The folder of a study."""
        return self.root / folder


#: The results folder of the working directory, where Snakemake's rules write too.
HERE = Layout(Path("results"))
