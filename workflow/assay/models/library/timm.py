"""Any architecture of timm."""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import nn

from assay import Option, method
from assay.errors import MethodError
from assay.models.classifier import Classifier
from assay.models.library.adapter import adapt


@method(
    "model",
    "timm",
    summary="Any architecture of the library timm, untrained; `timm/resnet18` is short for it",
    paper="Wightman 2019, doi:10.5281/zenodo.4414861",
    options={"name": Option(..., "timm's name of the architecture", type=str)},
    shapes="images [B,C,H,W], what the architecture takes -> features [B,D] as it pools them",
)
def from_timm(channels: int, classes: int, size: int, *, name: str) -> Classifier:
    """The architecture with as many input channels as the images have, told their size where it asks for one.

    Strides are those of large images, so small ones shrink fast. No weights are ever fetched.

    Raises:
        MethodError: timm has no architecture of this name, or it does not take such images.
    """
    import difflib

    import timm

    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), 1)
        raise MethodError(f"timm has no architecture {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    backbone, dimension = adapt(f"timm/{name}", partial(_make, name, channels, size), channels, size)
    return Classifier(backbone, dimension, channels, classes)


def _make(name: str, channels: int, size: int) -> nn.Module:
    import timm

    options: dict[str, Any] = {"pretrained": False, "in_chans": channels, "num_classes": 0}
    try:
        network: nn.Module = timm.create_model(name, img_size=size, **options)
    except TypeError as error:
        if "img_size" not in str(error):
            raise
        network = timm.create_model(name, **options)
    return network
