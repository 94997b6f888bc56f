"""Talking models: teacher and student send each other messages."""

from __future__ import annotations

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

    Encoders and decoders are linear: 1x1 convolutions for maps, one layer for features. There is one exchange. The
    paper's task weights are its own data sets', and are not taken over.
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
        self.tell, self.hear = nn.Conv2d(mine, self.channels, 1), nn.Conv2d(self.channels, theirs, 1)
        self.tell_back, self.hear_back = nn.Conv2d(theirs, self.channels, 1), nn.Conv2d(self.channels, mine, 1)
        self.say, self.listen = nn.Linear(setting.width, self.channels), nn.Linear(self.channels, setting.width)
        self.teach = nn.Linear(setting.teacher_width, self.channels)
        self.follow = nn.Linear(self.channels, setting.teacher_width)
        self.answer = setting.answer

    def forward(self, student: Output, teacher: Output, batch: Batch) -> Tensor:
        """The scalar to minimise."""
        h, f, its_h, its_f = student.maps[self.own], student.features, teacher.maps[self.its], teacher.features
        told, taught = self.tell(h), self.tell_back(its_h)
        said, meant = self.say(f), self.teach(its_f)
        reply = self.answer(batch.x, self.its, self.hear(told))
        answer = F.mse_loss(f, self.listen(self.teach(reply.features)))
        states = (
            F.mse_loss(self.hear_back(told), h.detach())
            + F.mse_loss(self.hear(taught), its_h)
            + F.mse_loss(self.listen(said), f.detach())
            + F.mse_loss(self.follow(meant), its_f)
        )
        messages = F.mse_loss(told, taught) + F.mse_loss(said, meant)
        return batch.loss.mean() + self.weight * answer + self.consistency * (states + messages)
