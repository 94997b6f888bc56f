"""Published sets: from where their files are to be had, to images that are proven to be theirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from assay.data.archive import Archive, Files, Package, UnavailableError
from assay.data.dataset import content_digest
from assay.data.raw import Raw, numbered
from assay.errors import MethodError
from assay.study.registry import Origin

#: The images, uint8 [N,H,W,C], and labels, int [N], of each official split, in their official order.
Parts = dict[str, tuple[np.ndarray, np.ndarray]]

T = TypeVar("T")


@dataclass(frozen=True)
class Route(Generic[T]):
    """One way to a set.

    Attributes:
        files: what has to be at hand.
        read: from the paths of `files`, in their order, to what they hold: `Parts`, if nothing else is said.
    """

    files: tuple[Archive | Package, ...]
    read: Callable[..., T]


def obtain(files: Files, routes: Sequence[Route[T]]) -> T:
    """Read a set by the first route that works: those whose files are all at hand, then the others as they stand.

    Only a file that is nowhere to be had leads to the next route; one that is wrong is an error.

    Raises:
        UnavailableError: no route works; the message says why of each.
        MethodError: a file is not what it should be.
    """
    ready = [all(files.has(wanted) for wanted in route.files) for route in routes]
    reasons = []
    for index in sorted(range(len(routes)), key=lambda index: not ready[index]):
        try:
            paths = [files.get(wanted) for wanted in routes[index].files]
        except UnavailableError as error:
            reasons.append(str(error))
            continue
        return routes[index].read(*paths)
    raise UnavailableError("\n".join(reasons))


def publish(
    source: Callable[..., Raw], parts: Parts, classes: list[str], *, choice: str = "", resized: bool = False
) -> Raw:
    """Put official splits one after the other, once they are what the source's card says.

    Ids are those of the official order, as in `train-00000`.

    Args:
        source: the method, whose card holds an `Origin`.
        parts: as they were read.
        classes: class names.
        choice: which of several sets this is; see `Origin`.
        resized: the images have another size than those that the digest is of, so it says nothing of them.

    Raises:
        MethodError: other counts, or other content, than the card says.
    """
    name, origin = claims(source)
    for part, (images, labels) in parts.items():
        if len(images) != len(labels):
            raise MethodError(f"{name}: {part} has {len(labels)} labels for {len(images)} images")
        if part != "unlabelled" and (labels.astype(np.int64) < 0).any():
            raise MethodError(f"{name}: {part} has labels below the first class")
    raw = Raw(
        np.concatenate([images for images, _ in parts.values()]),
        np.concatenate([labels for _, labels in parts.values()]).astype(np.int64),
        classes,
        ids=np.concatenate([numbered(len(labels), f"{part}-") for part, (_, labels) in parts.items()]),
        parts=np.concatenate([np.full(len(labels), part) for part, (_, labels) in parts.items()]),
        licence=origin.licence,
        citation=origin.citation,
    )
    check(source, raw, choice=choice, resized=resized)
    return raw


def check(source: Callable[..., Raw], raw: Raw, *, choice: str = "", resized: bool = False) -> None:
    """Hold images against the card of their source; arguments and errors are those of `publish`."""
    name, origin = claims(source)
    expected = origin.counts.get(choice, origin.counts)
    parts = np.full(len(raw.images), "all") if raw.parts is None else raw.parts
    found = {str(part): int((parts == part).sum()) for part in dict.fromkeys(parts.tolist())}
    if found != expected:
        raise MethodError(f"{name}: expected {_tally(expected)} images, found {_tally(found)}")
    digest = origin.digest if isinstance(origin.digest, str) else origin.digest.get(choice, "")
    if digest and not resized and (actual := content_digest(raw.images, raw.labels)) != digest:
        raise MethodError(
            f"{name}: these are not the images and labels that were published, or not in their order: "
            f"expected content {digest}, found {actual}"
        )


def claims(source: Callable[..., Raw]) -> tuple[str, Origin]:
    """The name of a source and what its card says of the published set."""
    return source.assay_method[1], source.assay_origin  # type: ignore[attr-defined]


def _tally(counts: dict[str, int]) -> str:
    return ", ".join(f"{part} {count}" for part, count in counts.items()) or "no"
