"""MedMNIST: medical images of eleven kinds in the shape of MNIST, or larger."""

from __future__ import annotations

from assay import Option, Origin, method
from assay.data.archive import Archive
from assay.data.given import Given
from assay.data.published import Route, check, claims, obtain
from assay.data.raw import Raw
from assay.data.readers.medmnist_info import SETS
from assay.data.sources.npz import npz


@method(
    "source",
    "medmnist",
    summary="eleven sets of medical images, grey or RGB, with official train, val and test",
    paper="Yang et al. 2023, doi:10.1038/s41597-022-01721-8",
    options={
        "set": Option(
            ...,
            "which set; chestmnist is left out, since its images have several labels each",
            type=str,
            choices=[
                "pathmnist",
                "dermamnist",
                "octmnist",
                "pneumoniamnist",
                "retinamnist",
                "breastmnist",
                "bloodmnist",
                "tissuemnist",
                "organamnist",
                "organcmnist",
                "organsmnist",
            ],
        ),
        "resolution": Option(28, "pixels on a side, each an archive of its own", choices=[28, 64, 128, 224]),
    },
    shapes="images uint8 [N,R,R,1] or [N,R,R,3], labels int64 [N]",
    origin=Origin(
        archive="https://zenodo.org/records/10519652",
        licence="CC BY 4.0 (dermamnist: CC BY-NC 4.0)",
        citation="Yang et al. (2023), MedMNIST v2, Scientific Data 10:41, doi:10.1038/s41597-022-01721-8",
        counts={
            "pathmnist": {"train": 89996, "val": 10004, "test": 7180},
            "dermamnist": {"train": 7007, "val": 1003, "test": 2005},
            "octmnist": {"train": 97477, "val": 10832, "test": 1000},
            "pneumoniamnist": {"train": 4708, "val": 524, "test": 624},
            "retinamnist": {"train": 1080, "val": 120, "test": 400},
            "breastmnist": {"train": 546, "val": 78, "test": 156},
            "bloodmnist": {"train": 11959, "val": 1712, "test": 3421},
            "tissuemnist": {"train": 165466, "val": 23640, "test": 47280},
            "organamnist": {"train": 34561, "val": 6491, "test": 17778},
            "organcmnist": {"train": 12975, "val": 2392, "test": 8216},
            "organsmnist": {"train": 13932, "val": 2452, "test": 8827},
        },
    ),
)
def medmnist(given: Given, *, set: str, resolution: int) -> Raw:
    """The official `.npz` archive of a set, its images in their official splits.

    Raises:
        MethodError: a file that is damaged, or other counts than those published.
        UnavailableError: the archive is nowhere to be had.
    """
    info = SETS[set]
    file = f"{set}.npz" if resolution == 28 else f"{set}_{resolution}.npz"
    archive = Archive(
        f"medmnist/{file}", (f"https://zenodo.org/records/10519652/files/{file}",), md5=info.md5[resolution]
    )
    path = obtain(given.files, [Route((archive,), lambda path: path)])
    _, origin = claims(medmnist)
    raw = npz(given, path=str(path), sha256=None, classes=info.classes, licence=info.licence, citation=origin.citation)
    check(medmnist, raw, choice=set, resized=resolution != 28)
    return raw
