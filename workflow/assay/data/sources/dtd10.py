"""Ten classes of the Describable Textures Dataset, as a mirror keeps them: a far set."""

from __future__ import annotations

from pathlib import Path

from assay import Origin, method
from assay.data.archive import Archive
from assay.data.given import Given
from assay.data.published import Parts, Route, obtain, publish
from assay.data.raw import Raw
from assay.data.readers.excerpt import read_excerpt


@method(
    "source",
    "dtd10",
    summary="1,200 pictures of textures, RGB, 10 of DTD's 47 classes; from a mirror alone",
    paper="Cimpoi et al. 2014, arXiv:1311.3618",
    shapes="images uint8 [1200,64,64,3], labels int64 [1200]; test alone",
    origin=Origin(
        archive="https://www.robots.ox.ac.uk/~vgg/data/dtd/",
        licence="research only",
        citation="Cimpoi, Maji, Kokkinos, Mohamed and Vedaldi (2014), Describing Textures in the Wild, arXiv:1311.3618",
        counts={"test": 1200},
    ),
)
def dtd10(given: Given) -> Raw:
    """Read `dtd10-64.npz` of a mirror, with arrays `images`, `labels` and `class_names`; for all classes see `dtd`.

    Raises:
        MethodError: a file that is damaged, or other counts.
        UnavailableError: no mirror holds the file.
    """
    archive = Archive("dtd/dtd10-64.npz", sha256="6bed2e7f0f39c24100c5e6f3035633a8fd67f21cc76aed7381b1a50b1f71116b")
    parts, classes = obtain(given.files, [Route((archive,), _read)])
    return publish(dtd10, parts, classes)


def _read(path: Path) -> tuple[Parts, list[str]]:
    return read_excerpt(path, (64, 64, 3))
