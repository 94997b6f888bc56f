"""The training loop of several seeds at once.

It goes the way of `assay.train.loop.fit`, with one batch, one loss and one norm of the gradient for each seed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from assay.errors import MethodError
from assay.train.average import handed_on
from assay.train.checkpoint import Checkpoints, model_state, optimizer_state, restore_optimizer
from assay.train.loop import INTERVAL, KEPT, Log, Stateful, means, require_finite, told
from assay.train.memory import peak
from assay.train.order import Order
from assay.train.recipe import Recipe, training_mode
from assay.train.together.stack import Stack

#: What a step minimises: `(epoch, indices [k,B], repeats [k,B]) -> (losses [k], accuracies [k])`.
Objective = Callable[[int, Tensor, Tensor], tuple[Tensor, Tensor]]


def fit_together(
    stack: Stack,
    objective: Objective,
    orders: Sequence[Order],
    recipe: Recipe,
    epochs: int,
    *,
    names: Sequence[str],
    logs: Sequence[Log],
    checkpoints: Checkpoints,
    validate: Callable[[], list[dict[str, float]]] | None = None,
    also: Stateful | None = None,
    statistics: Callable[[], None] | None = None,
) -> list[str | None]:
    """Train k networks in place; they end with the weights that the recipe hands on.

    A seed whose loss or gradient is no finite number any more has failed. It stays in the stack, where nothing of it
    reaches the others, and is logged no further, so that when it was noticed changes no bit of them.

    Args:
        stack: the networks.
        objective: the losses of k batches.
        orders: the batches of an epoch of each seed; equally many, of the same sizes.
        recipe: as of `restacked`.
        epochs: passes over the data.
        names: of the seeds, for what is printed.
        logs: each called as of `assay.train.loop.fit`, with the values of its seed.
        checkpoints: where the state of all is kept and found. It is also saved at the end, where there are several, so
            that a seed that is handed on later than another is still found.
        validate: named values of each network at the end of an epoch, with the weights that would be handed on.
        also: what the objective gathers on its way.
        statistics: computes statistics of batch normalisation anew, for averaged weights.

    Returns:
        For each seed None, or why it failed.
    """
    whole, steps = stack.whole, orders[0].steps
    device = next(whole.parameters()).device
    groups = recipe.optimizer.param_groups
    parameters = [parameter for group in groups for parameter in group["params"]]
    rates = [group["lr"] for group in groups]
    average = recipe.average
    rows = torch.zeros(steps, stack.size, KEPT, device=device)
    failed: list[str | None] = [None] * stack.size
    step = 0
    if saved := checkpoints.load():
        step = saved["step"]
        rows.copy_(saved["rows"])
        whole.load_state_dict(saved["model"])
        restore_optimizer(recipe.optimizer, saved["optimizer"])
        failed = [reason or None for reason in saved["failed"]]
        if also:
            also.restore(saved["also"])
        if average:
            average.restore(saved["average"])
        print(f"resuming at step {step} of {epochs * steps}")

    def save() -> None:
        checkpoints.save(
            {
                "step": step,
                "rows": rows.clone(),
                "model": model_state(whole),
                "optimizer": optimizer_state(recipe.optimizer),
                "failed": [reason or "" for reason in failed],
                **({"also": also.state()} if also else {}),
                "average": average.state() if average else {},
            }
        )

    def unless_failed(number: int, check: Callable[..., Any], some: Tensor, *about: Any) -> Any:
        """What `check` makes of the rows of a seed, or None once it has failed."""
        if failed[number] is None:
            try:
                return check(some[:, number], *about)
            except MethodError as error:
                failed[number] = str(error)
                print(f"{names[number]}: {error}; the others go on", flush=True)
        return None

    @contextmanager
    def outcome() -> Iterator[None]:
        """The networks as they would be handed on now."""
        weights = average.weights() if average else {}
        with handed_on(whole, weights):
            if average and average.stale and weights and statistics:
                statistics()
            yield

    for epoch in range(step // steps, epochs):
        training_mode(stack.base)
        since, images, of = time.monotonic(), 0, f"epoch {epoch + 1} of {epochs}"
        for position, batches in enumerate(zip(*(order.batches(epoch) for order in orders), strict=True)):
            if epoch * steps + position < step:
                continue
            for group, rate in zip(groups, rates, strict=True):
                group["lr"] = rate * group.get("rate", recipe.rate)(step)
                if recipe.momentum:
                    group["momentum"] = recipe.momentum(step)

            indices, repeats = (torch.stack(parts).to(device) for parts in zip(*batches, strict=True))
            recipe.optimizer.zero_grad()
            results = take_gradients(objective, epoch, indices, repeats, recipe.accumulate)
            norms = gradient_norms(parameters)
            if recipe.clip is not None:
                clip_gradients(parameters, recipe.clip, norms)
            recipe.optimizer.step()
            rows[position, :, 0] = indices.shape[1]
            rows[position, :, 1:] = torch.cat([results, norms[:, None]], dim=1)
            step += 1
            if average:
                average.step(step)
            images += indices.shape[1]

            done = position + 1
            if done == steps or done % INTERVAL == 0:
                ends = done == steps
                some = rows[0 if ends else done - INTERVAL : done].cpu()
                spent = max(time.monotonic() - since, 1e-9)
                more = {"lr": groups[0]["lr"], "throughput": images / spent, "memory": peak(device)}
                validated: list[dict[str, float]] = [{}] * stack.size
                if ends and validate:
                    with outcome():
                        validated = validate()
                for number, log in enumerate(logs):
                    values = unless_failed(number, means, some, "train" if ends else "step", step, of)
                    if values is not None:
                        values |= more | validated[number]
                        if ends:
                            print(f"{names[number]}  {told(epoch, epochs, values)}", flush=True)
                        log(step, epoch=step / steps, **values)
                since, images = time.monotonic(), 0
                if all(failed):
                    return failed
            if checkpoints.due():
                some = rows[:done].cpu()
                for number in range(stack.size):
                    unless_failed(number, require_finite, some, step, of)
                save()

    if stack.size > 1:
        save()
    if average:
        with outcome():
            final = model_state(whole)
        whole.load_state_dict(final)
    return failed


def take_gradients(objective: Objective, epoch: int, indices: Tensor, repeats: Tensor, accumulate: int) -> Tensor:
    """Leave the gradients of k batches in the parameters; their losses and accuracies `[k,2]`.

    The sum of the losses has for each network the gradient of its own, since no loss depends on another network.
    """
    size = indices.shape[1]
    parts = min(accumulate, size)
    sums = []
    for part, times in zip(indices.tensor_split(parts, dim=1), repeats.tensor_split(parts, dim=1), strict=True):
        losses, accuracies = objective(epoch, part, times)
        share = part.shape[1] / size
        (losses.sum() * share).backward()
        sums.append(share * torch.stack([losses.detach(), accuracies], dim=1))
    return torch.stack(sums).sum(dim=0)


def gradient_norms(parameters: Sequence[nn.Parameter]) -> Tensor:
    """Euclidean norm of the whole gradient of each network, `[k]`."""
    norms = [torch.linalg.vector_norm(p.grad.flatten(1), dim=1) for p in parameters if p.grad is not None]
    return torch.linalg.vector_norm(torch.stack(norms), dim=0)


def clip_gradients(parameters: Sequence[nn.Parameter], largest: float, norms: Tensor) -> None:
    """Scale the gradient of each network whose norm `[k]` is above `largest`, as `clip_grads_with_norm_` of torch."""
    factors = (largest / (norms + 1e-6)).clamp(max=1.0)
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.mul_(factors.view(-1, *[1] * (parameter.ndim - 1)))
