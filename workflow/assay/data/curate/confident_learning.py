"""Confident learning: labels that out-of-sample probabilities contradict are taken for wrong."""

from __future__ import annotations

import numpy as np

from assay import Option, method
from assay.data.curation import View


@method(
    "curate",
    "confident-learning",
    summary="drop images whose label out-of-sample probabilities contradict (cleanlab)",
    paper="Northcutt et al. 2021, arXiv:1911.00068",
    options={
        "by": Option(
            "features",
            "`features`: probabilities of a logistic regression on features, or on pixels without a model, that did "
            "not see the image; `logits`: those of the arm, which has seen it",
            choices=["features", "logits"],
        ),
        "folds": Option(5, "parts of the train split, each predicted from the others", at_least=2),
        "c": Option(0.01, "inverse strength of the regression's penalty, as scikit-learn's `C`", above=0),
        "filter": Option(
            "prune_by_noise_rate",
            "how issues are chosen, by cleanlab's name",
            choices=[
                "prune_by_noise_rate",
                "prune_by_class",
                "both",
                "confident_learning",
                "predicted_neq_given",
            ],
        ),
    },
    reads=["features"],
    shapes="features [N,D] or logits [N,K], labels [N] -> indices int64 [M]",
)
def confident_learning(view: View, *, by: str, folds: int, c: float, filter: str) -> np.ndarray:
    """What `cleanlab.filter.find_label_issues` calls an issue is dropped.

    With `by: logits` the probabilities are those of a network on the images that it was trained on: it may have learnt
    wrong labels by heart, so that few are found. Classes without images take no part.

    Raises:
        MethodError: `by: logits` without an arm.
    """
    from cleanlab.filter import find_label_issues

    present, labels = np.unique(view.labels, return_inverse=True)
    if len(present) < 2:
        return np.arange(len(view))
    if by == "logits":
        logits = view.logits[:, present].astype(np.float64)
        weights = np.exp(logits - logits.max(1, keepdims=True))
        p = weights / weights.sum(1, keepdims=True)
    else:
        p = out_of_sample(view.features, labels, len(present), folds, c, view.rng)
    return np.flatnonzero(~find_label_issues(labels, p, filter_by=filter, n_jobs=1))


def out_of_sample(
    features: np.ndarray, labels: np.ndarray, classes: int, folds: int, c: float, rng: np.random.Generator
) -> np.ndarray:
    """Probabilities float64 [N,K] of each image by a logistic regression that was fitted without its fold.

    Each class is dealt out to the folds for itself. A class that a fit did not see, since all its images lie in one
    fold, gets the probability 0 there. Features are standardised on what each fit sees.

    Args:
        features: float [N,D].
        labels: int64 [N] in 0..classes-1, each of them present.
        classes: K.
        folds: at least 2.
        c: inverse strength of the penalty; a weak one lets a fit follow wrong labels.
        rng: deals the images out.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    fold = np.empty(len(labels), np.int64)
    for label in range(classes):
        members = rng.permutation(np.flatnonzero(labels == label))
        fold[members] = (np.arange(len(members)) + label) % folds
    p = np.zeros((len(labels), classes))
    for number in range(folds):
        out = fold == number
        seen = np.unique(labels[~out])
        if not out.any():
            continue
        if len(seen) < 2:
            p[np.ix_(out, seen)] = 1
            continue
        model = make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=1000))
        p[np.ix_(out, seen)] = model.fit(features[~out], labels[~out]).predict_proba(features[out])
    return p
