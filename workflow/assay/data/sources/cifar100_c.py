"""CIFAR-100-C: CIFAR-100's test images, corrupted in 19 ways of 5 severities."""

from __future__ import annotations

from assay import Option, Origin, method
from assay.data.archive import Archive
from assay.data.given import Given
from assay.data.published import obtain, publish
from assay.data.raw import Raw
from assay.data.readers import corrupted
from assay.data.readers.cifar import FINE


@method(
    "source",
    "cifar100-c",
    summary="CIFAR-100's 10,000 test images under one of 19 corruptions, 32 x 32 RGB; a test split only",
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
    shapes="images uint8 [10000,32,32,3], labels int64 [10000] of 100 classes; test 10,000",
    origin=Origin(
        archive="https://zenodo.org/records/3555552",
        licence="CC BY 4.0",
        citation="Hendrycks and Dietterich (2019), Benchmarking Neural Network Robustness, arXiv:1903.12261",
        counts={"test": 10000},
    ),
)
def cifar100_c(given: Given, *, corruption: str, severity: int) -> Raw:
    """One corruption at one severity, images in the order of CIFAR-100's test set.

    From the official tar, or from `<corruption>.npy` and `labels.npy` where a mirror holds these two alone.

    Raises:
        MethodError: a file that is damaged, or other counts than those published.
        UnavailableError: the files are nowhere to be had.
    """
    tar = Archive(
        "cifar100-c/CIFAR-100-C.tar",
        ("https://zenodo.org/records/3555552/files/CIFAR-100-C.tar",),
        md5="11f0ed0f1191edbf9fa23466ae6021d3",
        size=2918473216,
    )
    routes = corrupted.routes(tar, "cifar100-c", corruption, severity)
    return publish(cifar100_c, obtain(given.files, routes), FINE)
