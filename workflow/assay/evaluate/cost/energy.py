"""Energy of a forward pass, where the machine counts it (RAPL; Khan et al. 2018, doi:10.1145/3177754)."""

from __future__ import annotations

import time
from pathlib import Path

import torch
from torch import nn

from assay.evaluate.result import UndefinedError

#: Where Linux shows the energy counters of processor packages, in microjoules.
COUNTERS = Path("/sys/class/powercap")
#: Passes are repeated until this many seconds have gone by: the counters tick about every millisecond.
SECONDS = 1.0


def energy(model: nn.Module, image: tuple[int, int, int], batch: int, counters: Path = COUNTERS) -> float:
    """Joules for one image of shape (C, H, W) in batches of `batch`, of the whole processor.

    What else runs on the machine, and what it draws at rest, is in it.

    Raises:
        UndefinedError: the machine has no counters that this process may read.
    """
    packages = sorted(counters.glob("intel-rapl:[0-9]*"))
    packages = [one for one in packages if one.name.count(":") == 1]
    try:
        before = [_microjoules(one) for one in packages]
    except OSError:
        before = []
    if not before:
        raise UndefinedError("the machine counts no energy that this process may read (RAPL)")
    images, passes, start = torch.zeros(batch, *image), 0, time.perf_counter()
    with torch.inference_mode():
        while passes == 0 or time.perf_counter() - start < SECONDS:
            model(images)
            passes += 1
    spent = 0.0
    for one, first in zip(packages, before, strict=True):
        step = _microjoules(one) - first
        # The counter starts again at 0 when it is full.
        spent += step if step >= 0 else step + float((one / "max_energy_range_uj").read_text())
    return spent / 1e6 / (passes * batch)


def _microjoules(package: Path) -> float:
    return float((package / "energy_uj").read_text())
