"""Architectures of other libraries by name."""

import subprocess
import sys

import pytest
import torch
from assay.errors import MethodError
from assay.models.classifier import build
from assay.models.library.adapter import adapt
from torch import nn


def make(registry, entry, library, name, channels=1, size=32):
    return build(registry, entry("model", library, name=name), channels, 3, size, torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("library", "message"), [("timm", "architecture 'resnet81'"), ("torchvision", "network 'resnet81'")]
)
def test_an_unknown_name_gets_the_nearest(registry, entry, library, message):
    with pytest.raises(MethodError, match=f"{message}; did you mean 'resnet18'"):
        make(registry, entry, library, "resnet81")


def test_images_that_do_not_fit_are_refused(registry, entry):
    with pytest.raises(MethodError, match="timm/vit_tiny_patch16_224 does not take images of 1 x 8 x 8"):
        make(registry, entry, "timm", "vit_tiny_patch16_224", size=8)
    with pytest.raises(MethodError, match=r"torchvision/squeezenet1_1.*last layer is not linear"):
        make(registry, entry, "torchvision", "squeezenet1_1")
    with pytest.raises(MethodError, match="torchvision/vit_b_16 does not take images of 1 x 20 x 20"):
        make(registry, entry, "torchvision", "vit_b_16", size=20)


def test_grey_images_change_the_first_convolution_alone(registry, entry):
    from torchvision import models

    model = make(registry, entry, "torchvision", "mobilenet_v3_small")
    shapes = {name: value.shape for name, value in model.backbone.network.state_dict().items()}
    theirs = {name: value.shape for name, value in models.mobilenet_v3_small().state_dict().items()}
    changed = {name for name in theirs if shapes.get(name) != theirs[name]}
    assert changed == {"features.0.0.weight", "classifier.3.weight", "classifier.3.bias"}
    assert model.head.in_features == 1024


def test_what_draws_in_every_step_is_off(registry, entry):
    model = make(registry, entry, "torchvision", "mobilenet_v3_small").train()
    x = torch.rand(2, 1, 32, 32)
    state = torch.get_rng_state()
    model(x)
    assert torch.equal(torch.get_rng_state(), state)


def test_what_gives_no_vector_is_refused():
    with pytest.raises(MethodError, match="x does not give one vector of features"):
        adapt("x", nn.Identity, 1, 4)


def test_neither_library_is_imported_by_other_models():
    code = (
        "import torch\nfrom assay.study.registry import scan, load\nreg = scan()\n"
        "[load(reg.card('model', name)) for name in reg.names('model')]\n"
        "import sys; print(sorted({'torchvision', 'timm'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
