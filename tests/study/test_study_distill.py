"""Distillation in a config: generations written out, and what is refused where."""

from __future__ import annotations

from pathlib import Path

import pytest
from assay.study.errors import ConfigError
from assay.study.load import load_study

HEAD = """\
study: s
seeds: 2
datasets:
  d: {source: digits, split: {val: 0.15, test: 0.2}}
  few: {from: d, labels: 100}
generators:
  g: {method: smote, dataset: few}
arms:
  base: {dataset: few, model: resnet8}
"""


@pytest.fixture
def read(tmp_path, monkeypatch, registry):
    """`read(text)`: a study of real methods."""
    monkeypatch.chdir(tmp_path)

    def load(text):
        Path("config.yaml").write_text(text)
        return load_study(Path("config.yaml"), registry=registry)

    return load


def test_each_generation_is_an_arm_that_learns_from_the_one_before(read):
    made = read(
        HEAD
        + "  reborn: {extends: base, distill: {method: born-again, teacher: {arm: base, seed: all}, repeat: 3}}\n"
        + "claims: [{claim: c, expect: 'reborn.accuracy > reborn[generation=1].accuracy'}]\n"
    )
    assert list(made["arms"]) == ["base", "reborn[generation=1]", "reborn[generation=2]", "reborn"]
    lessons = [made["arms"][name]["distill"] for name in list(made["arms"])[1:]]
    assert [lesson["repeat"] for lesson in lessons] == [1, 2, 3]
    assert [{key: lesson["teacher"][key] for key in ("arm", "seed")} for lesson in lessons] == [
        {"arm": "base", "seed": "all"},
        {"arm": "reborn[generation=1]", "seed": "same"},
        {"arm": "reborn[generation=2]", "seed": "same"},
    ]


def test_points_of_a_sweep_have_generations_of_their_own(read):
    made = read(
        HEAD + "  reborn:\n    extends: base\n    distill: {method: cwtm, teacher: base, repeat: 2}\n"
        "    sweep: {grid: {recipe.lr: [0.1, 0.2]}}\n"
    )
    assert list(made["arms"])[1:] == [
        "reborn[recipe.lr=0.1,generation=1]",
        "reborn[recipe.lr=0.1]",
        "reborn[recipe.lr=0.2,generation=1]",
        "reborn[recipe.lr=0.2]",
    ]
    last = made["arms"]["reborn[recipe.lr=0.2]"]
    assert last["distill"]["teacher"]["arm"] == "reborn[recipe.lr=0.2,generation=1]"
    assert last["recipe"]["lr"] == 0.2
    assert made["groups"] == {"reborn": ["reborn[recipe.lr=0.1]", "reborn[recipe.lr=0.2]"]}


def test_one_generation_is_the_arm_itself_and_another_method_keeps_what_is_no_option(read):
    made = read(
        HEAD
        + "  once: {extends: base, distill: {method: born-again, teacher: base, repeat: 1, images: all}}\n"
        + "  other: {extends: once, distill: {method: kd}}\n"
    )
    assert list(made["arms"]) == ["base", "once", "other"]
    assert made["arms"]["other"]["distill"] == {
        "method": "kd", "temperature": 4.0, "alpha": 0.9,
        "teacher": {"arm": "base", "seed": "same", "assistants": [], "untrained": False},
        "images": "all", "repeat": 1,
    }  # fmt: skip


def test_a_network_that_teaches_itself_has_no_teacher(read):
    made = read(HEAD + "  own: {extends: base, distill: {method: deep-mutual-learning}}\n")
    assert made["arms"]["own"]["distill"]["teacher"] is None


