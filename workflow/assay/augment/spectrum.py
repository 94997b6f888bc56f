"""Images taken apart by frequency: blurred and what blurring takes away, amplitude and phase."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from assay.errors import MethodError


def blur(images: Tensor, sigma: float, radius: int) -> Tensor:
    """`[B,C,H,W]` under a Gaussian kernel of `2 * radius + 1` pixels a side, mirrored at the border.

    Args:
        images: a batch.
        sigma: standard deviation of the Gaussian in pixels.
        radius: pixels on each side of the kernel's centre.

    Raises:
        MethodError: a kernel that reaches further than the image.
    """
    height, width = images.shape[2:]
    if radius >= min(height, width):
        raise MethodError(f"a blur of {radius} pixels needs images larger than that, these are {height}x{width}")
    place = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    line = torch.exp(-0.5 * (place / sigma) ** 2)
    line = line / line.sum()
    channels = images.shape[1]
    padded = F.pad(images, [radius] * 4, mode="reflect")
    kernel = (line[:, None] * line).expand(channels, 1, -1, -1)
    return F.conv2d(padded, kernel, groups=channels)


def mix_amplitude(images: Tensor, others: Tensor, share: Tensor, *, channels: bool) -> Tensor:
    """Images with a share of the Fourier amplitudes of others and with phases of their own.

    Args:
        images, others: `[B,C,H,W]`.
        share: of the others' amplitudes, `[B]` in 0..1.
        channels: whether the transform runs over the channels too, rather than over height and width alone.
    """
    dims = (1, 2, 3) if channels else (2, 3)
    own = torch.fft.fftn(images, dim=dims)
    share = share[:, None, None, None]
    amplitude = (1 - share) * own.abs() + share * torch.fft.fftn(others, dim=dims).abs()
    return torch.fft.ifftn(torch.polar(amplitude, own.angle()), dim=dims).real
