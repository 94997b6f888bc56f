"""Instance-dependent label noise: what an image looks like decides how likely, and into what, its label changes."""

from __future__ import annotations

import numpy as np
from scipy.stats import truncnorm

from assay import Option, method
from assay.data.alter.subject import Subject

#: Images whose pixels are projected at a time, to bound memory.
BATCH = 2048


@method(
    "label-noise",
    "instance-dependent",
    summary="each image has a flip rate of its own, and its pixels say which class it is mistaken for",
    paper="Xia et al. 2020, arXiv:2006.07836",
    options={
        "rate": Option(..., "flip rate that images have on average", type=float, above=0, below=1),
        "spread": Option(0.1, "standard deviation of the flip rates", above=0),
    },
    shapes="images uint8 [N,H,W,C], labels int64 [N] -> labels int64 [N]",
)
def instance_dependent(train: Subject, *, rate: float, spread: float) -> np.ndarray:
    """Draw each label from the distribution of Xia et al., Algorithm 2.

    The flip rate q_i of image i is drawn from a normal distribution of mean `rate` and deviation `spread`, truncated
    to [0, 1]. With W_y [S,K] a matrix of standard normal numbers for each class y and x_i [S] the pixels in 0..1, an
    image of class y keeps its label with probability 1 - q_i and gets the class j != y with probability
    q_i softmax_(j != y)(x_i W_y)_j. Truncation moves the mean of q a little away from `rate` where that is near 0 or 1.

    Args:
        train: the train split; with one class no label can be wrong.
        rate: in (0, 1).
        spread: above 0.

    Returns:
        int64 [N].
    """
    count, classes = len(train), len(train.classes)
    noisy = train.labels.copy()
    if classes < 2:
        return noisy
    rates = truncnorm.ppf(train.rng.random(count), -rate / spread, (1 - rate) / spread, loc=rate, scale=spread)
    flipped = train.rng.random(count) < rates
    draws = train.rng.random(count)
    for label in range(classes):
        weights = train.rng.standard_normal((train.images[0].size if count else 0, classes))
        members = np.flatnonzero(flipped & (train.labels == label))
        for start in range(0, len(members), BATCH):
            batch = members[start : start + BATCH]
            logits = (train.images[batch].reshape(len(batch), -1) / 255) @ weights
            logits[:, label] = -np.inf
            odds = np.exp(logits - logits.max(1, keepdims=True))
            reached = np.cumsum(odds, 1) >= draws[batch, None] * odds.sum(1, keepdims=True)
            reached[:, label] = False
            noisy[batch] = reached.argmax(1)
    return noisy
