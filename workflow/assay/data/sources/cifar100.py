"""CIFAR-100: a hundred classes in twenty groups, with people's labels where a study asks for them."""

from __future__ import annotations

from assay import Option, Origin, method
from assay.data.archive import Archive
from assay.data.given import Given
from assay.data.published import Route, obtain, publish
from assay.data.raw import Raw
from assay.data.readers import people
from assay.data.readers.cifar import COARSE, FINE, batches


@method(
    "source",
    "cifar100",
    summary="60,000 photographs, 32 x 32 RGB, of 100 classes or the 20 groups that they form",
    paper="Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf",
    options={
        "level": Option("fine", "100 classes, or their 20 groups", choices=["fine", "coarse"]),
        "labels": Option(
            "clean",
            "labels of the train images: the published ones, or those that people gave (CIFAR-100N: 40 % of the fine "
            "and 26 % of the coarse ones wrong); the published ones stay known as original labels",
            choices=["clean", "human"],
        ),
    },
    shapes="images uint8 [60000,32,32,3], labels int64 [60000]; train 50,000 and test 10,000",
    origin=Origin(
        archive="https://www.cs.toronto.edu/~kriz/cifar.html",
        licence="none stated",
        citation="Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images",
        counts={"fine": {"train": 50000, "test": 10000}, "coarse": {"train": 50000, "test": 10000}},
    ),
)
def cifar100(given: Given, *, level: str, labels: str) -> Raw:
    """The official archive, in its order. CIFAR-100N: Wei et al. 2022, arXiv:2110.12088.

    Raises:
        MethodError: a file that is damaged, or other counts than those published.
        UnavailableError: the files are nowhere to be had.
    """
    archive = Archive(
        "cifar100/cifar-100-python.tar.gz",
        ("https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",),
        md5="eb9058c3a382ffc7106e4002c42a8d85",
        size=169001437,
    )
    official = Route((archive,), lambda path: batches(path, ["train"], ["test"], f"{level}_labels"))
    raw = publish(cifar100, obtain(given.files, [official]), FINE if level == "fine" else COARSE, choice=level)
    if labels == "clean":
        return raw
    return people.relabelled(
        raw,
        people.cifar100n(given.files, raw.labels[raw.parts == "train"], level),
        licence="CC BY-NC 4.0",
        citation="Wei et al. (2022), Learning with Noisy Labels Revisited, arXiv:2110.12088",
    )
