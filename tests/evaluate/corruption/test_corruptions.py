"""The corruptions against the authors' own code, other libraries and closed forms.

`authors.npz` holds an image and what `make_cifar_c.py` of github.com/hendrycks/robustness made of it under OpenCV 5.0
and scikit-image 0.26, with the random numbers of `Draw(5, severity, keys(["i0"]))` in the place of NumPy's.
"""

import colorsys
import importlib
import io
import itertools
from pathlib import Path

import numpy as np
import pytest
from assay.augment.draw import Draw, keys
from assay.evaluate.corruption.corrupted import corrupted
from assay.evaluate.corruption.edges import canny
from assay.evaluate.corruption.motion import streaked
from assay.evaluate.corruption.zoom import enlarged
from assay.evaluate.result import UndefinedError
from assay.study.registry import load, scan
from PIL import Image
from scipy.ndimage import correlate1d, gaussian_filter, zoom

REGISTRY = scan()
NAMES = REGISTRY.names("corruption")
CORRUPTIONS = {name: load(REGISTRY.card("corruption", name)) for name in NAMES}
AUTHORS = np.load(Path(__file__).with_name("authors.npz"))


def scene(count=4, side=32, channels=3, seed=0):
    """Smooth pictures in uint8."""
    noise = np.random.default_rng(seed).random((count, side, side, channels))
    smooth = gaussian_filter(noise, (0, 2, 2, 0))
    low, high = smooth.min((1, 2, 3), keepdims=True), smooth.max((1, 2, 3), keepdims=True)
    return np.round(255 * (smooth - low) / (high - low)).astype(np.uint8)


def apply(name, images, severity, ids=None):
    ids = np.array(ids if ids is not None else [f"i{number}" for number in range(len(images))])
    return corrupted(images, ids, name, CORRUPTIONS[name], severity)


def test_there_are_the_fifteen_but_frost_and_the_four():
    assert len(NAMES) == 18
    assert "frost" not in NAMES
    family = REGISTRY.card("evaluation", "corruption")
    assert len(family.options["corruptions"].default) == 14
    extra = {"speckle-noise", "gaussian-blur", "spatter", "saturate"}
    assert set(NAMES) == {*family.options["corruptions"].default, *extra}


@pytest.mark.parametrize("key", [key for key in AUTHORS.files if key != "image"])
def test_authors_code_makes_the_same(key):
    name, severity = key.split(".")
    module = importlib.import_module(f"assay.evaluate.corruption.{name}")
    made = getattr(module, name)(AUTHORS["image"][None], int(severity), Draw(5, int(severity), keys(["i0"])))[0]
    apart = np.abs(made.astype(int) - AUTHORS[key])
    # Where a number lies on the edge between two levels, rounding decides.
    assert apart.max() <= 1
    assert apart.mean() < 0.1
    assert np.abs(AUTHORS["image"].astype(int) - AUTHORS[key]).mean() > 0.3


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("side", "channels"), [(8, 1), (28, 1), (32, 3), (64, 3)])
def test_nothing_depends_on_the_batch_and_all_sizes_work(name, side, channels):
    images = scene(5, side, channels)
    if name == "saturate" and channels == 1:
        with pytest.raises(UndefinedError, match="grey"):
            apply(name, images, 3)
        return
    before = images.copy()
    whole = apply(name, images, 3)
    assert whole.shape == images.shape
    assert whole.dtype == np.uint8
    assert np.array_equal(images, before)
    assert np.array_equal(apply(name, images, 3), whole)
    assert np.array_equal(apply(name, images[[3]], 3, ["i3"]), whole[[3]])


@pytest.mark.parametrize(
    "name", sorted(set(NAMES) - {"spatter", "saturate", "elastic-transform", "glass-blur", "snow"})
)
def test_damage_grows_with_severity(name):
    images = scene(24)
    damage = [np.abs(apply(name, images, severity).astype(float) - images).mean() for severity in range(1, 6)]
    # Motion blur is as strong at 3 as at 4, but for angles that are drawn anew.
    assert all(more > 0.97 * less for less, more in itertools.pairwise(damage)), damage
    assert damage[4] > 1.2 * damage[0]


GREY = np.full((6, 32, 32, 3), 128, np.uint8)


@pytest.mark.parametrize(
    ("name", "deviations"),
    [
        ("gaussian-noise", [0.04, 0.06, 0.08, 0.09, 0.10]),
        ("speckle-noise", [share * 128 / 255 for share in (0.06, 0.1, 0.12, 0.16, 0.2)]),
        ("shot-noise", [(128 / 255 / count) ** 0.5 for count in (500, 250, 100, 75, 50)]),
    ],
)
def test_noise_has_the_deviation_of_cifar_10_c(name, deviations):
    for severity, deviation in enumerate(deviations, 1):
        # Cutting off to whole levels moves all by half a level.
        made = (apply(name, GREY, severity) + 0.5) / 255
        assert made.std() == pytest.approx(deviation, rel=0.03)
        assert made.mean() == pytest.approx(128 / 255, abs=4 * deviation / len(GREY.ravel()) ** 0.5 + 1e-3)


def test_shot_noise_counts_photons():
    for severity, count in enumerate((500, 250, 100, 75, 50), 1):
        levels = np.unique(apply("shot-noise", scene(), severity))
        possible = np.unique((np.clip(np.arange(2 * count) / count, 0, 1) * 255).astype(np.uint8))
        assert np.isin(levels, possible).all()
    assert apply("shot-noise", np.zeros((1, 8, 8, 3), np.uint8), 5).max() == 0


