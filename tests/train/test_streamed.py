"""Images that do not fit: read batch by batch from memory maps, with the same bits as from memory."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from assay.data.dataset import Dataset, Split
from assay.data.streamed import Streamed
from assay.run.datasets import read_dataset, write_dataset
from assay.train.images import Images, lay, room
from assay.train.job import train

CPU = torch.device("cpu")


@pytest.fixture
def arrays():
    rng = np.random.default_rng(3)
    return [rng.integers(0, 256, (count, 5, 4, 3), dtype=np.uint8) for count in (7, 1, 12)]


@pytest.mark.parametrize(
    "which", [slice(0, 20), slice(5, 11), slice(18, 99), slice(4, 4), np.array([19, 0, 7, 7, 6, 8]), np.arange(0)]
)
def test_several_arrays_read_as_one(arrays, which):
    streamed = Streamed(arrays)
    assert streamed.shape == (20, 5, 4, 3)
    np.testing.assert_array_equal(streamed[which], np.concatenate(arrays)[which])


def test_memory_maps_and_views_of_them_are_read_from_their_files(arrays, tmp_path):
    files = [tmp_path / f"{number}.npy" for number in range(3)]
    for file, array in zip(files, arrays, strict=True):
        np.save(file, array)
    maps = [np.load(file, mmap_mode=mode) for file, mode in zip(files, "ccr", strict=True)]
    views = [maps[0][2:], maps[1], maps[2][1:9]]
    streamed = Streamed(views)
    expected = np.concatenate([arrays[0][2:], arrays[1], arrays[2][1:9]])
    for which in (slice(0, 14), np.array([13, 3, 4, 5, 5, 6, 0]), np.arange(0)):
        np.testing.assert_array_equal(streamed[which], expected[which])
    # Every second image does not lie in one piece.
    np.testing.assert_array_equal(Streamed([maps[2][::2]])[slice(0, 6)], arrays[2][::2])


def test_a_file_that_was_cut_short_is_told_of(arrays, tmp_path):
    np.save(tmp_path / "x.npy", arrays[2])
    streamed = Streamed([np.load(tmp_path / "x.npy", mmap_mode="c")])
    os.truncate(tmp_path / "x.npy", 300)
    with pytest.raises(OSError, match="ends at byte 300"):
        streamed[np.array([2, 11])]


def test_pixels_have_the_values_and_the_layout_of_resident_ones(arrays):
    raw, resident = lay(arrays, CPU)
    _, streamed = lay(arrays, CPU, 0)
    assert isinstance(raw, np.ndarray)
    for which in (slice(2, 15), torch.tensor([13, 1, 1])):
        assert torch.equal(streamed[which], resident[which])
        assert streamed[which].stride() == resident[which].stride()


def test_what_just_fits_is_resident(arrays):
    size = sum(array.nbytes for array in arrays)
    split = Split(arrays[2], np.zeros(12, np.int64), np.arange(12).astype(str), np.zeros(12, np.int64))
    assert torch.is_tensor(lay(arrays, CPU, size)[1])
    assert not torch.is_tensor(lay(arrays, CPU, size - 1)[1])
    assert Images([split], 1, CPU).kept == "resident"
    assert Images([split], 1, CPU, 0).kept == "streamed"


def test_images_may_take_half_of_what_a_device_has_free(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (1000, 4000))
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 900)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 100)
    assert [room(torch.device(name)) for name in ("cuda", "mps", "cpu")] == [500, 400, 2**30]


@pytest.mark.parametrize("model", [("resnet8", {"width": 4}), ("wrn-16-2", {})])
def test_streamed_training_has_the_bits_of_a_resident_one(spec, registry, entry, toy, memory, tmp_path, model):
    name, options = model
    made = Dataset(toy.classes, {"synthetic": toy.splits["test"]})
    folders = tmp_path / "real", tmp_path / "made"
    for folder, dataset in zip(folders, (toy, made), strict=True):
        folder.mkdir()
        write_dataset(folder, dataset, None)
    what = spec(
        model=entry("model", name, **options),
        recipe=entry("recipe", "sgd", epochs=2, batch=16) | {"swa": 0.5},
        rebalance=entry("rebalance", "oversample"),
        synthetic={"mix": "real+synthetic"},
    )
    told, models, curves = [], [], []
    for limit in (None, 0):
        record = memory()
        models.append(
            train(
                what,
                registry,
                read_dataset(folders[0]),
                synthetic=read_dataset(folders[1]),
                log=record.log,
                checkpoints=record,
                limit=limit,
                state=lambda **about: told.append(about["images"]),
            ).state_dict()
        )
        curves.append(record.curve())
    assert told == ["resident", "streamed"]
    assert all(torch.equal(models[0][name], models[1][name]) for name in models[0])
    assert curves[0] == curves[1]


#: Trains a linear model on some and then on all images of a file that is nothing but holes, and prints by how many
#: bytes the latter raised the resident set, streamed and resident.
CHILD = """
import resource, sys
from pathlib import Path
import numpy as np
import assay.train.setup
from assay.data.dataset import Dataset
from assay.run.datasets import read_dataset
from assay.study.registry import scan
from assay.train.job import train

