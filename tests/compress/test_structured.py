import copy

import pytest
import torch
from assay.compress.job import compress
from assay.compress.structured import narrowed, remaining, structured
from assay.errors import MethodError
from assay.evaluate.cost.flops import flops
from assay.models.chains import chains
from assay.models.masks import prunable
from assay.run.models import read_model, write_model

OPTIONS = {"scope": "layer", "images": 16, "finetune_epochs": 0, "finetune_lr": 0.1}


def masked_twin(model, found, keep):
    """The same network, whose readers have zeros where channels go."""
    with torch.no_grad():
        for chain, kept in zip(found, keep, strict=True):
            weight = model.get_submodule(chain.reader).weight
            each = torch.zeros(weight.shape[1] // chain.each, dtype=torch.bool)
            each[kept] = True
            weight[:, ~each.repeat_interleave(chain.each)] = 0
    return model


@pytest.mark.parametrize(
    ("name", "size", "options"),
    [
        ("tiny-cnn", 8, {"width": 8}),
        ("resnet8", 8, {"width": 4}),
        ("preact-resnet20", 8, {"width": 4}),
        ("vgg11", 8, {"width": 4}),
        ("resnet50", 8, {"width": 4}),
        ("mlp", 8, {"hidden": 12}),
        ("nin", 8, {}),
        ("mobilenetv2", 8, {}),
        ("densenet-bc-100-12", 8, {"growth": 2}),
        ("wrn-16-2", 8, {}),
    ],
)
def test_a_narrow_network_gives_what_the_masked_one_gives(make, images, name, size, options):
    model, twin = make(name, size, **options), make(name, size, **options)
    found = chains(model)
    assert found
    generator = torch.Generator().manual_seed(1)
    keep = [
        torch.randperm(len(model.get_submodule(chain.writer).weight), generator=generator)[: 1 + number % 3].sort()[0]
        for number, chain in enumerate(found)
    ]
    masked_twin(twin, found, keep)
    before = flops(model, (1, size, size))
    narrowed(model, found, keep)
    torch.testing.assert_close(model(images), twin(images), rtol=1e-4, atol=1e-4)
    assert flops(model, (1, size, size)) < before
    for chain, kept in zip(found, keep, strict=True):
        assert len(model.get_submodule(chain.writer).weight) == len(kept)


def test_counts_by_hand(make, still, registry, entry, images, tmp_path):
    """tiny-cnn of 8 and 16 channels at a half: 4 and 8 are left, and what is written is read again."""
    model, tuning = make(width=8), still()
    structured(model, tuning, share=0.5, criterion="l1", **{**OPTIONS, "finetune_epochs": 3})
    assert sum(value.numel() for value in model.parameters()) == 4 * 9 + 2 * 4 + 8 * 4 * 9 + 2 * 8 + 3 * 8 + 3
    assert flops(model, (1, 8, 8)) == 2 * (64 * 4 * 9 + 16 * 8 * 4 * 9 + 3 * 8)
    assert tuning.calls == [{"epochs": 3, "lr": 0.1}]
    write_model(tmp_path, model, entry("model", "tiny-cnn", width=8), ["a", "b", "c"], 8)
    assert torch.equal(read_model(tmp_path, registry)(images), model(images))


def test_criteria_by_hand(make, still):
    """Four channels whose order is another by each criterion."""

    def kept(criterion):
        model = make(width=4)
        with torch.no_grad():
            filters = torch.zeros(4, 9)
            filters[0, :9] = 0.4  # l1 3.6, l2 1.44
            filters[1, 0] = 3.0  # l1 3.0, l2 9.0
            filters[2, 0], filters[2, 1] = 2.9, 0.05  # near to 1
            filters[3, 2] = 2.0
            model.backbone[0].weight.copy_(filters.view(4, 1, 3, 3))
            model.backbone[1].weight.copy_(torch.tensor([0.1, -4.0, 2.0, 3.0]))
        tuning = still()
        tuning.gradients = lambda *_: {
            "backbone.0": torch.tensor([1.0, 0.1, 0.1, 5.0])[:, None, None, None].expand(4, 1, 3, 3),
            "backbone.4": torch.ones(8, 4, 3, 3),
        }
        before = model.backbone[0].weight.detach().clone()
        structured(model, tuning, share=0.5, criterion=criterion, **OPTIONS)
        return [number for number in range(4) if any(torch.equal(before[number], w) for w in model.backbone[0].weight)]

    assert kept("l1") == [0, 1]
    assert kept("l2") == [1, 2]
    assert kept("bn-scale") == [1, 3]
    assert kept("taylor") == [0, 3]  # squares of w g: 9 * 0.16, 0.09, 0.08, 100
    # Sums of distances: 1 and 2 lie 0.11 apart, so theirs are 6.55 and 6.37; those of 0 and 3 are 7.53 and 9.09.
    assert kept("median") == [0, 3]
    assert len(kept("random")) == 2


def test_global_scores_are_compared_over_the_mean_of_their_layer_and_one_channel_stays():
    scores = [torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([1e-3, 1.0, 1e-3, 1e-3])]
    assert [kept.tolist() for kept in remaining(scores, 0.5, "global")] == [[1, 2, 3], [1]]
    assert [kept.tolist() for kept in remaining(scores, 0.5, "layer")] == [[2, 3], [0, 1]]
    assert [len(kept) for kept in remaining(scores, 0.99, "global")] == [1, 1]


def test_the_gradients_of_taylor_are_those_of_the_loss(spec, registry, toy, memory, parent, entry):
    def run(record, epochs):
        method = entry("compress", "structured", criterion="taylor", images=48, finetune_epochs=epochs)
        what = {**spec, "method": method}
        return compress(what, registry, toy, parent, log=record.log, checkpoints=record)

    x = torch.from_numpy(toy.splits["train"].images).float().permute(0, 3, 1, 2) / 255
    copied = copy.deepcopy(parent)
    torch.nn.functional.cross_entropy(copied(x), torch.from_numpy(toy.splits["train"].labels)).backward()
    weight = copied.backbone[0].weight
    best = (weight * weight.grad).square().sum(dim=(1, 2, 3)).argsort()[4:].sort().values
    assert torch.equal(run(memory(), 0).backbone[0].weight, parent.backbone[0].weight[best])
    undisturbed = memory()
    model = run(undisturbed, 8)
    assert undisturbed.lines[-1]["val.accuracy"] > 0.8
    again = memory(1).through(lambda record: run(record, 8).state_dict(), [6])
    assert all(torch.equal(value, again[name]) for name, value in model.state_dict().items())


def test_networks_that_have_nothing_to_give(make, still):
    with pytest.raises(MethodError, match="no layer of this network has outputs that one other layer alone reads"):
        structured(make("linear"), still(), share=0.5, criterion="l1", **OPTIONS)
    with pytest.raises(MethodError, match="cannot be followed in this network"):
        structured(make("vit-tiny", depth=1), still(), share=0.5, criterion="l1", **OPTIONS)
    with pytest.raises(MethodError, match="no batch normalisation with a scale"):
        structured(make("mlp"), still(), share=0.5, criterion="bn-scale", **OPTIONS)
    assert prunable(make("mlp"))