def test_impulse_noise_replaces_its_share_by_salt_and_pepper():
    for severity, share in enumerate((0.01, 0.02, 0.03, 0.05, 0.07), 1):
        made = apply("impulse-noise", np.full((20, 32, 32, 3), 128, np.uint8), severity)
        hit = made != 128
        assert hit.mean() == pytest.approx(share, rel=0.08)
        assert set(np.unique(made[hit])) == {0, 255}
        assert (made[hit] == 255).mean() == pytest.approx(0.5, abs=0.06)


def test_contrast_is_its_formula():
    images = scene()
    for severity, left in enumerate((0.75, 0.5, 0.4, 0.3, 0.15), 1):
        for image, made in zip(images / 255, apply("contrast", images, severity), strict=True):
            mean = image.mean(axis=(0, 1))
            assert np.abs(255 * (left * image + (1 - left) * mean) - made - 0.5).max() <= 0.5 + 1e-9


def _by_hsv(image, change):
    made = np.empty(image.shape)
    for place in np.ndindex(image.shape[:2]):
        made[place] = colorsys.hsv_to_rgb(*change(*colorsys.rgb_to_hsv(*image[place])))
    return 255 * made


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
def test_brightness_and_saturation_are_those_of_hsv(severity):
    images = scene(1, 12)
    images[0, 0, :3] = [[0, 0, 0], [255, 255, 255], [90, 90, 90]]
    added = (0.05, 0.1, 0.15, 0.2, 0.3)[severity - 1]
    factor, summand = ((0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2))[severity - 1]
    changes = {
        "brightness": lambda h, s, v: (h, s, min(v + added, 1)),
        "saturate": lambda h, s, v: (h, min(s * factor + summand, 1), v),
    }
    for name, change in changes.items():
        expected = _by_hsv(images[0] / 255, change)
        assert np.abs(apply(name, images, severity)[0] - np.floor(expected + 1e-6)).max() <= 1


def test_grey_images_grow_brighter_by_as_much():
    image = np.full((1, 8, 8, 1), 100, np.uint8)
    assert (apply("brightness", image, 5) == int(100 + 0.3 * 255)).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_pixelate_and_jpeg_are_those_of_pillow(channels):
    images = scene(1, 32, channels)
    picture = Image.fromarray(images[0].squeeze())
    for severity, (left, quality) in enumerate(
        zip((0.95, 0.9, 0.85, 0.75, 0.65), (80, 65, 58, 50, 40), strict=True), 1
    ):
        small = picture.resize((int(32 * left),) * 2, Image.Resampling.BOX).resize((32, 32), Image.Resampling.BOX)
        assert np.array_equal(apply("pixelate", images, severity)[0].squeeze(), np.asarray(small))
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality)
        assert np.array_equal(apply("jpeg-compression", images, severity)[0].squeeze(), np.asarray(Image.open(file)))


def test_a_streak_along_a_row_is_one_half_of_a_gaussian():
    images = np.random.default_rng(0).random((2, 9, 40, 1))
    weights = np.exp(-(np.arange(13) ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    made = streaked(images, 6.0, 1.5, np.array([0.0, 90.0]))
    expected = correlate1d(images, np.concatenate([np.zeros(12), weights]), axis=2, mode="nearest")
    assert np.allclose(made[0], expected[0])
    down = correlate1d(images, np.concatenate([np.zeros(12), weights]), axis=1, mode="nearest")
    assert np.allclose(made[1], down[1])


def test_motion_blur_keeps_what_is_the_same_along_its_line_and_snow_only_adds():
    assert (apply("motion-blur", GREY, 5) == 128).all()
    made = apply("snow", GREY, 1).astype(int)
    # 0.95 x + 0.05 max(x, 1.5 x + 0.5), and flakes on top.
    ground = int((0.95 * 128 / 255 + 0.05 * (1.5 * 128 / 255 + 0.5)) * 255 + 1e-9)
    assert made.min() == ground
    assert 0.02 < (made > ground).mean() < 0.5
    assert np.array_equal(made, made[:, ::-1, ::-1])


def test_canny_finds_a_step_once():
    image = np.zeros((1, 10, 10), np.uint8)
    image[0, :, 5:] = 200
    found = canny(image, 50, 150)[0]
    assert (found.sum(axis=1) == 1).all()
    assert not canny(np.full((1, 10, 10), 90, np.uint8), 50, 150).any()


def test_fewer_photons_and_other_ids_give_other_numbers():
    images = scene(2)
    same = np.concatenate([images[:1]] * 2)
    first, second = apply("gaussian-noise", same, 3)
    assert not np.array_equal(first, second)
    assert not np.array_equal(apply("gaussian-noise", same, 4)[0], first)


@pytest.mark.parametrize("side", [8, 9, 28, 32, 64])
@pytest.mark.parametrize("factor", [1.0, 1.06, 1.25, 1.75, 2.25])
def test_enlarging_is_scipys_zoom(side, factor):
    images = np.random.default_rng(0).random((2, side, side, 3))
    cut = int(np.ceil(side / factor))
    top = (side - cut) // 2
    for image, made in zip(images, enlarged(images, factor), strict=True):
        middle = zoom(image[top : top + cut, top : top + cut], (factor, factor, 1), order=1)
        trim = (len(middle) - side) // 2
        assert np.allclose(made, middle[trim : trim + side, trim : trim + side])
