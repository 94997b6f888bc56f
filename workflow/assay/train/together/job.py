"""Several seeds of one arm trained together, on one device: specs that differ in their streams to classifiers.

What may be trained so is listed in `assay.study.together`, which refuses anything else before a job starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from assay.errors import MethodError
from assay.models.classifier import Classifier
from assay.streams import Streams
from assay.study.registry import Registry, bind
from assay.train.checkpoint import Checkpoints
from assay.train.deterministic import deterministic
from assay.train.dynamics import Recorder
from assay.train.epochs import bound
from assay.train.images import Images
from assay.train.job import mixed
from assay.train.loop import Log
from assay.train.order import Order
from assay.train.pixels import StreamedPixels, to_unit
from assay.train.precision import computing, resolved
from assay.train.recipe import Recipe, prepare
from assay.train.setup import BATCH, finished, held_out, place
from assay.train.start import started
from assay.train.statistics import batch_statistics
from assay.train.together.loop import fit_together
from assay.train.together.objective import Together
from assay.train.together.stack import Stack

if TYPE_CHECKING:
    from assay.data.dataset import Dataset, Split

#: Augmentations that look for partners within a batch.
PARTNERS = ("cutmix", "mixup")


@dataclass
class Member:
    """One of the seeds that train together.

    Attributes:
        name: for what is printed.
        streams: its numbers of `init`, `order` and `augment`.
        log: see `assay.train.loop.fit`.
        encoder: tensors that its backbone starts from.
        keep: takes the dynamics of its training, where they are asked for; see `assay.train.job.train`.
    """

    name: str
    streams: Mapping[str, int]
    log: Log
    encoder: Mapping[str, Tensor] | None = None
    keep: Callable[..., None] | None = None


def train_together(
    spec: Mapping[str, Any],
    members: Sequence[Member],
    registry: Registry,
    dataset: Dataset,
    *,
    synthetic: Dataset | None = None,
    weights: Mapping[str, Tensor] | None = None,
    state: Callable[..., None] | None = None,
    checkpoints: Checkpoints,
    device: torch.device | str = "cpu",
) -> list[Classifier | MethodError]:
    """Train one classifier for each member; each equals, but for rounding, what `assay.train.job.train` makes.

    Args:
        spec: as of `assay.train.job.train`; its streams are not read.
        members: what is each seed's own.
        registry, dataset, synthetic, weights, state, device: as there, the same for all.
        checkpoints: of all together. A run that goes on must have the same members in the same order.

    Returns:
        For each member its classifier, as there, or why it failed.

    Raises:
        MethodError: what fails them all.
    """
    device = torch.device(device)
    images = Images(mixed(dataset, synthetic, (spec.get("synthetic") or {}).get("mix")), len(dataset.classes), device)
    streams = [Streams(member.streams) for member in members]
    networks, finishes = [], []
    for member, own in zip(members, streams, strict=True):
        network, _ = started(spec, registry, dataset, images.raw, own, encoder=member.encoder, weights=weights)
        part = bind(registry, "trainable", spec.get("trainable") or {"method": "all"})
        finishes.append(part(network, own.torch("init", "trainable")))
        networks.append(place(network, device))

    recipe = spec["recipe"]
    epochs = recipe["epochs"]
    orders = [
        Order(
            images.targets,
            recipe["batch"],
            own,
            bound(registry, "rebalance", spec["rebalance"]) if spec.get("rebalance") else None,
            epochs=epochs,
        )
        for own in streams
    ]
    if len({order.images for order in orders}) > 1:
        raise MethodError("rebalance gives the seeds epochs of different length; leave `together` out of this arm")
    prepared = prepare(registry, recipe, networks[0], epochs * orders[0].steps, seed=0)
    for network in networks[1:]:
        # The recipe may have frozen parts of the first one.
        for parameter, first in zip(network.parameters(), networks[0].parameters(), strict=True):
            parameter.requires_grad_(first.requires_grad)
    stack = Stack(networks)
    restack(prepared, stack)
    precision = resolved(spec["precision"], device)
    if state:
        state(precision=precision, images=images.kept)
    watches = {
        number: Recorder(len(dataset.splits["train"]), epochs, device)
        for number, member in enumerate(members)
        if member.keep
    }
    objective = Together(
        stack,
        images,
        [(bound(registry, "augment", entry), entry["method"] not in PARTNERS) for entry in spec["augment"]],
        [own.seed("augment", "train") for own in streams],
        bound(registry, "loss", spec["loss"]),
        epochs=epochs,
        bf16=precision == "bf16",
        watches=watches,
    )
    with computing(precision, stack.base, device), deterministic(spec.get("deterministic", False)):
        failed = fit_together(
            stack,
            objective,
            orders,
            prepared,
            epochs,
            names=[member.name for member in members],
            logs=[member.log for member in members],
            checkpoints=checkpoints,
            validate=validation(stack, dataset.splits.get("val"), device),
            also=Recorders(watches) if watches else None,
            statistics=partial(statistics, stack, images.pixels, recipe["batch"]),
        )
    made: list[Classifier | MethodError] = []
    for number, (member, network) in enumerate(zip(members, networks, strict=True)):
        reason = failed[number]
        if reason is not None:
            made.append(MethodError(reason))
            continue
        stack.copy_to(network, number)
        finishes[number]()
        if member.keep:
            member.keep(id=dataset.splits["train"].ids, **watches[number].arrays())
        made.append(finished(network))
    return made


def restack(recipe: Recipe, stack: Stack) -> None:
    """Let a recipe that was made for the first network move all of them, in place.

    What it does to an element of a tensor must not depend on the other elements, which holds for the listed recipes:
    then a step on stacked tensors is the step on each.

    Raises:
        MethodError: a recipe that asks the loop for what it does to one network alone.
    """
    if recipe.ascent or recipe.seed or recipe.patience is not None or recipe.norm_loss:
        raise MethodError("this recipe cannot train several seeds together; leave `together` out of this arm")
    stacked = dict(stack.whole.named_parameters())
    moved = {parameter: stacked[name] for name, parameter in stack.base.named_parameters()}
    for group in recipe.optimizer.param_groups:
        group["params"] = [moved[parameter] for parameter in group["params"]]
    if recipe.average:
        recipe.average.follow(stack.whole)


def validation(stack: Stack, split: Split | None, device: torch.device) -> Callable[[], list[dict[str, float]]] | None:
    """A function that gives each network's cross-entropy (nats) and accuracy on `split`, or None for an empty one."""
    held = held_out(split, device)
    if held is None:
        return None
    pixels, labels = held

    @torch.no_grad()
    def validate() -> list[dict[str, float]]:
        training = stack.base.training
        stack.base.eval()
        logits = torch.cat(
            [stack(to_unit(pixels[start : start + BATCH])) for start in range(0, len(pixels), BATCH)], dim=1
        )
        stack.base.train(training)
        return [
            {
                "val.loss": F.cross_entropy(own, labels).item(),
                "val.accuracy": (own.argmax(dim=1) == labels).float().mean().item(),
            }
            for own in logits
        ]

    return validate


def statistics(stack: Stack, pixels: Tensor | StreamedPixels, batch: int) -> None:
    """Compute statistics of batch normalisation anew, for one network after the other."""
    for number in range(stack.size):
        with stack.one(number) as network:
            batch_statistics(network, pixels, batch)


class Recorders:
    """The dynamics of some of the seeds, as what a checkpoint keeps beside the weights."""

    def __init__(self, watches: Mapping[int, Recorder]):
        self.watches = watches

    def state(self) -> dict[str, Any]:
        """By the number of the seed."""
        return {str(number): watch.state() for number, watch in self.watches.items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        for number, watch in self.watches.items():
            watch.restore(state[str(number)])
