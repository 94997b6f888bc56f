"""What costs memory: counting and hashing must not copy a dataset, and reading must not copy it for each process."""

from __future__ import annotations

import hashlib
import tracemalloc

import numpy as np
import pytest
import torch
from assay.data.card import moments
from assay.data.counts import value_counts
from assay.data.dataset import Dataset, Split, content_digest
from assay.run.datasets import read_dataset, write_dataset
from assay.train.images import Images


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (3000, 16, 16, 3), dtype=np.uint8)


def peak_of(call):
    """Bytes that a call held at most beyond what there was before."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_counts_are_those_of_each_channel_alone(images):
    counts = value_counts(images)
    for channel in range(3):
        assert (counts[channel] == np.bincount(images[..., channel].ravel(), minlength=256)).all()
    assert value_counts(images[:0]).sum() == 0


def test_moments_and_digest_take_a_fraction_of_the_images_memory(images):
    labels = np.zeros(len(images), np.int64)
    assert peak_of(lambda: moments(images)) < images.nbytes / 2
    assert peak_of(lambda: content_digest(images, labels)) < images.nbytes / 20


def test_the_digest_is_of_shape_pixels_and_labels(images):
    labels = np.arange(len(images))
    plain = hashlib.sha256(repr(images.shape).encode() + images.tobytes() + labels.astype("<i8").tobytes()).hexdigest()
    assert content_digest(images, labels) == plain
    # Another memory layout of the same images.
    assert content_digest(np.asfortranarray(images), labels.astype(np.int32)) == plain


@pytest.fixture
def folder(images, tmp_path):
    labels = np.arange(len(images)) % 5
    ids = np.arange(len(images)).astype(str)
    write_dataset(tmp_path, Dataset(list("abcde"), {"train": Split(images, labels, ids, labels.copy())}), None)
    return tmp_path


def test_training_reads_the_file_itself(folder, images):
    split = read_dataset(folder).splits["train"]
    assert isinstance(split.images, np.memmap)
    made = Images([split], 5, torch.device("cpu"))
    assert made.pixels.data_ptr() == split.images.ctypes.data
    assert (made.pixels.permute(0, 2, 3, 1).numpy() == images).all()


def test_two_splits_are_joined(folder, images):
    split = read_dataset(folder).splits["train"]
    made = Images([split, split.take(np.arange(10))], 5, torch.device("cpu"))
    assert (made.raw == np.concatenate([images, images[:10]])).all()


def test_images_can_be_written_to_but_no_write_reaches_the_file(folder, images):
    split = read_dataset(folder).splits["train"]
    assert split.images.flags.writeable  # else torch would write through and crash
    Images([split], 5, torch.device("cpu")).pixels[:] = 0
    assert (read_dataset(folder).splits["train"].images == images).all()
