"""CIFAR-10 and CIFAR-100 as their authors publish them: pickled batches of rows of 3,072 bytes.

Format: https://www.cs.toronto.edu/~kriz/cifar.html. A row is the red, then the green, then the blue plane of 32 x 32.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from assay.data.published import Parts
from assay.data.readers.restricted import unpickle
from assay.data.unpack import members
from assay.errors import MethodError

#: In the order of the labels of CIFAR-10, and of the sets made after it.
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
#: SHA-256 of the labels of CIFAR-10's test images in their order, as little-endian int64.
TEST_LABELS = "cbb7365de8ed11f05cc4c3a1e7f78144127c5e851efd83762fb18202461230bb"

FINE = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant
flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree
motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate
poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider
squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle
wardrobe whale willow_tree wolf woman worm
""".split()  # noqa: SIM905 - a list of so many would fill two screens

COARSE = """
aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices household_furniture
insects large_carnivores large_man-made_outdoor_things large_natural_outdoor_scenes large_omnivores_and_herbivores
medium_mammals non-insect_invertebrates people reptiles small_mammals trees vehicles_1 vehicles_2
""".split()  # noqa: SIM905 - a list of so many would fill two screens


def batches(file: Path, train: list[str], test: list[str], key: str) -> Parts:
    """Images [N,32,32,3] and labels [N] of the pickled batches of an archive.

    Args:
        file: the `.tar.gz`.
        train: names of the batches of train, in order.
        test: likewise.
        key: under which a batch holds its labels: `labels`, `fine_labels` or `coarse_labels`.

    Raises:
        MethodError: a damaged archive, one without a batch, or a batch that is none.
    """
    found = {_base(name): data for name, data in members(file, lambda name: _base(name) in (*train, *test))}
    return {part: _joined(file.name, found, names, key) for part, names in (("train", train), ("test", test))}


def _joined(archive: str, found: dict[str, bytes], names: list[str], key: str) -> tuple[np.ndarray, np.ndarray]:
    images, labels = [], []
    for name in names:
        if name not in found:
            raise MethodError(f"{archive}: there is no batch {name}, only {', '.join(sorted(found)) or 'other files'}")
        batch: Any = unpickle(found[name], f"{archive}: {name}")
        data = batch.get("data") if isinstance(batch, dict) else None
        if not (isinstance(data, np.ndarray) and data.dtype == np.uint8 and data.ndim == 2 and data.shape[1] == 3072):
            raise MethodError(f"{archive}: {name} holds no array `data` of rows of 3072 bytes")
        if not isinstance(batch.get(key), list) or len(batch[key]) != len(data):
            raise MethodError(f"{archive}: {name} holds no list `{key}` of {len(data)} labels, one for each image")
        images.append(data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
        labels.append(np.array(batch[key], np.int64))
    return np.concatenate(images), np.concatenate(labels)


def _base(name: str) -> str:
    return name.rpartition("/")[2]
