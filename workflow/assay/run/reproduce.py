"""`assay reproduce`: which of the studies that come along test what a paper claims, and how to start them."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.run.circumstances import starts
from assay.run.citations import address
from assay.study.compose import compose
from assay.study.errors import nearest

#: Where studies come from: beside the Snakefile of the working directory.
STUDIES = Path("studies")


@dataclass(frozen=True)
class Ready:
    """A study that can be started.

    Attributes:
        file: its config.
        claims: what it claims with a source, in the order of the config: `claim`, `expect`, `source`.
        variants: the variants that it declares.
    """

    file: Path
    claims: list[dict[str, str]]
    variants: list[str]

    def citing(self, paper: str) -> list[dict[str, str]]:
        """Its claims whose source is the paper: by address where both name one, else by all words of it."""
        return [claim for claim in self.claims if matches(claim["source"], paper)]


def ready(folder: Path = STUDIES) -> list[Ready]:
    """The studies in a folder, by name. Configs are read, not resolved, so this takes no time."""
    found = []
    for file in sorted(folder.glob("*.yaml")):
        document = compose(file, None)
        claims: Any = document.get("claims") or []
        keys = ("claim", "expect", "source")
        cited = [{key: str(claim.get(key)) for key in keys} for claim in claims if claim.get("source")]
        found.append(Ready(file, cited, list(document.get("variants") or {})))
    return found


def matches(source: str, paper: str) -> bool:
    """Whether a citation is of a paper, given as arXiv id, DOI, address or words such as `zhang 2018`."""
    wanted = address(paper)
    if wanted is not None:
        return address(source) == wanted
    words = _words(paper)
    return bool(words) and words <= _words(source)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower())) - {"et", "al", "and"}


def find(studies: list[Ready], paper: str) -> list[Ready]:
    """The studies that cite a paper.

    Raises:
        KeyError: none does; the message names the nearest citation.
    """
    found = [study for study in studies if study.citing(paper)]
    if found:
        return found
    sources = sorted({claim["source"] for study in studies for claim in study.claims})
    guess = _guess(paper, sources)
    raise KeyError(
        f"no study claims anything from {paper!r}"
        + (f"; did you mean {guess!r}?" if guess else "; `assay reproduce` lists the papers that studies cite")
    )


def chosen(studies: list[Ready], file: Path) -> list[Ready]:
    """The one among the studies that has a file or the name of one.

    Raises:
        KeyError: none has; the message names the nearest.
    """
    found = [study for study in studies if file in (study.file, Path(study.file.name), Path(study.file.stem))]
    if not found:
        guess = nearest(file, [study.file.as_posix() for study in studies])
        raise KeyError(f"{file} is none of the studies found" + (f"; did you mean {guess!r}?" if guess else ""))
    return found


def _guess(paper: str, sources: list[str]) -> str | None:
    """The citation that was probably meant, by its address, its words or all of it."""
    named: dict[str, str] = {}
    for source in sources:
        url = address(source) or ""
        for part in (source, url, url.removeprefix("https://arxiv.org/abs/"), source.split(",")[0], source.split()[0]):
            if part:
                named.setdefault(part.lower(), source)
    guess = nearest(address(paper) or paper, named) or nearest(paper, named)
    return named[guess] if guess else None


def listing(studies: list[Ready], paper: str | None) -> str:
    """The claims of the studies by study, those from one paper or all with a source, with the commands."""
    lines: list[str] = []
    for study in studies:
        claims = study.citing(paper) if paper else study.claims
        if not claims:
            continue
        lines += ["", *(starts(study.file.as_posix(), variant) for variant in [None, *study.variants])]
        for claim in claims:
            lines += [f"  {claim['claim']}", f"      {claim['expect']}", f"      {claim['source']}"]
    return "\n".join(lines).strip()


def run(studies: list[Ready], paper: str, variant: str | None) -> int:
    """Start the one study that cites a paper; Snakemake's exit status.

    Raises:
        ValueError: several studies cite the paper, or the study has no such variant.
    """
    if len(studies) > 1:
        commands = "\n".join(f"  {starts(study.file.as_posix(), variant)}" for study in studies)
        raise ValueError(f"{len(studies)} studies test claims of {paper!r}; name one by --study, or start:\n{commands}")
    (study,) = studies
    if variant is not None and variant not in study.variants:
        there = f"there are {', '.join(study.variants)}" if study.variants else "it declares none"
        guess = nearest(variant, study.variants)
        raise ValueError(
            f"{study.file} has no variant {variant!r}; {there}" + (f"; did you mean {guess!r}?" if guess else "")
        )
    command = starts(study.file.as_posix(), variant).split()
    print(" ".join(command), flush=True)
    return subprocess.run([sys.executable, "-m", *command], check=False).returncode
