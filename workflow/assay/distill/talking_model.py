"""Talking models: teacher and student send each other messages."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay import Option, method
from assay.distill.contract import Batch, Output, Setting
from assay.distill.maps import common


@method(
    "distill",
    "talking-model",
    summary="The student tells what it sees, the teacher thinks it through, and the student learns from its answer",
    paper="Zhao et al. 2023, arXiv:2310.03188",
    options={
        "weight": Option(1.0, "weight of the answer beside the task's loss", at_least=0),
        "consistency": Option(1.0, "weight of what keeps messages and states true to each other", at_least=0),
        "channels": Option(64, "of a message", at_least=1),
    },
    shapes="maps [B,C,h,w] each, features [B,D] and [B,E], images [B,C,H,W], loss [B] -> scalar",
    reads=["maps"],
)  # fmt: skip
class TalkingModel(nn.Module):
    """`loss + weight answer + consistency (states + messages)`, each a mean square.

    Each network has an encoder of its hidden states to messages and a decoder of messages to its own states, both at
    two places: a map h on the way (the middle one of the sizes that both networks have) and the features f. With small
    letters for the student's and capitals for the teacher's:

    - *answer*: `f - d(E(F'))`, where F' is what the teacher makes of the student's message: its map is replaced by
      `D(e(h))`, and the layers that follow, which stay as they are, go on from there. Gradients go back all the way to
      what the student told.
    - *states*: `d(e(h)) - h` and `D(E(H)) - H`, and the same of features: a decoder reads what its encoder wrote.
    - *messages*: `e(h) - E(H)`, and the same of features: both say the same of the same image.

    Encoders are linear (1x1 convolutions for maps, one layer for features) with batch normalisation, decoders linear.
    States are standardised by channel over the batch, and what the teacher is to go on from is brought back to the
    scale of its own map, so that no network's scale counts. There is one exchange. Placement, layers and weights are
    ours: the paper's are those of its own tasks.
    """

    def __init__(self, *, weight: float, consistency: float, channels: int):
        super().__init__()
        self.weight, self.consistency, self.channels = weight, consistency, channels

    def prepare(self, setting: Setting) -> None:
        """Choose the maps and make encoders and decoders.

        Raises:
            MethodError: no maps of one size.
        """
        pairs = common(setting.maps, setting.teacher_maps)
        self.own, self.its = pairs[len(pairs) // 2]
        mine, theirs = setting.maps[self.own][0], setting.teacher_maps[self.its][0]
        width, its_width, channels = setting.width, setting.teacher_width, self.channels
        self.tell, self.tell_back = (
            nn.Sequential(nn.Conv2d(inputs, channels, 1), nn.BatchNorm2d(channels)) for inputs in (mine, theirs)
        )
        self.hear_back, self.hear = (nn.Conv2d(channels, outputs, 1) for outputs in (mine, theirs))
        self.say, self.teach = (
            nn.Sequential(nn.Linear(inputs, channels), nn.BatchNorm1d(channels)) for inputs in (width, its_width)
        )
        self.listen, self.follow = (nn.Linear(channels, outputs) for outputs in (width, its_width))
        self.answer = setting.answer

    def forward(self, student: Output, teacher: Output, batch: Batch) -> Tensor:
        """The scalar to minimise."""
        its_map = teacher.maps[self.its]
        h, f, its_h, its_f = map(standard, (student.maps[self.own], student.features, its_map, teacher.features))
        told, taught = self.tell(h), self.tell_back(its_h)
        said, meant = self.say(f), self.teach(its_f)
        mean, std = scale(its_map)
        reply = standard(self.answer(batch.x, self.its, mean + std * self.hear(told)).features, teacher.features)
        answer = F.mse_loss(f, self.listen(self.teach(reply)))
        states = (
            F.mse_loss(self.hear_back(told), h.detach())
            + F.mse_loss(self.hear(taught), its_h)
            + F.mse_loss(self.listen(said), f.detach())
            + F.mse_loss(self.follow(meant), its_f)
        )
        messages = F.mse_loss(told, taught) + F.mse_loss(said, meant)
        return batch.loss.mean() + self.weight * answer + self.consistency * (states + messages)


def scale(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel of `[B,C]` or `[B,C,h,w]` over images and places, no gradients.

    The deviation is at least a tenth of the channels' mean one, since a channel may be dead here and wake there.
    """
    over = [dim for dim in range(x.ndim) if dim != 1]
    std, mean = torch.std_mean(x.detach(), dim=over, keepdim=True, correction=0)
    return mean, torch.maximum(std, 0.1 * std.mean() + 1e-6)


def standard(x: Tensor, like: Tensor | None = None) -> Tensor:
    """States with mean 0 and standard deviation 1 in each channel, or those that `like` would need for it."""
    mean, std = scale(x if like is None else like)
    return (x - mean) / std
