import pytest
import torch
from assay.compress.magnitude import magnitude
from assay.models.masks import smallest, weights
from torch.nn.utils import prune


def test_by_hand():
    first, second = smallest([torch.tensor([[0.1, 3.0], [0.5, 0.2]]), torch.tensor([0.4, 9.0])], 3)
    assert first.tolist() == [[True, False], [False, True]]
    assert second.tolist() == [True, False]


def test_ties_are_pruned_exactly():
    masks = smallest([torch.ones(3, 3), torch.ones(5)], 7)
    assert sum(int(mask.sum()) for mask in masks) == 7


@pytest.mark.parametrize("sparsity", [0.1, 0.8, 0.97])
def test_global_agrees_with_torch(make, still, sparsity):
    ours, theirs = make(), make()
    magnitude(ours, still(), sparsity=sparsity, scope="global", finetune_epochs=0, finetune_lr=0.1)
    layers = [(m, "weight") for m in theirs.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
    prune.global_unstructured(layers, pruning_method=prune.L1Unstructured, amount=sparsity)
    for mine, (module, _) in zip(weights(ours).values(), layers, strict=True):
        assert torch.equal(mine, module.weight)


def test_layer_by_layer_agrees_with_torch_and_differs_from_global(make, still):
    ours, theirs = make(), make()
    magnitude(ours, still(), sparsity=0.5, scope="layer", finetune_epochs=0, finetune_lr=0.1)
    for module in theirs.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            prune.l1_unstructured(module, "weight", 0.5)
    for name, mine in weights(ours).items():
        assert torch.equal(mine, theirs.get_submodule(name).weight)
        assert (mine == 0).sum() == round(0.5 * mine.numel())
    magnitude(theirs := make(), still(), sparsity=0.5, scope="global", finetune_epochs=0, finetune_lr=0.1)
    assert any(not torch.equal(mine, weights(theirs)[name]) for name, mine in weights(ours).items())


def test_the_rest_is_fine_tuned_as_asked_and_biases_stay(make, still):
    model, tuning = make(), still()
    before = {name: value.clone() for name, value in model.named_parameters() if value.ndim == 1}
    assert magnitude(model, tuning, sparsity=0.7, scope="global", finetune_epochs=4, finetune_lr=0.3) is model
    assert tuning.calls == [{"epochs": 4, "lr": 0.3}]
    assert all(torch.equal(value, before[name]) for name, value in model.named_parameters() if value.ndim == 1)
