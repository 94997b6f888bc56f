"""Reads a study: from a config file to plain JSON in which nothing is implied.

The steps, each in a module of its own: files are read (`yaml`) and laid over each other (`compose`), declarations are
written out (`expand`), the typed model says what is allowed (`model`), methods get all their options (`resolve`), what
is declared is checked against what is used (`checks`, `claims`), and the scale is applied (`smoke`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from assay.study.beside import add_random_arms
from assay.study.checks import check
from assay.study.checks_compress import spell_out
from assay.study.claims import resolve_claims
from assay.study.compose import compose
from assay.study.curation import check_curation
from assay.study.errors import ConfigError, Problem
from assay.study.expand import expand
from assay.study.messages import explained
from assay.study.model import Study
from assay.study.problems import Problems, dotted, lines, mark_of
from assay.study.registry import Registry, scan
from assay.study.resolve import Resolver
from assay.study.smoke import shrink
from assay.study.yaml import Mapping, Sequence


def load_study(
    path: Path, *, variant: str | None = None, scale: str | None = None, registry: Registry | None = None
) -> dict[str, Any]:
    """The resolved study of a config file: plain JSON with every default written out.

    Its keys are those of the config, but for `imports` and `variants`, with these differences: `seeds` is a list and
    `looks` stands beside it; a method is always a mapping with `method` and all its options; a generator's and an
    encoder's `method` is such a mapping; points of a sweep are arms; datasets that `near` and `far` imply are declared;
    a search has its `points`; a claim has its parsed `tree`. Added are `folder` (below the results folder), `variant`,
    `groups` (a swept arm's name to its points) and `lines` (dotted path to `[file, line]`, for messages).

    Args:
        path: the config file. Files that it names (plug-ins, weights, predictions, data) are taken from the current
            folder, those under `imports` from its own.
        variant: one of the study's `variants`, laid over it.
        scale: `smoke`, or None for what the config says.
        registry: the methods; by default those of the package and of the study's plug-ins.

    Raises:
        ConfigError: with every fault that was found, each with file, line, path and what was expected.
    """
    document = compose(Path(path), variant)
    problems = Problems(document)
    plugins = _plugins(document)
    registry = registry or scan(plugins)
    document, groups = expand(document, problems)
    problems.document = document
    study = _validated(document, problems)
    if scale not in (None, "smoke"):
        problems.add((), f"the scale is `smoke` or none, not {scale!r}")
    problems.stop()
    assert study
    resolved = Resolver(study, registry, problems).resolve()
    spell_out(resolved, groups, registry)
    check(resolved, study, registry, problems)
    check_curation(resolved, registry, problems)
    add_random_arms(resolved, groups)
    resolved["claims"] = resolve_claims(resolved, study, registry, groups, problems)
    problems.stop()
    resolved["variant"] = variant
    resolved["scale"] = scale or study.scale
    resolved["folder"] = "-".join(part for part in (study.study, variant, resolved["scale"]) if part)
    if resolved["scale"]:
        shrink(resolved)
    return {**resolved, "groups": groups, "lines": lines(document)}


def _plugins(document: Mapping) -> list[Path]:
    """The plug-in files that the document names."""
    plugins = document.get("plugins")
    files: list[Path] = []
    for number, item in enumerate(plugins if isinstance(plugins, Sequence) else []):
        if not isinstance(item, str):
            continue  # the model says so
        if not Path(item).is_file():
            place = ("plugins", number)
            raise ConfigError(Problem(f"there is no file {item!r}", *mark_of(document, place), dotted(place)))
        files.append(Path(item))
    return list(dict.fromkeys(files))


def _validated(document: Mapping, problems: Problems) -> Study | None:
    try:
        return Study.model_validate(document)
    except ValidationError as error:
        # Where `extends` leads nowhere, what it would have brought is no fault of its own.
        incomplete = bool(problems.found)
        for missing, path, message, near in explained(error, document, Study):
            if not (missing and incomplete):
                problems.add(path, message, near)
        return None
