"""What people say that CIFAR's images show: the labels of CIFAR-10N and CIFAR-100N, the votes of CIFAR-10H.

Each comes in its official container or, from a mirror, in a NumPy archive; where the whole has been seen, both must
have the same content.
"""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np

from assay.data.archive import Archive, Files
from assay.data.published import Route, obtain
from assay.data.raw import Raw
from assay.data.readers.arrays import read_npy, read_npz
from assay.errors import MethodError

Arrays = dict[str, np.ndarray]

#: Options of the source to names in the file.
CIFAR10N = {
    "aggregate": "aggre_label",
    "worse": "worse_label",
    "random1": "random_label1",
    "random2": "random_label2",
    "random3": "random_label3",
}
#: SHA-256 over the arrays, each as little-endian int64: clean, then in the order of `CIFAR10N`; and the counts.
CIFAR10N_DIGEST = "26209de892bb1b72229d566ca241503962bb753a0929a24f68ad4a86bd4aee4f"
CIFAR10H_DIGEST = "e3a314fdecb1f8aeb680f50fde8682d83065d5191d8fc76f0bdc86333bd7fefe"

_HOME = "https://github.com/UCSC-REAL/cifar-10-100n/raw/main/data/"


def cifar10n(files: Files, clean: np.ndarray, choice: str) -> np.ndarray:
    """One set of the labels that workers of Mechanical Turk gave to the train images of CIFAR-10, int64 [50000].

    Args:
        files: hands out the file.
        clean: the labels of the train images, which the file has to repeat.
        choice: a key of `CIFAR10N`.

    Raises:
        MethodError: the file is damaged, or its labels are not those of these images.
        UnavailableError: it is nowhere to be had.
    """
    arrays = _human(files, "cifar10n", "CIFAR-10_human.pt", "cifar10n-labels.npz")
    whole = _checked("CIFAR-10N", arrays, ["clean_label", *CIFAR10N.values()], clean)
    _compare("CIFAR-10N", whole, CIFAR10N_DIGEST)
    return whole[CIFAR10N[choice]]


def cifar100n(files: Files, clean: np.ndarray, level: str) -> np.ndarray:
    """The labels that people gave to the train images of CIFAR-100, int64 [50000]; `level` is `fine` or `coarse`."""
    names = {"fine": ["clean_label", "noisy_label"], "coarse": ["clean_coarse_label", "noisy_coarse_label"]}[level]
    arrays = _human(files, "cifar100n", "CIFAR-100_human.pt", "cifar100n-labels.npz")
    return _checked("CIFAR-100N", arrays, names, clean)[names[1]]


def cifar10h(files: Files, labels: np.ndarray) -> np.ndarray:
    """The share of people who chose each class for the test images of CIFAR-10, float32 [10000,10].

    Args:
        files: hands out the file.
        labels: of the test images; they tell how many there must be, and how most people saw them.

    Raises:
        MethodError: the file is damaged, or its votes are not those of these images.
        UnavailableError: it is nowhere to be had.
    """
    home = "https://github.com/jcpeterson/cifar-10h/raw/master/data/cifar10h-counts.npy"
    counts = obtain(
        files,
        [
            Route((Archive("cifar10h/cifar10h-counts.npy", (home,)),), read_npy),
            Route((Archive("cifar10h/cifar10h-counts.npz"),), lambda path: read_npz(path).get("counts", np.zeros(0))),
        ],
    )
    if counts.shape != (len(labels), 10) or (counts < 0).any() or (counts.sum(1) <= 0).any():
        raise MethodError(
            f"CIFAR-10H: expected votes [{len(labels)}, 10], found {list(counts.shape)} or images without"
        )
    _compare("CIFAR-10H", {"counts": counts.astype(np.int64)}, CIFAR10H_DIGEST)
    return (counts / counts.sum(1, keepdims=True)).astype(np.float32)


def relabelled(raw: Raw, given: np.ndarray, *, licence: str, citation: str) -> Raw:
    """The same images, those of train with the labels that people gave; `original` keeps the published ones."""
    labels = raw.labels.copy()
    labels[raw.parts == "train"] = given
    return replace(
        raw,
        labels=labels,
        original=raw.labels,
        licence=f"{raw.licence}; people's labels {licence}",
        citation=f"{raw.citation}; {citation}",
    )


def _human(files: Files, folder: str, official: str, mirrored: str) -> Arrays:
    return obtain(
        files,
        [
            Route((Archive(f"{folder}/{official}", (_HOME + official,)),), _torch),
            Route((Archive(f"{folder}/{mirrored}"),), read_npz),
        ],
    )


def _torch(path: Path) -> Arrays:
    """The arrays of a dictionary that PyTorch saved, read without running code."""
    import torch
    from numpy._core import multiarray

    names = [(multiarray._reconstruct, f"numpy.{core}.multiarray._reconstruct") for core in ("core", "_core")]
    kinds = [type(np.dtype(kind)) for kind in ("u1", "i1", "i2", "i4", "i8")]
    try:
        with torch.serialization.safe_globals([*names, np.ndarray, np.dtype, *kinds]):
            found = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise MethodError(
            f"{path.name} cannot be read as a dictionary of arrays: {str(error).splitlines()[0]}"
        ) from None
    if not isinstance(found, dict):
        raise MethodError(f"{path.name} is no dictionary of arrays")
    return {str(name): np.asarray(value) for name, value in found.items()}


def _checked(name: str, arrays: Arrays, wanted: list[str], clean: np.ndarray) -> Arrays:
    """The wanted arrays as int64 [N]; the first of them must be `clean`."""
    for key in wanted:
        if key not in arrays:
            raise MethodError(f"{name}: there is no array {key!r}; the file has {', '.join(sorted(arrays)) or 'none'}")
    whole = {key: arrays[key].reshape(-1).astype(np.int64) for key in wanted}
    for key, labels in whole.items():
        if len(labels) != len(clean):
            raise MethodError(f"{name}: {key} has {len(labels)} labels for {len(clean)} images")
    if differ := int((whole[wanted[0]] != clean).sum()):
        raise MethodError(f"{name}: {differ} of its clean labels are not those of these images: another order or set")
    return whole


def _compare(name: str, arrays: Arrays, digest: str) -> None:
    found = hashlib.sha256(b"".join(array.astype("<i8").tobytes() for array in arrays.values())).hexdigest()
    if found != digest:
        raise MethodError(f"{name}: not what was published: expected content {digest}, found {found}")
