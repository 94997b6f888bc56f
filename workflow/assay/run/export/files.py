"""The files of an exported study, each as text that may leave."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import assay
from assay.run.circumstances import Circumstances, command_of
from assay.run.declared import FILE as DECLARED
from assay.run.export.telling import Telling
from assay.run.files import read_json
from assay.run.results import Results
from assay.track.private import card_without_ids

#: The folder that holds the Snakefile and its rules.
ROOT = Path(assay.__file__).parents[2]

#: What a study that has private datasets keeps to itself: people wrote these or they show results image by image.
WITHHELD = ("config", "report", "registration", "table")

_MEDIA = {
    ".json": "application/json", ".csv": "text/csv", ".html": "text/html", ".yaml": "application/yaml",
    ".tex": "application/x-tex", ".bib": "application/x-bibtex", ".md": "text/markdown",
}  # fmt: skip


@dataclass(frozen=True)
class Exported:
    """A file of a crate.

    Attributes:
        path: below the crate's folder.
        role: `readme`, `config`, `plan`, `dataset`, `code`, `environment`, `workflow`, `rule`, `registration`,
            `metrics`, `verdicts`, `report` or `table`.
        words: what it is.
        text: its content.
        digest: of the images of a dataset, where it describes one.
    """

    path: str
    role: str
    words: str
    text: str
    digest: str | None = None

    @property
    def media(self) -> str:
        """Its media type."""
        return _MEDIA.get(Path(self.path).suffix, "text/plain")


def files_of(results: Results, made: Circumstances, telling: Telling) -> list[Exported]:
    """All that is exported of a study, without what it must not tell."""
    found = [*_inputs(results, made, telling), *_outputs(results)]
    if telling.private:
        found = [file for file in found if file.role not in WITHHELD]
    found.append(_readme(results, found, telling))
    kept = ("workflow", "rule")
    return [
        file if file.role in kept else Exported(**{**asdict(file), "text": telling.without(file.text)})
        for file in found
    ]


def _readme(results: Results, files: list[Exported], telling: Telling) -> Exported:
    study = results.study
    lines = [f"# {study['folder']}", "", study.get("description") or "", "", "```sh", command_of(results), "```", ""]
    lines += [f"- `{file.path}`: {file.words}" for file in files]
    if count := len(telling.private):
        lines += ["", f"{count} datasets are private: their names and cards, and what shows them, are left out."]
    return Exported("README.md", "readme", "What lies here.", "\n".join(lines) + "\n")


def _inputs(results: Results, made: Circumstances, telling: Telling) -> list[Exported]:
    plan = results.plan
    resolved = telling.study(results.study)
    found = [
        Exported("config.yaml", "config", "The study as it was written.", plan.get("config") or ""),
        Exported("study.json", "plan", "The study with every default written out.", _json(resolved)),
        Exported("code.json", "code", "Digest of each module that a job's result depends on.", _json(_code(plan))),
        Exported("environment.json", "environment", "Devices, versions and commits.", _json(asdict(made))),
        Exported("Snakefile", "workflow", "The workflow that ran the study.", _read(ROOT / "Snakefile")),
    ]
    for rules in sorted((ROOT / "rules").glob("*.smk")):
        found.append(Exported(f"rules/{rules.name}", "rule", "Rules of the workflow.", _read(rules)))
    if (ROOT / "requirements.lock").exists():
        text = _read(ROOT / "requirements.lock")
        found.append(Exported("requirements.lock", "environment", "Python packages that Assay is tested with.", text))
    for name in results.study["datasets"]:
        if (folder := results.dataset(name)) is not None and (card := read_json(folder / "card.json")):
            found.append(_dataset(name, card, telling.private.get(name)))
    for name, words in (
        ("registration.json", "What the study claimed, deposited before the run."),
        (DECLARED, "When each claim was declared."),
    ):
        if (results.folder / name).exists():
            found.append(Exported(name, "registration", words, _read(results.folder / name)))
    return found


def _dataset(name: str, card: dict[str, Any], alias: str | None) -> Exported:
    """A dataset's card; of a private one only how many images it has and their digest."""
    told = {key: card.get(key) for key in ("total", "digest")} if alias else card_without_ids(card)
    words = f"Card of dataset {alias or name}: counts, digest, licence and how it was made."
    return Exported(f"datasets/{alias or name}.json", "dataset", words, _json(told), card.get("digest"))


def _outputs(results: Results) -> list[Exported]:
    frame = results.metrics()
    frame["keys"] = [json.dumps(keys, sort_keys=True) for keys in frame["keys"]]
    found = [
        Exported("metrics.csv", "metrics", "Every metric of every trial.", frame.to_csv(index=False)),
        Exported("verdicts.json", "verdicts", "The verdict of every claim.", _json(results.verdicts())),
    ]
    if (results.folder / "report.html").exists():
        found.append(Exported("report.html", "report", "The report, one file.", _read(results.folder / "report.html")))
    for file in sorted([*results.folder.glob("tables/*"), *results.folder.glob("*.bib")]):
        if file.suffix in _MEDIA:
            path = file.relative_to(results.folder).as_posix()
            found.append(Exported(path, "table", "A table or its sources, for a paper.", _read(file)))
    return found


def _code(plan: dict[str, Any]) -> dict[str, str]:
    return dict(sorted({name: digest for job in plan["jobs"].values() for name, digest in job["code"].items()}.items()))


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
