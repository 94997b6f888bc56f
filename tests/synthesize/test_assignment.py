"""Immiscible noise: the assignment that costs least, of the same noise."""

from __future__ import annotations

from itertools import permutations

import torch
from assay.synthesize.assignment import immiscible


def test_the_assignment_is_the_cheapest_of_all():
    draw = torch.Generator().manual_seed(0)
    x, noise = torch.randn(5, 1, 2, 2, generator=draw), torch.randn(5, 1, 2, 2, generator=draw)
    made = immiscible(x, noise)
    costs = {order: float((x - noise[list(order)]).square().sum()) for order in permutations(range(5))}
    best = min(costs, key=costs.get)
    assert torch.equal(made, noise[list(best)])
    assert costs[best] < costs[tuple(range(5))]


def test_images_that_are_noise_get_themselves():
    noise = torch.randn(32, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    order = torch.randperm(32, generator=torch.Generator().manual_seed(2))
    assert torch.equal(immiscible(noise, noise[order]), noise)
