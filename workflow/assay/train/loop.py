"""The training loop.

It knows batches, an objective and a recipe; what the objective computes (classes, a teacher, a pretext task) it does
not know. The host waits for the device once per logging interval, not once per step.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from assay.errors import MethodError
from assay.train.checkpoint import Checkpoints, model_state, optimizer_state, restore_optimizer
from assay.train.order import Order
from assay.train.recipe import Recipe

#: Steps between two lines of the curves inside an epoch; the end of an epoch always gets one.
INTERVAL = 50

#: What the loop keeps of each step: images, the objective's loss and accuracy, the norm of the gradient.
_KEPT = 4

Log = Callable[..., None]


#: What a step minimises: `(epoch, indices, repeats) -> (loss, accuracy)`. `indices` int64 `[B]` names the images and
#: `repeats` int64 `[B]` how often each came before in this epoch; the loss is a scalar with a gradient, the accuracy a
#: scalar in 0..1, or None where there is no such thing.
Objective = Callable[[int, Tensor, Tensor], tuple[Tensor, Tensor | None]]


class Stateful(Protocol):
    """What learns beside the weights, such as an objective that remembers each sample."""

    def state(self) -> dict[str, Any]:
        """A copy, as nested dicts with text keys of tensors and numbers."""

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""


def fit(
    model: nn.Module,
    objective: Objective,
    order: Order,
    recipe: Recipe,
    epochs: int,
    *,
    log: Log,
    checkpoints: Checkpoints,
    validate: Callable[[], dict[str, float]] | None = None,
    after_step: Callable[[], None] | None = None,
    beside: Stateful | None = None,
) -> None:
    """Train `model` in place.

    Args:
        model: holds everything the recipe's optimiser moves; its state is what a checkpoint keeps.
        objective: the loss of a batch.
        order: the batches of an epoch.
        recipe: optimiser, schedule and clipping.
        epochs: passes over the data.
        log: called as `log(step, epoch=..., name=value...)`; `step` counts optimiser steps done. After the last step of
            an epoch come `train.loss`, `train.accuracy` and `grad-norm` as means of the epoch and what `validate`
            gives; inside an epoch `step.loss`, `step.accuracy` and `grad-norm` as means of the last `INTERVAL` steps;
            in both `lr` and `throughput` (images a second). A step is always logged before it is saved: a resumed
            run logs what comes after the saved step again, all values but the throughput the same.
        checkpoints: where the state is kept and found.
        validate: named values of the model at the end of an epoch.
        after_step: called after each step of the optimiser, such as to hold pruned weights at zero.
        beside: what else a checkpoint keeps.

    Raises:
        MethodError: the loss or the gradient became infinite or not a number.
    """
    device = next(model.parameters()).device
    parameters = [parameter for group in recipe.optimizer.param_groups for parameter in group["params"]]
    rates = [group["lr"] for group in recipe.optimizer.param_groups]
    rows = torch.zeros(order.steps, _KEPT, device=device)
    nothing = torch.tensor(math.nan, device=device)
    step = 0
    if saved := checkpoints.load():
        step = saved["step"]
        rows.copy_(saved["rows"])
        model.load_state_dict(saved["model"])
        restore_optimizer(recipe.optimizer, saved["optimizer"])
        if beside:
            beside.restore(saved["beside"])
        print(f"resuming at step {step} of {epochs * order.steps}")

    for epoch in range(step // order.steps, epochs):
        model.train()
        since, images = time.monotonic(), 0
        for position, (indices, repeats) in enumerate(order.batches(epoch)):
            if epoch * order.steps + position < step:
                continue
            factor = recipe.rate(step)
            for group, rate in zip(recipe.optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * factor

            loss, accuracy = objective(epoch, indices.to(device), repeats.to(device))
            recipe.optimizer.zero_grad()
            loss.backward()
            norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
            if recipe.clip is not None:
                nn.utils.clip_grads_with_norm_(parameters, recipe.clip, norm)
            recipe.optimizer.step()
            if after_step:
                after_step()
            rows[position, 0] = len(indices)
            rows[position, 1:] = torch.stack([loss.detach(), nothing if accuracy is None else accuracy, norm])
            step += 1
            images += len(indices)

            done = position + 1
            if done == order.steps or done % INTERVAL == 0:
                whole = done == order.steps
                first = 0 if whole else done - INTERVAL
                values = _means(rows[first:done], "train" if whole else "step", step, f"epoch {epoch + 1} of {epochs}")
                values |= {"lr": rates[0] * factor, "throughput": images / max(time.monotonic() - since, 1e-9)}
                if whole:
                    values |= validate() if validate else {}
                    print(_line(epoch, epochs, values), flush=True)
                log(step, epoch=step / order.steps, **values)
                since, images = time.monotonic(), 0
            if checkpoints.due():
                _require_finite(rows[:done].cpu(), step, f"epoch {epoch + 1} of {epochs}")
                checkpoints.save(
                    {
                        "step": step,
                        "rows": rows.clone(),
                        "model": model_state(model),
                        "optimizer": optimizer_state(recipe.optimizer),
                        **({"beside": beside.state()} if beside else {}),
                    }
                )


def _require_finite(rows: Tensor, step: int, epoch: str) -> None:
    """Refuse steps, of which the last has number `step`, whose loss or gradient is infinite or not a number."""
    for number, (_, loss, _, norm) in enumerate(rows.tolist(), start=step - len(rows) + 1):
        if not (math.isfinite(loss) and math.isfinite(norm)):
            what = f"the loss became {loss}" if not math.isfinite(loss) else f"the gradient's norm became {norm}"
            raise MethodError(
                f"{what} in {epoch}, at step {number}; try a lower lr, a longer warmup, or clip: 1.0 in the recipe"
            )


def _means(rows: Tensor, name: str, step: int, epoch: str) -> dict[str, float]:
    """The means over images of some steps, of which the last has number `step`; no accuracy where there is none."""
    rows = rows.cpu().double()
    _require_finite(rows, step, epoch)
    images = rows[:, 0]
    loss, accuracy, norm = (images @ rows[:, 1:] / images.sum()).tolist()
    values = {f"{name}.loss": loss, f"{name}.accuracy": accuracy, "grad-norm": norm}
    return {key: value for key, value in values.items() if not math.isnan(value)}


def _line(epoch: int, epochs: int, values: dict[str, Any]) -> str:
    return f"epoch {epoch + 1}/{epochs}  " + "  ".join(f"{name} {value:.4g}" for name, value in values.items())
