"""The state of a training run as plain tensors and numbers, and back."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor, nn


class Checkpoints(Protocol):
    """Where a run keeps its state; the caller knows the place and the format."""

    def load(self) -> dict[str, Any] | None:
        """The state saved last, or None."""

    def save(self, state: dict[str, Any]) -> None:
        """Keep a state: a nested dict with text keys of tensors, numbers, texts and lists."""

    def due(self) -> bool:
        """Whether it is time to save."""


def optimizer_state(optimizer: torch.optim.Optimizer) -> dict[str, dict[str, Tensor]]:
    """What the optimiser has learnt, by number of the parameter; its options come from the recipe again."""
    return {
        str(index): {name: value.detach().clone() for name, value in entry.items() if isinstance(value, Tensor)}
        for index, entry in optimizer.state_dict()["state"].items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, dict[str, Tensor]]) -> None:
    """Put back what `optimizer_state` took, in the memory layout of each parameter.

    Files keep no layout, and a momentum laid out unlike its parameter would change speed and the last bits. Counts of
    steps lie beside the parameter where the optimiser is fused, and else on the CPU, as torch has it.
    """
    parameters = [(parameter, group) for group in optimizer.param_groups for parameter in group["params"]]
    for index, entry in state.items():
        parameter, group = parameters[int(index)]
        for name, value in entry.items():
            if value.shape == parameter.shape and value.dtype == parameter.dtype:
                own = torch.empty_like(parameter)
            else:
                own = torch.empty_like(value, device=parameter.device if group.get("fused") else "cpu")
            optimizer.state[parameter][name] = own.copy_(value)


def model_state(model: nn.Module) -> dict[str, Tensor]:
    """A copy of all parameters and buffers."""
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


class Phases:
    """Checkpoints for a computation that trains several times in a row, such as pruning in rounds.

    Each training gets a view of its own through `next`. The state keeps the final weights of those that are through,
    so that on a resumed run they hand over their result instead of running again.
    """

    def __init__(self, checkpoints: Checkpoints):
        self.checkpoints = checkpoints
        self.state: dict[str, Any] = checkpoints.load() or {"finished": {}, "step": 0}
        self.count = 0

    def next(self, steps: int) -> Phase:
        """The checkpoints of the next training, before which `steps` steps were done."""
        self.count += 1
        return Phase(self, str(self.count - 1), steps)


class Phase:
    """The checkpoints of one training of several."""

    def __init__(self, phases: Phases, name: str, steps: int):
        self.phases = phases
        self.name = name
        self.steps = steps

    def finished(self) -> dict[str, Tensor] | None:
        """The final weights, if this training is already through."""
        state: dict[str, Tensor] | None = self.phases.state["finished"].get(self.name)
        return state

    def finish(self, model: nn.Module) -> None:
        """Keep the final weights, to be saved with the next state."""
        self.phases.state["finished"][self.name] = model_state(model)

    def load(self) -> dict[str, Any] | None:
        """The state of this training, or None when it has not begun."""
        state: dict[str, Any] | None = self.phases.state.get("current")
        return state if state and self.phases.state["phase"] == self.name else None

    def save(self, state: dict[str, Any]) -> None:
        """Keep a state of this training, beside what came before it."""
        self.phases.state |= {"phase": self.name, "current": state, "step": self.steps + state["step"]}
        self.phases.checkpoints.save(self.phases.state)

    def due(self) -> bool:
        """Whether it is time to save."""
        return self.phases.checkpoints.due()
