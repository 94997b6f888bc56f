"""The same bits each time, where a device has kernels that differ from run to run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def deterministic(wanted: bool) -> Iterator[None]:
    """A context in which kernels that do not repeat their bits are refused, or else the fastest ones are taken.

    A CPU repeats itself with a fixed number of threads either way, at the same speed. On CUDA, without it cuDNN tries
    its kernels on the first batch of each size and takes the fastest.

    Raises:
        RuntimeError: an operation of the network has no kernel that repeats itself.
    """
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.backends.cudnn.deterministic,
        torch.backends.cudnn.benchmark,
    )
    # cuBLAS reads it when it starts.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    _switch(wanted)
    torch.backends.cudnn.deterministic = wanted
    torch.backends.cudnn.benchmark = not wanted
    try:
        yield
    finally:
        _switch(before[0])
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = before[1:]


def _switch(wanted: bool) -> None:
    """Refuse kernels that do not repeat their bits or allow them; torch imports its compiler to be told."""
    if torch.are_deterministic_algorithms_enabled() != wanted:
        torch.use_deterministic_algorithms(wanted)
