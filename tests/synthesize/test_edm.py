"""EDM against the closed forms of its paper."""

from __future__ import annotations

import math

import pytest
import torch
from assay.errors import MethodError
from assay.study.registry import bind, scan
from assay.synthesize.edm import preconditioning, weight
from assay.synthesize.unet import UNet

REGISTRY = scan()
DEFAULTS = {key: option.default for key, option in REGISTRY.card("generator", "edm").options.items()}
SIGMAS = torch.tensor([0.002, 0.1, 0.5, 3.0, 80.0], dtype=torch.float64)


def make(**options):
    return bind(REGISTRY, "generator", {**DEFAULTS, "method": "edm", "width": 8, **options})()


def test_without_noise_the_denoiser_is_the_identity_and_with_much_the_network_alone():
    skip, out, _ = preconditioning(torch.tensor([1e-9, 1e9], dtype=torch.float64), 0.5)
    assert skip.tolist() == pytest.approx([1, 0])
    assert out.tolist() == pytest.approx([0, 0.5], abs=1e-8)


def test_a_value_of_table_1():
    skip, out, into = preconditioning(torch.tensor(0.5, dtype=torch.float64), 0.5)
    assert (float(skip), float(out), float(into)) == pytest.approx((1 / 2, 0.25 / math.sqrt(0.5), 1 / math.sqrt(0.5)))
    assert float(weight(torch.tensor(0.5), 0.5)) == pytest.approx(0.5 / 0.0625)


@pytest.mark.parametrize("spread", [0.25, 0.5, 1.0])
def test_the_network_sees_and_tells_unit_variance_at_every_level(spread):
    """Appendix B.6: for images of that spread, input, target and weighted error all have variance 1."""
    draw = torch.Generator().manual_seed(0)
    x = spread * torch.randn(400_000, generator=draw, dtype=torch.float64)
    noise = torch.randn(400_000, generator=draw, dtype=torch.float64)
    for sigma in SIGMAS:
        skip, out, into = preconditioning(sigma, spread)
        noisy = x + sigma * noise
        assert float((into * noisy).var()) == pytest.approx(1, abs=0.01)
        assert float(((x - skip * noisy) / out).var()) == pytest.approx(1, abs=0.01)
        assert float(weight(sigma, spread) * out**2) == pytest.approx(1)


def test_an_untrained_network_has_loss_1_whatever_the_noise():
    """Its last layer is zero, so the error is that of c_skip x alone, whose weighted variance is 1."""
    draw = torch.Generator().manual_seed(1)
    x, noise = (scale * torch.randn(4000, 1, 8, 8, generator=draw) for scale in (0.5, 1.0))
    net = UNet(1, 8, 2, 8)
    net.reset(torch.Generator().manual_seed(2))
    y = torch.zeros(4000, dtype=torch.int64)
    for mean in (-3.0, 0.0, 3.0):
        loss = make(**{"level-mean": mean, "level-spread": 0.1}).loss(net, x, noise, y, draw)
        assert float(loss.detach()) == pytest.approx(1, abs=0.02)


def test_noise_levels_of_training_are_log_normal(monkeypatch):
    seen = []

    def net(x, level, y):
        seen.append(level * 80)  # log sigma
        return torch.zeros_like(x)

    x = torch.zeros(20_000, 1, 1, 1)
    make().loss(net, x, x, torch.zeros(20_000, dtype=torch.int64), torch.Generator().manual_seed(0))
    assert float(seen[0].mean()) == pytest.approx(-1.2, abs=0.03)
    assert float(seen[0].std()) == pytest.approx(1.2, abs=0.03)


def test_the_levels_visited_are_those_of_the_paper():
    sigmas = make().sigmas(18)
    assert len(sigmas) == 19
    assert (sigmas[0], sigmas[17], sigmas[18]) == pytest.approx((80, 0.002, 0))
    # t_steps[1] and [9] of the authors' generate.py for 18 steps.
    expected = [(80 ** (1 / 7) + i / 17 * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7 for i in (1, 9)]
    assert [sigmas[1], sigmas[9]] == pytest.approx(expected)
    assert sigmas[1] == pytest.approx(57.586, abs=0.01)
    assert float(make().start(torch.ones(1), 80.0)) == 80


def test_a_network_that_knows_the_image_gives_it_back():
    draw = torch.Generator().manual_seed(3)
    x, noise = torch.rand(2, 1, 4, 4, generator=draw), torch.randn(2, 1, 4, 4, generator=draw)
    for sigma in (0.01, 1.0, 30.0):
        skip, out, into = preconditioning(torch.tensor(sigma), 0.5)
        noisy = x + sigma * noise

        def truth(seen, level, y, skip=skip, out=out, into=into, noisy=noisy):
            torch.testing.assert_close(seen, into * noisy)
            return (x - skip * noisy) / out

        made = make().denoise(truth, noisy, sigma, torch.zeros(2, dtype=torch.int64))
        torch.testing.assert_close(made, x, rtol=1e-4, atol=1e-4)


def test_levels_that_do_not_fall_are_refused():
    with pytest.raises(MethodError, match="sigma-min must be below sigma-max 1, not 2"):
        make(**{"sigma-min": 2.0, "sigma-max": 1.0})