assay.train.setup.BATCH = 64

class Checkpoints:
    load = staticmethod(lambda: None)
    due = staticmethod(lambda: False)

registry = scan()
def entry(kind, name, **given):
    options = registry.card(kind, name).options
    return {"method": name, **{key: option.default for key, option in options.items()}, **given}
spec = {
    "model": entry("model", "linear"), "recipe": entry("recipe", "sgd", epochs=1, batch=64), "augment": [],
    "loss": entry("loss", "cross-entropy"), "rebalance": None, "precision": "fp32",
    "streams": {"init": 0, "order": 0, "augment": 0},
}
dataset = read_dataset(Path(sys.argv[1]))

def grown(images, limit):
    split = dataset.splits["train"].take(slice(0, images))
    some = Dataset(dataset.classes, {"train": split, "val": split})
    before = peak()
    train(spec, registry, some, log=lambda *_, **__: None, checkpoints=Checkpoints, limit=limit)
    return peak() - before

def peak():
    if sys.platform != "linux":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # There getrusage counts what this process was forked from, too.
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024

images = len(dataset.splits["train"])
grown(500, 0)  # whatever a training takes of any size
print(grown(images, 0), grown(images, 2**40))
"""


def sparse(folder, images, size):
    """A dataset in a folder whose one split `train` has black images that take no room on disk."""
    labels = np.arange(images) % 2
    first = Split(np.zeros((1, size, size, 3), np.uint8), labels[:1], np.array(["0"]), labels[:1])
    folder.mkdir()
    write_dataset(folder, Dataset(["a", "b"], {"train": first}), None)
    with (folder / "train.images.npy").open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (images, size, size, 3)}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + images * size * size * 3)
    np.savez(folder / "train.npz", id=np.arange(images).astype(str), label=labels, original_label=labels)
    return folder


def test_memory_stays_bounded_however_large_the_set(tmp_path):
    folder, size = sparse(tmp_path / "large", 8_000, 64), 8_000 * 64 * 64 * 3
    done = subprocess.run([sys.executable, "-c", CHILD, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    streamed, resident = map(int, done.stdout.splitlines()[-1].split())
    assert streamed < size / 2 < resident


def test_a_set_larger_than_the_machines_memory_can_be_opened(tmp_path):
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    images = 2 * memory // (4096 * 4096 * 3) + 1
    split = read_dataset(sparse(tmp_path / "huge", images, 4096)).splits["train"]
    assert split.images.nbytes > 2 * memory
    assert not split.images[-1, -1].any()
    assert Images([split], 2, CPU).kept == "streamed"
