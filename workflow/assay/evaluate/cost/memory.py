"""Memory that a forward pass takes beside the model."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from assay.evaluate.result import UndefinedError

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def inference_memory(model: nn.Module, image: tuple[int, int, int], batch: int) -> int:
    """Bytes by which the process grows at most while it computes `batch` images of shape (C, H, W), input included.

    The kernel's high-water mark of resident memory is set back before the pass and read after it. Memory that the
    process already holds and uses again is not counted, so small batches may show nothing.

    Raises:
        UndefinedError: the system keeps no mark that can be set back (Linux alone does).
    """
    try:
        _RESET.write_text("5")
        before = _resident("VmRSS")
        with torch.inference_mode():
            model(torch.zeros(batch, *image))
        return max(0, _resident("VmHWM") - before)
    except (OSError, KeyError) as error:
        raise UndefinedError("this system does not tell the memory of one pass") from error


def _resident(name: str) -> int:
    lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines() if ":" in line)
    return int(lines[name].split()[0]) * 1024
