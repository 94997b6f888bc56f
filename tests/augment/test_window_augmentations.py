import numpy as np
import pytest
import torch
from assay.augment.crop import crop
from assay.augment.draw import Draw
from assay.augment.flip import flip
from assay.augment.translate import translate
from assay.augment.window import window
from assay.errors import MethodError

IDS = torch.arange(400)
IMAGES = torch.rand(400, 2, 6, 6, generator=torch.Generator().manual_seed(0)) + 0.01
TARGETS = torch.eye(4)[IDS % 4]


def test_flip_mirrors_the_share_asked_for():
    assert torch.equal(flip(IMAGES, TARGETS, Draw(0, 0, IDS), probability=0.0, alternate=False)[0], IMAGES)
    mirrored = torch.from_numpy(np.flip(IMAGES.numpy(), 3).copy())
    assert torch.equal(flip(IMAGES, TARGETS, Draw(0, 0, IDS), probability=1.0, alternate=False)[0], mirrored)
    some, targets = flip(IMAGES, TARGETS, Draw(0, 0, IDS), probability=0.25, alternate=False)
    changed = (some != IMAGES).flatten(1).any(1)
    assert torch.equal(some[changed], mirrored[changed])
    assert 0.15 < changed.float().mean() < 0.35
    assert targets is TARGETS


@pytest.mark.parametrize(("fill", "mode"), [("zero", "constant"), ("reflect", "reflect")])
def test_window_agrees_with_numpy(fill, mode):
    top, left = torch.tensor([0, 3, 4]), torch.tensor([2, 4, 1])
    cut = window(IMAGES[:3], 2, top, left, fill)
    padded = np.pad(IMAGES[:3].numpy(), ((0, 0), (0, 0), (2, 2), (2, 2)), mode=mode)
    for i, (y, x) in enumerate(zip(top, left, strict=True)):
        assert np.array_equal(cut[i], padded[i, :, y : y + 6, x : x + 6])


def test_crop_reaches_every_offset_image_by_image():
    image = torch.zeros(400, 1, 5, 5)
    image[:, 0, 2, 2] = 1
    cut, targets = crop(image, TARGETS, Draw(0, 0, IDS), padding=2, fill="zero")
    places = cut.flatten(1).argmax(1)
    counts = torch.bincount(places, minlength=25)
    assert (counts > 0).all(), "each of the 5 x 5 windows should come up among 400 images"
    assert (counts < 50).all()
    assert targets is TARGETS


def test_translate_means_a_share_of_the_side():
    image = torch.zeros(400, 1, 16, 8)
    image[:, 0, 8, 4] = 1
    moved, _ = translate(image, TARGETS, Draw(0, 0, IDS), share=0.125, fill="zero")
    rows, columns = moved.sum((1, 3)).argmax(1) - 8, moved.sum((1, 2)).argmax(1) - 4
    assert set(rows.tolist()) == {-2, -1, 0, 1, 2}
    assert set(columns.tolist()) == {-1, 0, 1}


def test_reflection_wider_than_the_image_is_refused():
    with pytest.raises(MethodError, match="reflecting 6 pixels needs images larger"):
        crop(IMAGES, TARGETS, Draw(0, 0, IDS), padding=6, fill="reflect")


AUGMENTS = {
    "flip": lambda x, t, d: flip(x, t, d, probability=0.5, alternate=False),
    "crop": lambda x, t, d: crop(x, t, d, padding=2, fill="reflect"),
    "translate": lambda x, t, d: translate(x, t, d, share=0.3, fill="zero"),
}


@pytest.mark.parametrize("name", AUGMENTS)
def test_neighbours_do_not_matter(name):
    whole = AUGMENTS[name](IMAGES, TARGETS, Draw(9, 4, IDS))[0]
    some = torch.tensor([311, 5])
    assert torch.equal(AUGMENTS[name](IMAGES[some], TARGETS[some], Draw(9, 4, IDS[some]))[0], whole[some])
    assert not torch.equal(AUGMENTS[name](IMAGES, TARGETS, Draw(9, 5, IDS))[0], whole), "epochs should differ"


def test_alternating_flips_show_both_sides_in_any_two_epochs():
    def turned(epoch):
        out = flip(IMAGES, TARGETS, Draw(0, epoch, IDS), probability=0.5, alternate=True)[0]
        return (out != IMAGES).flatten(1).any(1)

    first = turned(0)
    assert 0.3 < first.float().mean() < 0.7
    assert torch.equal(turned(1), ~first)
    assert torch.equal(turned(2), first)
