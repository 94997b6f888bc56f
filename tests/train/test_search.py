import numpy as np
import pytest
from assay.errors import MethodError
from assay.train.search import choose
from sklearn.metrics import balanced_accuracy_score, log_loss

LABELS = np.array([0, 0, 0, 0, 1, 2])
POINTS = [{"recipe.lr": 0.1}, {"recipe.lr": 0.2}, {"recipe.lr": 0.3}]
RNG = np.random.default_rng(0)
SETS = [(RNG.normal(size=(6, 3)).astype(np.float32) + scale * np.eye(3)[LABELS], LABELS) for scale in (0.2, 2.0, 0.5)]


def test_scores_agree_with_scikit_learn():
    predicted = [logits.argmax(1) for logits, _ in SETS]
    probabilities = [np.exp(logits) / np.exp(logits).sum(1, keepdims=True) for logits, _ in SETS]
    expected = {
        "accuracy": [(each == LABELS).mean() for each in predicted],
        "balanced-accuracy": [balanced_accuracy_score(LABELS, each) for each in predicted],
        "nll": [log_loss(LABELS, each) for each in probabilities],
    }
    for by, scores in expected.items():
        found = choose(POINTS, SETS, by)
        np.testing.assert_allclose(found["scores"], scores, rtol=1e-5)
        best = np.argmin(scores) if by == "nll" else np.argmax(scores)
        assert found["index"] == best
        assert found["choice"] == POINTS[best]
        assert found["score"] == found["scores"][best]


def test_ties_go_to_the_first_and_broken_models_lose():
    broken = (np.full((6, 3), np.nan, np.float32), LABELS)
    found = choose(POINTS, [broken, SETS[1], SETS[1]], "nll")
    assert found["index"] == 1
    assert found["scores"][0] is None
    assert choose(POINTS, [broken, SETS[1], SETS[1]], "accuracy")["index"] == 1
    with pytest.raises(MethodError, match="none of the 3 points"):
        choose(POINTS, [broken] * 3, "accuracy")
    with pytest.raises(MethodError, match="there is accuracy, balanced-accuracy, nll"):
        choose(POINTS, SETS, "auroc")
