"""Distillation with the reused teacher classifier (SimKD)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay import Option, method
from assay.distill.contract import Batch, Output, Setting
from assay.errors import MethodError
from assay.models.classifier import Classifier


@method(
    "distill",
    "simkd",
    summary="Learn the teacher's last feature map alone and take over its head, through a linear projector",
    paper="Chen et al. 2022, arXiv:2203.14001",
    options={"weight": Option(1.0, "weight of the only term, against weight decay", above=0)},
    shapes="maps [B,C,h,w] each -> scalar",
    reads=["maps", "head"],
)
class SimKd(nn.Module):
    """`weight |A_T - P(A_S)|^2`, the mean over images, places and channels (section 3); labels play no part.

    P is a 1x1 convolution with batch normalisation, and so linear: together with average pooling and the teacher's head
    `W_T f + b_T` it comes to one linear layer on the student's features. `finish` writes that into the student's head,
    so that the student is a plain network of its own architecture and costs nothing more. The paper's projector has
    three convolutions and rectifiers between and after them and stays in the student; it is more accurate and no model
    of an arm could hold it. A larger map is averaged to the size of the smaller one.
    """

    reused_weight: Tensor
    reused_bias: Tensor

    def __init__(self, *, weight: float):
        super().__init__()
        self.weight = weight
        self.checked = False

    def prepare(self, setting: Setting) -> None:
        """Make the projector and keep the teacher's head."""
        teacher = setting.teachers[0]
        channels = setting.teacher_maps[-1][0]
        self.convolution = nn.Conv2d(setting.maps[-1][0], channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.register_buffer("reused_weight", teacher.head.weight.detach().clone())
        self.register_buffer("reused_bias", teacher.head.bias.detach().clone())

    def forward(self, student: Output, teacher: Output, batch: Batch) -> Tensor:  # noqa: ARG002
        """The scalar to minimise.

        Raises:
            MethodError: a network whose features are not the means of its last map over places.
        """
        if not self.checked:
            _pooled("student", student)
            _pooled("teacher", teacher)
            self.checked = True
        own, its = student.maps[-1], teacher.maps[-1]
        side = min(own.shape[2], its.shape[2])
        own, its = (F.adaptive_avg_pool2d(each, side) if each.shape[2] > side else each for each in (own, its))
        return self.weight * F.mse_loss(self.norm(self.convolution(own)), its)

    @torch.no_grad()
    def finish(self, student: Classifier) -> None:
        """Write projector and teacher's head into the student's head."""
        norm = self.norm
        assert norm.running_var is not None
        assert norm.running_mean is not None
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        weight = scale[:, None] * self.convolution.weight[:, :, 0, 0]
        shift = norm.bias - scale * norm.running_mean
        student.head.weight.copy_(self.reused_weight @ weight)
        student.head.bias.copy_(self.reused_weight @ shift + self.reused_bias)


def _pooled(who: str, output: Output) -> None:
    """Make sure that a network's head reads the means of its last map, without which P and head are not linear."""
    means = output.maps[-1].mean(dim=(2, 3))
    if means.shape != output.features.shape or not torch.allclose(means, output.features, rtol=0.02, atol=0.02):
        raise MethodError(
            f"simkd: the features of the {who} are not the means of its last feature map; choose a network that ends "
            "in global average pooling, such as a resnet"
        )
