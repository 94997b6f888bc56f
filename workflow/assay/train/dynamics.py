"""How each image of the train split fares in each epoch, watched in the batches of training itself.

Nothing is computed twice and nothing is drawn, so the weights are those of a training that nobody watches.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from assay.errors import MethodError


class Recorder:
    """Margins, hits and errors by epoch and image; what was not drawn in an epoch stays NaN, and no hit.

    The margin is the logit of the image's label minus the largest of the others (Pleiss et al. 2020, arXiv:2001.10528,
    equation 1), the error the Euclidean norm of the probabilities minus the one-hot label (Paul et al. 2021,
    arXiv:2107.07075, definition 2.5). Of an image that comes several times in an epoch the first counts.

    Args:
        images: N, how many of the images come from the train split; they are numbered first.
        epochs: E.
        device: where the numbers are gathered.
    """

    def __init__(self, images: int, epochs: int, device: torch.device):
        self.images = images
        self.margin = torch.full((epochs, images), math.nan, device=device)
        self.error = torch.full((epochs, images), math.nan, device=device)
        self.correct = torch.zeros((epochs, images), dtype=torch.bool, device=device)

    @torch.no_grad()
    def __call__(
        self, epoch: int, indices: Tensor, repeats: Tensor, logits: Tensor, targets: Tensor, labels: Tensor
    ) -> None:
        """Note one batch.

        Args:
            epoch: counted from 0.
            indices: int64 `[B]`.
            repeats: int64 `[B]`, how often each came before in this epoch.
            logits: `[B,K]`.
            targets: `[B,K]`, as augmented.
            labels: int64 `[B]`.

        Raises:
            MethodError: targets that are no single class, so that there is no label to measure against.
        """
        own = labels[:, None]
        if not bool((targets.gather(1, own) == 1).all()):
            raise MethodError("the dynamics of training need each image's own label, and an augmentation mixes targets")
        logits = logits.detach().float()
        mine = logits.gather(1, own)[:, 0]
        others = logits.scatter(1, own, -math.inf).amax(1)
        error = (logits.softmax(1) - targets).norm(dim=1)
        kept = (repeats == 0) & (indices < self.images)
        place = indices[kept]
        self.margin[epoch, place] = (mine - others)[kept]
        self.error[epoch, place] = error[kept]
        self.correct[epoch, place] = (logits.argmax(1) == labels)[kept]

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint keeps."""
        return {"margin": self.margin.clone(), "error": self.error.clone(), "correct": self.correct.clone()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` gave."""
        self.margin.copy_(state["margin"])
        self.error.copy_(state["error"])
        self.correct.copy_(state["correct"])

    def arrays(self) -> dict[str, np.ndarray]:
        """`margin` and `error` float32 [E,N], `correct` bool [E,N]."""
        return {name: value.cpu().numpy() for name, value in self.state().items()}
