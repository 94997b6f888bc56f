"""Residual networks for small images with several experts."""

from __future__ import annotations

from torch import nn

from assay import Option, method
from assay.models.classifier import Classifier
from assay.models.experts import Experts
from assay.models.residual.cifar_resnet import Block


@method(
    "model",
    "experts-resnet",
    summary="Residual network for small images whose last two stages are there once for each of several experts",
    paper="Wang et al. 2021, arXiv:2010.01809 (RIDE); Zhao et al. 2023, arXiv:2308.09922",
    options={
        "depth": Option(32, "layers, as in resnet32", choices=[8, 20, 32, 44, 56, 110]),
        "experts": Option(3, "how many experts there are", at_least=1),
        "width": Option(
            16,
            "channels of the first stage; an expert's stages have 1.5 and 3 times as many, as in the papers",
            at_least=2,
        ),
        "shortcut": Option(
            "A", "where shapes change: A pads with zeros, B projects by a 1x1 convolution", choices=["A", "B"]
        ),
    },
    shapes="images [B,C,H,W], sizes 8 to 64 -> features [B,experts*3*width]",
)
def experts_resnet(
    channels: int,
    classes: int,
    size: int,  # noqa: ARG001
    *,
    depth: int,
    experts: int,
    width: int,
    shortcut: str,
) -> Classifier:
    """The first stage of a CIFAR ResNet for all, stages 2 and 3 for each expert; predicts by their mean logits.

    The papers' heads compare directions (cosine, times 30) and have no bias; these are linear, with one bias for all.
    """
    blocks, narrow = (depth - 2) // 6, 3 * width // 2
    stem = nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        *_stage(width, width, blocks, 1, shortcut),
    )
    branches = [
        nn.Sequential(
            *_stage(width, narrow, blocks, 2, shortcut),
            *_stage(narrow, 2 * narrow, blocks, 2, shortcut),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        for _ in range(experts)
    ]
    model = Classifier(Experts(stem, branches), experts * 2 * narrow, channels, classes)
    model.experts = experts
    return model


def _stage(inputs: int, outputs: int, blocks: int, stride: int, shortcut: str) -> list[nn.Module]:
    return [Block(outputs if index else inputs, outputs, 1 if index else stride, shortcut) for index in range(blocks)]
