"""Several networks of one architecture, computed as one."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from assay.models.classifier import Classifier


class Stack:
    """k networks whose parameters and buffers lie on top of each other, `[k,...]` each.

    An operation is called once for all of them: `torch.func` turns k convolutions into one with groups, k matrix
    products into one batched product, and k batch normalisations into one over k times the channels. Statistics of a
    batch and running statistics stay each network's own.

    Args:
        networks: alike but for the values of their tensors; all on one device. The first one lends its structure and
            its training mode from now on, the others are left alone.

    Attributes:
        base: whose structure and mode all share. The values of its tensors are not looked at.
        whole: has the names of one network and the tensors of all; what averages weights, or saves them, takes it for
            a network like any other.
    """

    def __init__(self, networks: Sequence[Classifier]):
        self.base = networks[0]
        self.size = len(networks)
        parameters, buffers = stack_module_state(list(networks))
        self.whole: nn.Module = deepcopy(self.base)
        for name, value in [*parameters.items(), *buffers.items()]:
            path, _, leaf = name.rpartition(".")
            trained = value.requires_grad
            tensor = nn.Parameter(value.detach(), requires_grad=trained) if name in parameters else value.detach()
            setattr(self.whole.get_submodule(path), leaf, tensor)

    def __call__(self, x: Tensor) -> Tensor:
        """Images `[k,B,C,H,W]`, or `[B,C,H,W]` that all of them see, to logits `[k,B,K]`."""
        parameters: dict[str, Tensor] = dict(self.whole.named_parameters())
        state = (parameters, dict(self.whole.named_buffers()))
        own = 0 if x.ndim == 5 else None
        with warnings.catch_warnings():
            # Pooling to one pixel notes the layout of its result, which vmap does one by one; that costs nothing.
            warnings.filterwarnings("ignore", "There is a performance drop.*as_strided_")
            logits: Tensor = vmap(self._one, in_dims=(0, own))(state, x)
        return logits

    def _one(self, state: tuple[dict[str, Tensor], dict[str, Tensor]], x: Tensor) -> Tensor:
        logits: Tensor = functional_call(self.base, state, (x,))
        return logits

    def copy_to(self, network: nn.Module, number: int) -> None:
        """Give `network` the tensors of one of the k."""
        network.load_state_dict({name: value[number] for name, value in self.whole.state_dict().items()})

    @contextmanager
    def one(self, number: int) -> Iterator[Classifier]:
        """One of the k as a network by itself; what happens to its buffers meanwhile is kept."""
        self.copy_to(self.base, number)
        yield self.base
        with torch.no_grad():
            for name, value in self.whole.named_buffers():
                value[number].copy_(self.base.get_buffer(name))
