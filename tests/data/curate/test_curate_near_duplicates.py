"""Near-duplicates are taken out of train where evaluations see them, and once where train repeats itself."""

import numpy as np
import pytest
from assay.data import twins
from assay.errors import MethodError


def pictures(count, seed):
    coarse = np.random.default_rng(seed).integers(0, 200, (count, 4, 4, 1))
    return coarse.repeat(4, 1).repeat(4, 2).astype(np.uint8)


def test_planted_twins(curate, view):
    base = pictures(5, 0)
    #                0..4  twin of 1, exact copy of 2
    images = np.concatenate([base, base[1:2] + 9, base[2:3]])
    others = {"test": np.concatenate([pictures(2, 1), base[3:4] + 20]), "hold-out": base[4:5], "unlabelled": base[:1]}
    made = view([0] * 7, images, others=others)
    assert curate("near-duplicates", made) == [0, 1, 2]
    assert made.facts == {"twins-of-other-splits": 2, "twins-in-train": 2}
    assert curate("near-duplicates", view([0] * 7, images, others=others), within=False) == [0, 1, 2, 5, 6]
    assert curate("near-duplicates", view([0] * 7, images, others=others), across=False) == [0, 1, 2, 3, 4]


def test_a_chain_keeps_both_of_its_ends(curate, view):
    """Of a, b, c with b close to both and a far from c, a and c stay."""
    rng = np.random.default_rng(2)
    picture, drift = rng.normal(128, 40, (16, 16, 1)), rng.normal(0, 11, (16, 16, 1))
    images = np.stack([picture - drift, picture, picture + drift]).clip(0, 255).astype(np.uint8)
    assert twins.distances(images[:1], images[1:2]) < 0.35 < twins.distances(images[:1], images[2:])
    assert curate("near-duplicates", view([0] * 3, images)) == [0, 2]
    assert curate("near-duplicates", view([0] * 3, images), distance=0.8) == [0]


def test_too_many_to_compare(curate, view, monkeypatch):
    monkeypatch.setattr(twins, "LIMIT", 5)
    with pytest.raises(MethodError, match="at most 5"):
        curate("near-duplicates", view([0] * 6, pictures(6, 3)))
