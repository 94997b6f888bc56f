"""EATA: TENT on reliable and varied images, held back where training would be forgotten."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from assay.evaluate.adaptation.batch_norm import affine, entropy, trusting
from assay.models.classifier import Classifier
from assay.study.registry import Option, method

#: Images of a batch from which a gradient's square is taken for the Fisher information, as in the authors' code.
_FISHER_BATCH = 64


@method(
    "adaptation",
    "eata",
    summary="entropy of reliable, varied images goes down, with a penalty on weights that training needs",
    paper="Niu et al. 2022, arXiv:2204.02610",
    options={
        "lr": Option(0.005, "learning rate of SGD with momentum 0.9; the default is that of CIFAR-10", above=0),
        "entropy": Option(0.4, "largest entropy of a reliable image, as a share of log(classes)", above=0),
        "similarity": Option(
            0.4, "largest cosine of a new image's probabilities with the mean of those before; 0.05 for ImageNet",
            above=0, at_most=1,
        ),
        "fisher": Option(1.0, "weight of the penalty; 1 for CIFAR-10, 2000 for ImageNet", at_least=0),
        "fisher-images": Option(
            2000, "val images from which the Fisher information is taken", at_least=1, at_most=2000,
        ),
    },
    shapes="images [B,C,H,W] -> logits [B,K]",
)  # fmt: skip
class Eata:
    """Equations 2 to 9 of the paper, as its authors' code computes them.

    An image with entropy H is learnt from with the weight `exp(E0 - H)` if H < E0 and its probabilities are unlike the
    moving mean of those learnt from (factor 0.9). The penalty is `fisher * sum F (w - w0)^2`. F is the mean, over
    batches, of the squared gradient of the cross-entropy to the model's own predictions.
    """

    def __init__(self, *, lr: float, entropy: float, similarity: float, fisher: float, fisher_images: int):
        self.lr, self.share, self.similarity, self.weight = lr, entropy, similarity, fisher
        self.images = fisher_images

    def start(self, model: Classifier, images: Tensor) -> None:
        """Take the model, and the Fisher information from the first of `images`.

        Raises:
            UndefinedError: it has no batch normalisation with scale and shift.
        """
        self.model = trusting(model, prior=0.0)
        self.weights = affine(self.model)
        self.least = self.share * math.log(model.head.out_features)
        self.mean: Tensor | None = None
        self.origin = [weight.detach().clone() for weight in self.weights]
        self.information = self._fisher(images[: self.images]) if self.weight else []
        self.optimiser = torch.optim.SGD(self.weights, lr=self.lr, momentum=0.9)

    def _fisher(self, images: Tensor) -> list[Tensor]:
        total = [torch.zeros_like(weight) for weight in self.weights]
        batches = images.split(_FISHER_BATCH)
        for batch in batches:
            logits = self.model(batch)
            loss = F.cross_entropy(logits, logits.argmax(dim=1))
            for sum_, gradient in zip(total, torch.autograd.grad(loss, self.weights), strict=True):
                sum_ += gradient**2 / len(batches)
        return total

    def adapt(self, images: Tensor) -> Tensor:
        """The logits of a batch before the update, and the update."""
        logits: Tensor = self.model(images)
        loss = self._loss(logits)
        if loss is not None:
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
        return logits.detach()

    def _loss(self, logits: Tensor) -> Tensor | None:
        """What the update follows; None where no image of the batch is reliable and new."""
        uncertain, probabilities = entropy(logits), logits.detach().softmax(dim=1)
        taken = uncertain.detach() < self.least
        if self.mean is not None:
            taken &= F.cosine_similarity(self.mean[None], probabilities, dim=1).abs() < self.similarity
        if not taken.any():
            return None
        new = probabilities[taken].mean(dim=0)
        self.mean = new if self.mean is None else 0.9 * self.mean + 0.1 * new
        chosen = uncertain[taken]
        loss = (chosen * (self.least - chosen.detach()).exp()).mean()
        for weight, start, needed in zip(self.weights, self.origin, self.information, strict=False):
            loss = loss + self.weight * (needed * (weight - start) ** 2).sum()
        return loss

    @torch.no_grad()
    def predict(self, images: Tensor) -> Tensor:
        """The logits of a batch, from which nothing is learnt."""
        logits: Tensor = self.model(images)
        return logits
