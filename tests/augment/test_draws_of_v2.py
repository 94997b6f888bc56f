"""Why these augmentations are our own: torchvision's v2 transforms draw once for a whole batch.

A batch of one image many times over shows it: what comes out of one draw is the same image many times over.
"""

from __future__ import annotations

import pytest
import torch
from assay.augment.draw import Draw
from assay.study.registry import bind
from torchvision.transforms import v2

N = 64
PICTURE = (torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 255).round().to(torch.uint8)
BATCH = PICTURE.expand(N, -1, -1, -1).contiguous()

#: v2's transform, and ours of the same kind where there is one.
TRANSFORMS = {
    "RandomCrop": (lambda: v2.RandomCrop(16, padding=4), "crop", {}),
    "RandomResizedCrop": (lambda: v2.RandomResizedCrop(16, antialias=True), None, {}),
    "RandomHorizontalFlip": (v2.RandomHorizontalFlip, "flip", {}),
    "RandomErasing": (lambda: v2.RandomErasing(p=1.0, value=0), "random-erasing", {"fill": "black"}),
    "RandomAffine": (lambda: v2.RandomAffine(0, translate=(0.3, 0.3)), "translate", {}),
    "RandomRotation": (lambda: v2.RandomRotation(45), "random-field", {"rotation": 30.0}),
    "ColorJitter": (lambda: v2.ColorJitter(0.5, 0.5, 0.5, 0.3), "random-field", {"brightness": 0.5}),
    "GaussianBlur": (lambda: v2.GaussianBlur(3), None, {}),
    "AutoAugment": (lambda: v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10), "autoaugment", {}),
    "RandAugment": (v2.RandAugment, "randaugment", {}),
    "TrivialAugmentWide": (v2.TrivialAugmentWide, "trivialaugment", {}),
}


def different(batch):
    """How many different images a batch holds."""
    return len(batch.flatten(1).unique(dim=0))


@pytest.mark.parametrize("name", TRANSFORMS)
def test_v2_draws_once_for_a_batch(name):
    torch.manual_seed(0)
    transform = TRANSFORMS[name][0]()
    made = [transform(BATCH) for _ in range(20)]
    assert [different(batch) for batch in made] == [1] * 20, "every image of a batch gets the same"
    assert different(torch.stack([batch[0] for batch in made])) > 1, "and another one in the next batch"


@pytest.mark.parametrize("name", [name for name in TRANSFORMS if TRANSFORMS[name][1]])
def test_ours_draw_for_each_image(name, registry, entry):
    _, ours, options = TRANSFORMS[name]
    augment = bind(registry, "augment", entry("augment", ours, **options))
    made, _ = augment(BATCH / 255, torch.ones(N, 1), Draw(0, 0, torch.arange(N)))
    # A flip has two outcomes; of the rest, images that are left alone are the same.
    assert different(made) > (1 if ours == "flip" else N // 4)


def test_v2_draws_the_operations_of_augmix_once_and_their_weights_for_each_image(registry, entry):
    def directions(batch):
        """In how many directions images were moved from the picture."""
        return torch.linalg.matrix_rank((batch - images).flatten(1).double(), rtol=1e-3).item()

    torch.manual_seed(0)
    images = BATCH / 255
    made = v2.AugMix(mixture_width=1, chain_depth=1)(images)
    assert different(made) > N // 4
    assert directions(made) == 1
    augment = bind(registry, "augment", entry("augment", "augmix", width=1, depth=1))
    assert directions(augment(images, torch.ones(N, 1), Draw(0, 0, torch.arange(N)))[0]) > 10


def shares(targets):
    """The share that each image keeps of its own label, but for those whose partner they are themselves."""
    own = targets.diagonal()
    return own[own < 1]


@pytest.mark.parametrize(("theirs", "ours"), [(v2.MixUp, "mixup"), (v2.CutMix, "cutmix")])
def test_v2_mixes_a_batch_by_one_share_and_ours_each_image_by_its_own(theirs, ours, registry, entry):
    torch.manual_seed(0)
    images, labels = torch.rand(N, 3, 16, 16), torch.arange(N)
    _, mixed = theirs(num_classes=N)(images, labels)
    assert len(shares(mixed).unique()) == 1
    # The partner is always the neighbour before.
    assert torch.equal((mixed - mixed.diagonal().diag()).argmax(1), labels.roll(1))
    options = {"probability": 1.0} if ours == "cutmix" else {}
    augment = bind(registry, "augment", entry("augment", ours, **options))
    _, mixed = augment(images, torch.eye(N), Draw(0, 0, labels))
    assert len(shares(mixed).unique()) > N // 4
    assert len((mixed - mixed.diagonal().diag()).argmax(1).eq(labels.roll(1)).nonzero()) < N // 4
