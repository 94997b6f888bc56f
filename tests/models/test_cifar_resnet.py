import pytest
import torch
from assay.models.classifier import build
from assay.models.residual.cifar_resnet import Block, cifar_resnet, zero_padded


def parameters(registry, entry, name, **options):
    model = build(registry, entry("model", name, **options), 3, 10, 32, torch.Generator())
    return sum(parameter.numel() for parameter in model.parameters())


# Table 6 of He et al. 2015 in millions, and the exact counts that akamaster/pytorch_resnet_cifar10 publishes.
@pytest.mark.parametrize(
    ("blocks", "millions", "exact"),
    [
        (3, 0.27, 269_722),
        (5, 0.46, 464_154),
        (7, 0.66, 658_586),
        (9, 0.85, 853_018),
        (18, 1.7, 1_727_962),
    ],
)
def test_parameters_as_published(blocks, millions, exact):
    backbone, dimension = cifar_resnet(3, blocks, 16, "A")
    assert dimension == 64
    count = sum(parameter.numel() for parameter in backbone.parameters()) + 64 * 10 + 10
    assert count == exact
    assert round(count / 1e6, 1 if blocks == 18 else 2) == millions


def test_named_networks_have_their_depth(registry, entry):
    assert parameters(registry, entry, "resnet20") == 269_722
    # One block a stage less twice: resnet20 minus what two further blocks of each stage hold.
    block = [2 * 9 * width**2 + 4 * width for width in (16, 32, 64)]
    assert parameters(registry, entry, "resnet8") == 269_722 - 2 * sum(block)
    # Shortcut B adds two projections with their norm layers.
    assert parameters(registry, entry, "resnet8", shortcut="B") == parameters(registry, entry, "resnet8") + (
        16 * 32 + 2 * 32 + 32 * 64 + 2 * 64
    )


def test_shortcut_a_subsamples_and_pads_with_zeros():
    block = Block(2, 4, 2, "A").eval()
    torch.nn.init.zeros_(block.conv2.weight)
    x = torch.rand(1, 2, 4, 4)
    expected = torch.zeros(1, 4, 2, 2)
    expected[:, 1:3] = x[:, :, ::2, ::2]
    torch.testing.assert_close(block(x), expected)


def test_the_gradient_of_shortcut_a_is_that_of_slices_and_keeps_the_layout():
    x = torch.rand(2, 4, 5, 6).to(memory_format=torch.channels_last).requires_grad_()
    up = torch.rand(2, 6, 3, 3).to(memory_format=torch.channels_last)
    (gradient,) = torch.autograd.grad(zero_padded(x, 2, 2), x, up)
    expected = torch.zeros(2, 4, 5, 6)
    expected[:, :, ::2, ::2] = up[:, 1:5]
    assert torch.equal(gradient, expected)
    assert gradient.is_contiguous(memory_format=torch.channels_last)
