"""Areas of each class against scikit-learn and torchmetrics."""

import numpy as np
import pytest
import torch
from assay.evaluate.one_vs_rest.areas import average_precision, class_auroc, sensitivity
from assay.evaluate.one_vs_rest.family import family
from assay.evaluate.probabilities import probabilities
from assay.evaluate.result import UndefinedError
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score
from torchmetrics.functional.classification import binary_sensitivity_at_specificity

SCORES = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]), st.booleans()), min_size=2, max_size=20)


@given(SCORES, st.sampled_from([0.5, 0.8, 0.9, 1.0]))
@settings(max_examples=80, deadline=None)
def test_they_agree_with_other_libraries_also_with_ties(images, specificity):
    scores, member = (np.array(column) for column in zip(*images, strict=True))
    if member.all() or not member.any():
        for measure, more in ((class_auroc, ()), (average_precision, ()), (sensitivity, (specificity,))):
            with pytest.raises(UndefinedError, match="belongs to the class"):
                measure(scores, member, *more)
        return
    assert class_auroc(scores, member) == pytest.approx(roc_auc_score(member, scores))
    assert average_precision(scores, member) == pytest.approx(average_precision_score(member, scores))
    found, _ = binary_sensitivity_at_specificity(torch.from_numpy(scores), torch.from_numpy(member).int(), specificity)
    assert sensitivity(scores, member, specificity) == pytest.approx(float(found), abs=1e-6)


def test_means_leave_out_classes_without_images_and_say_so(case):
    from assay.evaluate.trial import Predictions, Trial

    logits, labels = case
    ids = np.arange(len(labels)).astype(str)
    trial = Trial([*"abcde"], np.ones(5, int), {"test": Predictions(logits, np.zeros((len(labels), 0)), ids, labels)})
    rows = {(row.metric, *row.keys.values()): row for row in family(trial, ["test"], [0.9]).rows}
    given = probabilities(logits)
    seen = [k for k in range(5) if (labels == k).any() and not (labels == k).all()]
    macro = rows["macro-auroc", "test"]
    if not seen:
        assert macro.value is None
        assert macro.note
        return
    expected = [roc_auc_score(labels == k, given[:, k]) for k in seen]
    assert macro.value == pytest.approx(np.mean(expected))
    assert (macro.note is None) == (len(seen) == 5)
    assert rows["macro-auprc", "test"].value == pytest.approx(
        np.mean([average_precision_score(labels == k, given[:, k]) for k in seen])
    )
    assert rows["class-auroc", "rarest", "test"].value == rows["class-auroc", "a", "test"].value


def test_the_perfect_and_the_constant():
    labels = np.array([0, 0, 1, 1, 1])
    assert sensitivity(np.full(5, 0.5), labels == 1, 0.9) == 0
    assert class_auroc(np.full(5, 0.5), labels == 1) == 0.5
    assert average_precision(np.full(5, 0.5), labels == 1) == pytest.approx(0.6)
    for measure, more in ((class_auroc, ()), (average_precision, ()), (sensitivity, (1.0,))):
        assert measure(labels.astype(float), labels == 1, *more) == 1
