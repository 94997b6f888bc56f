"""Contrastive representation distillation (CRD)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay import Option, method
from assay.distill.contract import Batch, Output, Setting
from assay.errors import MethodError


@method(
    "distill",
    "crd",
    summary="Tell the teacher's features of the same image from those of many images of other classes",
    paper="Tian et al. 2020, arXiv:1910.10699",
    options={
        "weight": Option(0.8, "weight beside the task's loss", at_least=0),
        "negatives": Option(16384, "images of other classes to which each is compared", at_least=1),
        "dimension": Option(128, "of the space in which features are compared", at_least=1),
        "temperature": Option(0.07, "what similarities are divided by", above=0),
        "momentum": Option(0.5, "how much of an image's old features the memory keeps", at_least=0, below=1),
    },
    shapes="features [B,D] and [B,E], loss [B] -> scalar",
    reads=["labels"],
)
class Crd(nn.Module):
    """`loss + weight (L(v_S, memory_T) + L(v_T, memory_S))` (section 3).

    Features of both networks are embedded linearly and brought to the norm 1; two memories hold the embedding of each
    train image, updated by `v <- momentum v + (1 - momentum) new` and brought to the norm 1. With N images, m negatives
    and `P(u) = exp(v u / T) / Z`,

        L = - log(P(u_0) / (P(u_0) + m/N)) - sum_k log((m/N) / (P(u_k) + m/N))

    is the mean over the batch, u_0 being the same image in the other network's memory and u_1 .. u_m images of other
    classes, drawn with replacement. Z is N times the mean of the exponentials in the first batch and stays, as in the
    authors' code. An image's class is its own label, whatever an augmentation makes of it.
    """

    memory_student: Tensor
    memory_teacher: Tensor
    scale: Tensor
    by_class: Tensor
    first: Tensor
    own: Tensor

    def __init__(self, *, weight: float, negatives: int, dimension: int, temperature: float, momentum: float):
        super().__init__()
        self.weight, self.negatives, self.dimension = weight, negatives, dimension
        self.temperature, self.momentum = temperature, momentum

    def prepare(self, setting: Setting) -> None:
        """Make embeddings and memories.

        Raises:
            MethodError: images of one class alone.
        """
        labels = setting.labels
        counts = labels.bincount()
        if int(counts.max()) == len(labels):
            raise MethodError("crd contrasts images of different classes, and all of these are of one")
        self.embed_student = nn.Linear(setting.width, self.dimension)
        self.embed_teacher = nn.Linear(setting.teacher_width, self.dimension)
        for name, value in (
            ("memory_student", torch.zeros(len(labels), self.dimension)),
            ("memory_teacher", torch.zeros(len(labels), self.dimension)),
            ("scale", torch.full((2,), -1.0)),
        ):
            self.register_buffer(name, value)
        # Images in the order of classes, so that those of one class are a stretch that a draw can pass over.
        self.register_buffer("by_class", labels.argsort(stable=True), persistent=False)
        self.register_buffer("first", (counts.cumsum(0) - counts)[labels], persistent=False)
        self.register_buffer("own", counts[labels], persistent=False)

    def initialise(self, generator: torch.Generator) -> None:
        """Fill the memories with random vectors."""
        bound = (self.dimension / 3) ** -0.5
        for memory in (self.memory_student, self.memory_teacher):
            memory.uniform_(-bound, bound, generator=generator)

    def forward(self, student: Output, teacher: Output, batch: Batch) -> Tensor:
        """The scalar to minimise."""
        mine = F.normalize(self.embed_student(student.features), dim=1)
        its = F.normalize(self.embed_teacher(teacher.features), dim=1)
        images = torch.cat([batch.indices[:, None], self.others(batch)], dim=1)
        contrast = self.contrast(mine, self.memory_teacher, images, 0)
        contrast = contrast + self.contrast(its, self.memory_student, images, 1)
        self.remember(self.memory_student, batch.indices, mine.detach())
        self.remember(self.memory_teacher, batch.indices, its.detach())
        return batch.loss.mean() + self.weight * contrast

    def others(self, batch: Batch) -> Tensor:
        """Images of other classes, int64 `[B,m]`."""
        first, own = self.first[batch.indices][:, None], self.own[batch.indices][:, None]
        drawn = (batch.draw.uniform(self.negatives) * (len(self.by_class) - own)).long()
        return self.by_class[drawn + own * (drawn >= first)]

    def contrast(self, anchors: Tensor, memory: Tensor, images: Tensor, which: int) -> Tensor:
        """L of embeddings `[B,d]` and a memory `[N,d]`; `images` `[B,1+m]` names in it the same image, then others."""
        # A product with the whole memory takes less than picking m rows for each image.
        close = ((anchors @ memory.clone().T).gather(1, images) / self.temperature).exp()
        with torch.no_grad():
            found = close.mean() * len(memory)
            self.scale[which] = torch.where(self.scale[which] < 0, found, self.scale[which])
        p = close / self.scale[which].clone()
        share = self.negatives / len(memory)
        same = (p[:, 0] / (p[:, 0] + share)).log()
        others = (share / (p[:, 1:] + share)).log().sum(dim=1)
        return -(same + others).mean()

    @torch.no_grad()
    def remember(self, memory: Tensor, indices: Tensor, new: Tensor) -> None:
        """Move the images' rows of a memory towards new embeddings `[B,d]`; of an image that comes twice the first."""
        came_first = (indices[:, None] == indices).long().argmax(dim=1) == torch.arange(len(indices), device=new.device)
        indices, new = indices[came_first], new[came_first]
        memory[indices] = F.normalize(self.momentum * memory[indices] + (1 - self.momentum) * new, dim=1)
