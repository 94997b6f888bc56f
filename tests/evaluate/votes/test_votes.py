"""Agreement with people's votes, against scipy and in limits."""

import numpy as np
import pytest
from assay.evaluate.calibration.nll import nll
from assay.evaluate.calibration.none import Uncalibrated
from assay.evaluate.probabilities import probabilities
from assay.evaluate.result import UndefinedError
from assay.evaluate.votes.agreement import vote_accuracy, vote_cross_entropy, vote_kl
from assay.evaluate.votes.family import family
from scipy.stats import entropy


@pytest.mark.parametrize("seed", range(3))
def test_the_divergence_is_scipys(seed):
    rng = np.random.default_rng(seed)
    given, votes = rng.dirichlet(np.ones(4), 50), rng.multinomial(50, [0.7, 0.2, 0.1, 0.0], 50) / 50
    assert vote_kl(given, votes) == pytest.approx(entropy(votes, given, axis=1).mean())
    assert vote_cross_entropy(given, votes) == pytest.approx(
        (entropy(votes, given, axis=1) + entropy(votes, axis=1)).mean()
    )


def test_votes_of_one_mind_are_labels(case):
    logits, labels = case
    given, votes = probabilities(logits), np.eye(5)[labels]
    assert vote_cross_entropy(given, votes) == pytest.approx(nll(given, labels), abs=1e-9)
    assert vote_kl(given, votes) == pytest.approx(nll(given, labels), abs=1e-9)
    assert vote_accuracy(given, votes) == pytest.approx((given.argmax(1) == labels).mean())


def test_limits():
    votes = np.array([[0.6, 0.4], [0.5, 0.5]])
    assert vote_kl(votes, votes) == pytest.approx(0, abs=1e-12)
    assert vote_accuracy(votes, votes) == pytest.approx(0.55)
    with pytest.raises(UndefinedError, match="1 of 2 images have votes for a class of probability 0"):
        vote_cross_entropy(np.array([[1.0, 0.0], [0.5, 0.5]]), votes)
    for measure in (vote_cross_entropy, vote_kl, vote_accuracy):
        with pytest.raises(UndefinedError, match="no images"):
            measure(votes[:0], votes[:0])


def test_the_family_reads_the_votes_of_the_test_images(trial):
    rows = family(trial, {"none": Uncalibrated}).rows
    assert [row.note for row in rows] == ["the dataset has no votes of people on its test images"] * 3
    test = trial.sets["test"]
    test.soft = np.full((len(test), 3), 2.0)  # any unit of votes
    rows = {row.metric: row.value for row in family(trial, {"none": Uncalibrated}).rows}
    assert rows["vote-accuracy"] == pytest.approx(1 / 3)
    assert rows["vote-kl"] == pytest.approx(rows["vote-cross-entropy"] - np.log(3))
