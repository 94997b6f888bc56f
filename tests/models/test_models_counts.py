"""Parameter counts as papers and reference implementations give them."""

import pytest
import torch
from assay.models.classifier import build


def count(registry, entry, name, channels=3, size=32, **options):
    model = build(registry, entry("model", name, **options), channels, 10, size, torch.Generator())
    return sum(parameter.numel() for parameter in model.parameters())


# Exact counts for 10 classes of 3 x 32 x 32 pixels, and what the paper prints in millions (None where it does not).
@pytest.mark.parametrize(
    ("name", "exact", "millions"),
    [
        ("resnet32", 464_154, "0.46"),  # He et al. 2015, table 6; akamaster/pytorch_resnet_cifar10
        ("resnet44", 658_586, "0.66"),
        ("resnet56", 853_018, "0.85"),
        ("resnet110", 1_727_962, "1.7"),
        ("wrn-16-2", 691_674, "0.7"),  # Zagoruyko and Komodakis 2016; xternalz/WideResNet-pytorch
        ("wrn-28-2", 1_467_610, "1.5"),  # Oliver et al. 2018
        ("wrn-40-2", 2_243_546, "2.2"),
        ("wrn-28-10", 36_479_194, "36.5"),
        ("resnet18", 11_173_962, "11.17"),  # kuangliu/pytorch-cifar
        ("resnet34", 21_282_122, None),
        ("resnet50", 23_520_842, None),
        ("vgg11", 9_231_114, None),
        ("vgg16", 14_728_266, None),
        ("densenet-bc-100-12", 769_162, "0.8"),  # Huang et al. 2017, table 2
        ("all-cnn-c", 1_369_738, "1.4"),  # Springenberg et al. 2014, table 3
        ("convnet", 320_010, "0.32"),  # VICO-UoE/DatasetCondensation, networks.py: ConvNet with instance normalisation
        ("nin", 966_986, "0.97"),  # as Springenberg et al. 2014 count it
        ("cct", 3_760_139, "3.76"),  # Hassani et al. 2021, table 1
        ("cvt", 3_716_363, "3.72"),
    ],
)
def test_parameters_as_published(registry, entry, name, exact, millions):
    found = count(registry, entry, name)
    assert found == exact
    if millions:
        assert f"{found / 1e6:.{len(millions.partition('.')[2])}f}" == millions


def test_experts_share_the_first_stage_and_have_their_own_others(registry, entry):
    # Weights and norm layers of ResNet-32 in 16, 24 and 48 channels, by the sizes that RIDE's code gives its stages.
    first = 16 * 3 * 9 + 2 * 16 + 10 * (16 * 16 * 9 + 2 * 16)
    second = 24 * 16 * 9 + 9 * 24 * 24 * 9 + 10 * 2 * 24
    third = 48 * 24 * 9 + 9 * 48 * 48 * 9 + 10 * 2 * 48
    for experts in (1, 3):
        head = experts * 48 * 10 + 10
        assert count(registry, entry, "experts-resnet", experts=experts) == first + experts * (second + third) + head


def test_preactivation_moves_norm_layers_and_adds_none(registry, entry):
    for depth, exact in ((20, 269_722), (56, 853_018), (110, 1_727_962)):
        assert count(registry, entry, f"preact-resnet{depth}") == exact


def test_lenet(registry, entry):
    # LeCun et al. 1998: C1 156, C3 with all maps 2416, C5 48120, F6 10164, and 850 in a linear output layer.
    assert count(registry, entry, "lenet", channels=1) == 156 + 2416 + 48_120 + 10_164 + 850


def test_vit_lite_swaps_a_pool_for_a_class_token(registry, entry):
    pooled = count(registry, entry, "cvt")
    # A map to one weight (256 + 1) goes; a token and its position (2 * 256) come.
    assert count(registry, entry, "cvt", pool="class") == pooled - 257 + 512


def test_cct_with_more_convolutions(registry, entry):
    # CCT-7/3x2 has 4.0 times fewer tokens than 3x1, of which each has a position, and 64 channels in between.
    change = (64 - 256) * 256 + (3 * 9 * 64 + 64 * 9 * 256) - 3 * 9 * 256
    assert count(registry, entry, "cct", convolutions=2) == count(registry, entry, "cct") + change


@pytest.mark.parametrize(
    ("name", "widths", "layers"),
    [("airbench94", (64, 256, 256), 2), ("airbench95", (128, 384, 384), 2), ("airbench96", (128, 384, 512), 3)],
)
def test_airbench(registry, entry, name, widths, layers):
    # The shift of the whitening layer; of each group 3x3 kernels and shifts of norms; the head without a shift.
    expected, inputs = 24, 24
    for width in widths:
        expected += 9 * inputs * width + (layers - 1) * 9 * width * width + layers * width
        inputs = width
    assert count(registry, entry, name) == expected + 10 * inputs
