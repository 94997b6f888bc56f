"""The training loop.

It knows batches, an objective and a recipe; what the objective computes (classes, a teacher, a pretext task) it does
not know. The host waits for the device once per logging interval, not once per step.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from assay.errors import MethodError
from assay.train.average import handed_on
from assay.train.best import Best
from assay.train.checkpoint import Checkpoints, model_state, optimizer_state, restore_optimizer
from assay.train.memory import peak
from assay.train.norm_loss import add_norm_loss
from assay.train.order import Order
from assay.train.recipe import Recipe, training_mode

#: Steps between two lines of the curves inside an epoch; the end of an epoch always gets one.
INTERVAL = 50

#: What the loop keeps of each step: images, the objective's loss and accuracy, the norm of the gradient.
KEPT = 4

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
    begin: int = 0,
    end: int | None = None,
    log: Log,
    checkpoints: Checkpoints,
    validate: Callable[[], dict[str, float]] | None = None,
    after_step: Callable[[], None] | None = None,
    also: Stateful | None = None,
    statistics: Callable[[], None] | None = None,
    add: Callable[[Sequence[Tensor]], None] | None = None,
) -> None:
    """Train `model` in place; it ends with the weights that the recipe hands on.

    Args:
        model: holds everything the recipe's optimiser moves; its state is what a checkpoint keeps.
        objective: the loss of a batch.
        order: the batches of an epoch.
        recipe: optimiser, schedule, and which weights are handed on.
        epochs: passes over the data that the recipe is laid out for.
        begin, end: which of them are made, such as to go on from weights of an earlier epoch; all by default. The
            weights at an `end` before the last are those that the optimiser moves.
        log: called as `log(step, epoch=..., name=value...)`; `step` counts optimiser steps done. After the last step of
            an epoch come `train.loss`, `train.accuracy` and `grad-norm` as means of the epoch and what `validate`
            gives; inside an epoch `step.loss`, `step.accuracy` and `grad-norm` as means of the last `INTERVAL` steps;
            in both `lr`, `throughput` (images a second) and `memory` (most bytes so far, see `assay.train.memory`). A
            step is always logged before it is saved: a resumed run logs what comes after the saved step again, all
            values the same but throughput and memory.
        checkpoints: where the state is kept and found.
        validate: named values of the model at the end of an epoch, with the weights that would be handed on.
        after_step: called after each step of the optimiser, such as to hold pruned weights at zero.
        also: what the objective gathers on its way; a checkpoint keeps its state.
        statistics: computes statistics of batch normalisation anew, for averaged weights.
        add: sums tensors in place over processes whose objectives give a share of each batch's loss and accuracy.

    Raises:
        MethodError: the loss or the gradient became infinite or not a number; patience without validation.
    """
    device = next(model.parameters()).device
    groups = recipe.optimizer.param_groups
    parameters = [parameter for group in groups for parameter in group["params"]]
    rates = [group["lr"] for group in groups]
    average = recipe.average
    best = Best(recipe.patience) if recipe.patience is not None else None
    if best and validate is None:
        raise MethodError("the recipe's patience looks at the loss on val, and the dataset has no val split")
    rows = torch.zeros(order.steps, KEPT, device=device)
    nothing = torch.tensor(math.nan, device=device)
    step = begin * order.steps
    if saved := checkpoints.load():
        step = saved["step"]
        rows.copy_(saved["rows"])
        model.load_state_dict(saved["model"])
        restore_optimizer(recipe.optimizer, saved["optimizer"])
        if also:
            also.restore(saved["also"])
        if average:
            average.restore(saved["average"])
        if best:
            best.restore(saved["best"])
        print(f"resuming at step {step} of {epochs * order.steps}")

    def take_gradient(epoch: int, indices: Tensor, repeats: Tensor) -> Tensor:
        """Leave the gradient of a batch in the parameters; its loss and accuracy `[2]`."""
        recipe.optimizer.zero_grad()
        parts = min(recipe.accumulate, len(indices))
        sums = []
        for part, times in zip(indices.tensor_split(parts), repeats.tensor_split(parts), strict=True):
            loss, accuracy = objective(epoch, part, times)
            share = len(part) / len(indices)
            (loss * share).backward()
            sums.append(share * torch.stack([loss.detach(), nothing if accuracy is None else accuracy]))
        result = torch.stack(sums).sum(dim=0)
        if add:
            add([result, *(parameter.grad for parameter in parameters if parameter.grad is not None)])
        return result

    @contextmanager
    def outcome() -> Iterator[None]:
        """The model as it would be handed on now."""
        weights = average.weights() if average else {}
        with handed_on(model, weights):
            if average and average.stale and weights and statistics:
                statistics()
            yield

    for epoch in range(step // order.steps, epochs if end is None else end):
        if best and best.stops(epoch):
            print(f"no lower loss on val for {best.patience} epochs: training ends")
            break
        training_mode(model)
        since, images = time.monotonic(), 0
        for position, (indices, repeats) in enumerate(order.batches(epoch)):
            if epoch * order.steps + position < step:
                continue
            for group, rate in zip(groups, rates, strict=True):
                group["lr"] = rate * group.get("rate", recipe.rate)(step)
                if recipe.momentum:
                    group["momentum"] = recipe.momentum(step)

            indices, repeats = indices.to(device), repeats.to(device)
            results = take_gradient(epoch, indices, repeats)
            if recipe.ascent:
                with recipe.ascent():
                    take_gradient(epoch, indices, repeats)
            if recipe.norm_loss:
                add_norm_loss(parameters, recipe.norm_loss)
            norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
            if recipe.clip is not None:
                nn.utils.clip_grads_with_norm_(parameters, recipe.clip, norm)
            recipe.optimizer.step()
            if after_step:
                after_step()
            rows[position, 0] = len(indices)
            rows[position, 1:] = torch.cat([results, norm[None]])
            step += 1
            if average:
                average.step(step)
            images += len(indices)

            done = position + 1
            if done == order.steps or done % INTERVAL == 0:
                whole = done == order.steps
                first = 0 if whole else done - INTERVAL
                values = means(rows[first:done], "train" if whole else "step", step, f"epoch {epoch + 1} of {epochs}")
                spent = max(time.monotonic() - since, 1e-9)
                values |= {"lr": groups[0]["lr"], "throughput": images / spent, "memory": peak(device)}
                if whole:
                    with outcome():
                        values |= validate() if validate else {}
                        if best:
                            best.see(epoch + 1, values["val.loss"], model)
                    print(told(epoch, epochs, values), flush=True)
                log(step, epoch=step / order.steps, **values)
                since, images = time.monotonic(), 0
            if checkpoints.due():
                require_finite(rows[:done].cpu(), step, f"epoch {epoch + 1} of {epochs}")
                checkpoints.save(
                    {
                        "step": step,
                        "rows": rows.clone(),
                        "model": model_state(model),
                        "optimizer": optimizer_state(recipe.optimizer),
                        **({"also": also.state()} if also else {}),
                        "average": average.state() if average else {},
                        "best": best.state() if best else {},
                    }
                )

    if end is not None and end < epochs:
        return
    if best and best.weights:
        model.load_state_dict(best.weights)
    elif average:
        with outcome():
            final = model_state(model)
        model.load_state_dict(final)


def shifted(log: Log, steps: int, epochs: int) -> Log:
    """A log that goes on after so many steps and epochs."""
    return lambda step, *, epoch, **values: log(steps + step, epoch=epochs + epoch, **values)


def require_finite(rows: Tensor, step: int, epoch: str) -> None:
    """Refuse steps, of which the last has number `step`, whose loss or gradient is infinite or not a number."""
    for number, (_, loss, _, norm) in enumerate(rows.tolist(), start=step - len(rows) + 1):
        if not (math.isfinite(loss) and math.isfinite(norm)):
            what = f"the loss became {loss}" if not math.isfinite(loss) else f"the gradient's norm became {norm}"
            raise MethodError(
                f"{what} in {epoch}, at step {number}; try a lower lr, a longer warmup, or clip: 1.0 in the recipe"
            )


def means(rows: Tensor, name: str, step: int, epoch: str) -> dict[str, float]:
    """The means over images of some steps, of which the last has number `step`; no accuracy where there is none."""
    rows = rows.cpu().double()
    require_finite(rows, step, epoch)
    images = rows[:, 0]
    loss, accuracy, norm = (images @ rows[:, 1:] / images.sum()).tolist()
    values = {f"{name}.loss": loss, f"{name}.accuracy": accuracy, "grad-norm": norm}
    return {key: value for key, value in values.items() if not math.isnan(value)}


def told(epoch: int, epochs: int, values: dict[str, Any]) -> str:
    """What is printed at the end of an epoch."""
    return f"epoch {epoch + 1}/{epochs}  " + "  ".join(f"{name} {value:.4g}" for name, value in values.items())
