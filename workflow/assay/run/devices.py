"""Which devices a job computes on: CUDA where there is any, else Apple's MPS, else the CPU."""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from assay.errors import MethodError
from assay.run.environment import device as processor
from assay.run.lock import Busy, locked
from assay.study.jobs import Job

#: Stages that compute on a GPU where there is one.
STAGES = ("pretrain", "train", "adjust", "compress", "predict")


def on_device(job: Job) -> bool:
    """Whether a job computes on a GPU where there is one: its stage does, or it evaluates and looks at images."""
    looks = "tta" in job.spec or any(role.startswith("images/") for role in job.inputs)
    return job.stage in STAGES or (job.stage == "evaluate" and looks)


def gpus() -> list[str]:
    """The names of the GPUs that torch can use here; looking takes none of them."""
    import torch

    count = torch.cuda.device_count()
    if count:
        return [f"cuda:{number}" for number in range(count)]
    return ["mps"] if torch.backends.mps.is_available() else []


@contextmanager
def held(count: int, allowed: str | int | None, locks: Path) -> Iterator[list[str]]:
    """The names of `count` devices, held while the context is open.

    Jobs that run at once spread over the GPUs: each takes those that no other holds, as long as there are such.

    Args:
        count: how many; on a CPU they are so many processes.
        allowed: `resources.<stage>.gpus`: 0 means the CPU, any other number that there must be GPUs, `auto` or None
            the CPU where there is no GPU.
        locks: a folder for the locks.

    Raises:
        MethodError: the machine has fewer GPUs, and the CPU is not allowed.
    """
    names = [] if allowed == 0 else gpus()
    if not names and allowed in (0, "auto", None):
        yield ["cpu"] * count
        return
    if len(names) < count:
        kind = f"{len(names)} ({', '.join(names)})" if names else "none"
        raise MethodError(
            f"devices: {count} needs as many GPUs, and torch finds {kind} here; ask for fewer devices, or for the CPU "
            "by gpus: 0 under `resources`"
        )
    with ExitStack() as stack:
        free = []
        for name in names:
            try:
                stack.enter_context(locked(locks / f"{_identity(name)}.lock", wait=False, about=str(os.getpid())))
            except Busy:
                continue
            free.append(name)
            if len(free) == count:
                break
        shared = [name for name in names if name not in free]
        first = os.getpid() % max(1, len(shared))
        yield sorted([*free, *shared[first:], *shared[:first]][:count])


def _identity(name: str) -> str:
    """A GPU as all processes of this machine call it, whatever each of them may see."""
    kind, _, number = name.partition(":")
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    seen = visible[int(number)] if number and int(number) < len(visible) and visible[0] else number
    return "-".join(part.strip().replace("/", "-") for part in (socket.gethostname(), kind, seen) if part)


def described(name: str) -> str:
    """A device as a comparison across machines has to know it."""
    if name.startswith("cuda"):
        import torch

        return f"cuda ({torch.cuda.get_device_name(name)})"
    return f"mps ({platform.machine()})" if name == "mps" else processor()
