"""Images in a NumPy archive, as MedMNIST publishes them or as a study's author saves them."""

from __future__ import annotations

import hashlib
import math
import zipfile
from pathlib import Path

import numpy as np

from assay import Option, method
from assay.data.decisions import Decisions, note
from assay.data.given import Given
from assay.data.own.labels import EMPTY, empty_classes, in_range
from assay.data.own.walk import OF_THE_FILE
from assay.data.raw import Raw, numbered
from assay.errors import MethodError
from assay.study.errors import nearest

PARTS = ("train", "val", "test")
UNREAD = "array that is not read"


@method(
    "source",
    "npz",
    summary="a .npz archive with images and labels, or with train_, val_ and test_ ones (MedMNIST)",
    paper="Yang et al. 2023, doi:10.1038/s41597-022-01721-8",
    options={
        "path": Option(..., "the archive, from the folder in which the study runs", type=str),
        "sha256": Option(None, "digest that the file must have (64 hex digits)", type=str, optional=True),
        "classes": Option(None, "class names, in the order of the labels", type=list, item=str, optional=True),
        "licence": Option("unknown", "licence of the images"),
        "citation": Option("", "how to cite them"),
    },
    shapes="images uint8 [N,H,W] or [N,H,W,C], labels integer [N] or [N,1]",
)
def npz(
    given: Given,  # noqa: ARG001 - the contract of a source
    *,
    path: str,
    sha256: str | None,
    classes: list[str] | None,
    licence: str,
    citation: str,
) -> Raw:
    """Read `images`, `labels` and perhaps `groups`; or `train_images`, `train_labels` and so on as official splits.

    Class names are those of `classes`, else of an array `class_names`, else the numbers. Pickled arrays are refused.
    Arrays of other names are listed in the card.

    Raises:
        MethodError: no such file, another digest, an array that is missing, of the wrong type or of another length
            than its fellow, several labels an image, a label out of range.
    """
    file = Path(path)
    if not file.is_file():
        guess = (
            nearest(file.name, [other.name for other in file.parent.glob("*.npz")]) if file.parent.is_dir() else None
        )
        raise MethodError(f"npz: there is no file {path}" + (f"; did you mean {guess}?" if guess else ""))
    if sha256 is not None:
        with file.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != sha256.lower():
            raise MethodError(f"npz: {path} has SHA-256 {found}, expected {sha256}")
    arrays = _read(file)
    prefixes = [f"{part}_" for part in PARTS if f"{part}_images" in arrays or f"{part}_labels" in arrays]
    if prefixes and ("images" in arrays or "labels" in arrays):
        raise MethodError(f"npz: {path} holds both `images` and {prefixes[0]}images; expected one layout")
    prefixes = prefixes or [""]
    images, labels, groups, ids, parts = [], [], [], [], []
    for prefix in prefixes:
        images.append(_images(arrays, f"{prefix}images"))
        labels.append(_labels(arrays, f"{prefix}labels", len(images[-1])))
        if f"{prefix}groups" in arrays:
            groups.append(_groups(arrays, f"{prefix}groups", len(images[-1])))
        ids.append(numbered(len(images[-1]), f"{prefix.rstrip('_') or file.stem}-"))
        parts.append(np.full(len(images[-1]), prefix.rstrip("_")))
    if len({array.shape[1:] for array in images}) > 1:
        raise MethodError(f"npz: images of the splits differ in shape: {[array.shape for array in images]}")
    joined = np.concatenate(labels)
    if not len(joined):
        raise MethodError(f"npz: {path} holds no images")
    names = classes or (_names(arrays["class_names"]) if "class_names" in arrays else None)
    joined, names = in_range(joined, names, lambda row: f"npz: {path}, image {row}")
    if groups and len(groups) < len(prefixes):
        raise MethodError(f"npz: {path} has groups for some of the splits {', '.join(prefixes)} and not for others")
    decisions: Decisions = {}
    for name in empty_classes(joined, names):
        note(decisions, EMPTY, name)
    read = {"class_names", *(prefix + name for prefix in prefixes for name in ("images", "labels", "groups"))}
    for name in sorted(set(arrays) - read):
        note(decisions, UNREAD, name)
    return Raw(
        np.concatenate(images),
        joined,
        names,
        ids=np.concatenate(ids),
        parts=np.concatenate(parts) if prefixes != [""] else None,
        groups=np.concatenate(groups) if groups else None,
        licence=licence,
        citation=citation,
        decisions=decisions,
    )


def _read(file: Path) -> dict[str, np.ndarray]:
    """Every array of the archive."""
    try:
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                _check_member(archive, member)
        with np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (MethodError, MemoryError):
        raise
    except OSError as error:
        if error.errno is not None and error.errno not in OF_THE_FILE:
            raise
        raise MethodError(f"npz: {file} cannot be read as an archive of plain arrays: {error}") from None
    except Exception as error:
        # A damaged archive makes zipfile and NumPy raise almost anything.
        words = str(error) or type(error).__name__
        raise MethodError(f"npz: {file} cannot be read as an archive of plain arrays: {words}") from None


def _check_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Refuse an array whose header promises more, or less, than the archive holds, before memory is taken for it."""
    with archive.open(member) as stream:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, kind = read(stream)
        held = member.file_size - stream.tell()
    promised = math.prod(shape) * kind.itemsize
    if promised != held and not kind.hasobject:
        raise MethodError(f"npz: {archive.filename}: {member.filename} holds {held:,} bytes, expected {promised:,}")


def _find(arrays: dict[str, np.ndarray], name: str) -> np.ndarray:
    if name not in arrays:
        raise MethodError(f"npz: there is no array {name!r}; the archive has {', '.join(sorted(arrays)) or 'none'}")
    return arrays[name]


def _images(arrays: dict[str, np.ndarray], name: str) -> np.ndarray:
    """Images uint8 [N,H,W,C]."""
    array = _find(arrays, name)
    if array.dtype != np.uint8:
        raise MethodError(f"npz: {name} must be uint8 (0..255), not {array.dtype}")
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or array.shape[3] not in (1, 3):
        raise MethodError(f"npz: {name} must be [N,H,W], [N,H,W,1] or [N,H,W,3], not {list(array.shape)}")
    return array


def _labels(arrays: dict[str, np.ndarray], name: str, count: int) -> np.ndarray:
    """Labels int64 [N]."""
    array = _find(arrays, name)
    if not np.issubdtype(array.dtype, np.integer):
        raise MethodError(f"npz: {name} must be integers, not {array.dtype}")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise MethodError(f"npz: {name} must hold one label an image, [N] or [N,1], not {list(array.shape)}")
    if len(array) != count:
        raise MethodError(f"npz: {name} has {len(array)} labels for {count} images")
    return array.astype(np.int64)


def _groups(arrays: dict[str, np.ndarray], name: str, count: int) -> np.ndarray:
    """Groups as text [N]."""
    if arrays[name].shape != (count,):
        raise MethodError(f"npz: {name} must hold one group an image, [{count}], not {list(arrays[name].shape)}")
    return arrays[name].astype(str)


def _names(array: np.ndarray) -> list[str]:
    """Class names."""
    if array.ndim != 1 or not len(array):
        raise MethodError(f"npz: class_names must be a list of names, [K], not {list(array.shape)}")
    return [str(name) for name in array.tolist()]
