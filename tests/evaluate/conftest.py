"""Inputs that metrics must survive, shared by the tests of evaluations."""

import numpy as np
import pytest
from assay.evaluate.trial import Predictions, Trial


def draw(seed, n, k, scale=2.0):
    """Logits that say something of their labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, k, n)
    logits = rng.normal(0, scale, (n, k))
    logits[np.arange(n), labels] += scale
    return logits, labels


def _cases():
    logits, labels = draw(0, 200, 5)
    yield "random", logits, labels
    yield "ties", np.round(logits), labels
    yield "class-missing", logits[labels != 3], labels[labels != 3]
    yield "perfect", 30.0 * np.eye(5)[labels], labels
    yield "always-wrong", 30.0 * np.eye(5)[(labels + 1) % 5], labels
    yield "constant", np.zeros((40, 5)), labels[:40]
    yield "one", logits[:1], labels[:1]
    yield "two", logits[:2], labels[:2]
    infinite = logits.copy()
    infinite[::7, 1] = -np.inf
    yield "minus-infinity", infinite[labels != 1], labels[labels != 1]


CASES = {name: (logits, labels) for name, logits, labels in _cases()}


@pytest.fixture(params=list(CASES))
def case(request):
    """Logits [N,5] and labels [N]."""
    return CASES[request.param]


def predictions(logits, labels, features=None, prefix="i"):
    ids = np.array([f"{prefix}{number}" for number in range(len(logits))])
    return Predictions(logits, np.zeros((len(logits), 0)) if features is None else features, ids, labels)


@pytest.fixture
def trial():
    """A trial of three classes, the third of them rare, with an outlier set in each of two places."""
    rng = np.random.default_rng(4)
    centres = np.array([[6.0, 0.0], [0.0, 6.0], [-6.0, -6.0]])

    def images(counts, prefix):
        labels = np.repeat(np.arange(3), counts)
        features = centres[labels] + rng.normal(0, 1.5, (len(labels), 2))
        return predictions(features @ centres.T / 12, labels, features, prefix)

    def outliers(centre, prefix):
        features = centre + rng.normal(0, 1.0, (60, 2))
        return predictions(features @ centres.T / 12, np.full(60, -1), features, prefix)

    return Trial(
        classes=["zero", "one", "two"],
        counts=np.array([80, 60, 10]),
        sets={
            "train": images([80, 60, 10], "train"),
            "val": images([40, 30, 10], "val"),
            "test": images([50, 50, 20], "test"),
            "hold-out": outliers([2.0, 2.0], "hold"),
            "noise": outliers([0.0, -9.0], "noise"),
            "glyphs": outliers([12.0, 12.0], "glyph"),
        },
    )
