"""CIFAR-10-C: CIFAR-10's test images, corrupted in 19 ways of 5 severities."""

from __future__ import annotations

import hashlib

from assay import Option, Origin, method
from assay.data.archive import Archive
from assay.data.given import Given
from assay.data.published import obtain, publish
from assay.data.raw import Raw
from assay.data.readers import corrupted
from assay.data.readers.cifar import CLASSES, TEST_LABELS
from assay.errors import MethodError


@method(
    "source",
    "cifar10-c",
    summary="CIFAR-10's 10,000 test images under one of 19 corruptions, 32 x 32 RGB; a test split only",
    paper="Hendrycks and Dietterich 2019, arXiv:1903.12261",
    options={
        "corruption": Option(
            "gaussian_noise",
            "how the images are spoilt",
            choices=[
                "gaussian_noise",
                "shot_noise",
                "impulse_noise",
                "speckle_noise",
                "defocus_blur",
                "glass_blur",
                "motion_blur",
                "zoom_blur",
                "gaussian_blur",
                "snow",
                "frost",
                "fog",
                "spatter",
                "brightness",
                "contrast",
                "saturate",
                "elastic_transform",
                "pixelate",
                "jpeg_compression",
            ],
        ),
        "severity": Option(3, "how much, from 1 to 5", at_least=1, at_most=5),
    },
    shapes="images uint8 [10000,32,32,3], labels int64 [10000] of ten classes; test 10,000",
    origin=Origin(
        archive="https://zenodo.org/records/2535967",
        licence="CC BY 4.0",
        citation="Hendrycks and Dietterich (2019), Benchmarking Neural Network Robustness, arXiv:1903.12261",
        counts={"test": 10000},
    ),
)
def cifar10_c(given: Given, *, corruption: str, severity: int) -> Raw:
    """One corruption at one severity, images in the order of CIFAR-10's test set.

    From the official tar, or from `<corruption>.npy` and `labels.npy` where a mirror holds these two alone.

    Raises:
        MethodError: a file that is damaged, or other counts than those published.
        UnavailableError: the files are nowhere to be had.
    """
    tar = Archive(
        "cifar10-c/CIFAR-10-C.tar",
        ("https://zenodo.org/records/2535967/files/CIFAR-10-C.tar",),
        md5="56bf5dcef84df0e2308c6dcbcbbd8499",
        size=2918471680,
    )
    raw = publish(cifar10_c, obtain(given.files, corrupted.routes(tar, "cifar10-c", corruption, severity)), CLASSES)
    if hashlib.sha256(raw.labels.astype("<i8").tobytes()).hexdigest() != TEST_LABELS:
        raise MethodError("cifar10-c: its labels are not those of CIFAR-10's test images in their order")
    return raw
