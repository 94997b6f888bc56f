"""Images in a NumPy archive, as MedMNIST publishes them or as a study's author saves them."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import numpy as np

from assay import Option, method
from assay.data.given import Given
from assay.data.raw import Raw, numbered
from assay.errors import MethodError
from assay.study.errors import nearest

PARTS = ("train", "val", "test")


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
    prefixes = prefixes or [""]
    images, labels, groups, ids, parts = [], [], [], [], []
    for prefix in prefixes:
        images.append(_images(arrays, f"{prefix}images"))
        labels.append(_labels(arrays, f"{prefix}labels", len(images[-1])))
        if f"{prefix}groups" in arrays:
            groups.append(arrays[f"{prefix}groups"].astype(str))
        ids.append(numbered(len(images[-1]), f"{prefix.rstrip('_') or file.stem}-"))
        parts.append(np.full(len(images[-1]), prefix.rstrip("_")))
    if len({array.shape[1:] for array in images}) > 1:
        raise MethodError(f"npz: images of the splits differ in shape: {[array.shape for array in images]}")
    joined = np.concatenate(labels)
    names = classes or (arrays["class_names"].astype(str).tolist() if "class_names" in arrays else None)
    if names is None:
        names = [str(k) for k in range(int(joined.max(initial=0)) + 1)]
    if len(joined) and not 0 <= joined.min() <= joined.max() < len(names):
        raise MethodError(
            f"npz: labels run from {joined.min()} to {joined.max()}, expected 0 to {len(names) - 1} "
            f"for the {len(names)} classes {', '.join(names[:10])}"
        )
    return Raw(
        np.concatenate(images),
        joined,
        names,
        ids=np.concatenate(ids),
        parts=np.concatenate(parts) if prefixes != [""] else None,
        groups=np.concatenate(groups) if len(groups) == len(prefixes) else None,
        licence=licence,
        citation=citation,
    )


def _read(file: Path) -> dict[str, np.ndarray]:
    """Every array of the archive."""
    try:
        with np.load(file, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise MethodError(f"npz: {file} is a single array, not an archive of several")
            return {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise MethodError(f"npz: {file} cannot be read as an archive of plain arrays: {error}") from None


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
