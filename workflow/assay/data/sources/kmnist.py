"""KMNIST: old Japanese script in the shape of MNIST."""

from __future__ import annotations

from assay import Origin, method
from assay.data.given import Given
from assay.data.published import obtain, publish
from assay.data.raw import Raw
from assay.data.readers import idx


@method(
    "source",
    "kmnist",
    summary="70,000 characters of classical Japanese, 28 x 28 grey, ten classes of hiragana",
    paper="Clanuwat et al. 2018, arXiv:1812.01718",
    shapes="images uint8 [70000,28,28,1], labels int64 [70000]; train 60,000 and test 10,000",
    origin=Origin(
        archive="http://codh.rois.ac.jp/kmnist/",
        licence="CC BY-SA 4.0",
        citation="Clanuwat et al. (2018), Deep Learning for Classical Japanese Literature, arXiv:1812.01718",
        counts={"train": 60000, "test": 10000},
    ),
)
def kmnist(given: Given) -> Raw:
    """The four idx files of its authors; class names in Latin letters.

    Raises:
        MethodError: a file that is damaged, or other counts than those published.
        UnavailableError: the files are nowhere to be had.
    """
    official = idx.official(
        "kmnist",
        ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"],
        [
            "bdb82020997e1d708af4cf47b453dcf7",
            "e144d726b3acfaa3e44228e80efcd344",
            "5c965bf0a639b31b8f53240b1b52f4d7",
            "7320c461ea6c1c855c0b718fb2a4b134",
        ],
    )
    classes = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]
    return publish(kmnist, obtain(given.files, [official]), classes)
