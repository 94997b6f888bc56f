"""Detectors in a study: what each reads becomes an input, tuning is checked, and no more is computed than was asked."""

import pytest
from assay.study.code import Code
from assay.study.errors import ConfigError
from assay.study.plan import plan


@pytest.fixture
def planned(load, head, fake):
    """`planned(options)`: the plan of a study with an OOD evaluation, and further datasets."""

    def make(options, more="  other: {source: noise}\n", study=""):
        text = head.replace("generators:\n", f"{more}generators:\n").replace("seeds: 3", study or "seeds: 3")
        return plan(load(f"{text}evaluate: {{ood: {options}}}\n"), fake, Code())

    return make


def job(made, part, seed=0):
    record = made.records[f"base/seed-{seed}/ood"]
    return next(made.jobs[digest] for digest in record.jobs if made.jobs[digest].part == part)


def test_a_detector_reads_what_its_card_says_and_no_more(planned):
    made = planned("{detectors: [odin, matching, ensemble], far: [noise]}")
    plain = {"dataset", "set/train", "set/test", "set/noise"}
    assert set(job(made, "ood/msp").inputs) == plain
    assert set(job(made, "ood/matching").inputs) == plain | {"set/val"}
    images = {"images/train", "images/test", "images/noise"}
    assert set(job(made, "ood/odin").inputs) == plain | {"model"} | images
    assert made.jobs[job(made, "ood/odin").inputs["images/noise"]].spec["source"]["method"] == "noise"
    assert set(job(made, "ood/ensemble").inputs) == plain | {
        f"other/{number}/set/{name}" for number in (0, 1) for name in ("train", "test", "noise")
    }


def test_an_ensemble_stands_under_the_first_seed_of_its_group(planned):
    options = "{detectors: [{method: ensemble, members: 2}], far: [noise]}"
    made = planned(options, study="seeds: 5")
    others = {seed: [role for role in job(made, "ood/ensemble", seed).inputs if "other/" in role] for seed in range(5)}
    assert [len(others[seed]) for seed in range(5)] == [3, 0, 3, 0, 0]
    predicted = made.records["base/seed-3/predict"].jobs
    assert job(made, "ood/ensemble", 2).inputs["other/0/set/test"] in predicted
    assert "base/seed-3/predict" in made.records["base/seed-2/ood"].needs


def test_tuning_is_written_out_and_concerns_the_tuned_detector_alone(planned):
    plain = planned("{detectors: [knn, energy], far: [noise]}", more="  other: {source: {method: digits}}\n")
    made = planned(
        "{detectors: [knn, energy], far: [noise], tune: {on: other}}", more="  other: {source: {method: digits}}\n"
    )
    knn = job(made, "ood/knn")
    assert knn.spec["options"]["tune"] == {"on": "other", "grids": {"knn": {"k": [5, 50]}}}
    assert {"set/val", "set/other"} <= set(knn.inputs)
    assert job(made, "ood/energy").digest == job(plain, "ood/energy").digest
    assert knn.digest != job(plain, "ood/knn").digest


def test_named_options_take_the_place_of_the_cards(planned):
    options = "{detectors: [knn, energy], far: [noise], tune: {on: digits, energy: {temperature: [1, 2]}}}"
    grids = job(planned(options), "ood/energy").spec["options"]["tune"]["grids"]
    assert grids == {"energy": {"temperature": [1.0, 2.0]}}
    assert job(planned(options), "ood/knn").spec["options"]["tune"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("{detectors: [knn], far: [noise], tune: {on: noise}}", "noise stands under `far` too"),
        ("{detectors: [knn], far: [noise], tune: {on: other}}", "other has the images of noise"),
        ("{detectors: [knn], far: [noise], tune: {knn: {k: [1]}}}", "expected the key `on`"),
        ("{detectors: [knn], far: [noise], tune: {on: nose}}", "no dataset or source of images is called 'nose'"),
        ("{detectors: [knn], far: [noise], tune: {on: digits, kn: {k: [1]}}}", "did you mean 'knn'"),
        ("{detectors: [knn], far: [noise], tune: {on: digits, knn: {q: [1]}}}", "knn has no such option"),
        ("{detectors: [knn], far: [noise], tune: {on: digits, knn: {k: [0]}}}", "expected a whole number >= 1"),
        ("{detectors: [knn], far: [noise], tune: {on: digits, knn: {k: 5}}}", "expected a list of values"),
        ("{detectors: [knn], far: [noise], tune: {on: digits, knn: {k: [5, 5]}}}", "stands here twice"),
        ("{detectors: [energy], far: [noise], tune: {on: digits}}", "has values to try"),
        ("{detectors: [{method: ensemble, members: 4}], far: [noise]}", "predictions of 4 seeds, and the study has 3"),
    ],
)
def test_what_cannot_be_tuned_is_refused_with_a_reason(planned, options, message):
    with pytest.raises(ConfigError) as caught:
        planned(options)
    assert message in str(caught.value)


def test_an_ensemble_needs_one_test_split(planned):
    with pytest.raises(ConfigError, match="test split of base differs by seed"):
        planned("{detectors: [ensemble], far: [noise]}", study="seeds: 3\nvary: [init, split]")
