from __future__ import annotations

import pytest


@pytest.fixture
def spec(entry):
    """`spec(**changes)`: a training spec of three epochs of three batches."""

    def make(**changes):
        base = {
            "model": entry("model", "tiny-cnn", width=4),
            "trainable": entry("trainable", "all"),
            "recipe": entry("recipe", "sgd", epochs=3, batch=16),
            "augment": [entry("augment", "crop", padding=1), entry("augment", "mixup", alpha=0.5)],
            "loss": entry("loss", "cross-entropy"),
            "rebalance": None,
            "robust": None,
            "dropout": None,
            "synthetic": None,
            "init": None,
            "distill": None,
            "precision": "fp32",
            "deterministic": False,
            "compile": False,
            "threads": 1,
            "streams": {"init": 0, "order": 0, "augment": 0},
        }
        assert set(changes) <= set(base)
        return base | changes

    return make
