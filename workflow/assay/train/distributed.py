"""Several processes that train one model together, each on a device of its own.

Every process runs the whole training from the same streams, and takes its own part of each batch. The loss of a batch
is the mean over its images, so gradients are summed over the processes, each weighted by the share of images that its
part has. Batch normalisation sees the whole batch (`assay.train.synchronised`). What follows from a summed gradient
is computed by each process alone and comes out the same, so no weights are ever sent.

A distillation that compares images of a batch would see those of one part alone: `assay.study.checks_devices` refuses
it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from assay.errors import LostProcessError, MethodError
from assay.train.checkpoint import Checkpoints
from assay.train.loop import Objective
from assay.train.losses.features import reads_features
from assay.train.order import Order
from assay.train.synchronised import synchronised

#: Whoever waits longer for another process gives up. One that ended is noticed at once, by its connection.
_PATIENCE = timedelta(days=1)

#: Keys of a spec that one process alone can do, and why.
_ALONE = {
    "robust": "which remembers each image",
    "dynamics": "which remembers each image",
    "compile": "which fuses layers that wait for other processes",
}


class Peers:
    """The processes that train one model, as one of them sees them; there is one such group in a process.

    Args:
        rank: number of this process, from 0.
        size: how many there are.
        meeting: a file, missing at first, by which they find each other.
        device: where this process computes; NCCL connects CUDA devices, Gloo all others.

    Raises:
        LostProcessError: they did not find each other.
    """

    def __init__(self, rank: int, size: int, meeting: Path, device: torch.device):
        self.rank = rank
        self.size = size
        self.device = device
        cuda = device.type == "cuda"
        if cuda:
            torch.cuda.set_device(device)
        self._call(
            dist.init_process_group,
            "nccl" if cuda else "gloo",
            store=dist.FileStore(str(meeting), size),
            rank=rank,
            world_size=size,
            timeout=_PATIENCE,
            device_id=device if cuda else None,
        )

    def _call(self, collective: Callable[..., Any], *values: Any, **options: Any) -> None:
        try:
            collective(*values, **options)
        except RuntimeError as error:
            raise LostProcessError(f"process {self.rank} of {self.size} lost the others: {error}") from error

    def close(self) -> None:
        """Leave the group."""
        dist.destroy_process_group()

    def part(self, values: Tensor) -> Tensor:
        """This process's part of the rows of a batch; parts differ by one row at most."""
        return values.tensor_split(self.size)[self.rank]

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Sum tensors of one type over the processes, in place; all get the same bits."""
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        self._call(dist.all_reduce, flat)
        for tensor, summed in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(summed.view_as(tensor))

    def gather(self, values: Tensor) -> Tensor:
        """The tensors `[...]` of all processes, `[size,...]` in order of their numbers."""
        found = [torch.empty_like(values) for _ in range(self.size)]
        self._call(dist.all_gather, found, values.contiguous())
        return torch.stack(found)

    def first(self, compute: Callable[[], dict[str, float]]) -> Callable[[], dict[str, float]]:
        """A function that the first process computes and all get the result of, to the bit."""

        def computed() -> dict[str, float]:
            told: list[Any] = [compute() if self.rank == 0 else None]
            self._call(dist.broadcast_object_list, told, src=0)
            values: dict[str, float] = told[0]
            return values

        return computed


class Agreed:
    """Checkpoints from which all processes go on at the same step, or none does.

    Args:
        checkpoints: of this process; one process alone saves.
        peers: all of them.
    """

    def __init__(self, checkpoints: Checkpoints, peers: Peers):
        self.checkpoints = checkpoints
        self.peers = peers

    def due(self) -> bool:
        """Whether it is time for this process to save."""
        return self.checkpoints.due()

    def save(self, state: dict[str, Any]) -> None:
        """Keep a state."""
        self.checkpoints.save(state)

    def load(self) -> dict[str, Any] | None:
        """The state saved last, or None.

        Raises:
            LostProcessError: another process found another state.
        """
        state = self.checkpoints.load()
        steps = self.peers.gather(torch.tensor([-1 if state is None else state["step"]], device=self.peers.device))
        if steps.unique().numel() > 1:
            raise LostProcessError(f"the processes found checkpoints of different steps: {steps[:, 0].tolist()}")
        return state


class Shared:
    """An objective of which each process computes its part; the sum over processes is the loss of the batch.

    Args:
        objective: is given whole batches, and gives the mean over the images of `peers.part`.
        peers: see there.
    """

    def __init__(self, objective: Objective, peers: Peers):
        self.objective = objective
        self.peers = peers

    def __call__(self, epoch: int, indices: Tensor, repeats: Tensor) -> tuple[Tensor, Tensor | None]:
        """What this process adds to the loss and the accuracy of a batch."""
        with synchronised(self.peers.gather, self.peers.add):
            loss, accuracy = self.objective(epoch, indices, repeats)
        share = len(self.peers.part(indices)) / len(indices)
        return loss * share, None if accuracy is None else accuracy * share


def require_shareable(spec: Mapping[str, Any], loss: object, order: Order, size: int) -> None:
    """Make sure that processes can share a training, and that each gets an image of each part of a batch.

    Raises:
        MethodError: the spec asks for what cannot be shared; fewer images in the smallest part of a batch than there
            are processes.
    """
    for key, why in _ALONE.items():
        if spec.get(key):
            raise MethodError(f"devices: {size} goes with no `{key}`, {why}; leave one of them out")
    if reads_features(loss):
        raise MethodError(f"devices: {size} goes with no {spec['loss']['method']}, which compares features of a batch")
    smallest = order.images // order.steps // spec["recipe"].get("accumulate", 1)
    if smallest < size:
        raise MethodError(
            f"devices: {size} cannot share the smallest part of a batch, which has {smallest} images (batch: "
            f"{spec['recipe']['batch']}, accumulate: {spec['recipe'].get('accumulate', 1)}); ask for fewer devices"
        )
