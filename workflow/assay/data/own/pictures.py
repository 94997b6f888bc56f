"""Many pictures into one array: sizes and channels that agree, damaged files refused or skipped, all of it counted."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from assay.data.decisions import Decisions, note
from assay.data.decode import MOST_BYTES, UndecodableError, decode, strictly
from assay.data.own.walk import OF_THE_FILE
from assay.errors import MethodError

SKIPPED = "skipped, since they could not be read"
#: Names and sizes that a message lists; the log names every damaged file.
LISTED = 20


@dataclass
class Taken:
    """Decoded pictures, in their order.

    Attributes:
        images: uint8 [M,H,W,C].
        kept: int64 [M], which of the N pictures they are; all of them unless some were skipped.
        decisions: what was decided, counted.
    """

    images: np.ndarray
    kept: np.ndarray
    decisions: Decisions


def take(
    names: list[str],
    contents: Iterable[bytes | UndecodableError],
    *,
    source: str,
    resolution: int | None,
    channels: int | None,
    corrupt: str,
) -> Taken:
    """Decode N pictures into one array that is made once.

    Args:
        names: their ids, N of them.
        contents: the content of each file, or why there is none; read one by one, so that they need not fit in memory.
        source: whose pictures they are, for messages.
        resolution: height and width that all get; None where all have the same.
        channels: 1 or 3 that all get; None where all have the same.
        corrupt: `refuse` or `skip`.

    Raises:
        MethodError: pictures that cannot be read (under `refuse`, or when nothing else is left), or that differ in size
            or in channels.
    """
    gathered = _Gathered(len(names))
    decisions: Decisions = {}
    bad: list[str] = []
    with strictly():
        for number, (name, content) in enumerate(zip(names, contents, strict=True)):
            try:
                if isinstance(content, UndecodableError):
                    raise content
                picture = decode(content, name, channels=channels, resolution=resolution)
            except UndecodableError as error:
                bad.append(f"{name} {error}")
                print(f"{source}: {bad[-1]}")
                continue
            gathered.add(number, picture.pixels)
            for sentence in picture.decisions:
                note(decisions, sentence, name)
    if bad and (corrupt == "refuse" or len(bad) == len(names)):
        raise MethodError(
            f"{source}: {len(bad)} of {len(names)} images cannot be read: {some(bad)}"
            + ("" if len(bad) == len(names) else "; mend or remove them, or set `corrupt: skip`")
        )
    for each in bad:
        note(decisions, SKIPPED, each, few=None)
    return Taken(*gathered.whole(source), decisions)


@dataclass
class _Gathered:
    """The array that grows full, and the shapes seen; pixels are no longer kept once shapes differ."""

    count: int
    images: np.ndarray | None = None
    kept: list[int] = field(default_factory=list)
    sizes: Counter[tuple[int, ...]] = field(default_factory=Counter)
    channels: Counter[int] = field(default_factory=Counter)

    def add(self, number: int, pixels: np.ndarray) -> None:
        self.sizes[pixels.shape[:2]] += 1
        self.channels[pixels.shape[2]] += 1
        if self.images is None:
            self.images = np.empty((self.count, *pixels.shape), np.uint8)
        if pixels.shape == self.images.shape[1:]:
            self.images[len(self.kept)] = pixels
            self.kept.append(number)

    def whole(self, source: str) -> tuple[np.ndarray, np.ndarray]:
        """The images and which they are.

        Raises:
            MethodError: none, or shapes that differ.
        """
        if self.images is None:
            raise MethodError(f"{source}: there are no images")
        faults = []
        if len(self.sizes) > 1:
            found = [f"{size[1]} x {size[0]} ({count:,})" for size, count in self.sizes.most_common()]
            faults.append(f"size: {some(found)}; set `resolution` to resize them")
        if len(self.channels) > 1:
            words = {1: "grey", 3: "colour"}
            found = [f"{words[number]} ({count:,})" for number, count in self.channels.most_common()]
            faults.append(f"channels: {some(found)}; set `channels` to 1 or 3")
        if faults:
            raise MethodError(f"{source}: images differ in " + ", and in ".join(faults))
        return self.images[: len(self.kept)], np.array(self.kept, np.int64)


def contents_of(paths: Iterable[str]) -> Iterator[bytes | UndecodableError]:
    """The content of each file, or why it cannot be had.

    Raises:
        OSError: the disk or the machine gave out.
    """
    for path in paths:
        try:
            yield _content(path)
        except UndecodableError as error:
            yield error


def _content(path: str) -> bytes:
    try:
        about = os.stat(path)
        # Opening a pipe would wait for ever.
        if not stat.S_ISREG(about.st_mode):
            raise UndecodableError("is no ordinary file")
        if about.st_size > MOST_BYTES:
            raise UndecodableError(f"has {about.st_size:,} bytes, more than any picture that is read")
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        if error.errno not in OF_THE_FILE:
            raise
        raise UndecodableError(f"cannot be opened: {error.strerror}") from None


def some(words: list[str]) -> str:
    """The first of many words, and how many more there are."""
    more = len(words) - LISTED
    return ", ".join(words[:LISTED]) + (f" and {more:,} more (the log names all)" if more > 0 else "")
