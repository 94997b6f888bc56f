"""VGG networks (Simonyan and Zisserman 2014, arXiv:1409.1556) for small images."""

from __future__ import annotations

from torch import nn


def vgg(channels: int, size: int, counts: list[int], width: int) -> tuple[nn.Module, int]:
    """The backbone, and the dimension of its features.

    Five stages of 3x3 convolutions, each with batch normalisation and ReLU, at 1, 2, 4, 8 and 8 times `width` channels,
    each followed by 2x2 maximum pooling. What ImageNet's networks have and small images do not need is changed as
    usual: global average pooling and the head alone take the place of three linear layers with dropout, and an image
    that is down to one pixel is pooled no further.

    Args:
        channels: of the images.
        size: of the images, in pixels.
        counts: convolutions of each stage.
        width: channels of the first stage.
    """
    layers: list[nn.Module] = []
    inputs = channels
    for stage, count in enumerate(counts):
        for _ in range(count):
            outputs = width * min(2**stage, 8)
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
            inputs = outputs
        if size > 1:
            layers.append(nn.MaxPool2d(2))
            size //= 2
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), inputs
