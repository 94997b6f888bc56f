"""How much memory a training takes."""

from __future__ import annotations

import resource
import sys

import torch


def peak(device: torch.device) -> int:
    """Most bytes so far: of tensors on a CUDA device, elsewhere of the process as a whole."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
