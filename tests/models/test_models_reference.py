"""The same function as in torchvision and timm, where they have the same architecture: same weights, same outputs."""

import pytest
import torch
from assay.models.classifier import build
from torch import nn
from torchvision import models as tv

CLASSES, SIZE = 5, 16


def ours(registry, entry, method, /, size=SIZE, **options):
    model = build(registry, entry("model", method, **options), 3, CLASSES, size, torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for value in (*model.parameters(), *(b for n, b in model.named_buffers() if "running" in n)):
            # No norm layer shall be the identity, nor ConvNeXt's scales next to nothing.
            if value.ndim <= 1 or value.shape[1:] == (1, 1):
                value.uniform_(0.5, 1.5, generator=generator)
    return model.eval()


def same_in_order(model, reference, skip=()):
    """Copy our weights to the reference by their order, and compare outputs on the same images."""
    mine = [value for name, value in model.state_dict().items() if name not in ("mean", "std", *skip)]
    theirs = reference.state_dict()
    assert len(mine) == len(theirs)
    assert [value.shape.numel() for value in mine] == [value.shape.numel() for value in theirs.values()]
    reference.load_state_dict({name: value.view(theirs[name].shape) for name, value in zip(theirs, mine, strict=True)})
    x = torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        torch.testing.assert_close(model(x), reference.eval()(x), rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("depth", [18, 34, 50])
def test_resnet(registry, entry, depth):
    reference = tv.get_model(f"resnet{depth}", num_classes=CLASSES)
    reference.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    reference.maxpool = nn.Identity()
    same_in_order(ours(registry, entry, f"resnet{depth}"), reference)


@pytest.mark.parametrize("depth", [11, 16])
def test_vgg(registry, entry, depth):
    reference = tv.get_model(f"vgg{depth}_bn", num_classes=CLASSES, init_weights=False)
    reference.avgpool = nn.AdaptiveAvgPool2d(1)
    reference.classifier = nn.Linear(512, CLASSES)
    # At 16 pixels four poolings leave one pixel, and the fifth is left out.
    reference.features[-1] = nn.Identity()
    same_in_order(ours(registry, entry, f"vgg{depth}"), reference)


def test_densenet(registry, entry):
    reference = tv.DenseNet(12, (16, 16, 16), 24, num_classes=CLASSES)
    reference.features.conv0 = nn.Conv2d(3, 24, 3, padding=1, bias=False)
    for name in ("norm0", "relu0", "pool0"):
        setattr(reference.features, name, nn.Identity())
    same_in_order(ours(registry, entry, "densenet-bc-100-12"), reference)


def test_mobilenetv2(registry, entry):
    stages = [
        [1, 16, 1, 1], [6, 24, 2, 1], [6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1], [6, 160, 3, 2], [6, 320, 1, 1],
    ]  # fmt: skip
    reference = tv.MobileNetV2(num_classes=CLASSES, inverted_residual_setting=stages)
    reference.features[0][0].stride = (1, 1)
    same_in_order(ours(registry, entry, "mobilenetv2"), reference)


@pytest.mark.parametrize(("width", "name"), [(0.5, "shufflenet_v2_x0_5"), (1.0, "shufflenet_v2_x1_0")])
def test_shufflenetv2(registry, entry, width, name):
    reference = tv.get_model(name, num_classes=CLASSES)
    reference.conv1[0].stride = (1, 1)
    reference.maxpool = nn.Identity()
    same_in_order(ours(registry, entry, "shufflenetv2", width=width), reference)


def test_convnext(registry, entry):
    reference = tv.get_model("convnext_tiny", num_classes=CLASSES)
    reference.features[0][0] = nn.Conv2d(3, 96, 2, 2)
    same_in_order(ours(registry, entry, "convnext-tiny"), reference)


def test_vit(registry, entry):
    model = ours(registry, entry, "vit-tiny", depth=2)
    reference = tv.VisionTransformer(SIZE, 4, 2, 3, 192, 768, num_classes=CLASSES).eval()
    names = {"class_token": "2.token", "encoder.pos_embedding": "2.positions"}
    names |= {f"conv_proj.{kind}": f"0.{kind}" for kind in ("weight", "bias")}
    parts = {
        "ln_1.": "norm1.", "ln_2.": "norm2.", "self_attention.in_proj_": "attention.qkv.",
        "self_attention.out_proj.": "attention.project.", "mlp.0.": "mlp.0.", "mlp.3.": "mlp.2.",
    }  # fmt: skip
    for layer in range(2):
        for theirs, mine in parts.items():
            for kind in ("weight", "bias"):
                names[f"encoder.layers.encoder_layer_{layer}.{theirs}{kind}"] = f"{3 + layer}.{mine}{kind}"
    names |= {f"encoder.ln.{kind}": f"5.{kind}" for kind in ("weight", "bias")}
    state = model.state_dict()
    weights = {theirs: state[f"backbone.{mine}"] for theirs, mine in names.items()}
    weights |= {f"heads.head.{kind}": state[f"head.{kind}"] for kind in ("weight", "bias")}
    reference.load_state_dict(weights)
    x = torch.rand(2, 3, SIZE, SIZE)
    with torch.no_grad():
        torch.testing.assert_close(model(x), reference(x), rtol=1e-4, atol=1e-4)


def test_mixer(registry, entry):
    from timm.models.mlp_mixer import MlpMixer

    reference = MlpMixer(CLASSES, SIZE, patch_size=4, num_blocks=2, embed_dim=64)
    same_in_order(ours(registry, entry, "mlp-mixer", depth=2, width=64), reference)


def test_torchvision_by_name_is_torchvision(registry, entry):
    model = ours(registry, entry, "torchvision", size=32, name="resnet18")
    reference = tv.get_model("resnet18", num_classes=CLASSES)
    assert len(model.backbone.state_dict()) == len(reference.state_dict()) - 2
    reference.load_state_dict(
        {f"fc.{name}": value for name, value in model.head.state_dict().items()} | model.backbone.network.state_dict()
    )
    x = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(model(x), reference.eval()(x))


def test_timm_by_name_is_timm(registry, entry):
    import timm

    model = ours(registry, entry, "timm", name="vit_tiny_patch16_224")
    reference = timm.create_model("vit_tiny_patch16_224", img_size=SIZE, num_classes=CLASSES)
    weights = model.backbone.network.state_dict() | {f"head.{n}": v for n, v in model.head.state_dict().items()}
    reference.load_state_dict(weights)
    x = torch.rand(2, 3, SIZE, SIZE)
    with torch.no_grad():
        torch.testing.assert_close(model(x), reference.eval()(x))


def test_convnet(registry, entry):
    """As Zhao et al. 2021 write it: normalisation in groups of one channel."""
    layers = []
    for inputs in (3, 6):
        layers += [nn.Conv2d(inputs, 6, 3, padding=1), nn.GroupNorm(6, 6), nn.ReLU(), nn.AvgPool2d(2)]
    reference = nn.Sequential(*layers, nn.Flatten(), nn.Linear(6 * 4 * 4, CLASSES))
    same_in_order(ours(registry, entry, "convnet", width=6, depth=2), reference)