@pytest.mark.parametrize(
    ("arm", "path", "words"),
    [
        ("distill: {method: rkd}", "distill", "expected the key `teacher`: rkd learns from an arm"),
        ("distill: {method: deep-mutual-learning, teacher: base}", "distill.teacher", "teach themselves; leave it out"),
        ("distill: {method: be-your-own-teacher, repeat: 2}", "distill.repeat", "be-your-own-teacher has no teacher"),
        ("distill: {method: simkd, teacher: {arm: base, seed: all}}", "distill.teacher", "a `seed` other than `all`"),
        ("compile: true, distill: {method: fitnets, teacher: base}", "compile", "fitnets looks at feature maps"),
        ("distill: {method: dkd, teacher: base, images: all}", "distill.images", "dkd needs each image's label"),
        (
            "rebalance: oversample, distill: {method: kd, teacher: base, images: all}",
            "rebalance",
            "`rebalance` goes by labels",
        ),
        ("synthetic: g, distill: {method: kd, teacher: base, images: unlabelled}", "synthetic", "goes by labels"),
        ("distill: {method: kd, teacher: base, images: some}", "distill.images", "expected one of labelled"),
        ("distill: {method: born-again, teacher: base, repeat: 0}", "distill.repeat", "found 0"),
        ("distill: {method: born-again, teacher: base, repeat: 21}", "distill.repeat", "found 21"),
        (
            "distill: {method: kd, teacher: {arm: base, untrained: true, seed: all}}",
            "distill.teacher.seed",
            "`untrained` has no `seed`",
        ),
        (
            "distill: {method: kd, teacher: {arm: base, untrained: true, assistants: [base]}}",
            "distill.teacher.assistants",
            "`untrained` has no `assistants`",
        ),
        (
            "distill: {method: kd, teacher: {arm: base, seed: all, assistants: [other]}}",
            "distill.teacher.seed",
            "one assistant teaches",
        ),
        ("distill: {method: kd, teacher: {arm: base, assistants: [nobody]}}", "assistants[0]", "nobody"),
        ("distill: {method: kd, teacher: {arm: base, assistants: [base]}}", "assistants[0]", "base is named twice"),
        ("distill: {method: kd, teacher: {arm: base, assistants: [a]}}", "assistants[0]", "goes round in a circle"),
        ("compile: true, distill: {method: guidance, teacher: base}", "compile", "guidance looks at feature maps"),
        (
            "search: {space: {model: [resnet8, mlp]}, trials: 2, by: diswot}",
            "search.by",
            "a `distill` with a `teacher`",
        ),
        (
            "distill: {method: kd, teacher: base}, search: {space: {recipe.lr: [0.1, 0.2]}, trials: 2, by: diswot}",
            "recipe.lr",
            "which recipe.lr does not change; expected model alone",
        ),
        ("distill: {method: crd, teacher: base, negative: 3}", "distill.negative", "crd has no such option"),
    ],
)
def test_what_does_not_go_together_is_refused(read, arm, path, words):
    with pytest.raises(ConfigError) as error:
        read(f"{HEAD}  a: {{extends: base, {arm}}}\n")
    found = [(problem.path, problem.message) for problem in error.value.problems]
    assert any(where.startswith("arms.a") and where.endswith(path) and words in what for where, what in found), found


def test_the_plan_hands_each_generation_its_teacher_and_says_what_it_learns_from(read, registry):
    from assay.study.code import Code
    from assay.study.plan import plan

    made = read(
        HEAD
        + "  reborn: {extends: base, distill: {method: kd, teacher: base, repeat: 2, images: unlabelled}}\n"
        + "  own: {extends: base, distill: {method: deep-mutual-learning}}\n"
    )
    planned = plan(made, registry, Code())

    def job(record):
        return planned.jobs[planned.records[record].jobs[0]]

    first, last = job("reborn[generation=1]/seed-1/train"), job("reborn/seed-1/train")
    assert first.spec["taught"] == {"images": "unlabelled", "repeat": 1}
    assert last.spec["taught"] == {"images": "unlabelled", "repeat": 2}
    assert last.spec["distill"] == {"method": "kd", "temperature": 4.0, "alpha": 0.9}
    assert first.inputs["teacher/0"] == job("base/seed-1/train").digest
    assert last.inputs["teacher/0"] == first.digest
    assert not any(role.startswith("teacher") for role in job("own/seed-0/train").inputs)


def test_assistants_are_inputs_and_an_untrained_teacher_is_none(read, registry):
    from assay.study.code import Code
    from assay.study.plan import plan

    made = read(
        HEAD
        + "  middle:\n    extends: base\n    distill: {method: kd, teacher: base}\n"
        + "    sweep: {grid: {model.width: [12, 8]}}\n"
        + "  small: {extends: base, distill: {method: kd, teacher: {arm: base, assistants: [middle]}}}\n"
        + "  guided: {extends: base, model: mlp, distill: {method: guidance, teacher: {arm: small, untrained: true}}}\n"
        + "  own: {extends: base, distill: {method: guidance, teacher: {arm: own, untrained: true}}}\n"
    )
    planned = plan(made, registry, Code())

    def job(record):
        return planned.jobs[planned.records[record].jobs[0]]

    small, guided = job("small/seed-1/train"), job("guided/seed-1/train")
    assert small.inputs["teacher/0"] == job("base/seed-1/train").digest
    widths = ["middle[model.width=12]", "middle[model.width=8]"]
    assert [small.inputs[f"assistant/{n}"] for n in (0, 1)] == [job(f"{arm}/seed-1/train").digest for arm in widths]
    assert set(guided.inputs) == {"dataset"}
    assert guided.spec["guide"] == {"model": made["arms"]["small"]["model"], "init": None}
    assert "guide" not in small.spec
    assert ["model", "resnet8"] in [method[:2] for method in guided.methods]


def test_a_search_without_training_has_one_job(read, registry):
    from assay.study.code import Code
    from assay.study.plan import plan

    made = read(
        HEAD
        + "  student:\n    extends: base\n    distill: {method: kd, teacher: base}\n"
        + "    search: {space: {model: [resnet8, tiny-cnn, lenet]}, trials: 3, by: diswot}\n"
    )
    planned = plan(made, registry, Code())
    assert not any("/tune-" in record for record in planned.records)
    (digest,) = planned.records["student/search"].jobs
    search = planned.jobs[digest]
    assert set(search.inputs) == {"dataset"}
    assert len(search.spec["points"]) == 3
    assert search.spec["teacher"] == made["arms"]["base"]["model"]
    trained = planned.jobs[planned.records["student/seed-0/train"].jobs[0]]
    assert trained.inputs["search"] == digest
    kinds = {method[1] for method in search.methods}
    assert kinds == {"resnet8", "tiny-cnn", "lenet"}
