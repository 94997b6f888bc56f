"""The typed model of an arm's `synthetic`: generated images, how they are looked at and what they must reach."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from assay.study.fields import Count, Entry, MethodOf, Section, key


class Gate(Section):
    """What the figures of a synthetic set must reach before an arm may learn from it; see `assay.synthesize.quality`.

    A set that does not is kept and shown all the same; the arm's training fails and names the figures.
    """

    agreement: float | None = key(
        None,
        "Least share of images to which the judge gives their intended class.",
        "arms:\n  more: {extends: baseline, synthetic: {generator: smote, ratio: 1, gate: {agreement: 0.8}}}",
        ge=0,
        le=1,
    )
    fid: float | None = key(
        None,
        "Highest Frechet distance to the real images, in the judge's features.",
        "arms:\n  more: {extends: baseline, synthetic: {generator: smote, ratio: 1, judge: baseline, gate: {fid: 9}}}",
        ge=0,
    )
    kid: float | None = key(
        None,
        "Highest kernel distance to the real images, in the judge's features.",
        "arms:\n  more: {extends: baseline, synthetic: {generator: smote, ratio: 1, judge: baseline, gate: {kid: 1}}}",
    )
    precision: float | None = key(
        None,
        "Least share of images among the real ones.",
        "arms:\n  more: {extends: baseline, synthetic: {generator: smote, ratio: 1, gate: {precision: 0.7}}}",
        ge=0,
        le=1,
    )
    recall: float | None = key(
        None,
        "Least share of real images among the synthetic ones.",
        "arms:\n  more: {extends: baseline, synthetic: {generator: smote, ratio: 1, gate: {recall: 0.5}}}",
        ge=0,
        le=1,
    )
    density: float | None = key(
        None,
        "Least density of real images around the synthetic ones; 1 is that of the real.",
        "arms:\n  more: {extends: baseline, synthetic: {generator: smote, ratio: 1, gate: {density: 0.7}}}",
        ge=0,
    )
    coverage: float | None = key(
        None,
        "Least share of real images with a synthetic one nearby.",
        "arms:\n  more: {extends: baseline, synthetic: {generator: smote, ratio: 1, gate: {coverage: 0.5}}}",
        ge=0,
        le=1,
    )
    diversity: float | None = key(
        None,
        "Least spread within a class, over that of the real images, of the class where it is least.",
        "arms:\n  more: {extends: baseline, synthetic: {generator: smote, ratio: 1, gate: {diversity: 0.5}}}",
        ge=0,
    )
    duplicates: float | None = key(
        None,
        "Highest share of images that equal a train image.",
        "arms:\n  more: {extends: baseline, synthetic: {generator: smote, ratio: 1, gate: {duplicates: 0.01}}}",
        ge=0,
        le=1,
    )
    copied: float | None = key(
        None,
        "Highest share of images that lie closer to a train image than that does to any other.",
        "arms:\n  more: {extends: baseline, synthetic: {generator: smote, ratio: 1, gate: {copied: 0.9}}}",
        ge=0,
        le=1,
    )
    memorised: float | None = key(
        None,
        "Highest excess of images that lie nearer to a train image than to any held-out one: 0 is what a set shows "
        "that knows no image by heart, 1 is all.",
        "arms:\n  more: {extends: baseline, synthetic: {generator: smote, ratio: 1, gate: {memorised: 0.2}}}",
        le=1,
    )
    halves: float | None = key(
        None,
        "Least agreement of the images that generators of two halves of the train split make from the same noise; 1 is "
        "the same image, 0 is none of it. The generator needs `halves: true`.",
        "arms:\n  more: {extends: baseline, synthetic: {generator: ddpm, ratio: 1, gate: {halves: 0.5}}}\n"
        "generators:\n  ddpm: {method: ddpm, dataset: digits, halves: true}",
        le=1,
    )


class Synthetic(Section):
    """Generated images that join the train split, or take its place."""

    generator: str = key(
        ...,
        "The generator that makes them.",
        "arms:\n  more: {extends: baseline, synthetic: {generator: smote, balance: true}}",
    )
    balance: bool = key(
        False,
        "Fill every class up to the count of the largest.",
        "arms:\n  more: {extends: baseline, synthetic: {generator: smote, balance: true}}",
    )
    per_class: Count | None = key(
        None,
        "As many images for each class.",
        "arms:\n  more: {extends: baseline, synthetic: {generator: smote, per-class: 50}}",
    )
    ratio: float | None = key(
        None,
        "As many images as the train split has, times this, each class in its share.",
        "arms:\n  more: {extends: baseline, synthetic: {generator: smote, ratio: 0.5}}",
        gt=0,
        le=1000,
    )
    mix: Literal["real+synthetic", "synthetic-only", "pretrain-then-real"] = key(
        "real+synthetic",
        "Whether the real images stay beside them, or come afterwards: `pretrain-then-real` trains by the whole recipe "
        "on the synthetic images, then by the whole recipe on the real ones.",
        "arms:\n  unreal: {extends: baseline, synthetic: {generator: smote, per-class: 50, mix: synthetic-only}}",
    )
    sampler: Annotated[Entry, MethodOf("sampler")] | None = key(
        None,
        "How a diffusion model is sampled: a method of kind sampler; without it, the generator's usual one. Another "
        "sampler trains no generator anew.",
        "arms:\n  more: {extends: baseline, synthetic: {generator: ddpm, balance: true, sampler: {method: unipc, "
        "steps: 10}}}\ngenerators:\n  ddpm: {method: ddpm, dataset: digits}",
    )
    judge: str | None = key(
        None,
        "The arm whose model with the same seed looks at the images: its features are those of FID, KID, precision, "
        "recall, density and coverage, its classes those of agreement. Without it, a linear model on pixels is asked "
        "for classes, and distances are those of pixels.",
        "arms:\n  more: {extends: baseline, synthetic: {generator: smote, balance: true, judge: baseline}}",
    )
    filter: Annotated[Entry, MethodOf("filter")] | None = key(
        None,
        "Which of more images than are wanted are taken: a method of kind filter.",
        "arms:\n  more: {extends: baseline, synthetic: {generator: smote, balance: true, filter: density}}",
    )
    labels: Literal["hard", "soft"] = key(
        "hard",
        "Whether an image has the class that it was made for, or the judge's probabilities.",
        "arms:\n  more: {extends: baseline, synthetic: {generator: smote, balance: true, labels: soft, "
        "judge: baseline}}",
    )
    gate: Gate | None = key(
        None,
        "What the set's figures must reach before the arm may learn from it.",
        "arms:\n  more: {extends: baseline, synthetic: {generator: smote, balance: true, gate: {agreement: 0.8}}}",
    )

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {"generator": value, "balance": True} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_amount(self) -> Synthetic:
        if self.balance + (self.per_class is not None) + (self.ratio is not None) != 1:
            raise PydanticCustomError("expected", "expected exactly one of `balance: true`, `per-class` and `ratio`")
        return self
