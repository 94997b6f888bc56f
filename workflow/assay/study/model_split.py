"""The typed model of which images of a dataset are used for what: classes, splits and groups."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from assay.study.fields import ClassName, Distinct, Part, Section, key


class Classes(Section):
    """Which classes are learnt and which are set aside."""

    keep: Annotated[list[ClassName], Distinct, Field(min_length=2)] | None = key(
        None,
        "The classes to learn, in the order of their numbers; the others are dropped.",
        'datasets:\n  even: {from: digits, classes: {keep: ["0", "2", "4", "6", "8"]}}',
    )
    hold_out: Annotated[list[ClassName], Distinct] = key(
        [],
        "Classes that no model sees in training. Their images, of every split, become the set `hold-out`, which an "
        "OOD evaluation can name.",
        'datasets:\n  open: {from: digits, classes: {hold-out: ["8", "9"]}}',
    )

    @model_validator(mode="after")
    def _either(self) -> Classes:
        both = [name for name in self.keep or [] if name in self.hold_out]
        if both:
            raise PydanticCustomError(
                "expected", "a class is either kept or held out, and {names} is both", {"names": ", ".join(both)}
            )
        return self


class Split(Section):
    """How the images are cut into train, val and test.

    A split that has an official one and is not made anew stays untouched: a new val split then comes out of train
    alone.
    """

    val: Part = key(
        0.0,
        "Images that tuning, calibration and early choices see: below 1 a share of those that are cut, else a number; "
        "0 keeps the official split.",
        "datasets:\n  cut: {source: digits, split: {val: 200, test: 0.25}}",
    )
    test: Part = key(
        0.0,
        "Images that only evaluations see, as a share or a number; 0 keeps the official split.",
        "datasets:\n  cut: {source: digits, split: {val: 0.1, test: 0.25}}",
    )
    stratify: bool = key(
        True,
        "Cut each class for itself, so that the splits have the same class shares; with `by: group`, the groups of "
        "each majority class.",
        "datasets:\n  cut: {source: digits, split: {val: 0.1, test: 0.25, stratify: false}}",
    )
    by: Literal["image", "group"] = key(
        "image",
        "What is cut as a whole. With `group` no patient, lesion or site, as the source or `groups` tells them, is on "
        "two sides.",
        "datasets:\n  cut: {source: digits, groups: {path: groups.csv}, split: {test: 0.25, by: group}}",
    )
    folds: Annotated[int, Field(ge=2)] | None = key(
        None,
        "Cross-validation in place of `test`: the images are dealt out to so many folds, and one of them is the test "
        "split. With `split` under `vary` the seed k tests on fold k modulo this, all of one permutation.",
        "datasets:\n  cut: {source: digits, split: {val: 0.1, folds: 5}}",
    )
    fold: Annotated[int, Field(ge=0)] | None = key(
        None,
        "Which fold is the test split where seeds do not choose it; 0 when left out.",
        "datasets:\n  cut: {source: digits, split: {val: 0.1, folds: 5, fold: 2}}",
    )

    @model_validator(mode="after")
    def _leave_some(self) -> Split:
        shares = [value for value in (self.val, self.test) if 0 < value < 1] + ([1 / self.folds] if self.folds else [])
        if sum(shares) >= 1:
            raise PydanticCustomError(
                "expected",
                "expected val + test < 1, so that images are left to train on, found {sum}",
                {"sum": " + ".join(f"{share:g}" for share in shares)},
            )
        return self

    @model_validator(mode="after")
    def _fold_of_folds(self) -> Split:
        if self.folds and self.test:
            raise PydanticCustomError("expected", "the test split is one of the `folds`; leave `test` out")
        if self.fold is not None and self.fold >= (self.folds or 0):
            there = (
                f"0 to {self.folds - 1}, one of the {self.folds} folds" if self.folds else "the key `folds` beside it"
            )
            raise PydanticCustomError(
                "expected", "expected {there}, found fold {fold}", {"there": there, "fold": self.fold}
            )
        return self


class Groups(Section):
    """Which images belong together, from a csv file with a head line."""

    path: str = key(
        ...,
        "The file, from the folder in which the study runs. It must name every image.",
        "datasets:\n  patients: {from: digits, groups: {path: groups.csv}}",
    )
    id: str = key(
        "id",
        "The column with the id of an image, as its source gives it.",
        "datasets:\n  patients: {from: digits, groups: {path: groups.csv, id: image}}",
    )
    group: str = key(
        "group",
        "The column with the name of its group.",
        "datasets:\n  patients: {from: digits, groups: {path: groups.csv, group: patient}}",
    )
