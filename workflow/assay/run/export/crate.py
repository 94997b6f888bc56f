"""`assay export`: a study as a Workflow Run RO-Crate, to deposit or to send.

Profiles: RO-Crate 1.1, Workflow RO-Crate 1.0, Process Run Crate 0.5 and Workflow Run Crate 0.5
(https://w3id.org/ro/wfrun/workflow/0.5). The run is one action of the Snakefile; single jobs are not described.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay import __version__
from assay.run.circumstances import Circumstances, circumstances, command_of, moment
from assay.run.citations import address
from assay.run.export.files import Exported, files_of
from assay.run.export.telling import Telling
from assay.run.files import sha256_text
from assay.run.results import Results

if TYPE_CHECKING:
    from rocrate.rocrate import ROCrate

#: What a crate says it conforms to, beside RO-Crate itself.
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
PYTHON = "https://www.python.org/"
NO_LICENCE = "No licence was stated for these results; ask whoever made them before using them."

_ACTION = "http://schema.org/{}ActionStatus"
_INPUTS, _OUTPUTS = ("config", "plan", "dataset"), ("metrics", "verdicts", "report", "table")


def export(results: Results, into: Path, licence: str | None = None) -> list[Exported]:
    """Write the crate of a finished study into a new folder, or a file whose name ends in `.zip`.

    Raises:
        ValueError: the study is not finished, or `into` is there already.
    """
    if into.exists():
        raise ValueError(f"{into} is there already; name a folder or a .zip file that is not")
    missing = [path for path, planned in results.plan["records"].items() if _unfinished(results, path, planned)]
    if missing:
        raise ValueError(
            f"{results.study['folder']} is not finished ({missing[0]} is missing); run `{command_of(results)}`"
        )
    made = circumstances(results)
    telling = Telling(results)
    files = files_of(results, made, telling)
    with tempfile.TemporaryDirectory() as staged:
        crate = _crate(results, made, telling, files, Path(staged), licence or NO_LICENCE)
        if into.suffix == ".zip":
            into.parent.mkdir(parents=True, exist_ok=True)
            crate.write_zip(into)
        else:
            crate.write(into)
    return files


def _unfinished(results: Results, path: str, planned: dict[str, Any]) -> bool:
    return planned["stage"] not in ("report", "track") and results.record(path) is None


def _crate(
    results: Results, made: Circumstances, telling: Telling, files: list[Exported], staged: Path, licence: str
) -> ROCrate:
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version="1.1")
    crate.metadata.extra_terms["sha256"] = "https://w3id.org/ro/terms/workflow-run#sha256"
    study = results.study
    when = moment(made.finished or made.started or 0.0)
    root = crate.root_dataset
    root["name"] = f"Image-classification study {telling.without(study['folder'])}"
    root["description"] = telling.without(" ".join((study.get("description") or root["name"]).split()))
    root["datePublished"] = when
    known = licence.startswith(("http://", "https://"))
    root["license"] = _entity(crate, licence, "CreativeWork", name=licence) if known else licence
    root["conformsTo"] = [
        _entity(crate, url, "CreativeWork", name=name, version=version) for url, (name, version) in PROFILES.items()
    ]
    crate.metadata["conformsTo"] = [{"@id": "https://w3id.org/ro/crate/1.1"}, {"@id": list(PROFILES)[-1]}]
    entities = {file.path: _file(crate, file, staged) for file in files}

    def role(*names: str) -> list[Any]:
        return [entities[file.path] for file in files if file.role in names]

    workflow = _workflow(crate, made, entities["Snakefile"])
    workflow["hasPart"] = role("rule")
    settings = [
        _entity(crate, f"#setting-{key}", "PropertyValue", name=key, value=str(study[key]))
        for key in ("variant", "scale")
        if study.get(key)
    ]
    verdicts = [_verdict(crate, number, each, telling) for number, each in enumerate(results.verdicts(), 1)]
    inputs, outputs = role(*_INPUTS) + settings, role(*_OUTPUTS) + verdicts
    for side, values in (("input", inputs), ("output", outputs)):
        workflow[side] = [_parameter(crate, side, value) for value in values]
    action = crate.add_action(workflow, "#run", inputs, outputs, properties=_run(results, made))
    root["mentions"] = [action, *role("registration", "code", "environment")]
    readme = next(entities[file.path] for file in files if file.role == "readme")
    readme["about"] = root
    return crate


def _run(results: Results, made: Circumstances) -> dict[str, Any]:
    """The run as an action; who ran it is not told."""
    failed = len(results.failures)
    properties: dict[str, Any] = {
        "@type": "CreateAction",
        "name": f"Run of {made.jobs} jobs",
        "description": f"{command_of(results)} on {' and '.join(made.devices) or 'an unknown device'}",
        "actionStatus": _ACTION.format("Failed" if failed else "Completed"),
    }
    if failed:
        properties["error"] = f"{failed} of {len(results.arms) * len(results.study['seeds'])} trials failed"
    if made.started is not None and made.finished is not None:
        properties |= {"startTime": moment(made.started), "endTime": moment(made.finished)}
    return properties


def _file(crate: ROCrate, file: Exported, staged: Path) -> Any:
    """A file of the crate with size, digest and media type."""
    place = staged / file.path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(file.text.encode())
    properties = {
        "name": file.path,
        "description": file.words,
        "encodingFormat": file.media,
        "contentSize": str(len(file.text.encode())),
        "sha256": sha256_text(file.text),
    }
    if file.digest:
        properties["identifier"] = f"sha256:{file.digest}"
    if file.role == "workflow":
        return crate.add_workflow(place, file.path, main=True, lang="snakemake", properties=properties)
    return crate.add_file(place, file.path, properties=properties)


def _workflow(crate: ROCrate, made: Circumstances, workflow: Any) -> Any:
    """What the workflow needs, and under which licence it stands."""
    workflow["license"] = _entity(
        crate, "https://spdx.org/licenses/Apache-2.0", "CreativeWork", name="Apache License 2.0"
    )
    workflow["version"] = __version__
    workflow["conformsTo"] = {"@id": "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"}
    versions = {"python": made.pythons, **made.packages}
    workflow["softwareRequirements"] = [
        _entity(crate, url, "SoftwareApplication", name=name, url=url, version=" and ".join(found))
        for name, found in versions.items()
        if found and (url := PYTHON if name == "python" else f"pkg:pypi/{name}")
    ]
    return workflow


def _verdict(crate: ROCrate, number: int, verdict: dict[str, Any], telling: Telling) -> Any:
    """A claim with its verdict; the value is the verdict, the numbers behind it are measured values of their own."""
    low, high = verdict.get("interval") or (None, None)
    values = {"effect": verdict.get("effect"), "low": low, "high": high, "p": verdict.get("p_holm")}
    numbers = [
        _entity(crate, f"#verdict-{number}-{name}", "PropertyValue", name=name, value=value)
        for name, value in values.items()
        if value is not None
    ]
    properties = {
        "name": telling.without(verdict["claim"]),
        "description": telling.without(verdict["expect"]),
        "value": verdict["verdict"],
        "valueReference": numbers,
    }
    source = verdict.get("source")
    if source and (url := address(source)):
        properties["citation"] = _entity(crate, url, "ScholarlyArticle", name=source)
    elif source:
        properties["citation"] = source
    return _entity(crate, f"#verdict-{number}", "PropertyValue", **properties)


def _parameter(crate: ROCrate, side: str, value: Any) -> Any:
    """The formal parameter of the workflow that a file or value is an example of."""
    name = value.id.lstrip("#")
    kind = "File" if value.type == "File" else "Text"
    made = _entity(
        crate, f"#{side}-{name.replace('/', '-')}", "FormalParameter",
        name=name, additionalType=kind, workExample=value, valueRequired=side == "input",
    )  # fmt: skip
    value["exampleOfWork"] = made
    return made


def _entity(crate: ROCrate, identifier: str, kind: str, **properties: Any) -> Any:
    """A contextual entity; entities among the properties become references."""
    from rocrate.model import ContextEntity

    made = crate.add(ContextEntity(crate, identifier, properties={"@type": kind}))
    for key, value in properties.items():
        made[key] = value
    return made
