"""Handwritten digits that scikit-learn ships, so a study can run with nothing to download."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from assay import Origin, method
from assay.data.given import Given
from assay.data.published import check
from assay.data.raw import Raw, numbered


@method(
    "source",
    "digits",
    summary="1,797 handwritten digits of 43 writers, 8 x 8 grey, ten classes",
    paper="Alpaydin and Kaynak 1998, doi:10.24432/C50P49",
    shapes="images uint8 [1797,8,8,1], labels int64 [1797]",
    origin=Origin(
        archive="scikit-learn, sklearn.datasets.load_digits",
        licence="CC BY 4.0",
        citation="Alpaydin and Kaynak (1998), Optical Recognition of Handwritten Digits, UCI, doi:10.24432/C50P49",
        counts={"all": 1797},
        digest="bbe74ba6220adbe5995dc1c231e80955bb564b15bdd32c6aa732efb403fa14f7",
    ),
)
def digits(given: Given) -> Raw:  # noqa: ARG001 - the contract of a source
    """The test half of the UCI set "Optical Recognition of Handwritten Digits".

    A pixel is the number of dark cells in a 4 x 4 block, 0 to 16, here scaled to 0..255 and rounded.

    Raises:
        MethodError: the installed scikit-learn ships other pixels or labels than those this file was written for.
    """
    bunch = load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[..., None]
    labels = bunch.target.astype(np.int64)
    raw = Raw(
        images,
        labels,
        [str(digit) for digit in range(10)],
        ids=numbered(len(images), "digits-"),
        licence="CC BY 4.0",
        citation="Alpaydin and Kaynak (1998), Optical Recognition of Handwritten Digits, UCI, doi:10.24432/C50P49",
    )
    check(digits, raw)
    return raw
