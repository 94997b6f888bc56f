"""Evaluations that read what others found: how they come along, what they need and what an edit computes."""

from __future__ import annotations

import pytest
import yaml
from assay.study.code import Code
from assay.study.errors import ConfigError
from assay.study.load import load_study
from assay.study.plan import plan
from assay.study.registry import scan

REGISTRY, CODE = scan(), Code()

STUDY = {
    "study": "s",
    "seeds": 2,
    "datasets": {
        "d": {"source": "digits", "split": {"val": 0.2, "test": 0.2}},
        "bad": {"from": "d", "poison": {"method": "trigger-patch", "target": "1"}},
    },
    "arms": {"a": {"dataset": "d", "model": "linear"}, "b": {"dataset": "bad", "model": "resnet8", "tta": "mirror"}},
    "evaluate": {
        "corruption-summary": {"reference": "b"},
        "corruption": {"corruptions": ["fog", "snow"], "severities": [1, 3]},
        "adversarial": {},
    },
}


def planned(tmp_path, claims=(), **evaluate):
    file = tmp_path / "config.yaml"
    made = {**STUDY, "evaluate": {**STUDY["evaluate"], **evaluate}}
    made["claims"] = [{"claim": "c", "expect": text} for text in claims]
    file.write_text(yaml.safe_dump(made, sort_keys=False))
    study = load_study(file, registry=REGISTRY)
    return study, plan(study, REGISTRY, CODE)


def refused(tmp_path, *claims, **evaluate):
    with pytest.raises(ConfigError) as error:
        planned(tmp_path, claims, **evaluate)
    return str(error.value)


def test_a_summary_comes_along_last(tmp_path):
    study, _ = planned(tmp_path)
    assert list(study["evaluate"]) == ["corruption", "adversarial", "corruption-summary", "adversarial-summary"]


def test_a_summary_reads_its_own_parts_and_those_of_the_reference(tmp_path):
    _, made = planned(tmp_path)
    records = made.records
    (summary,) = records["a/seed-1/corruption-summary"].jobs
    roles = made.jobs[summary].inputs
    assert [roles[f"found/{k}"] for k in range(2)] == records["a/seed-1/corruption"].jobs
    assert [roles[f"reference/{k}"] for k in range(2)] == records["b/seed-1/corruption"].jobs
    assert "b/seed-1/corruption" in records["a/seed-1/corruption-summary"].needs
    # The rule that makes the summary makes the arm's own parts too, so it cannot wait for them.
    assert "a/seed-1/corruption" not in records["a/seed-1/corruption-summary"].needs
    assert "b/seed-1/corruption" not in records["b/seed-1/corruption-summary"].needs


def test_one_corruption_more_is_one_job_more(tmp_path):
    few = planned(tmp_path)[1].jobs
    severities = {"severities": [1, 3]}
    more = planned(tmp_path, corruption={"corruptions": ["fog", "snow", "contrast"], **severities})[1].jobs
    new = [more[digest] for digest in more.keys() - few.keys()]
    parts = [job.part for job in new]
    assert parts.count("corruption/contrast") == 4
    assert set(parts) == {"corruption/contrast", "corruption-summary"}
    other = planned(tmp_path, **{"corruption-summary": {"reference": "a"}})[1].jobs
    assert {other[digest].part for digest in other.keys() - few.keys()} == {"corruption-summary"}


def test_what_looks_at_images_depends_on_the_views_and_other_families_do_not(tmp_path):
    _, made = planned(tmp_path, accuracy={})
    specs = {job.part: job.spec for digest in made.records["b/seed-0/corruption"].jobs for job in [made.jobs[digest]]}
    assert specs["corruption/fog"]["tta"] == "mirror"
    (digest,) = made.records["b/seed-0/accuracy"].jobs
    assert "tta" not in made.jobs[digest].spec


def test_triggered_images_are_predicted_where_there_are_any(tmp_path):
    _, made = planned(tmp_path, backdoor={})
    parts = {arm: made.records[f"{arm}/seed-0/predict"].parts for arm in ("a", "b")}
    assert "triggered" in parts["b"]
    assert "triggered" not in parts["a"]
    assert "triggered" not in planned(tmp_path)[1].records["b/seed-0/predict"].parts


def test_claims_name_what_is_computed(tmp_path):
    good = [
        "a.corrupted-accuracy[corruption=fog, severity=3] < 1",
        "a.corrupted-ece[corruption=snow] < 1",
        "a.mean-corrupted-accuracy[severity=1] > b.mean-corrupted-accuracy",
        "a.corruption-error[corruption=fog] < 1",
        "a.worst-robust-accuracy < a.robust-accuracy[attack=noise]",
        "a.masking-sign[sign=random] < 0.5",
    ]
    assert len(planned(tmp_path, good)[0]["claims"]) == 6
    assert "there is 1, 3, mean" in refused(tmp_path, "a.corrupted-accuracy[corruption=fog, severity=5] < 1")
    assert "there is fog, snow" in refused(tmp_path, "a.corruption-error[corruption=frost] < 1")
    assert "needs the key 'corruption'" in refused(tmp_path, "a.corrupted-accuracy < 1")
    assert "there is linf-8/255" in refused(tmp_path, "a.worst-robust-accuracy[budget=l2-1] < 1")


def test_wrong_options_are_refused_before_any_job(tmp_path):
    assert "linf-8/255" in refused(tmp_path, adversarial={"budgets": ["8/255"]})
    assert "did you mean" in refused(tmp_path, **{"corruption-summary": {"reference": "bb"}}).lower()
    assert "gaussian-noise" in refused(tmp_path, corruption={"corruptions": ["gaussian-nois"]})
    assert "<= 5" in refused(tmp_path, corruption={"severities": [6]})
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump({**STUDY, "evaluate": {"corruption-summary": {}}}))
    with pytest.raises(ConfigError, match="comes along by itself"):
        load_study(file, registry=REGISTRY)
