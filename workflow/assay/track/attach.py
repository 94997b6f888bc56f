"""Sends what hangs on a run: dataset inputs, the logged model, artifacts."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from assay.run.files import read_json
from assay.track.held import Held
from assay.track.pyfunc import write_flavour
from assay.track.wanted import Role, Source, Wanted

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput

#: Servers differ in the longest param and tag that they take (from 500 and 5000 characters on); some cut in silence.
LONGEST_PARAM, LONGEST_TAG = 500, 5000
#: What was sent, for the next publisher. The UI does not show tags that begin like its own.
ARTIFACTS, TEACHERS = "mlflow.assay.artifacts", "mlflow.assay.teachers"


def send_datasets(client: MlflowClient, held: Held, sources: list[Source]) -> None:
    """Log the datasets that a run reads and does not name yet."""
    new = [source for source in sources if (source.name, source.digest) not in held.sources]
    if new:
        client.log_inputs(held.run_id, datasets=[_dataset(source) for source in new])
        held.sources |= {(source.name, source.digest) for source in new}


def _dataset(source: Source) -> DatasetInput:
    """A dataset as MLflow describes it: shape, number of images, and where it lies."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    card = read_json(source.folder / "card.json") or {}
    shape = [-1, card.get("size"), card.get("size"), card.get("channels")]
    features = json.dumps([{"type": "tensor", "tensor-spec": {"dtype": "uint8", "shape": shape}}])
    profile = {"images": card.get("total"), "classes": len(card.get("classes", [])), "content": card.get("digest")}
    dataset = Dataset(
        name=source.name,
        digest=source.digest,
        source_type="local",
        source=json.dumps({"uri": str(source.folder.resolve())}),
        schema=json.dumps({"mlflow_tensorspec": {"features": features}}),
        profile=json.dumps(profile),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", ", ".join(source.uses))])


def send_model(client: MlflowClient, experiment_id: str, held: Held, wanted: Wanted) -> None:
    """Log the final model as an MLflow logged model, with its weights in safetensors unless these are referred to."""
    if wanted.model is None:
        return
    if held.model is None:
        held.model = _create_model(client, experiment_id, held, wanted, wanted.model)
    if not held.model_ready:
        with tempfile.TemporaryDirectory() as folder:
            copied = "model.safetensors" in _role(wanted, wanted.model).files
            write_flavour(Path(folder), client.get_logged_model(held.model), wanted.model, copied=copied)
            client.log_model_artifacts(held.model, folder)
        client.finalize_logged_model(held.model, "READY")
        held.model_ready = True
    if held.model not in held.outputs:
        from mlflow.entities import LoggedModelOutput

        client.log_outputs(held.run_id, [LoggedModelOutput(held.model, 0)])
        held.outputs.add(held.model)


def _role(wanted: Wanted, folder: Path) -> Role:
    return next(role for role in wanted.roles if role.folder == folder)


def _create_model(client: MlflowClient, experiment_id: str, held: Held, wanted: Wanted, folder: Path) -> str:
    role = _role(wanted, folder)
    kept = role.kept.get("model.safetensors")
    weights = str(kept["path"]) if kept else f"runs:/{held.run_id}/{role.name}/model.safetensors"
    told = {key: value for key, value in wanted.params.items() if key.split(".")[0] in ("model", "dataset", "seed")}
    made = client.create_logged_model(
        experiment_id,
        # MLflow refuses these in the name of a model.
        name=re.sub("[/:.%\"']", "-", wanted.cell.name),
        source_run_id=held.run_id,
        tags={
            "assay.study": wanted.tags["assay.study"],
            **wanted.cell.identity.tags(),
            "assay.weights": weights,
        },
        params={key: value for key, value in told.items() if len(value) <= LONGEST_PARAM},
        model_type="image classifier",
    )
    return str(made.model_id)


def send_teachers(client: MlflowClient, student: Held, teachers: list[Held]) -> None:
    """Record the logged models that a student learnt from as inputs of its run."""
    from mlflow.entities import LoggedModelInput

    models = sorted({teacher.model for teacher in teachers if teacher.model})
    listed = json.dumps(models)
    if models and student.tags.get(TEACHERS) != listed:
        client.log_inputs(student.run_id, models=[LoggedModelInput(model) for model in models])
        _tag(client, student, TEACHERS, listed)


def send_artifacts(client: MlflowClient, held: Held, roles: list[Role]) -> None:
    """Copy the files that changed, in one go, and only then note in a tag that they are there."""
    sent: dict[str, str] = json.loads(held.tags.get(ARTIFACTS) or "{}")
    new = [role for role in roles if sent.get(role.name) != role.marker and not role.empty]
    if not new:
        return
    with tempfile.TemporaryDirectory() as staged:
        for role in new:
            for name, file in role.files.items():
                _place(staged, role, name).symlink_to(file.resolve())
            for name, text in role.texts.items():
                _place(staged, role, name).write_text(text, encoding="utf-8")
            for name, content in (role.drawn() if role.drawn else {}).items():
                _place(staged, role, name).write_bytes(content)
        client.log_artifacts(held.run_id, staged)
    sent |= {role.name: role.marker for role in new}
    # Beyond what a tag holds, the oldest are forgotten: they would be copied again, to the same place.
    while len(json.dumps(sent)) > LONGEST_TAG:
        sent.pop(next(iter(sent)))
    _tag(client, held, ARTIFACTS, json.dumps(sent))


def _place(staged: str, role: Role, name: str) -> Path:
    place = Path(staged, role.name, name)
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def _tag(client: MlflowClient, held: Held, key: str, value: str) -> None:
    client.set_tag(held.run_id, key, value)
    held.tags[key] = value
