"""Tuning sees val and the validation outliers alone, and what was chosen stands in the result."""

from functools import partial

import numpy as np
import pytest
from assay.evaluate.ood.energy import Energy
from assay.evaluate.ood.family import family
from assay.evaluate.ood.knn import KNearestNeighbours
from assay.evaluate.ood.msp import MaximumSoftmaxProbability
from assay.evaluate.result import UndefinedError
from assay.evaluate.trial import Predictions
from assay.study.registry import Option, method


@method("detector", "sign", summary="", options={"turn": Option(1.0, "1 or -1")})
class Sign:
    """The first feature, turned about."""

    def __init__(self, turn):
        self.turn = turn

    def fit(self, features, logits, labels, head):  # noqa: ARG002
        self.fitted = len(features)

    def score(self, features, logits):  # noqa: ARG002
        if self.turn == 0:
            raise UndefinedError("nothing is left")
        return self.turn * features[:, 0]


@pytest.fixture
def tried(trial):
    """Validation outliers lie where feature 0 is large, test outliers where it is small."""

    def shifted(by):
        features = trial.sets["val"].features + np.array([by, 0])
        count = len(features)
        return Predictions(trial.sets["val"].logits, features, np.arange(count).astype(str), np.full(count, -1))

    trial.sets["valout"], trial.sets["noise"] = shifted(30), shifted(-30)
    return trial


def run(trial, turns, make=partial(Sign, turn=1.0), **more):  # noqa: B008
    tune = {"on": "valout", "grids": {"sign": {"turn": turns}}}
    return family(trial, {"sign": make}, [], ["noise"], tune, **more)


def test_the_best_on_validation_outliers_is_taken_whatever_the_test_outliers_say(tried):
    result = run(tried, [-1.0, 1.0])
    row = result.rows[0]
    assert (row.metric, row.note) == ("auroc", "tuned on valout: turn = 1.0")
    assert row.value < 0.1
    figures = result.figures["detectors"]["sign"]
    assert figures["chosen"] == "tuned"
    assert figures["options"] == {"turn": 1.0}
    assert [point["options"] for point in figures["tuning"]["points"]] == [{"turn": -1.0}, {"turn": 1.0}]
    assert figures["tuning"]["points"][1]["auroc"] == pytest.approx(1, abs=1e-3)


def test_of_equal_points_the_first_stands_and_one_that_fails_is_passed_over(tried):
    figures = run(tried, [0.0, 2.0, 1.0, 3.0]).figures["detectors"]["sign"]
    assert figures["options"] == {"turn": 2.0}
    assert figures["tuning"]["points"][0] == {"options": {"turn": 0.0}, "auroc": None}


def test_a_grid_of_which_nothing_can_be_judged_leaves_a_reason(tried):
    rows = run(tried, [0.0]).rows
    assert all(row.value is None for row in rows)
    assert "no point of the grid can be judged on valout: nothing is left" in rows[0].note


def test_tuning_never_looks_at_test_or_its_outliers(tried):
    seen = []
    plain = tried.set

    class Watch(Sign):
        def score(self, features, logits):
            seen.append(len(features))
            return super().score(features, logits)

    looked = []
    tried.set = lambda name: looked.append(name) or plain(name)
    from assay.evaluate.ood.tuning import tuned

    tuned(tried, partial(Watch, turn=1.0), "valout", {"turn": [1.0, -1.0]})
    assert set(looked) == {"train", "val", "valout"}
    assert len(seen) == 4


def test_k_is_tuned_as_openood_does_it(trial):
    trial.sets["valout"] = trial.sets["glyphs"]
    grid = {"on": "valout", "grids": {"knn": {"k": [1, 5, 1000]}}}
    made = {"msp": MaximumSoftmaxProbability, "knn": partial(KNearestNeighbours, k=50)}
    result = family(trial, made, ["hold-out"], [], grid)
    tuning = result.figures["detectors"]["knn"]["tuning"]
    for point in tuning["points"][:2]:
        alone = family(trial, {"knn": partial(KNearestNeighbours, k=point["options"]["k"])}, ["glyphs"], [])
        assert point["auroc"] is not None
        assert alone.rows
    assert tuning["points"][2]["auroc"] is None
    best = max(point["auroc"] for point in tuning["points"][:2])
    assert tuning["options"]["k"] == next(p["options"]["k"] for p in tuning["points"] if p["auroc"] == best)
    assert result.figures["detectors"]["msp"]["chosen"] == "default"


def test_what_is_not_tuned_says_whether_its_options_are_the_defaults(trial):
    made = {"energy": partial(Energy, temperature=1.0), "hot": partial(Energy, temperature=9.0)}
    figures = family(trial, made, ["hold-out"], []).figures["detectors"]
    assert (figures["energy"]["chosen"], figures["energy"]["options"]) == ("default", {"temperature": 1.0})
    assert (figures["hot"]["chosen"], figures["hot"]["options"]) == ("config", {"temperature": 9.0})
