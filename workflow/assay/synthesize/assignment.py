"""Which noise goes with which image of a batch."""

from __future__ import annotations

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor


def immiscible(x: Tensor, noise: Tensor) -> Tensor:
    """The same noise in the order that lies nearest to the images, summed over the batch.

    Immiscible diffusion (Li et al. 2024, arXiv:2406.12303, algorithm 1): each batch of noise is assigned to its images
    so that the sum of squared distances is least. Each noise is still standard normal, but an image meets a part of it
    alone, and so the denoiser has less to average over. The paper rounds distances to 16 bit for speed; here they are
    exact, which costs little at such batches.

    Args:
        x: images, float [B,C,H,W].
        noise: standard normal, of the same shape.
    """
    # |x - n|^2 = |x|^2 + |n|^2 - 2 x n, and the first two have the same sum in any order.
    gain = x.flatten(1).double() @ noise.flatten(1).double().T
    _, order = linear_sum_assignment(gain.numpy(), maximize=True)
    return noise[torch.from_numpy(order)]
