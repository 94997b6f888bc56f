"""Weights between others: WiSE-FT, soups, and statistics for them."""

import pytest
import torch
from assay.compress.batch_norm import batch_norm
from assay.compress.job import compress
from assay.compress.soup import soup
from assay.compress.wise_ft import wise_ft
from assay.errors import MethodError
from assay.train.images import Images


def different(make, *numbers):
    models = []
    for number in numbers:
        model = make()
        for value in model.state_dict().values():
            if value.is_floating_point():
                value.add_(number)
        models.append(model)
    return models


def same(left, right):
    return all(torch.equal(value, right[name]) for name, value in left.items())


def test_wise_ft_has_both_ends_and_the_middle(make, still):
    start, end = different(make, 0.0, 2.0)
    first, last = start.state_dict(), {name: value.clone() for name, value in end.state_dict().items()}
    assert same(wise_ft(different(make, 2.0)[0], still(start=start), alpha=1.0).state_dict(), last)
    assert same(wise_ft(different(make, 2.0)[0], still(start=start), alpha=0.0).state_dict(), first)
    quarter = wise_ft(end, still(start=start), alpha=0.25).state_dict()
    for name, value in quarter.items():
        if value.is_floating_point():
            torch.testing.assert_close(value, first[name] + 0.5)


def cook(model, tuning, how="uniform", batch_norm=False):
    return soup(model, tuning, how=how, batch_norm=batch_norm)


def test_a_soup_of_equal_models_is_the_model(make, still):
    for how in ("uniform", "greedy"):
        tuning = still(others=different(make, 0.0, 0.0))
        tuning.accuracy = lambda _: 0.5
        assert same(cook(make(), tuning, how).state_dict(), make().state_dict())


def test_a_uniform_soup_is_the_mean(make, still):
    others = different(make, 3.0, 6.0)
    made = cook(make(), still(others=others)).state_dict()
    for name, value in make().state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(made[name], value + 3.0)
    assert cook(make(), tuning := still(others=others), batch_norm=True)
    assert tuning.calls == ["statistics"]


def test_a_greedy_soup_takes_what_does_not_lower_accuracy(make, still):
    """Models at 0, 1, 4 and 2 (offset of their weights); accuracy is highest at an offset of 1.5."""
    reference = make().head.weight

    class Val(still):
        def accuracy(self, model):
            offset = (model.head.weight - reference).mean().item()
            return 1 - abs(offset - 1.5) / 10

    tuning = Val(others=different(make, 1.0, 4.0, 2.0))
    made = cook(make(), tuning, "greedy")
    # 1 and 2 are equally good alone and 1 comes first; 2 joins (1.5); 0 would bring it to 1.0 and 4 to 2.3.
    assert (made.head.weight - reference).mean().item() == pytest.approx(1.5, abs=1e-5)


def test_soups_that_cannot_be(make, still):
    with pytest.raises(MethodError, match="needs further models"):
        cook(make(), still())
    with pytest.raises(MethodError, match="of another architecture"):
        cook(make(), still(others=[make(width=4)]))


def test_statistics_are_the_means_over_the_train_images(spec, registry, toy, memory, parent, entry):
    """With one batch, the mean and variance that the first normalisation finds in front of it."""
    what = {**spec, "method": entry("compress", "batch-norm"), "recipe": {**spec["recipe"], "batch": 48}}
    torn = {name: value.clone() for name, value in parent.state_dict().items()}
    torn["backbone.1.running_mean"] += 5
    parent.load_state_dict(torn)
    record = memory()
    model = compress(what, registry, toy, parent, log=record.log, checkpoints=record)
    x = Images([toy.splits["train"]], 3, torch.device("cpu")).batch(torch.arange(48))[0]
    before = model.backbone[0]((x - model.mean[:, None, None]) / model.std[:, None, None])
    torch.testing.assert_close(model.backbone[1].running_mean, before.mean(dim=(0, 2, 3)), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(model.backbone[1].running_var, before.var(dim=(0, 2, 3)), rtol=1e-4, atol=1e-5)
    assert all(torch.equal(value, torn[name]) for name, value in model.named_parameters())
    assert not model.training


def test_without_batch_normalisation_there_is_nothing_to_compute(make, still):
    with pytest.raises(MethodError, match="no batch normalisation"):
        batch_norm(make("linear"), still())
