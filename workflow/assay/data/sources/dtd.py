"""DTD: textures, which show no objects at all."""

from __future__ import annotations

from pathlib import Path

from assay import Option, Origin, method
from assay.data.archive import Archive
from assay.data.given import Given
from assay.data.published import Parts, Route, obtain, publish
from assay.data.raw import Raw
from assay.data.readers.pictures import in_order, read_pictures
from assay.errors import MethodError

CLASSES = """
banded blotchy braided bubbly bumpy chequered cobwebbed cracked crosshatched crystalline dotted fibrous flecked
freckled frilly gauzy grid grooved honeycombed interlaced knitted lacelike lined marbled matted meshed paisley
perforated pitted pleated polka-dotted porous potholed scaly smeared spiralled sprinkled stained stratified striped
studded swirly veined waffled woven wrinkled zigzagged
""".split()  # noqa: SIM905 - a list of so many would fill two screens


@method(
    "source",
    "dtd",
    summary="5,640 pictures of textures, RGB, 47 classes",
    paper="Cimpoi et al. 2014, arXiv:1311.3618",
    options={
        "resolution": Option(64, "pixels on a side; the originals have 231 to 778, most not square", at_least=8),
        "partition": Option(1, "which of the ten official ways to split the images", at_least=1, at_most=10),
    },
    shapes="images uint8 [5640,R,R,3], labels int64 [5640]; train, val and test 1,880 each",
    origin=Origin(
        archive="https://www.robots.ox.ac.uk/~vgg/data/dtd/",
        licence="research only",
        citation="Cimpoi, Maji, Kokkinos, Mohamed and Vedaldi (2014), Describing Textures in the Wild, arXiv:1311.3618",
        counts={"train": 1880, "val": 1880, "test": 1880},
    ),
)
def dtd(given: Given, *, resolution: int, partition: int) -> Raw:
    """The official archive of JPEG files, each cut to the square in its centre and resized.

    A part has the order of its official list, as `labels/train1.txt`.

    Raises:
        MethodError: a file that is damaged, or other counts than those published.
        UnavailableError: the archive is nowhere to be had.
    """
    archive = Archive(
        "dtd/dtd-r1.0.1.tar.gz",
        ("https://www.robots.ox.ac.uk/~vgg/data/dtd/download/dtd-r1.0.1.tar.gz",),
        md5="fff73e5086ae6bdbea199a49dfb8a4c1",
    )
    parts = obtain(given.files, [Route((archive,), lambda path: _read(path, resolution, partition))])
    return publish(dtd, parts, CLASSES)


def _read(path: Path, resolution: int, partition: int) -> Parts:
    lists = {part: f"dtd/labels/{part}{partition}.txt" for part in ("train", "val", "test")}
    pictures, texts = read_pictures(path, r"dtd/images/[^/]+/[^/]+\.jpg", resolution, "|".join(lists.values()))
    parts: Parts = {}
    for part, name in lists.items():
        if name not in texts:
            raise MethodError(f"{path.name}: there is no {name} in the archive")
        rows = texts[name].split()
        if unknown := {row.split("/")[0] for row in rows} - set(CLASSES):
            raise MethodError(f"{path.name}: {name} names classes that DTD has not: {', '.join(sorted(unknown))}")
        names = [f"dtd/images/{row}" for row in rows]
        parts[part] = in_order(pictures, names, lambda name: CLASSES.index(name.split("/")[2]), path.name)
    return parts
