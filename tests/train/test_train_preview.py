"""The pictures of an arm's augmentation are those that its training sees."""

from __future__ import annotations

import numpy as np
import torch
from assay.streams import Streams
from assay.study.registry import bind
from assay.train.images import Images
from assay.train.objective import Supervised
from assay.train.preview import preview


def _spec(entry, *augments):
    return {"augment": [entry("augment", name) for name in augments], "streams": {"augment": 3}}


def test_without_augmentation_nothing_changes(registry, entry, toy):
    real, altered = preview(_spec(entry), registry, toy, None, 5)
    assert real.shape == (5, *toy.splits["train"].images.shape[1:])
    np.testing.assert_array_equal(real, altered)


def test_it_shows_what_the_first_epoch_trains_on(registry, entry, toy):
    spec = _spec(entry, "flip", "translate")
    seen = []

    class Spy:
        def features(self, x):
            seen.append(x.clone())
            return x.flatten(1)

        def head(self, features):
            return features[:, : len(toy.classes)]

    images = Images([toy.splits["train"]], len(toy.classes), torch.device("cpu"))
    augments = [bind(registry, "augment", each) for each in spec["augment"]]
    seed = Streams(spec["streams"]).seed("augment", "train")
    objective = Supervised(Spy(), images, augments, seed, lambda logits, *_: logits.sum(1))
    count = len(images.raw)
    objective(0, torch.arange(count), torch.zeros(count, dtype=torch.int64))
    _, altered = preview(spec, registry, toy, None, count)
    np.testing.assert_array_equal(altered, (seen[0] * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy())
