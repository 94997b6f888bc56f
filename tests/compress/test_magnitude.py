import pytest
import torch
from assay.compress.magnitude import magnitude, prunable, smallest
from assay.errors import MethodError
from assay.models.classifier import build
from torch.nn.utils import prune


def make(registry, entry, name="tiny-cnn"):
    return build(registry, entry("model", name), 1, 3, 8, torch.Generator().manual_seed(0)).requires_grad_(True)


def untouched(*args, **kwargs):
    raise AssertionError("no fine-tuning was asked for")


def test_by_hand():
    weights = [torch.tensor([[0.1, -3.0], [0.5, -0.2]]), torch.tensor([0.4, 9.0])]
    first, second = smallest(weights, 0.5)
    assert first.tolist() == [[True, False], [False, True]]
    assert second.tolist() == [True, False]


@pytest.mark.parametrize("sparsity", [0.1, 0.8, 0.97])
def test_agrees_with_torch(registry, entry, sparsity):
    ours, theirs = make(registry, entry), make(registry, entry)
    magnitude(ours, untouched, sparsity=sparsity, finetune_epochs=0, finetune_lr=0.1)
    layers = [(m, "weight") for m in theirs.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
    prune.global_unstructured(layers, pruning_method=prune.L1Unstructured, amount=sparsity)
    for mine, (module, _) in zip(prunable(ours).values(), layers, strict=True):
        assert torch.equal(mine, module.weight)


def test_ties_are_pruned_exactly():
    masks = smallest([torch.ones(3, 3), torch.ones(5)], 0.5)
    assert sum(int(mask.sum()) for mask in masks) == 7


def test_pruned_weights_stay_zero_after_each_step_and_the_rest_moves(registry, entry):
    model = make(registry, entry)
    biases = {name: value.clone() for name, value in model.named_parameters() if value.ndim == 1}
    before = {name: weight.detach().clone() for name, weight in prunable(model).items()}

    def finetune(tuned, *, epochs, lr, after_step):
        assert (tuned, epochs, lr) == (model, 4, 0.3)
        assert all(torch.equal(value, biases[name]) for name, value in tuned.named_parameters() if value.ndim == 1)
        for _ in range(epochs):
            with torch.no_grad():
                for weight in prunable(tuned).values():
                    weight += 1
            after_step()

    magnitude(model, finetune, sparsity=0.7, finetune_epochs=4, finetune_lr=0.3)
    masks = smallest(list(before.values()), 0.7)
    for (name, weight), mask in zip(prunable(model).items(), masks, strict=True):
        assert not weight[mask].any()
        torch.testing.assert_close(weight[~mask], before[name][~mask] + 4)


def test_a_fine_tuning_that_brings_weights_back_is_found_out(registry, entry):
    def careless(tuned, *, epochs, lr, after_step):
        with torch.no_grad():
            tuned.head.weight += 1

    with pytest.raises(MethodError, match=r"weights are zero, .* should be"):
        magnitude(make(registry, entry), careless, sparsity=0.7, finetune_epochs=1, finetune_lr=0.1)
