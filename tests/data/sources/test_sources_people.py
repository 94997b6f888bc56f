"""People's labels and votes on CIFAR, from either container."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from assay.data.readers import people
from assay.data.sources.cifar10 import cifar10
from assay.data.sources.cifar100 import cifar100
from assay.errors import MethodError
from published_stand_in import Folder, claim, npy, pack_tar
from test_sources_cifar import IMAGES, LABELS, ROWS, batches, python2

RNG = np.random.default_rng(1)
HUMAN = {"clean_label": LABELS[:10], **{key: RNG.integers(0, 10, 10) for key in people.CIFAR10N.values()}}
COUNTS = np.stack([RNG.multinomial(51, np.full(10, 0.1)) for _ in range(2)]).astype(np.int16)
SHARED = Path(os.environ.get("ASSAY_SHARED_DATA") or Path(__file__).resolve().parents[4] / "shared" / "data")


def sha(*arrays):
    return hashlib.sha256(b"".join(array.astype("<i8").tobytes() for array in arrays)).hexdigest()


def npz(**arrays):
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    return packed.getvalue()


def saved(value, **options):
    packed = io.BytesIO()
    torch.save(value, packed, **options)
    return packed.getvalue()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    claim(monkeypatch, cifar10, {"train": 10, "test": 2})
    monkeypatch.setattr(people, "CIFAR10N_DIGEST", sha(*HUMAN.values()))
    monkeypatch.setattr(people, "CIFAR10H_DIGEST", sha(COUNTS))
    made = Folder(tmp_path)
    made.put("cifar10/cifar-10-python.tar.gz", pack_tar(batches()))
    return made


CONTAINERS = {
    "zip": ("cifar10n/CIFAR-10_human.pt", lambda: saved(HUMAN)),
    "legacy": ("cifar10n/CIFAR-10_human.pt", lambda: saved(HUMAN, _use_new_zipfile_serialization=False)),
    "bytes": ("cifar10n/CIFAR-10_human.pt", lambda: saved({k: v.astype(np.uint8) for k, v in HUMAN.items()})),
    "tensors": ("cifar10n/CIFAR-10_human.pt", lambda: saved({k: torch.tensor(v) for k, v in HUMAN.items()})),
    "npz": ("cifar10n/cifar10n-labels.npz", lambda: npz(**{k: v.astype(np.uint8) for k, v in HUMAN.items()})),
}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("choice", people.CIFAR10N)
def test_train_images_get_the_labels_of_people(folder, container, choice):
    name, make = CONTAINERS[container]
    folder.put(name, make())
    raw = cifar10(folder.given, labels=choice, soft=None)
    assert raw.labels.tolist() == [*HUMAN[people.CIFAR10N[choice]].tolist(), *LABELS[10:].tolist()]
    assert raw.original.tolist() == LABELS.tolist()
    assert (raw.images == IMAGES).all()
    assert "CC BY-NC 4.0" in raw.licence
    assert "Krizhevsky" in raw.citation
    assert "Wei" in raw.citation


def test_the_names_that_old_numpy_wrote_are_known(folder):
    data = saved(HUMAN, _use_new_zipfile_serialization=False)
    assert b"numpy._core.multiarray" in data
    folder.put("cifar10n/CIFAR-10_human.pt", data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    assert cifar10(folder.given, labels="worse", soft=None).labels[:10].tolist() == HUMAN["worse_label"].tolist()


class Attack:
    def __reduce__(self):
        return print, ("run",)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("CIFAR-10_human.pt", saved({"clean_label": Attack()}), "cannot be read as a dictionary of arrays"),
        ("CIFAR-10_human.pt", saved(HUMAN)[:-700], "cannot be read as a dictionary of arrays"),
        ("CIFAR-10_human.pt", saved([1]), "no dictionary of arrays"),
        ("cifar10n-labels.npz", npz(clean_label=LABELS[:10]), "no array 'aggre_label'; the file has clean_label"),
        ("cifar10n-labels.npz", npz(**{**HUMAN, "worse_label": LABELS[:9]}), "worse_label has 9 labels for 10 images"),
        (
            "cifar10n-labels.npz",
            npz(**{**HUMAN, "clean_label": np.roll(LABELS[:10], 1)}),
            r"\d of its clean labels are not those of these images: another order",
        ),
        (
            "cifar10n-labels.npz",
            npz(**{**HUMAN, "worse_label": HUMAN["aggre_label"]}),
            "CIFAR-10N: not what was published: expected content",
        ),
    ],
)
def test_wrong_labels_of_people_are_refused(folder, capsys, name, data, says):
    folder.put(f"cifar10n/{name}", data)
    with pytest.raises(MethodError, match=says):
        cifar10(folder.given, labels="worse", soft=None)
    assert capsys.readouterr().out == ""


def test_both_places_are_named_when_there_are_none(folder):
    with pytest.raises(MethodError, match=r"(?s)CIFAR-10_human\.pt.*cifar10n-labels\.npz"):
        cifar10(folder.given, labels="worse", soft=None)


@pytest.mark.parametrize(
    ("name", "data"),
    [("cifar10h-counts.npy", npy(COUNTS)), ("cifar10h-counts.npz", npz(counts=COUNTS))],
)
def test_test_images_get_votes_and_train_images_their_label(folder, name, data):
    folder.put(f"cifar10h/{name}", data)
    raw = cifar10(folder.given, labels="clean", soft="cifar10h")
    assert raw.soft[10:] == pytest.approx(COUNTS / 51)
    assert (raw.soft[:10] == np.eye(10)[LABELS[:10]]).all()
    assert raw.labels.tolist() == LABELS.tolist()
    assert "CC BY-NC-SA 4.0" in raw.licence


def test_votes_and_labels_of_people_go_together(folder):
    folder.put("cifar10n/CIFAR-10_human.pt", saved(HUMAN))
    folder.put("cifar10h/cifar10h-counts.npy", npy(COUNTS))
    raw = cifar10(folder.given, labels="worse", soft="cifar10h")
    assert (raw.soft[:10].argmax(1) == HUMAN["worse_label"]).all()
    assert raw.original.tolist() == LABELS.tolist()


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        (COUNTS[:1], r"expected votes \[2, 10\], found \[1, 10\]"),
        (COUNTS * 0, "or images without"),
        (COUNTS[::-1], "CIFAR-10H: not what was published"),
    ],
)
def test_wrong_votes_are_refused(folder, counts, says):
    folder.put("cifar10h/cifar10h-counts.npy", npy(counts))
    with pytest.raises(MethodError, match=says):
        cifar10(folder.given, labels="clean", soft="cifar10h")


@pytest.mark.parametrize(("level", "prefix"), [("fine", ""), ("coarse", "_coarse")])
def test_cifar100_takes_the_labels_of_people_at_its_level(tmp_path, monkeypatch, level, prefix):
    claim(monkeypatch, cifar100, {level: {"train": 10, "test": 2}})
    folder = Folder(tmp_path)
    truth = {"fine": RNG.integers(0, 100, 12), "coarse": RNG.integers(0, 20, 12)}
    files = {
        f"cifar-100-python/{part}": python2(
            {"data": ROWS[rows], **{f"{key}_labels": values[rows].tolist() for key, values in truth.items()}}
        )
        for part, rows in (("train", slice(10)), ("test", slice(10, 12)))
    }
    folder.put("cifar100/cifar-100-python.tar.gz", pack_tar(files))
    human = {
        "clean_label": truth["fine"][:10],
        "noisy_label": RNG.integers(0, 100, 10),
        "clean_coarse_label": truth["coarse"][:10],
        "noisy_coarse_label": RNG.integers(0, 20, 10),
    }
    folder.put("cifar100n/CIFAR-100_human.pt", saved(human))
    raw = cifar100(folder.given, level=level, labels="human")
    assert raw.labels[:10].tolist() == human[f"noisy{prefix}_label"].tolist()
    assert raw.labels[10:].tolist() == truth[level][10:].tolist()
    assert raw.original.tolist() == truth[level].tolist()


@pytest.mark.skipif(not SHARED.exists(), reason="the optional data sets are not here")
def test_the_real_ones_have_the_published_noise_and_content(tmp_path):
    """Wei et al. 2022, table 1: 9.03, 40.21, 17.23, 18.12 and 17.64 %."""
    folder = Folder(tmp_path)
    folder.put("cifar10n/cifar10n-labels.npz", (SHARED / "cifar10n-labels.npz").read_bytes())
    folder.put("cifar10h/cifar10h-counts.npz", (SHARED / "cifar10h-counts.npz").read_bytes())
    clean = np.load(SHARED / "cifar10n-labels.npz")["clean_label"].astype(np.int64)
    rates = [100 * (people.cifar10n(folder, clean, choice) != clean).mean() for choice in people.CIFAR10N]
    assert rates == pytest.approx([9.01, 40.21, 17.23, 18.12, 17.64], abs=0.005)
    assert people.cifar10h(folder, np.zeros(10000)).sum(1) == pytest.approx(np.ones(10000))
