"""The MLflow flavour of a logged model: `mlflow.pyfunc.load_model("models:/<id>")` loads it through this module."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING

from assay.run.files import read_json, write_json

if TYPE_CHECKING:
    import numpy as np
    from mlflow.entities import LoggedModel

    from assay.models.classifier import Classifier

#: Tells where the folder with the weights is when they were not copied.
ELSEWHERE = "elsewhere.json"


def write_flavour(folder: Path, logged: LoggedModel, sealed: Path, *, copied: bool) -> None:
    """Fill a folder with what MLflow keeps of a logged model.

    It has no signature: MLflow would hold every input to one data type.

    Args:
        folder: empty.
        logged: the model as MLflow knows it.
        sealed: the folder of the job that made it.
        copied: whether the weights come along; else they are read from `sealed` when the model is loaded.
    """
    from mlflow.models import Model

    spec = Model(
        artifact_path=logged.artifact_location,
        model_uuid=logged.model_id,
        model_id=logged.model_id,
        run_id=logged.source_run_id,
    )
    spec.add_flavor("python_function", loader_module=__name__, python_version=platform.python_version())
    spec.save(str(folder / "MLmodel"))
    names = ("model.json", "model.safetensors") if copied else ("model.json",)
    for name in names:
        (folder / name).symlink_to((sealed / name).resolve())
    if not copied:
        write_json(folder / ELSEWHERE, {"folder": str(sealed.resolve())})


class Predictor:
    """What MLflow wraps: images to logits."""

    def __init__(self, model: Classifier):
        self.model = model

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Images `[N,C,H,W]`, uint8 in 0..255 or floating point in 0..1, to logits float32 `[N,K]`."""
        import numpy as np
        import torch

        scaled = images / np.float32(255) if images.dtype == np.uint8 else images
        with torch.inference_mode():
            logits: np.ndarray = self.model(torch.from_numpy(np.array(scaled, np.float32))).numpy()
        return logits


def _load_pyfunc(path: str) -> Predictor:
    """Called by MLflow with the folder of a logged model.

    Raises:
        FileNotFoundError: the weights were left where the results were, and are no longer there.
    """
    from assay.run.models import read_model

    elsewhere = read_json(Path(path, ELSEWHERE))
    return Predictor(read_model(Path(elsewhere["folder"] if elsewhere else path)))
