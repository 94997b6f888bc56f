"""A generator that learns from another: what is planned, and from what."""

from __future__ import annotations

import pytest
from assay.study.code import Code
from assay.study.plan import plan

TAUGHT = """\
study: s
seeds: 3
vary: [init, order, augment, split]
datasets:
  d: {source: digits, split: {val: 0.15, test: 0.2}}
generators:
  t: {method: ddpm, dataset: d, seeds: 2}
  q: {method: consistency-distillation, dataset: d, teacher: t, seeds: 3}
arms:
  base: {dataset: d, model: linear}
  a: {extends: base, synthetic: {generator: q, ratio: 1}}
"""


@pytest.fixture
def planned(load, fake):
    def made(text=TAUGHT):
        return plan(load(text), fake, Code())

    return made


def generators(found, name):
    """The jobs of a generator's records by the number in their path."""
    return {
        int(path.rpartition("-")[2]): found.jobs[record.jobs[0]]
        for path, record in found.records.items()
        if path.startswith(f"generators/{name}/")
    }


def test_a_student_is_made_from_the_teacher_that_saw_the_same_images(planned):
    found = planned()
    students, teachers = generators(found, "q"), generators(found, "t")
    # The split differs by seed, so each trial has a student, and each student a teacher, that saw its train split.
    assert sorted(students) == sorted(teachers) == [0, 1, 2]
    for number, job in students.items():
        assert job.inputs["teacher"] == teachers[number].digest
        assert job.inputs["dataset"] == teachers[number].inputs["dataset"]
        assert found.records[f"generators/q/seed-{number}"].needs == [
            f"datasets/d/seed-{number}", f"generators/t/seed-{number}"
        ]  # fmt: skip


def test_a_student_differs_by_seed_where_what_its_teacher_learnt_from_does(planned):
    drawn = TAUGHT.replace("order, augment, split", "alteration").replace("seeds: 2", "seeds: 1, unbiased: few")
    found = planned(drawn.replace("generators:\n", "  few: {from: d, subset: 100}\ngenerators:\n"))
    students, teachers = generators(found, "q"), generators(found, "t")
    # One student for all trials would know images, by its teacher, that another seed drew.
    assert sorted(students) == sorted(teachers) == [0, 1, 2]
    assert [students[number].inputs["teacher"] for number in range(3)] == [teachers[n].digest for n in range(3)]
    assert len({teachers[number].inputs["unbiased"] for number in range(3)}) == 3


def test_numbers_of_students_go_round_those_of_teachers(planned):
    found = planned(TAUGHT.replace(", split]", "]"))
    students, teachers = generators(found, "q"), generators(found, "t")
    assert [students[number].inputs["teacher"] for number in range(3)] == [
        teachers[number].digest for number in (0, 1, 0)
    ]


def test_whatever_changes_the_teacher_changes_the_student_and_its_images(planned):
    plain, other = planned(), planned(TAUGHT.replace("dataset: d, seeds: 2", "dataset: d, seeds: 2, precision: fp32"))
    for path in ("generators/q/seed-0", "a/seed-0/synthetic"):
        assert plain.records[path].digest != other.records[path].digest
    assert plain.records["base/seed-0/train"].digest == other.records["base/seed-0/train"].digest


def test_a_synthetic_set_carries_the_methods_of_teacher_and_student(planned):
    found = planned()
    (job,) = (found.jobs[digest] for digest in found.records["a/seed-0/synthetic"].jobs)
    assert {(row[0], row[1]) for row in job.methods} == {
        ("generator", "ddpm"),
        ("generator", "consistency-distillation"),
        ("sampler", "consistency"),
    }
