"""The family: sets, their means, and what fits may see."""

from functools import partial

import numpy as np
import pytest
from assay.evaluate.ood.energy import Energy
from assay.evaluate.ood.family import family
from assay.evaluate.ood.knn import KNearestNeighbours
from assay.evaluate.ood.msp import MaximumSoftmaxProbability
from sklearn.metrics import roc_auc_score

MSP = {"msp": MaximumSoftmaxProbability}
KNN = {"knn": partial(KNearestNeighbours, k=5)}


def table(result):
    return {(row.metric, row.keys["detector"], row.keys["set"]): row for row in result.rows}


def test_near_and_far_are_plain_means_over_their_sets(trial):
    trial.sets["noise"].logits = trial.sets["noise"].logits[:7]
    trial.sets["noise"].features = trial.sets["noise"].features[:7]
    rows = table(family(trial, KNN, near=["hold-out"], far=["noise", "glyphs"]))
    for metric in ("auroc", "aupr-in", "aupr-out", "fpr95", "fpr95-id"):
        each = [rows[metric, "knn", name].value for name in ("noise", "glyphs")]
        assert rows[metric, "knn", "far"].value == pytest.approx(np.mean(each))
        assert rows[metric, "knn", "near"].value == rows[metric, "knn", "hold-out"].value


def test_test_images_are_compared_with_a_set(trial):
    rows = table(family(trial, {"energy": partial(Energy, temperature=1.0)}, near=["hold-out"], far=[]))
    inside, outside = (np.log(np.exp(trial.sets[name].logits).sum(1)) for name in ("test", "hold-out"))
    expected = roc_auc_score(np.repeat([1, 0], [len(inside), len(outside)]), np.concatenate([inside, outside]))
    assert rows["auroc", "energy", "hold-out"].value == pytest.approx(expected)
    assert ("auroc", "energy", "far") not in rows


def test_detectors_find_what_they_are_made_for(trial):
    rows = table(family(trial, MSP | KNN, near=["hold-out"], far=["noise"]))
    assert rows["auroc", "knn", "noise"].value > 0.9
    assert rows["auroc", "msp", "hold-out"].value > 0.6


def test_fits_see_the_train_split_alone(trial):
    seen = []

    class Spy(MaximumSoftmaxProbability):
        def fit(self, features, logits, labels, head):  # noqa: ARG002
            seen.append(logits)

    family(trial, {"spy": Spy}, near=["hold-out"], far=["noise"])
    assert len(seen) == 1
    assert seen[0] is trial.sets["train"].logits


def test_a_set_whose_scores_are_nan_leaves_the_others(trial):
    trial.sets["noise"].logits[0, 0] = np.nan
    result = family(trial, MSP, near=["hold-out"], far=["noise", "glyphs"])
    rows = table(result)
    assert rows["auroc", "msp", "noise"].value is None
    assert "1 of 60 images" in rows["auroc", "msp", "noise"].note
    assert rows["auroc", "msp", "far"].note == "undefined on noise"
    assert rows["auroc", "msp", "glyphs"].value is not None
    assert rows["auroc", "msp", "near"].value is not None
    assert set(result.figures["detectors"]["msp"]["roc"]) == {"hold-out", "glyphs"}


def test_figures(trial):
    figures = family(trial, MSP | KNN, near=["hold-out"], far=["noise"]).figures["detectors"]
    assert set(figures) == {"msp", "knn"}
    assert set(figures["knn"]["density"]) == {"test", "hold-out", "noise"}
    assert {len(density) for density in figures["knn"]["density"].values()} == {40}
    assert set(figures["knn"]["roc"]) == {"hold-out", "noise"}
