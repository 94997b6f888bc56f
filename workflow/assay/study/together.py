"""What several seeds can do at once: the methods that train k networks stacked on each other as they train each alone.

A method is listed once a test has held it against training alone. What a listed recipe does to an element of a tensor
depends on no other element; what a listed augmentation or loss does to a row depends on no other row, partners in a
batch excepted, which are sought for each seed by itself. Large networks, which fill a device alone, and those with
attention, for which vmap goes through the networks one by one, would gain nothing and are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from assay.study.problems import Path

#: By kind, what an arm with `together: true` may name.
METHODS: dict[str, tuple[str, ...]] = {
    "model": (
        "airbench94", "airbench95", "airbench96", "all-cnn-c", "densenet-bc-100-12", "lenet", "linear", "mlp",
        "mlp-mixer", "mobilenetv2", "nin", "preact-resnet110", "preact-resnet20", "preact-resnet56", "resnet110",
        "resnet18", "resnet20", "resnet32", "resnet34", "resnet44", "resnet56", "resnet8", "shufflenetv2", "tiny-cnn",
        "vgg11", "vgg16", "wrn-16-2", "wrn-28-2", "wrn-40-2",
    ),
    "trainable": ("all", "bn", "film", "head", "lora"),
    "recipe": (
        "adamw", "airbench94", "bn-only", "finetune", "innaprop", "linear-probe", "lion", "onecycle", "resnet-rs",
        "schedule-free", "sgd", "sgdr",
    ),
    "augment": (
        "augmix", "autoaugment", "crop", "cutmix", "cutout", "flip", "mixup", "randaugment", "random-erasing",
        "translate", "trivialaugment",
    ),
    "loss": (
        "balanced-softmax", "class-weighted", "cross-entropy", "focal", "generalised-cross-entropy",
        "inverse-image-frequency", "ldam", "logit-adjusted", "poly", "symmetric-cross-entropy",
    ),
    "rebalance": ("class-balanced", "oversample", "progressive", "square-root", "undersample"),
}  # fmt: skip

SAME_IMAGES = "expected the same images for all seeds, since they are trained together (`together: true`)"

#: Keys of an arm that do not go with it, and why.
_ALONE = {
    "robust": "it follows what one network makes of each image",
    "dropout": "it draws for the features of one network",
    "sparse": "its masks are those of one network",
    "distill": "a teacher is asked for one student at a time",
    "mup": "it scales the learning rates of one network",
    "compile": "stacked networks are not compiled",
    "search": "points are tuned one by one",
    "predictions": "the arm trains nothing",
    "weights": "the arm trains nothing",
}

#: Options that any recipe has, at what leaves them out, and why the others are done one by one.
_OFF = {
    "patience": (None, "each seed would end at an epoch of its own"),
    "norm-loss": (0.0, "it looks at norms within a tensor"),
}


def alone(arm: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    """What in a resolved arm cannot be trained for several seeds together: the place in the arm, and what to say."""
    for key, why in _ALONE.items():
        if arm[key]:
            yield (key,), f"`together: true` does not go with `{key}`: {why}"
    for kind, known in METHODS.items():
        entries = arm[kind] if isinstance(arm[kind], list) else [arm[kind]]
        for number, entry in enumerate(entries):
            if entry and entry["method"] not in known:
                place = (kind, number) if isinstance(arm[kind], list) else (kind,)
                yield (
                    place,
                    f"`together: true` does not go with {kind} {entry['method']!r}; it goes with {', '.join(known)}",
                )
    for option, (off, why) in _OFF.items():
        if (arm["recipe"] or {}).get(option, off) != off:
            yield ("recipe", option), f"`together: true` does not go with `{option}`: {why}"
