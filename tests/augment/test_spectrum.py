import numpy as np
import pytest
import torch
from assay.augment.spectrum import blur, mix_amplitude
from assay.errors import MethodError
from torchvision.transforms.v2 import functional as tv

GENERATOR = torch.Generator().manual_seed(0)
IMAGES, OTHERS = torch.rand(2, 4, 3, 10, 8, generator=GENERATOR)


@pytest.mark.parametrize(("sigma", "radius"), [(0.5, 1), (2.0, 3)])
def test_blur_is_torchvisions(sigma, radius):
    expected = tv.gaussian_blur(IMAGES, [2 * radius + 1] * 2, [sigma] * 2)
    torch.testing.assert_close(blur(IMAGES, sigma, radius), expected)
    assert (expected - IMAGES).abs().max() > 0.1


def test_a_blur_wider_than_the_image_is_refused():
    with pytest.raises(MethodError, match="a blur of 8 pixels needs images larger than that, these are 10x8"):
        blur(IMAGES, 1.0, 8)


@pytest.mark.parametrize(("channels", "axes"), [(True, (0, 1, 2)), (False, (1, 2))])
def test_amplitudes_are_mixed_and_phases_stay_as_numpy_has_it(channels, axes):
    share = torch.tensor([0.0, 0.3, 0.8, 1.0])
    made = mix_amplitude(IMAGES, OTHERS, share, channels=channels).numpy()
    for i, s in enumerate(share.tolist()):
        own, other = (np.fft.fftn(x[i].double().numpy(), axes=axes) for x in (IMAGES, OTHERS))
        amplitude = (1 - s) * np.abs(own) + s * np.abs(other)
        expected = np.fft.ifftn(amplitude * np.exp(1j * np.angle(own)), axes=axes)
        assert np.abs(expected.imag).max() < 1e-9
        np.testing.assert_allclose(made[i], expected.real, atol=1e-5)
    torch.testing.assert_close(torch.from_numpy(made[0]), IMAGES[0])
