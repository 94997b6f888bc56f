import json

import numpy as np
import pytest
import torch
from assay.compress.low_rank import affordable, factors, low_rank
from assay.errors import MethodError
from assay.models.classifier import build
from assay.models.masks import weights
from assay.run.models import read_model, write_model
from torch import nn


@pytest.mark.parametrize(("shape", "rank"), [((6, 9), 2), ((9, 6), 5), ((4, 4), 4)])
def test_the_product_is_the_best_approximation_there_is(shape, rank):
    """Eckart and Young: its squared error is the sum of the squares of the singular values that are left out."""
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(rank))
    first, second = factors(matrix, rank)
    assert (first.shape, second.shape) == ((rank, shape[1]), (shape[0], rank))
    error = np.linalg.norm(matrix.numpy() - (second @ first).numpy())
    left = np.linalg.svd(matrix.numpy().astype(float), compute_uv=False)[rank:]
    assert error == pytest.approx(np.sqrt((left**2).sum()), abs=1e-5)
    assert np.linalg.norm(first.numpy()) == pytest.approx(np.linalg.norm(second.numpy()), rel=1e-5)


def test_a_network_of_low_rank_is_left_as_it_is(make, still, images, registry, entry, tmp_path):
    """Layers that have rank 1 are factorised without error, and the file builds the factorised network again."""
    model = make("resnet8", width=4)
    with torch.no_grad():
        for name, weight in weights(model).items():
            if name != "head":
                flat = weight.flatten(1)
                weight.copy_((flat[:, :1] * flat[:1]).view_as(weight))
    expected, before = model(images), sum(value.numel() for value in model.parameters())
    tuning = still()
    low_rank(model, tuning, share=0.5, finetune_epochs=2, finetune_lr=0.1)
    torch.testing.assert_close(model(images), expected, rtol=1e-4, atol=1e-4)
    assert tuning.calls == [{"epochs": 2, "lr": 0.1}]
    changed = [change["layer"] for change in model.changes]
    assert len(changed) == 7
    assert "head" not in changed
    assert sum(value.numel() for value in model.parameters()) < 0.65 * before
    write_model(tmp_path, model, entry("model", "resnet8", width=4), ["a", "b", "c"], 8)
    again = read_model(tmp_path, registry)
    torch.testing.assert_close(again(images), model(images), rtol=0, atol=0)
    assert json.loads((tmp_path / "model.json").read_text())["changes"][0]["kind"] == "low-rank"


def test_ranks_hold_the_share():
    assert affordable(torch.zeros(16, 8, 3, 3), 0.5) == int(0.5 * 1152 / (16 + 72))
    assert affordable(torch.zeros(2, 2), 0.5) == 0


def test_a_linear_layer_and_its_bias(make, still, images):
    model = make("mlp", hidden=20)
    layer = model.backbone[1]
    low_rank(model, still(), share=0.9, finetune_epochs=0, finetune_lr=0.1)
    assert isinstance(model.backbone[1], nn.Sequential)
    assert torch.equal(model.backbone[1][1].bias, layer.bias)
    rank = int(0.9 * 20 * 64 / 84)
    u, s, v = np.linalg.svd(layer.weight.detach().numpy())
    best = (u[:, :rank] * s[:rank]) @ v[:rank]
    made = (model.backbone[1][1].weight @ model.backbone[1][0].weight).detach().numpy()
    np.testing.assert_allclose(made, best, atol=1e-5)


def test_nothing_to_factorise(registry, entry, still):
    model = build(registry, entry("model", "linear"), 1, 3, 8, torch.Generator())
    with pytest.raises(MethodError, match="no layer has a rank of 1 or more"):
        low_rank(model, still(), share=0.5, finetune_epochs=0, finetune_lr=0.1)
