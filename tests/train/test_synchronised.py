"""Batch normalisation of parts of a batch, against torch's own layer on the whole batch."""

from __future__ import annotations

import threading

import pytest
import torch
import torch.nn.functional as F
from assay.train.synchronised import _batch_norm, synchronised


class Group:
    """Threads in the place of processes: what each gives is put together where all have come."""

    def __init__(self, size):
        self.size = size
        self.given = [None] * size
        self.barrier = threading.Barrier(size, timeout=30)
        self.rank = threading.local()

    def gather(self, values):
        self.given[self.rank.value] = values
        self.barrier.wait()
        found = torch.stack(self.given)
        self.barrier.wait()
        return found

    def add(self, tensors):
        for tensor in tensors:
            tensor.copy_(self.gather(tensor.clone()).sum(dim=0))

    def run(self, function):
        """`function(rank)` in one thread for each rank; what they return."""
        results = [None] * self.size

        def each(rank):
            self.rank.value = rank
            results[rank] = function(rank)

        threads = [threading.Thread(target=each, args=(rank,)) for rank in range(self.size)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results


@pytest.mark.parametrize("shape", [(11, 3), (11, 3, 4), (11, 3, 4, 5)])
@pytest.mark.parametrize("affine", [True, False])
def test_parts_together_are_the_whole(shape, affine):
    draw = torch.Generator().manual_seed(0)
    # A mean far from 0 would show a variance from sums of squares; parts differ in mean and length.
    x = 50 + torch.randn(shape, generator=draw)
    x[:4] += 3
    target = torch.randn(shape, generator=draw)
    weight, bias = (torch.randn(3, generator=draw) for _ in range(2)) if affine else (None, None)

    def leaf(value):
        return None if value is None else value.clone().requires_grad_(True)

    whole = [leaf(value) for value in (x, weight, bias)]
    mean, variance = torch.full((3,), 2.0), torch.full((3,), 3.0)
    expected = F.batch_norm(whole[0], mean, variance, whole[1], whole[2], True, 0.3, 1e-5)
    (expected * target).sum().backward()

    group = Group(3)
    targets = target.tensor_split(3)

    def part(rank):
        own = [leaf(value) for value in (x.tensor_split(3)[rank], weight, bias)]
        running = torch.full((3,), 2.0), torch.full((3,), 3.0)
        y = _batch_norm(F.batch_norm, group.gather, group.add, own[0], *running, own[1], own[2], True, 0.3, 1e-5)
        (y * targets[rank]).sum().backward()
        return y.detach(), [value if value is None else value.grad for value in own], running

    outputs, gradients, running = zip(*group.run(part), strict=True)
    torch.testing.assert_close(torch.cat(outputs), expected.detach(), atol=2e-5, rtol=1e-5)
    torch.testing.assert_close(torch.cat([each[0] for each in gradients]), whole[0].grad, atol=2e-5, rtol=1e-4)
    if affine:
        for place in (1, 2):
            summed = sum(each[place] for each in gradients)
            torch.testing.assert_close(summed, whole[place].grad, atol=1e-4, rtol=1e-5)
    for own_mean, own_variance in running:
        torch.testing.assert_close(own_mean, mean)
        torch.testing.assert_close(own_variance, variance)


def test_layers_of_any_library_take_part_in_training_alone_and_everything_is_put_back():
    asked = []

    def gather(values):
        asked.append(values)
        return values[None]

    before = F.batch_norm
    layer, x = torch.nn.BatchNorm1d(2), torch.randn(6, 2)
    with synchronised(gather, lambda _: None):
        layer(x)
        layer.eval()(x)
    assert len(asked) == 1
    with pytest.raises(ZeroDivisionError), synchronised(gather, lambda _: None):
        1 / 0  # noqa: B018
    assert F.batch_norm is before


def test_bfloat16_goes_in_and_comes_out():
    x = torch.randn(8, 2, 3, 3).to(torch.bfloat16)
    given = [torch.ones(2), torch.zeros(2)]
    out = _batch_norm(F.batch_norm, lambda values: values[None], lambda _: None, x, None, None, *given, True)
    assert out.dtype == torch.bfloat16
    torch.testing.assert_close(out, F.batch_norm(x, None, None, *given, True), atol=2e-2, rtol=2e-2)
