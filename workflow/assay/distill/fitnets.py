"""Hints for thin deep nets (FitNets)."""

from __future__ import annotations

from torch import Tensor, nn

from assay import Option, method
from assay.distill.contract import Batch, Output, Setting
from assay.distill.maps import common
from assay.distill.soft import divergence


@method(
    "distill",
    "fitnets",
    summary="First learn to predict the teacher's middle layer, then distil as kd does",
    paper="Romero et al. 2015, arXiv:1412.6550",
    options={
        "share": Option(0.3, "share of the epochs in which the hint alone is learnt", at_least=0, below=1),
        "temperature": Option(3.0, "what logits are divided by afterwards", above=0),
        "first": Option(4.0, "weight of the teacher's probabilities when the second part begins", at_least=0),
        "last": Option(1.0, "that when it ends; it moves in equal steps a epoch", at_least=0),
    },
    shapes="maps [B,C,h,w] each, logits [B,K] twice, loss [B] -> scalar",
    reads=["maps"],
)
class FitNets(nn.Module):
    """`|u_T - r(v_S)|^2 / 2` in the first epochs (equation 3), then `loss + lambda T^2 KL(teacher || student)`.

    The hint u_T and the guided layer v_S are the maps of the middle one of the sizes that both networks have, and the
    regressor r is a 1x1 convolution, which has few weights since the sizes are the same. The hint's
    loss is the mean over images, places and channels, whose gradient has one scale whatever the network; the paper
    sums. While the hint is learnt, what lies above the guided layer stays as it was drawn. The second part is equation
    2 in the form of Hinton et al. 2015, with T^2; lambda goes from 4 down to 1 as in the paper's experiments.
    """

    def __init__(self, *, share: float, temperature: float, first: float, last: float):
        super().__init__()
        self.share, self.temperature, self.first, self.last = share, temperature, first, last
        self.hints, self.weight = False, first

    def prepare(self, setting: Setting) -> None:
        """Choose the layers and make the regressor.

        Raises:
            MethodError: no maps of one size.
        """
        pairs = common(setting.maps, setting.teacher_maps)
        self.guided, self.hint = pairs[len(pairs) // 2]
        self.regressor = nn.Conv2d(setting.maps[self.guided][0], setting.teacher_maps[self.hint][0], 1)

    def epoch(self, number: int, of: int) -> None:
        """Whether epoch `number`, counted from 0, of `of` learns the hint, and the teacher's weight if not."""
        begin = round(self.share * of)
        self.hints = number < begin
        through = max(0, number - begin) / max(1, of - begin - 1)
        self.weight = self.first + through * (self.last - self.first)

    def forward(self, student: Output, teacher: Output, batch: Batch) -> Tensor:
        """The scalar to minimise."""
        if self.hints:
            missed: Tensor = teacher.maps[self.hint] - self.regressor(student.maps[self.guided])
            return missed.square().mean() / 2
        taught = divergence(student.logits, teacher.logits, self.temperature).mean()
        return batch.loss.mean() + self.weight * taught
