"""What may train together exists and is planned so that a seed's work does not depend on its company."""

from __future__ import annotations

import pytest
from assay.study.code import Code
from assay.study.errors import ConfigError
from assay.study.load import load_study
from assay.study.plan import plan
from assay.study.registry import scan
from assay.study.together import METHODS

STUDY = """\
study: s
seeds: {seeds}
datasets:
  digits: {{source: digits, split: {{val: 0.15, test: 0.2}}}}
arms:
  alone: {{dataset: digits, model: tiny-cnn, recipe: adamw}}
  side: {{extends: alone, together: true{more}}}
"""


@pytest.fixture(scope="module")
def registry():
    return scan()


@pytest.fixture
def planned(tmp_path, monkeypatch, registry):
    """`planned(seeds, more)`: the plan of the study with further keys in the arm that trains together."""
    monkeypatch.chdir(tmp_path)
    code = Code()

    def make(seeds, more=""):
        file = tmp_path / "config.yaml"
        file.write_text(STUDY.format(seeds=seeds, more=f", {more}" if more else ""))
        study = load_study(file, registry=registry)
        study.pop("lines")
        return plan(study, registry, code)

    return make


def test_every_method_on_the_list_exists(registry):
    for kind, names in METHODS.items():
        assert set(names) <= set(registry.names(kind))
        assert list(names) == sorted(names)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("recipe: muon", "does not go with recipe 'muon'; it goes with adamw, airbench94,"),
        ("recipe: sam", "does not go with recipe 'sam'"),
        ("recipe: sgld", "does not go with recipe 'sgld'"),
        ("recipe: {patience: 3}", "does not go with `patience`: each seed would end at an epoch of its own"),
        ("recipe: {norm-loss: 0.1}", "does not go with `norm-loss`: it looks at norms within a tensor"),
        ("dropout: multi-sample-dropout", "does not go with `dropout`: it draws for the features of one network"),
        ("mup: {base-width: 8}", "does not go with `mup`: it scales the learning rates of one network"),
        ("loss: bias-loss", "does not go with loss 'bias-loss'"),
        ("model: vit-tiny", "does not go with model 'vit-tiny'"),
    ],
)
def test_what_is_not_on_the_list_is_refused_by_name(planned, more, words):
    with pytest.raises(ConfigError, match=words):
        planned(2, more)


def test_a_seed_is_the_same_work_whoever_is_beside_it(planned):
    few, many = planned(2), planned("[7, 1, 0, 3]")
    for seed in (0, 1):
        path = f"side/seed-{seed}/train"
        assert few.records[path].digest == many.records[path].digest
        assert few.records[path].jobs == [few.records[path].digest]


def test_training_together_is_other_work_than_training_alone(planned):
    made = planned(2)
    alone, side = (made.jobs[made.records[f"{arm}/seed-0/train"].jobs[0]] for arm in ("alone", "side"))
    assert side.spec == alone.spec | {"together": True}
    assert side.together
    assert not alone.together
    assert "assay.train.together.loop" in side.code
    assert "assay.train.together.loop" not in alone.code
    # What comes after a training does not care how it was done.
    assert not made.jobs[made.records["side/seed-0/predict"].jobs[0]].together
