"""What a source is given to make its images from."""

from __future__ import annotations

from dataclasses import dataclass

from assay.data.archive import Files
from assay.data.dataset import Dataset
from assay.streams import Streams


@dataclass(frozen=True)
class Given:
    """The surroundings of a source; every source takes one, and uses what it needs of it.

    Attributes:
        streams: randomness; sources that generate images draw from stream `generator`.
        like: the dataset whose shape, and perhaps classes, the images are to have; None without one.
        files: where published archives come from: a mirror, the cache, the network.
    """

    streams: Streams
    like: Dataset | None
    files: Files
