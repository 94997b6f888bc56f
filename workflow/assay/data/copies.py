"""An augmentation written down: a train split of altered copies of its images, the same ones each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from assay.augment.draw import Draw, keys
from assay.data.dataset import COPY, Split
from assay.errors import MethodError
from assay.streams import Streams
from assay.study.registry import Registry, bind

#: Images that are altered at once; no bit depends on it.
BATCH = 1024


def copied(train: Split, count: int, entries: Sequence[dict[str, Any]], registry: Registry, streams: Streams) -> Split:
    """`count` altered copies of each image, one after the other, in place of it.

    Copy k is what epoch k - 1 of a training would see, with a draw of its own (`assay.augment.draw`): it depends on the
    image's id, the seed and k alone. Its id is that of the image and `:copy-k`; labels, groups, flags and votes are
    those of the image.

    Args:
        train: images.
        count: copies of each.
        entries: of kind augment, one after the other.
        registry: finds them.
        streams: stream `alteration` is used.

    Raises:
        MethodError: an augmentation that looks at a network, changes labels or gives images of another shape.
    """
    import torch

    augments = []
    for entry in entries:
        augment = bind(registry, "augment", entry)
        if isinstance(augment, partial) and isinstance(augment.func, type):
            augment = augment()
        if hasattr(augment, "watch"):
            raise MethodError(f"copies: {entry['method']} looks at the network in training, and there is none here")
        augments.append(augment)
    seed = streams.seed("alteration", "copies")
    classes = int(max(train.labels.max(initial=0), 0)) + 1
    out = np.empty((len(train), count, *train.images.shape[1:]), np.uint8)
    for first in range(0, len(train), BATCH):
        rows = slice(first, first + BATCH)
        pixels = torch.from_numpy(np.array(train.images[rows])).permute(0, 3, 1, 2).contiguous().float() / 255
        labels = torch.from_numpy(train.labels[rows])
        targets = torch.nn.functional.one_hot(labels.clamp_min(0), classes).float()
        ids = keys([str(name) for name in train.ids[rows]])
        for copy in range(count):
            x = pixels
            for place, augment in enumerate(augments):
                x, told = augment(x, targets, Draw(seed, copy, ids, place))
                if x.shape != pixels.shape or not torch.equal(told, targets):
                    raise MethodError(
                        f"copies: {entries[place]['method']} changes labels or shapes; a copy has those of its image"
                    )
            altered = (x.clamp(0, 1) * 255).round().to(torch.uint8)
            out[rows, copy] = altered.permute(0, 2, 3, 1).numpy()
    made = train.take(np.repeat(np.arange(len(train)), count))
    numbers = np.tile(np.arange(1, count + 1), len(train)).astype(str)
    names = np.char.add(np.char.add(made.ids.astype(str), COPY), numbers)
    return replace(made, images=out.reshape(-1, *train.images.shape[1:]), ids=names)
