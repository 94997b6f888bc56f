import numpy as np
import torch
from assay.augment.draw import Draw
from assay.augment.style import style
from scipy import stats

IDS = torch.arange(600)
GENERATOR = torch.Generator().manual_seed(0)
#: Of little contrast, so that nothing is clipped.
IMAGES = (
    0.4 + 0.2 * torch.rand(600, 3, 1, 1, generator=GENERATOR) + 0.02 * torch.rand(600, 3, 6, 6, generator=GENERATOR)
)
TARGETS = torch.eye(3)[IDS % 3]


def test_each_mean_moves_towards_that_of_one_partner_and_phases_stay():
    made, targets = style(IMAGES, TARGETS, Draw(3, 0, IDS), strength=0.6, probability=1.0)
    assert targets is TARGETS
    before, after = (torch.fft.fft2(x.double()).angle() for x in (IMAGES, made))
    turned = torch.polar(torch.ones(()).double(), after - before)
    assert torch.quantile((turned - 1).abs().flatten(), 0.999) < 0.01, "phases are what an image is recognised by"
    # The amplitude at frequency 0 is the sum, so means tell the partner and its share.
    mean, moved = IMAGES.mean((2, 3)), made.mean((2, 3))
    gap = mean[None] - mean[:, None]
    share = ((moved - mean)[:, None] * gap).sum(2) / gap.square().sum(2)
    fits = ((mean[:, None] + share[:, :, None] * gap - moved[:, None]).abs().amax(2) < 1e-6) & (share > 1e-3)
    one = fits.sum(1) == 1
    assert one.float().mean() > 0.9
    found = share[one].gather(1, fits[one].int().argmax(1, keepdim=True))[:, 0]
    assert stats.kstest(found.double().numpy() / 0.6, "uniform").pvalue > 1e-3


def test_the_share_asked_for_is_altered():
    made, _ = style(IMAGES, TARGETS, Draw(3, 0, IDS), strength=1.0, probability=0.3)
    changed = (made != IMAGES).flatten(1).any(1).numpy()
    assert stats.binomtest(int(changed.sum()), len(changed), 0.3).pvalue > 1e-3
    again, _ = style(IMAGES, TARGETS, Draw(3, 1, IDS), strength=1.0, probability=0.3)
    assert not np.array_equal((again != IMAGES).flatten(1).any(1).numpy(), changed)
