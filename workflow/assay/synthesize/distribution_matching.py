"""Distribution matching: learnt images have the mean features of the real ones, on any random network."""

from __future__ import annotations

import torch
from torch import Tensor

from assay import Option, method
from assay.models.classifier import Classifier
from assay.synthesize.condenser import Condenser


@method(
    "generator",
    "distribution-matching",
    summary="a condensed set: a few images of each class, learnt to have the mean features of all real ones",
    paper="Zhao and Bilen 2023, arXiv:2110.04181; flip: Son et al. 2024, arXiv:2407.08113",
    options={
        "per-class": Option(..., "images learnt of each class, all of which an arm must ask for", type=int, at_least=1),
        "steps": Option(20000, "updates of the images, each on a network drawn anew", at_least=1),
        "lr": Option(1.0, "learning rate of the images, as networks see them", above=0),
        "batch": Option(256, "real images of each class an update", at_least=1),
        "start": Option("real", "what the images are at first: drawn real ones, or noise", choices=["real", "noise"]),
        "siamese": Option(
            True, "alter real and learnt images alike, by differentiable Siamese augmentation (arXiv:2102.08259)"
        ),
        "contrastive": Option(
            False,
            "match where the mean of each class lies from that of all; our reading of Lee et al. 2022, which is for "
            "gradients alone",
        ),
        "flip": Option(False, "match the learnt images together with their mirror images (FYI)"),
        "width": Option(128, "channels of the network, a convnet", at_least=1),
        "depth": Option(3, "blocks of the network; 0 matches the pixels themselves", at_least=0),
    },
    shapes="images uint8 [N,H,W,C] and labels int64 [N] -> samples uint8 [K*per-class,H,W,C]",
)
class DistributionMatching(Condenser):
    """sum_c ||mean_i psi(t_ci) - mean_i psi(s_ci)||^2 over random networks psi.

    psi are the features of a ConvNet that is never trained; t are real and s learnt images, altered alike.
    """

    name = "distribution-matching"

    def loss(self, net: Classifier, real: list[Tensor], made: list[Tensor], *, contrastive: bool) -> Tensor:
        """The sum over classes; see `Condenser.loss`."""
        with torch.no_grad():
            wanted = mean_features(net, real)
        return between_means(wanted, mean_features(net, made), contrastive=contrastive)


def mean_features(net: Classifier, parts: list[Tensor]) -> Tensor:
    """The mean features of each class, float [K,D], of its images [B,C,H,W]."""
    features = net.features(torch.cat(parts)).float().split([len(part) for part in parts])
    return torch.stack([own.mean(0) for own in features])


def between_means(wanted: Tensor, found: Tensor, *, contrastive: bool) -> Tensor:
    """sum_c ||m_c - m'_c||^2 of two sets of class means, float [K,D] each.

    Contrastive, the mean of all classes is taken off each set first. Where a head has weights of zero, the gradient of
    its row k under the mean loss of all classes is (mean_c m_c - m_k)/K: what Lee et al. 2022 match there are the
    means less their mean, where gradients of each class alone come to the means themselves.
    """
    apart = wanted - found
    if contrastive:
        apart = apart - apart.mean(0)
    return apart.square().sum()
