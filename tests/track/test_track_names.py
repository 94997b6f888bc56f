import pytest
from assay.track.names import LONGEST, flatten, joined, legal, metric_key
from hypothesis import given, settings
from hypothesis import strategies as st


def test_a_metric_reads_like_the_claim_that_names_it():
    assert metric_key("ood", "auroc", {"set": "glyphs", "detector": "msp"}) == "ood/auroc/set:glyphs/detector:msp"
    assert metric_key("accuracy", "accuracy", {}) == "accuracy/accuracy"


@settings(deadline=None)  # the first example imports MLflow
@given(st.lists(st.text(max_size=200), min_size=1, max_size=4))
def test_mlflow_takes_every_name(parts: list[str]):
    from mlflow.utils.validation import _validate_metric_name

    name = joined("family", *parts)
    _validate_metric_name(name)
    assert len(name) <= LONGEST


@given(st.text(max_size=20), st.text(max_size=20))
def test_different_words_stay_different(one: str, other: str):
    assert (legal(one) == legal(other)) == (one == other)


def test_legal_words_stay_as_they_are():
    assert legal("val_accuracy") == "val_accuracy"
    assert legal("class:0.1 - x") == "class:0.1 - x"


def test_params_have_the_paths_of_the_config():
    entry = {
        "dataset": "digits",
        "model": {"method": "resnet8", "width": 16},
        "augment": [{"method": "shift", "pixels": 2}, {"method": "mixup", "alpha": 0.2}],
        "synthetic": None,
        "compress": [],
        "distill": {"method": "kd", "teacher": {"arm": "baseline", "seed": "same"}},
        "balance": True,
    }
    assert flatten(entry) == {
        "dataset": "digits",
        "model": "resnet8",
        "model.width": "16",
        "augment": "shift, mixup",
        "augment.shift.pixels": "2",
        "augment.mixup.alpha": "0.2",
        "distill": "kd",
        "distill.teacher.arm": "baseline",
        "distill.teacher.seed": "same",
        "balance": "true",
    }


def test_a_method_named_twice_keeps_both_sets_of_options():
    flat = flatten({"compress": [{"method": "magnitude", "s": 0.5}, {"method": "magnitude", "s": 0.9}]})
    assert flat == {
        "compress": "magnitude, magnitude",
        "compress.magnitude-0.s": "0.5",
        "compress.magnitude-1.s": "0.9",
    }


@pytest.mark.parametrize(("text", "expected"), [("50M", 50_000_000), ("1.5 kB", 1500), ("2GiB", 2 * 10**9), (7, 7)])
def test_sizes(text: str | int, expected: int):
    from assay.track.roles import size

    assert size(text) == expected


def test_a_size_that_is_none_is_refused():
    from assay.track.roles import size

    with pytest.raises(ValueError, match="50M"):
        size("much")
