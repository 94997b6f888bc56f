import math

import pytest
import torch
from assay.augment.draw import Draw
from assay.augment.random_field import _move, _turn, gaussian_fields, random_field
from scipy import stats
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as tv

IDS = torch.arange(3000)
IMAGES = torch.rand(40, 3, 12, 10, generator=torch.Generator().manual_seed(0))
TARGETS = torch.eye(4)[torch.arange(40) % 4]
STILL = dict.fromkeys(("rotation", "scale", "shear", "translation", "hue", "saturation", "brightness"), 0.0)


def altered(images, ids, epoch=0, **options):
    targets = torch.ones(len(images), 1)
    made, same = random_field(
        images, targets, Draw(4, epoch, ids), **{"probability": 1.0, "length": 0.25, **STILL, **options}
    )
    assert same is targets
    return made


def test_fields_have_the_covariance_of_the_formula():
    fields = gaussian_fields(Draw(0, 0, IDS), 2, 5, 6, 1.7).flatten(2)
    assert stats.kstest(fields[:, 0, 7].numpy(), "norm").pvalue > 1e-3
    place = torch.cartesian_prod(torch.arange(5.0), torch.arange(6.0))
    expected = torch.exp(-torch.cdist(place, place).square() / (2 * 1.7**2))
    for first, second, truth in ((0, 0, expected), (1, 1, expected), (0, 1, 0 * expected)):
        found = fields[:, first].T @ fields[:, second] / len(IDS)
        assert (found - truth).abs().max() < 5 / len(IDS) ** 0.5


def test_amounts_vary_within_an_image_and_go_together_over_the_length():
    grey = torch.full((3000, 1, 1, 16), 0.5)
    made = altered(grey, IDS, brightness=0.1, length=0.25)[:, 0, 0]
    field = (made / 0.5 - 1) / 0.1
    assert abs(field.std() - 1) < 0.03
    for distance in (1, 4, 8):
        together = (field[:, 0] * field[:, distance]).mean()
        assert abs(together - math.exp(-(distance**2) / (2 * 4**2))) < 0.08


def test_a_long_field_is_the_usual_jitter():
    grey = torch.full((3000, 1, 4, 4), 0.5)
    made = altered(grey, IDS, brightness=0.1, length=1e4).flatten(1)
    assert (made - made[:, :1]).abs().max() < 1e-4
    assert stats.kstest(((made[:, 0] / 0.5 - 1) / 0.1).numpy(), "norm").pvalue > 1e-3


@pytest.mark.parametrize(
    ("moved", "theirs"),
    [
        ({"angle": math.radians(20)}, {"angle": -20.0}),
        ({"zoom": math.log(1.25)}, {"scale": 0.8}),
        ({"shift": (2.0, -1.5)}, {"translate": [-2.0, 1.5]}),
    ],
)
def test_the_same_amounts_everywhere_are_torchvisions_affine(moved, theirs):
    flat = torch.zeros(40, 12, 10)
    amounts = {name: flat + moved.get(name, 0.0) for name in ("angle", "zoom", "slant")}
    shift = torch.tensor(moved.get("shift", (0.0, 0.0))).expand(40, 12, 10, 2)
    still = {"angle": 0.0, "translate": [0.0, 0.0], "scale": 1.0, "shear": [0.0, 0.0]}
    if "translate" in theirs:
        # Fractions of a pixel are cut off there.
        shift, theirs = shift.trunc(), {"translate": [-2.0, 1.0]}
    expected = tv.affine(IMAGES, **still | theirs, interpolation=InterpolationMode.BILINEAR)
    torch.testing.assert_close(_move(IMAGES, shift=shift, **amounts), expected, atol=1e-4, rtol=0)
    assert (expected - IMAGES).abs().max() > 0.3


def test_a_shear_moves_rows_by_their_distance_from_the_centre():
    column = torch.zeros(1, 1, 5, 9)
    column[..., 4] = 1
    flat = torch.zeros(1, 5, 9)
    made = _move(column, flat, flat, flat + 1.0, torch.zeros(1, 5, 9, 2))
    assert made[0, 0].argmax(1).tolist() == [6, 5, 4, 3, 2]


def test_a_third_of_a_turn_of_hue_exchanges_channels():
    turned = _turn(IMAGES, torch.full((40, 12, 10), 2 * math.pi / 3))
    torch.testing.assert_close(turned, IMAGES[:, [2, 0, 1]])
    torch.testing.assert_close(_turn(turned, torch.full((40, 12, 10), -2 * math.pi / 3)), IMAGES)


def test_saturation_leaves_luma_and_grey_images():
    luma = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    soft = 0.4 + 0.2 * IMAGES
    made = altered(soft, IDS[:40], saturation=0.5)
    torch.testing.assert_close((made * luma).sum(1), (soft * luma).sum(1))
    assert (made - soft).abs().mean() > 0.01
    grey = soft[:, :1]
    assert torch.equal(altered(grey, IDS[:40], saturation=0.5, hue=0.2), grey)


@pytest.mark.parametrize("option", STILL)
def test_each_strength_alone_does_something_and_none_does_nothing(option):
    assert torch.equal(altered(IMAGES, IDS[:40]), IMAGES)
    strength = 5.0 if option == "rotation" else 0.3  # degrees
    assert (altered(IMAGES, IDS[:40], **{option: strength}) - IMAGES).abs().mean() > 0.01


def test_neighbours_do_not_matter_and_the_share_asked_for_is_altered():
    whole = altered(IMAGES, IDS[:40], rotation=5.0, hue=0.1, brightness=0.2, probability=0.5)
    some = torch.tensor([31, 5, 20])
    alone = altered(IMAGES[some], IDS[some], rotation=5.0, hue=0.1, brightness=0.2, probability=0.5)
    torch.testing.assert_close(alone, whole[some], atol=1e-5, rtol=0)
    many = IMAGES[:1].expand(3000, -1, -1, -1)
    changed = (altered(many, IDS, brightness=0.2, probability=0.3) != many).flatten(1).any(1)
    assert stats.binomtest(int(changed.sum()), 3000, 0.3).pvalue > 1e-3
