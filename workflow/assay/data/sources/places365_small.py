"""Places365: scenes, not objects, in its edition of 256 x 256 pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assay import Option, Origin, method
from assay.data.archive import Archive
from assay.data.given import Given
from assay.data.published import Parts, Route, obtain, publish
from assay.data.raw import Raw
from assay.data.readers.pictures import in_order, read_pictures
from assay.data.unpack import members
from assay.errors import MethodError

_HOME = "http://data.csail.mit.edu/places/places365/"
#: Part to the list of its images, their archive, the folder in it, and the archive's MD5.
_PARTS = {
    "train": (
        "places365_train_standard.txt",
        "train_256_places365standard.tar",
        "data_256",
        "53ca1c756c3d1e7809517cc47c5561c5",
    ),
    "test": ("places365_val.txt", "val_256.tar", "val_256", "e27b17d8d44f4af9a78502beb927f808"),
}
_CATEGORIES = "categories_places365.txt"


@method(
    "source",
    "places365-small",
    summary="36,500 photographs of 365 kinds of scene, and 1.8 million to train on, RGB",
    paper="Zhou et al. 2017, doi:10.1109/TPAMI.2017.2723009",
    options={
        "resolution": Option(64, "pixels on a side; the originals have 256", at_least=8, at_most=256),
        "train": Option(False, "read the 1,803,460 train images too (an archive of 24 GB)"),
    },
    shapes="images uint8 [N,R,R,3], labels int64 [N]; test 36,500 and, if asked for, train 1,803,460",
    origin=Origin(
        archive="http://places2.csail.mit.edu/download.html",
        licence="academic research and education only",
        citation="Zhou, Lapedriza, Khosla, Oliva and Torralba (2017), Places, doi:10.1109/TPAMI.2017.2723009",
        counts={"test": {"test": 36500}, "train": {"train": 1803460, "test": 36500}},
    ),
)
def places365_small(given: Given, *, resolution: int, train: bool) -> Raw:
    """The official lists and archives of JPEG files, in the order of the lists.

    The labels of the official test images were never published: the labelled validation images are the part `test`.

    Raises:
        MethodError: a file that is damaged, or other counts than those published.
        UnavailableError: the files are nowhere to be had.
    """
    chosen = ["train", "test"] if train else ["test"]
    lists = "filelist_places365-standard.tar"
    archives = [Archive(f"places365-small/{lists}", (_HOME + lists,), md5="35a0585fee1fa656440f3ab298f8479c")]
    for part in chosen:
        _, name, _, md5 = _PARTS[part]
        archives.append(Archive(f"places365-small/{name}", (_HOME + name,), md5=md5))

    def read(texts: Path, *pictures: Path) -> tuple[Parts, list[str]]:
        found = {name.rpartition("/")[2]: data.decode() for name, data in members(texts, lambda n: n.endswith(".txt"))}
        for name in (_CATEGORIES, *(_PARTS[part][0] for part in chosen)):
            if name not in found:
                raise MethodError(f"{texts.name}: there is no {name} in the archive")
        names = dict(line.split() for line in found[_CATEGORIES].splitlines() if line)
        parts = {
            part: _part(path, found[_PARTS[part][0]], _PARTS[part][2], resolution)
            for part, path in zip(chosen, pictures, strict=True)
        }
        # Names are as "/a/airfield" and "/c/church/indoor".
        return parts, [name[3:] for name in sorted(names, key=lambda name: int(names[name]))]

    parts, classes = obtain(given.files, [Route(tuple(archives), read)])
    choice = "train" if train else "test"
    return publish(places365_small, parts, classes, choice=choice, resized=resolution != 256)


def _part(path: Path, text: str, folder: str, resolution: int) -> tuple[np.ndarray, np.ndarray]:
    """The images that a list names, as in `Places365_val_00000001.jpg 165` or `/a/airfield/00000001.jpg 0`."""
    rows = [line.split() for line in text.splitlines() if line]
    labels = {f"{folder}/{name.lstrip('/')}": int(label) for name, label in rows}
    pictures, _ = read_pictures(path, rf"{folder}/.*\.jpg", resolution)
    return in_order(pictures, list(labels), labels.__getitem__, path.name)
