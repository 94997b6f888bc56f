"""The typed model of `datasets`, `generators` and `encoders`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from assay.study.fields import ClassName, Count, Entry, MethodOf, Precision, Section, key
from assay.study.model_split import Classes, Groups, Split


class Curation(Section):
    """One way to choose the train images that are kept. Options of the method stand beside `method`."""

    model_config = ConfigDict(extra="allow")

    method: str = key(
        ...,
        "How images are chosen: a method of kind curate. Its options stand beside it.",
        "datasets:\n  half: {from: digits, curate: [{method: random, keep: 0.5}]}",
    )
    arm: str | None = key(
        None,
        "The arm whose trained model is asked: its first seed, or the same seed where the dataset differs by seed. It "
        "learns from the dataset that is curated, or from one which that comes from.",
        "datasets:\n  clean: {from: digits, curate: [{method: aum, arm: baseline}]}",
    )
    encoder: str | None = key(
        None,
        "The encoder whose features are asked, in place of an arm.",
        "datasets:\n  even: {from: digits, curate: [{method: hierarchical-kmeans, encoder: turned, keep: 200}]}",
    )
    as_many_as: str | None = key(
        None,
        "The dataset whose number of train images `random` keeps.",
        "datasets:\n  clean: {from: digits, curate: [near-duplicates]}\n"
        "  chance: {from: digits, curate: [{method: random, as-many-as: clean}]}",
    )

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {"method": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_model(self) -> Curation:
        if self.arm is not None and self.encoder is not None:
            raise PydanticCustomError("expected", "expected either `arm` or `encoder`, not both")
        return self


class Dataset(Section):
    """Named images and labels: from a source, or another dataset altered further.

    Classes come first, then `subset`, `imbalance`, `confounder`, `shift`, `label-noise`, `poison` and `labels`, in this
    order, and `copies` at last. Only `confounder` and `shift` reach the images that arms are judged on; `poison` adds a
    split for the attack.
    """

    extends: str | None = key(
        None,
        "Another dataset's declaration to start from; what is written here is laid over it.",
        "datasets:\n  noisy: {extends: digits, label-noise: {method: symmetric, rate: 0.2}}",
    )
    source: Annotated[Entry, MethodOf("source")] | None = key(
        None,
        "Where the images come from: a method of kind source.",
        "datasets:\n  letters: {source: {method: glyphs, count: 200}, like: digits}",
    )
    from_: str | None = key(
        None,
        "The dataset that this one alters further, in place of a source.",
        "datasets:\n  rare: {from: digits, imbalance: exponential}",
    )
    like: str | None = key(
        None,
        "The dataset whose image size, channels and, with `class-map`, classes this one takes on.",
        "datasets:\n  noise: {source: noise, like: digits}",
    )
    resolution: Count | None = key(
        None,
        "Height and width in pixels that every image is brought to (bilinear, with antialiasing).",
        "datasets:\n  small: {from: digits, resolution: 4}",
    )
    channels: Literal[1, 3] | None = key(
        None,
        "1 makes every image grey, 3 makes it RGB.",
        "datasets:\n  rgb: {from: digits, channels: 3}",
    )
    groups: Groups | None = key(
        None,
        "Group labels from a file (patients, lesions, sites), for `split: {by: group}` and metrics by group.",
        "datasets:\n  patients: {source: digits, groups: {path: groups.csv}, split: {test: 0.2, by: group}}",
    )
    subset: Count | None = key(
        None,
        "How many images of the train split to keep, each class in its share.",
        "datasets:\n  few: {from: digits, subset: 200}",
    )
    classes: Classes = key(
        {},
        "Which classes are learnt and which are held out.",
        'datasets:\n  open: {from: digits, classes: {hold-out: ["8", "9"]}}',
    )
    split: Split | None = key(
        None,
        "How the images are cut into train, val and test; without it the source's official split stands (that of a csv "
        "is its column `split`).",
        "datasets:\n  cut: {source: digits, split: {val: 0.1, test: 0.25, stratify: true}}",
    )
    imbalance: Annotated[Entry, MethodOf("imbalance")] | None = key(
        None,
        "How the class counts of the train split are thinned: a method of kind imbalance.",
        "datasets:\n  rare: {from: digits, imbalance: {method: exponential, ratio: 50}}",
    )
    confounder: Annotated[Entry, MethodOf("confounder")] | None = key(
        None,
        "An attribute that goes with the class in train, put into the images of all splits: a method of kind "
        "confounder. Groups become `class/class whose attribute it has`.",
        "datasets:\n  coloured: {from: digits, confounder: {method: colour, correlation: 0.95}}",
    )
    shift: Annotated[Entry, MethodOf("shift")] | None = key(
        None,
        "Other class shares at test, drawn from the test split: a method of kind shift.",
        "datasets:\n  shifted: {from: digits, shift: {method: prior-long-tail, ratio: 10}}",
    )
    label_noise: Annotated[Entry, MethodOf("label-noise")] | None = key(
        None,
        "How labels of the train split are corrupted on purpose: a method of kind label-noise.",
        "datasets:\n  noisy: {from: digits, label-noise: {method: symmetric, rate: 0.2}}",
    )
    poison: Annotated[Entry, MethodOf("poison")] | None = key(
        None,
        "A back door in the train split: a method of kind poison. The split `triggered` then holds test images with "
        "the trigger and the attacker's label.",
        'datasets:\n  poisoned: {from: digits, poison: {method: trigger-patch, target: "0"}}',
    )
    labels: Count | None = key(
        None,
        "How many train images keep their labels, each class in its share; the others become the split `unlabelled`. A "
        "smaller budget lies within a larger one.",
        "datasets:\n  few-labels: {from: digits, labels: 250}",
    )
    copies: Count | None = key(
        None,
        "How many altered copies of each train image take its place: views by `augment`, the same ones in every epoch "
        "and for every arm. The id of a copy is that of the image and `:copy-1`, `:copy-2` and so on.",
        "datasets:\n  views: {from: digits, augment: [translate], copies: 3}",
    )
    augment: list[Annotated[Entry, MethodOf("augment")]] = key(
        [],
        "How `copies` are altered, one after the other: methods of kind augment that leave labels as they are.",
        "datasets:\n  views: {from: digits, augment: [translate, cutout], copies: 3}",
    )
    curate: list[Curation] = key(
        [],
        "Which images of the train split of `from` are kept, one choice after the other. Beside each curated dataset "
        "NAME comes NAME-random, as many images at random, and beside each arm on it one on that.",
        "datasets:\n  clean: {from: digits, curate: [near-duplicates, {method: aum, arm: baseline, keep: 0.9}]}",
    )
    class_map: dict[str, ClassName | None] | None = key(
        None,
        "New names for classes: several with the same name are joined, a class mapped to null is dropped.",
        'datasets:\n  small: {from: digits, class-map: {"0": round, "8": round, "1": null}}',
    )
    private: bool = key(
        False,
        "Keep pixels and ids of this dataset, and of all that come from it, out of the report and of MLflow.",
        "datasets:\n  digits: {private: true}",
    )


class Generator(Section):
    """A model, or a sampler, that makes images. Options of the method stand beside `method`."""

    model_config = ConfigDict(extra="allow")

    extends: str | None = key(
        None,
        "Another generator's declaration to start from.",
        "generators:\n  several: {extends: smote, seeds: 2}",
    )
    method: str = key(
        ...,
        "How images are made: a method of kind generator. Its options stand beside it.",
        "generators:\n  ddpm: {method: ddpm, dataset: digits}",
    )
    dataset: str = key(
        ...,
        "The dataset whose train split it learns from.",
        "generators:\n  ddpm: {method: ddpm, dataset: digits}",
    )
    teacher: str | None = key(
        None,
        "The generator of this study that it is distilled from, for a method that learns from another. Its dataset is "
        "the same; number k learns from the teacher's number k modulo its seeds.",
        "generators:\n  edm: {method: edm, dataset: digits}\n"
        "  quick: {method: consistency-distillation, dataset: digits, teacher: edm}",
    )
    unbiased: str | None = key(
        None,
        "A dataset, which may be small, of whose train split the generator is to learn the distribution within each "
        "class, while most of its images come from `dataset`, biased as that may be.",
        "datasets:\n  cut: {source: digits, split: {val: 0.1, test: 0.2}}\n  few: {from: cut, subset: 100}\n"
        "  coloured: {from: cut, confounder: {method: patch, correlation: 0.9}}\n"
        "generators:\n  fair: {method: ddpm, dataset: coloured, unbiased: few}",
    )
    encoder: str | None = key(
        None,
        "An encoder of this study: the network is told its features of each image in place of the class, and images of "
        "a class are made from the features of train images of that class, as variations of them.",
        "generators:\n  varied: {method: ddpm, dataset: digits, encoder: turned}\n"
        "encoders:\n  turned: {method: rotation, dataset: digits, model: resnet8}",
    )
    halves: bool = key(
        False,
        "Train it on each half of the train split too. Each synthetic set then tells how much alike the images are "
        "that the two make from the same noise: they agree where a diffusion model has learnt the distribution, and "
        "differ where it knows images by heart.",
        "generators:\n  ddpm: {method: ddpm, dataset: digits, halves: true}",
    )
    seeds: Count = key(
        1,
        "How many generators are trained; the trial with seed k uses number k modulo this.",
        "generators:\n  ddpm: {method: ddpm, dataset: digits, seeds: 2}",
    )
    precision: Precision = key(
        "auto",
        "Number format of its training and sampling, as for arms.",
        "generators:\n  ddpm: {method: ddpm, dataset: digits, precision: fp32}",
    )
    threads: Count = key(
        1,
        "CPU threads of its computation; part of what is computed, since they change bits.",
        "generators:\n  ddpm: {method: ddpm, dataset: digits, threads: 2}",
    )


class Encoder(Section):
    """A backbone trained without labels, from which arms start. Options of the method stand beside `method`."""

    model_config = ConfigDict(extra="allow")

    extends: str | None = key(
        None,
        "Another encoder's declaration to start from.",
        "encoders:\n  long: {extends: turned, recipe: {epochs: 40}}",
    )
    method: str = key(
        ...,
        "What it learns from: a method of kind pretrain. Its options stand beside it.",
        "encoders:\n  turned: {method: rotation, dataset: digits, model: resnet8}",
    )
    dataset: str = key(
        ...,
        "The dataset whose train split it learns from; its labels are not used.",
        "encoders:\n  turned: {method: rotation, dataset: digits, model: resnet8}",
    )
    model: Annotated[Entry, MethodOf("model")] = key(
        ...,
        "Its architecture, which must be that of the arms that start from it.",
        "encoders:\n  turned: {method: rotation, dataset: digits, model: {method: resnet8, width: 8}}",
    )
    recipe: Annotated[Entry, MethodOf("recipe")] = key(
        "sgd",
        "Optimiser, schedule and length of its training.",
        "encoders:\n  turned: {method: rotation, dataset: digits, model: resnet8, recipe: {epochs: 10}}",
    )
    augment: list[Annotated[Entry, MethodOf("augment")]] = key(
        [],
        "How its training batches are altered, one after the other.",
        "encoders:\n  turned: {method: rotation, dataset: digits, model: resnet8, augment: [translate]}",
    )
    seeds: Count = key(
        1,
        "How many encoders are trained; the trial with seed k uses number k modulo this.",
        "encoders:\n  turned: {method: rotation, dataset: digits, model: resnet8, seeds: 2}",
    )
    precision: Precision = key(
        "auto",
        "Number format of its training, as for arms.",
        "encoders:\n  turned: {method: rotation, dataset: digits, model: resnet8, precision: fp32}",
    )
    threads: Count = key(
        1,
        "CPU threads of its computation; part of what is computed, since they change bits.",
        "encoders:\n  turned: {method: rotation, dataset: digits, model: resnet8, threads: 2}",
    )


def options_of(section: Generator | Encoder | Curation | Any) -> dict[str, Any]:
    """The options that stand beside `method` in a section that allows them."""
    return dict(section.model_extra or {})
