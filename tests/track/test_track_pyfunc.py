"""A logged model is loaded by MLflow itself."""

from pathlib import Path

import numpy as np
import pytest
import torch
from assay.models.classifier import build
from assay.run.methods import JobRegistry
from assay.run.models import write_model
from assay.track.publish import publish
from results_tree import Server, Tree


@pytest.fixture(autouse=True)
def tracking_server(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a user of MLflow sets to find the models."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tree.uri())


def _publish_real_model(tree: Tree, server: Server) -> tuple[torch.nn.Module, str]:
    """Publish a study whose first model is a real one; the model and its URI."""
    tree.arms = ["baseline"]
    tree.write().finish()
    entry = {"method": "linear"}
    model = build(JobRegistry(), entry, 1, 4, 8, torch.Generator().manual_seed(3)).eval()
    folder = tree.root / tree.plan.jobs[tree.model_digest("baseline", 0)].folder
    write_model(folder, model, entry, list("0123"), 8)
    assert publish(tree.folder, final=True).ok
    (output,) = server.run(kind="trial", arm="baseline", seed="0").outputs.model_outputs
    return model, f"models:/{output.model_id}"


@pytest.mark.parametrize("artifacts", ["copy", "refer"])
def test_mlflow_loads_a_model_that_gives_the_same_logits(tree: Tree, server: Server, artifacts: str):
    import mlflow

    tree.track = {"artifacts": artifacts, "copy-below": "50M"}
    model, uri = _publish_real_model(tree, server)
    loaded = mlflow.pyfunc.load_model(uri)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 1, 8, 8), np.uint8)
    expected = model(torch.from_numpy(pixels / np.float32(255))).detach().numpy()
    for images in (pixels, pixels / np.float32(255), pixels / 255.0):
        np.testing.assert_allclose(loaded.predict(images), expected, rtol=1e-5, atol=1e-6)


def test_a_copied_model_needs_no_results(tree: Tree, server: Server, tmp_path: Path):
    import mlflow

    _, uri = _publish_real_model(tree, server)
    (tree.root / "store").rename(tmp_path / "gone")
    assert mlflow.pyfunc.load_model(uri).predict(np.zeros((2, 1, 8, 8), np.uint8)).shape == (2, 4)
