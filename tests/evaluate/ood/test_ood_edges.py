"""Every detector on what real studies may hold: a finite or ordered score, or a reason; never NaN, never a crash."""

import math

import numpy as np
import pytest
from assay.evaluate.job import evaluate
from assay.evaluate.ood import scoring
from assay.evaluate.trial import Predictions, Trial
from assay.study.registry import scan

REGISTRY = scan()
#: Those that need no model; the others are tried in `test_ood_images.py` and by the study in `tests/studies`.
NAMES = [name for name in REGISTRY.names("detector") if "model" not in REGISTRY.card("detector", name).reads]
SMALL = {"k": 2, "tail": 5, "dimension": 3}
METRICS = ("auroc", "aupr-in", "aupr-out", "fpr95", "fpr95-id")


def entry(name):
    options = REGISTRY.card("detector", name).options
    return {"method": name, **{key: SMALL.get(key, option.default) for key, option in options.items()}}


def made(features, logits, labels):
    return Predictions(
        np.asarray(logits, np.float32), np.asarray(features, np.float32), np.arange(len(logits)).astype(str), labels
    )


def trial(seed=0, classes=3, size=8, images=60):
    rng = np.random.default_rng(seed)
    weight, bias = rng.normal(0, 1, (classes, size)), rng.normal(0, 1, classes)
    sets = {}
    for number, name in enumerate(("train", "val", "test", "noise")):
        labels = np.arange(images) % classes
        features = np.maximum(rng.normal(0, 1, (images, size)) + 2 * np.eye(classes, size)[labels], 0) + (number == 3)
        sets[name] = made(features, features @ weight.T + bias, labels)
        sets[name].others = [sets[name].logits + rng.normal(0, 1, (images, classes)).astype(np.float32)]
    return Trial([str(k) for k in range(classes)], np.full(classes, images // classes), sets, (weight, bias))


def cut(predictions, rows):
    for name in ("logits", "features", "ids", "labels"):
        setattr(predictions, name, getattr(predictions, name)[rows])
    predictions.others = [logits[rows] for logits in predictions.others]


def ties(one):
    for each in one.sets.values():
        each.features, each.logits = each.features.round(), each.logits.round()


def class_missing(one):
    cut(one.sets["train"], one.sets["train"].labels != 1)
    cut(one.sets["val"], one.sets["val"].labels != 1)


def one_test_image(one):
    cut(one.sets["test"], slice(0, 1))
    cut(one.sets["noise"], slice(0, 1))


def two_test_images(one):
    cut(one.sets["test"], slice(0, 2))
    cut(one.sets["noise"], slice(0, 2))


def two_train_images(one):
    cut(one.sets["train"], slice(0, 2))
    cut(one.sets["val"], slice(0, 2))


def no_val_images(one):
    cut(one.sets["val"], slice(0, 0))


def constant_features(one):
    for each in one.sets.values():
        each.features[:] = 0.3
        each.logits[:] = one.head[0].sum(1) * 0.3 + one.head[1]


def zero_features(one):
    for each in one.sets.values():
        each.features[:] = 0
        each.logits[:] = one.head[1]


def infinite_logits(one):
    one.sets["test"].logits[3, 1] = np.inf
    one.sets["noise"].logits[:, 0] = -np.inf


def infinite_train_logits(one):
    one.sets["train"].logits[3, 1] = np.inf
    one.sets["val"].logits[3, 1] = np.inf


def spoilt_features(one):
    one.sets["test"].features[3, 1] = np.nan
    one.sets["test"].logits[3] = np.nan


def spoilt_train_features(one):
    one.sets["train"].features[3, 1] = np.inf


def huge_logits(one):
    for each in one.sets.values():
        each.logits *= 1e5


def always_wrong(one):
    one.sets["train"].labels = (one.sets["train"].logits.argmin(1)).astype(np.int64)


CASES = [
    ties, class_missing, one_test_image, two_test_images, two_train_images, no_val_images, constant_features,
    zero_features, infinite_logits, infinite_train_logits, spoilt_features, spoilt_train_features, huge_logits,
    always_wrong,
]  # fmt: skip


def run(one, name, **options):
    given = {"detectors": [entry(name)], "near": [], "far": ["noise"], "tune": None, **options}
    return evaluate({"family": "ood", "options": given}, REGISTRY, one)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_a_value_or_a_reason(name, case):
    one = trial()
    case(one)
    result = run(one, name)
    assert [row.metric for row in result.rows if row.keys["set"] == "noise"] == list(METRICS)
    for row in result.rows:
        assert row.note if row.value is None else 0 <= row.value <= 1 + 1e-12
    if case in (ties, class_missing, one_test_image, two_test_images, huge_logits):
        assert all(row.value is not None and math.isfinite(row.value) for row in result.rows), result.rows[0].note


@pytest.mark.parametrize("name", NAMES)
def test_scores_depend_on_neither_blocks_nor_order(name, monkeypatch):
    whole = {row.metric: row.value for row in run(trial(), name).rows}
    one = trial()
    for each in ("test", "noise"):
        cut(one.sets[each], np.random.default_rng(1).permutation(60))
    monkeypatch.setattr(scoring, "ROWS", 7)
    assert {row.metric: row.value for row in run(one, name).rows} == pytest.approx(whole)


@pytest.mark.parametrize("name", NAMES)
def test_a_detector_beats_chance_where_outliers_are_far_off_or_unsure(name):
    one = trial(images=300)
    far = one.sets["noise"]
    rng = np.random.default_rng(9)
    # Far from all train images, in no direction of theirs, with logits that are small and equal.
    if name in ("ash", "scale", "react", "dice"):
        far.features = np.abs(rng.normal(0, 0.02, far.features.shape)).astype(np.float32)
    else:
        far.features = np.abs(rng.normal(0, 1, far.features.shape)).astype(np.float32) * [0, 0, 0, 1, 1, 1, 1, 1]
        far.features = far.features * (0.1 if name in ("gradnorm", "she", "nnguide") else 9)
    far.logits = rng.normal(0, 0.1, far.logits.shape)
    far.others = [-4 * far.logits]
    if name == "openmax":
        far.logits = 60 * np.abs(far.logits)
    value = next(row.value for row in run(one, name).rows if row.metric == "auroc")
    assert value > 0.6


def test_a_million_images_take_little_memory(monkeypatch):
    """What the search holds at once does not grow with the images scored."""
    from assay.evaluate.ood import nearest

    sizes = []
    plain = nearest._largest

    def watched(products, k):
        sizes.append(products.size)
        return plain(products, k)

    monkeypatch.setattr(nearest, "_largest", watched)
    rng = np.random.default_rng(0)
    bank = rng.normal(0, 1, (70_000, 2)).astype(np.float32)
    queries = rng.normal(0, 1, (600, 2)).astype(np.float32)
    values, places = nearest.largest_products(queries, bank, 3, lambda block, _: block)
    assert max(sizes) <= nearest.ROWS * nearest.COLUMNS
    exact = np.sort(queries @ bank.T, axis=1)[:, -3:]
    assert np.sort(values, axis=1) == pytest.approx(exact, rel=1e-5)
    assert np.sort((queries[:, None] * bank[places]).sum(2), axis=1) == pytest.approx(exact, rel=1e-4)
