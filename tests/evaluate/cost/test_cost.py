"""Costs, counted by hand."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from assay.evaluate.cost.family import family
from assay.evaluate.cost.flops import flops, nonzero_flops
from assay.evaluate.cost.latency import latency, latency_iqr, timings
from assay.evaluate.cost.parameters import nonzero_parameters, parameters, weight_bytes
from assay.models.classifier import build
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 10)).eval()


def test_parameters_and_bytes(model):
    count = (4 * 9 + 4) + (4 + 4) + (144 * 10 + 10)
    assert parameters(model) == count
    # Running mean and variance of 4 channels, and a 64-bit counter.
    assert weight_bytes(model) == 4 * count + 2 * 4 * 4 + 8
    assert weight_bytes(model.half()) == 2 * count + 2 * 4 * 2 + 8


def test_zeros_are_told_apart(model):
    before = nonzero_parameters(model)
    with torch.no_grad():
        model[4].weight[:5] = 0
    assert before - nonzero_parameters(model) == 5 * 144
    assert parameters(model) == 40 + 8 + 1450


def test_weights_of_integers_are_counted_and_take_a_byte_or_half(registry, entry):
    from assay.compress.quantise import convert

    def make():
        return build(registry, entry("model", "linear"), 1, 3, 8, torch.Generator().manual_seed(0))

    plain = make()
    with torch.no_grad():
        plain.head.weight[:, :10] = 0
    for bits, bytes_ in ((8, 192), (4, 96)):
        model = make()
        model.load_state_dict(plain.state_dict())
        convert(model, bits, cut=False)
        assert parameters(model) == 195
        assert nonzero_parameters(model) <= nonzero_parameters(plain) == 195 - 30
        # Codes, a scale and a bias for each of 3 outputs, and the normalisation of one channel.
        assert weight_bytes(model) == bytes_ + 2 * 3 * 4 + 2 * 4


def test_flops(model):
    # 36 places, 4 filters and 9 weights; then 144 x 10; two operations each.
    assert flops(model, (1, 8, 8)) == 2 * (36 * 4 * 9 + 144 * 10)


def test_products_with_zeros_are_told_apart(model):
    with torch.no_grad():
        model[0].weight[1:3] = 0  # 2 filters of 9 weights at 36 places
        model[4].weight[:, :7] = 0  # 7 weights of 10 outputs
    assert flops(model, (1, 8, 8)) - nonzero_flops(model, (1, 8, 8)) == 2 * (36 * 2 * 9 + 7 * 10)
    narrow = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 10)).eval()
    assert nonzero_flops(narrow, (1, 8, 8)) == flops(narrow, (1, 8, 8))


def test_flops_of_a_resnet_agree_with_its_layers():
    from torchvision.models import resnet18

    # He et al. 2016, arXiv:1512.03385, table 1: 1.8 G multiply-adds for an image of 224 x 224.
    assert flops(resnet18().eval(), (3, 224, 224)) / 2 == pytest.approx(1.8e9, rel=0.02)


class Attention(nn.Module):
    """Kernels that no layer stands for: attention, a batched product and a transposed convolution."""

    def __init__(self):
        super().__init__()
        self.up = nn.ConvTranspose2d(1, 2, 3, stride=2, groups=1)

    def forward(self, x):
        x = self.up(x).flatten(2)
        return nn.functional.scaled_dot_product_attention(x, x, x) @ x.transpose(1, 2)


@pytest.mark.parametrize(
    "make", [Attention, lambda: nn.Sequential(nn.Conv2d(1, 6, 3, groups=1), nn.LazyConv2d(6, 3, groups=6))]
)
def test_flops_agree_with_the_counter_of_torch(make):
    model = make().eval()
    model(torch.zeros(1, 1, 8, 8))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 1, 8, 8))
    assert flops(model, (1, 8, 8)) == counter.get_total_flops() > 0


def test_counting_needs_no_compiler():
    code = """
import sys, torch
from assay.evaluate.cost.flops import flops, nonzero_flops
print(flops(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 3)), (1, 2, 2)), "torch._dynamo" in sys.modules)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "24 False\n"


def test_latency_is_the_middle_of_the_timings():
    seconds = np.array([1.0, 2.0, 3.0, 4.0, 100.0])
    assert latency(seconds) == 3
    assert latency_iqr(seconds) == 2


def test_timings_are_one_for_each_repeat(model):
    calls = []
    model.register_forward_hook(lambda _module, inputs, _output: calls.append(inputs[0].shape))
    seconds = timings(model, (1, 8, 8), batch=3, repeats=4)
    assert len(seconds) == 4
    assert (seconds > 0).all()
    assert calls == [(3, 1, 8, 8)] * 6


def test_the_family(trial, model):
    trial.model, trial.size, trial.channels = lambda: model, 8, 1
    trial.cost = {"train-seconds": 12.5, "bytes": 6100}
    rows = {(row.metric, *row.keys.values()): row for row in family(trial, [1, 256], 3).rows}
    assert rows["parameters",].value == 1498
    assert rows["train-seconds",].value == 12.5
    assert rows["disk-bytes",].value == 6100
    assert rows["peak-memory",].note == "the training did not record it"
    assert "measured on the machine" in rows["latency", "256"].note
    assert rows["parameters",].note is None


def test_without_a_model_everything_but_the_training_is_undefined(trial):
    trial.cost = {"train-peak-memory": 1e9}
    rows = family(trial, [1], 3).rows
    assert [row.metric for row in rows if row.value is not None] == ["peak-memory"]
    assert all(row.note for row in rows if row.value is None)
