"""The typed model of an arm's `distill`: who teaches it, and how it learns."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from assay.study.fields import Section, TeacherSeed, key
from assay.study.generations import MOST


class Teacher(Section):
    """Which trained model teaches."""

    arm: str = key(
        ...,
        "The arm whose models teach.",
        "arms:\n  student: {extends: baseline, model: tiny-cnn, distill: {method: kd, teacher: {arm: baseline}}}",
    )
    seed: TeacherSeed = key(
        "same",
        "Which of its seeds teaches the student with seed k: `same` (k), `all` (their mean), or a number.",
        "arms:\n  student: {extends: baseline, distill: {method: kd, teacher: {arm: baseline, seed: all}}}",
    )

    assistants: list[str] = key(
        [],
        "Arms with smaller models than the teacher's, usually its students, one of which teaches in its place: the one "
        "that loses least accuracy on val for what it is smaller (AMD). It is chosen for each seed, before training.",
        "arms:\n  large: {extends: baseline, model: {method: resnet8, width: 32}}\n"
        "  middle: {extends: large, model: {width: 16}, distill: {method: kd, teacher: large}}\n"
        "  less: {extends: large, model: {width: 12}, distill: {method: kd, teacher: large}}\n"
        "  small: {extends: large, model: {width: 8}, "
        "distill: {method: kd, teacher: {arm: large, assistants: [middle, less]}}}",
    )
    untrained: bool = key(
        False,
        "Whether the arm lends its architecture and initial weights of its kind alone: a network that was never "
        "trained teaches, such as by the method `guidance`.",
        "arms:\n  guided: {extends: baseline, model: mlp, "
        "distill: {method: guidance, teacher: {arm: baseline, untrained: true}}}",
    )

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {"arm": value} if isinstance(value, str) else value


class Distill(Section):
    """How the arm learns from a teacher. Options of the method stand beside `method`."""

    model_config = ConfigDict(extra="allow")

    method: str = key(
        ...,
        "How a student learns: a method of kind distill. Its options stand beside it.",
        "arms:\n  student: {extends: baseline, model: tiny-cnn, distill: {method: kd, teacher: baseline}}",
    )
    teacher: Teacher | None = key(
        None,
        "The arm that teaches; a bare name means its model with the same seed. Some methods take none.",
        "arms:\n  student: {extends: baseline, model: tiny-cnn, distill: {method: kd, teacher: baseline}}",
    )
    images: Literal["labelled", "unlabelled", "all"] = key(
        "labelled",
        "What it learns from: the train images, the dataset's images without labels (on which the teacher alone "
        "speaks), or both.",
        "datasets:\n  few: {from: digits, labels: 100}\n"
        "arms:\n  taught: {extends: baseline, dataset: few, "
        "distill: {method: teacher-labels, images: all, teacher: baseline}}",
    )
    repeat: Annotated[int, Field(ge=1, le=MOST)] | None = key(
        None,
        "Generations of born-again networks: `arm[generation=1]` learns from the teacher, each next one from the one "
        "before, and the arm itself is the last. Each starts from initial weights of its own.",
        "arms:\n  reborn: {extends: baseline, distill: {method: born-again, teacher: baseline, repeat: 3}}",
    )
