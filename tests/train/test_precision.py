"""Number formats: what `auto` means on a machine, what the result states, and which layers are kept out of bf16."""

from __future__ import annotations

import pytest
import torch
from assay.errors import MethodError
from assay.models.classifier import build
from assay.train.job import train
from assay.train.precision import computing, resolved
from torch import nn

CPU = torch.device("cpu")
CUDA = torch.device("cuda")


@pytest.mark.parametrize(
    ("vector", "tiles", "expected"), [(True, False, "bf16"), (False, True, "bf16"), (False, False, "fp32")]
)
def test_auto_follows_the_instructions_of_the_cpu(monkeypatch, vector, tiles, expected):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: vector)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: tiles)
    assert resolved("auto", CPU) == expected
    assert resolved("fp32", CPU) == "fp32"


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), "fp32"), ((8, 0), "bf16"), ((9, 0), "bf16")])
def test_auto_follows_the_capability_of_a_cuda_device(monkeypatch, capability, expected):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    assert resolved("auto", CUDA) == expected


def test_tf32_is_refused_where_there_is_none(monkeypatch):
    with pytest.raises(MethodError, match=r"precision: tf32 needs a CUDA device of capability 8\.0 .* cpu"):
        resolved("tf32", CPU)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (7, 5))
    with pytest.raises(MethodError, match="tf32"):
        resolved("tf32", CUDA)


@pytest.mark.parametrize("recent", [True, False])
def test_an_apple_gpu_computes_in_bf16_when_asked_and_able(monkeypatch, recent):
    monkeypatch.setattr(torch.backends.mps, "is_macos_or_newer", lambda *version: recent and version == (14, 0))
    mps = torch.device("mps")
    assert resolved("auto", mps) == "fp32"
    if recent:
        assert resolved("bf16", mps) == "bf16"
    else:
        with pytest.raises(MethodError, match="bf16 needs macOS 14"):
            resolved("bf16", mps)


@pytest.mark.parametrize(("precision", "allowed"), [("fp32", False), ("bf16", False), ("tf32", True)])
def test_tf32_is_on_in_tf32_alone_and_put_back(precision, allowed):
    flags = [torch.backends.cuda.matmul, torch.backends.cudnn]
    before = [flag.allow_tf32 for flag in flags]
    with computing(precision, nn.Identity(), CPU):
        assert [flag.allow_tf32 for flag in flags] == [allowed, allowed]
    assert [flag.allow_tf32 for flag in flags] == before


def test_strided_depthwise_convolutions_stay_out_of_bf16_on_a_cpu():
    layers = nn.ModuleDict({
        "strided": nn.Conv2d(4, 4, 3, stride=2, groups=4),
        "depthwise": nn.Conv2d(4, 4, 3, groups=4),
        "plain": nn.Conv2d(4, 4, 3, stride=2),
    })  # fmt: skip
    x = torch.rand(2, 4, 9, 9)

    def formats():
        with torch.autocast("cpu", torch.bfloat16):
            return {name: layer(x).dtype for name, layer in layers.items()}

    full, half = torch.float32, torch.bfloat16
    with computing("bf16", layers, CPU):
        assert formats() == {"strided": full, "depthwise": half, "plain": half}
        with torch.autocast("cpu", torch.bfloat16):
            inside = layers["strided"](x.bfloat16())
    assert formats() == {"strided": half, "depthwise": half, "plain": half}
    assert torch.equal(inside, layers["strided"](x.bfloat16().float()))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_result_says_which_format_it_was(monkeypatch, spec, registry, toy, memory, precision):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: precision == "bf16")
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    stated, record = {}, memory()
    made = train(spec(precision="auto"), registry, toy, log=record.log, checkpoints=record, state=stated.update)
    assert stated["precision"] == precision
    record = memory()
    asked = train(spec(precision=precision), registry, toy, log=record.log, checkpoints=record)
    assert all(torch.equal(value, asked.state_dict()[name]) for name, value in made.state_dict().items())


def test_attention_in_bf16_is_that_of_the_fused_kernel(registry, entry):
    def logits(precise):
        model = build(registry, entry("model", "vit-tiny", depth=2), 3, 10, 16, torch.Generator().manual_seed(0))
        x = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(1))
        with torch.autocast("cpu", torch.bfloat16, enabled=not precise):
            out = model(x).float()
        out.square().mean().backward()
        return out.detach(), model.backbone[3].attention.qkv.weight.grad

    for half, full in zip(logits(False), logits(True), strict=True):
        assert (half - full).norm() < 0.03 * full.norm()
