import numpy as np
import pytest
import torch
from assay.errors import MethodError
from assay.streams import Streams
from assay.train.order import Order, _repeats
from hypothesis import given
from hypothesis import strategies as st

STREAMS = Streams({"order": 3})


@given(st.integers(1, 60), st.integers(1, 70), st.integers(0, 3))
def test_every_image_once_in_batches_of_nearly_one_size(images, batch, epoch):
    order = Order(np.zeros(images, np.int64), batch, STREAMS)
    parts = list(order.batches(epoch))
    assert len(parts) == order.steps == -(-images // batch)
    sizes = [len(indices) for indices, _ in parts]
    assert max(sizes) <= batch
    assert max(sizes) - min(sizes) <= 1
    assert sorted(torch.cat([indices for indices, _ in parts]).tolist()) == list(range(images))
    assert not torch.cat([repeats for _, repeats in parts]).any()


def test_epochs_and_scopes_differ_and_come_again():
    def epoch(number, scope="train"):
        return torch.cat([i for i, _ in Order(np.zeros(50, np.int64), 8, STREAMS, scope=scope).batches(number)])

    assert torch.equal(epoch(1), epoch(1))
    assert not torch.equal(epoch(1), epoch(2))
    assert not torch.equal(epoch(1), epoch(1, "finetune-0"))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40))
def test_repeats_count_earlier_occurrences(chosen):
    expected = [chosen[:place].count(value) for place, value in enumerate(chosen)]
    assert _repeats(np.array(chosen)).tolist() == expected


def test_an_epoch_of_another_size_and_no_images_are_refused():
    sizes = iter([5, 5, 6])
    order = Order(np.zeros(5, np.int64), 2, STREAMS, lambda _labels, _rng: np.zeros(next(sizes), np.int64))
    list(order.batches(0))
    with pytest.raises(MethodError, match="6 images in epoch 1, 5 in epoch 0"):
        list(order.batches(1))
    with pytest.raises(MethodError, match="no images"):
        Order(np.zeros(0, np.int64), 2, STREAMS)
