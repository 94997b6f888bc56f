"""A training starts from the initialisation that its arm names."""

import torch
from assay.train.job import train


def test_a_training_starts_from_it(registry, entry, toy, spec, memory):
    """With a learning rate of next to nothing the weights are handed on as they were drawn."""
    still = entry("recipe", "sgd", epochs=1, lr=1e-30, weight_decay=0.0)
    made = {
        name: train(
            spec(recipe=still, augment=[], init=entry("init", name) if name else None),
            registry, toy, log=memory().log, checkpoints=memory(),
        )
        for name in (None, "orthogonal", "he-normal")
    }  # fmt: skip
    rows = made["orthogonal"].backbone[4].weight.detach().reshape(8, -1)
    torch.testing.assert_close(rows @ rows.T, torch.eye(8), atol=1e-5, rtol=0)
    default = made[None].backbone[4].weight.detach().reshape(8, -1)
    assert (default @ default.T - torch.eye(8)).abs().max() > 0.1
    assert not torch.equal(made["he-normal"].head.weight, made[None].head.weight)
