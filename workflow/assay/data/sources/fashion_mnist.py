"""Fashion-MNIST: clothes in the shape of MNIST, and harder."""

from __future__ import annotations

from assay import Origin, method
from assay.data.archive import Package
from assay.data.given import Given
from assay.data.published import obtain, publish
from assay.data.raw import Raw
from assay.data.readers import idx

CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


@method(
    "source",
    "fashion-mnist",
    summary="70,000 pictures of clothes from a shop, 28 x 28 grey, ten classes",
    paper="Xiao et al. 2017, arXiv:1708.07747",
    shapes="images uint8 [70000,28,28,1], labels int64 [70000]; train 60,000 and test 10,000",
    origin=Origin(
        archive="https://github.com/zalandoresearch/fashion-mnist",
        licence="MIT",
        citation="Xiao, Rasul and Vollgraf (2017), Fashion-MNIST, arXiv:1708.07747",
        counts={"train": 60000, "test": 10000},
        digest="6d50a1a20a1c66118589aaac178683e0e4e77258d59256ba5f644f4dde9f09b4",
    ),
)
def fashion_mnist(given: Given) -> Raw:
    """The four idx files of its authors, or the same four in the Debian package `dataset-fashion-mnist`.

    Raises:
        MethodError: a file that is damaged, or other images, labels or order than those published.
        UnavailableError: no route to the files.
    """
    official = idx.official(
        "fashion-mnist",
        ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"],
        [
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "25c81989df183df01b3e8a0aad5dffbe",
            "bef4ecab320f06d8554ea6380940ec79",
            "bb300cfdad3c16e7a12a480ee83cd310",
        ],
    )
    package = idx.packaged(Package("fashion-mnist/dataset-fashion-mnist.deb", "apt", "dataset-fashion-mnist"))
    return publish(fashion_mnist, obtain(given.files, [official, package]), CLASSES)
