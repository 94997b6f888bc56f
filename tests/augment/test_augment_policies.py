"""Policies: what they choose from and how often, and that an image's fate does not depend on its batch."""

from __future__ import annotations

import pytest
import torch
from assay.augment import augmix, autoaugment, randaugment, trivialaugment
from assay.augment.draw import Draw
from assay.augment.ops.space import Scale, apply
from assay.study.registry import bind, scan
from scipy import stats
from torchvision.transforms import v2

IDS = torch.arange(4000)
NAMES = ["autoaugment", "randaugment", "trivialaugment", "augmix", "cutmix", "random-erasing"]


def run(name, images, ids, **options):
    registry = scan()
    card = registry.card("augment", name)
    entry = {"method": name, **{key: option.default for key, option in card.options.items()}, **options}
    targets = torch.nn.functional.one_hot(ids % 10, 10).float()
    return bind(registry, "augment", entry)(images, targets, Draw(5, 1, ids))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "cutmix"])
@pytest.mark.parametrize("channels", [1, 3])
def test_neighbours_do_not_matter(name, channels):
    images = torch.rand(60, channels, 10, 10, generator=torch.Generator().manual_seed(0))
    whole, _ = run(name, images, IDS[:60])
    some = torch.tensor([41, 7, 30])
    alone, targets = run(name, images[some], IDS[some])
    assert torch.allclose(alone, whole[some], atol=1e-6)
    assert targets.argmax(1).tolist() == (some % 10).tolist()
    assert 0 <= whole.min() <= whole.max() <= 1
    assert (whole != images).flatten(1).any(1).float().mean() > 0.3


SPACES = {
    "RandAugment": (v2.RandAugment, randaugment.OPS, 31),
    "TrivialAugmentWide": (v2.TrivialAugmentWide, trivialaugment.OPS, 31),
    "AugMix": (v2.AugMix, [scale for name, scale in augmix.OPS[True].items() if name != "identity"], 11),
    "AutoAugment": (v2.AutoAugment, list(autoaugment.SPACE.values())[1:], 10),
}


@pytest.mark.parametrize("name", SPACES)
def test_the_ranges_are_torchvisions(name):
    theirs, ours, bins = SPACES[name]
    space = theirs._AUGMENTATION_SPACE
    strength = torch.linspace(0, 1, bins)
    images = torch.zeros(bins, 3, 20, 40)
    expected, found = [], []
    for make, signed in space.values():
        values = make(bins, 20, 40)
        expected.append((signed, None if values is None else [round(v, 4) for v in values.double().tolist()]))
    for scale in ours:
        amounts = scale.amount(images, strength, torch.ones(bins)).double()
        plain = scale.op.__name__ in ("keep", "autocontrast", "equalize", "invert")
        found.append((scale.signed, None if plain else [round(v, 4) for v in amounts.tolist()]))
    assert sorted(map(str, found)) == sorted(map(str, expected))


def test_the_pairs_of_autoaugment_are_torchvisions():
    names = {
        "ShearX": "shear-x", "ShearY": "shear-y", "TranslateX": "translate-x", "TranslateY": "translate-y",
        "Color": "saturation",
    }  # fmt: skip
    for policy in v2.AutoAugmentPolicy:
        if policy.value == "imagenet":
            continue
        theirs = v2.AutoAugment(policy)._policies
        made = [
            tuple((names.get(name, name.lower()), share, strength or 0) for name, share, strength in pair)
            for pair in theirs
        ]
        assert made == autoaugment.POLICIES[policy.value]


def test_operations_are_chosen_alike():
    ops = [Scale(lambda images, _, k=k: images * 0 + k) for k in range(14)]
    chosen = Draw(0, 0, IDS).integers(0, 14)[:, 0]
    out = apply(torch.zeros(4000, 1, 1, 1), ops, chosen, torch.zeros(4000), torch.ones(4000)).flatten()
    assert torch.equal(out.long(), chosen)
    seen = torch.bincount(chosen, minlength=14)
    assert stats.chisquare(seen.numpy()).pvalue > 1e-3


def test_no_choice_leaves_an_image():
    images = torch.rand(3, 1, 4, 4)
    out = apply(images, [Scale(lambda i, _: i * 0)], torch.tensor([-1, 0, -1]), torch.zeros(3), torch.ones(3))
    assert torch.equal(out[[0, 2]], images[[0, 2]])
    assert (out[1] == 0).all()


def test_cutmix_weighs_targets_by_what_is_seen():
    # Image i shows the value i, so what is seen of a partner can be counted.
    images = torch.arange(200).float()[:, None, None, None].expand(200, 1, 8, 8)
    targets = torch.eye(200)
    registry = scan()
    entry = {"method": "cutmix", "alpha": 1.0, "probability": 1.0}
    out, mixed = bind(registry, "augment", entry)(images, targets, Draw(5, 1, IDS[:200]))
    for i in range(200):
        shares = torch.bincount(out[i].flatten().long(), minlength=200) / 64
        assert torch.allclose(shares, mixed[i], atol=1e-6)
    own = mixed.diagonal()
    assert 0.5 < own.mean() < 0.85
    # Partners whose box is their own image excepted, half of the images stay whole when half are asked for.
    _, half = bind(registry, "augment", {**entry, "probability": 0.5})(images, targets, Draw(5, 1, IDS[:200]))
    assert 0.35 < (half.diagonal() == 1).float().mean() < 0.75


def test_augmix_with_one_empty_chain_is_the_image():
    images = torch.rand(20, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    weights = Draw(0, 0, IDS[:20]).dirichlet(1.0, 3)
    assert weights.sum(1) == pytest.approx(torch.ones(20))
    first = Draw(0, 0, IDS).dirichlet(1.0, 3)[:, 0]
    assert stats.kstest(first.double().numpy(), stats.beta(1, 2).cdf).pvalue > 1e-3
    out, _ = run("augmix", images, IDS[:20], severity=1)
    assert (out - images).abs().mean() < (run("augmix", images, IDS[:20], severity=10)[0] - images).abs().mean()


def test_erased_rectangles_have_the_share_and_shape_of_the_paper():
    images = torch.ones(4000, 1, 32, 32)
    out, _ = run("random-erasing", images, IDS, fill="black", probability=0.5)
    gone = out[:, 0] == 0
    rows, columns = gone.any(2).sum(1), gone.any(1).sum(1)
    assert torch.equal(gone.sum((1, 2)), rows * columns), "a rectangle"
    hit = rows > 0
    assert abs(hit.float().mean() - 0.5) < 0.03
    area, ratio = (rows * columns)[hit] / 1024, (rows / columns)[hit]
    assert area.min() > 0.015
    assert area.max() < 0.42
    assert ratio.min() > 0.24
    assert ratio.max() < 4.2
    assert abs(ratio.log().mean()) < 0.05
    noisy, _ = run("random-erasing", images, IDS)
    inside = noisy[:, 0][noisy[:, 0] < 1]
    assert stats.kstest(inside[:20000].double().numpy(), "uniform").pvalue > 1e-3
