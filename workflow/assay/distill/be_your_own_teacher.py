"""Self-distillation from the last layer to those before (be your own teacher)."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn

from assay import Option, method
from assay.distill.contract import Batch, Output, Setting
from assay.distill.soft import divergence


@method(
    "distill",
    "be-your-own-teacher",
    summary="Give earlier layers classifiers of their own, which learn from the last one too",
    paper="Zhang et al. 2019, arXiv:1905.08094",
    options={
        "alpha": Option(0.3, "weight of the last classifier in what an earlier one learns", at_least=0, at_most=1),
        "features": Option(0.03, "weight of the squared difference of features", at_least=0),
        "temperature": Option(3.0, "what logits are divided by", above=0),
    },
    shapes="maps [B,C,h,w], features [B,D], logits [B,K], loss [B] -> scalar",
    reads=["maps", "itself", "labels"],
)
class BeYourOwnTeacher(nn.Module):
    """`loss + sum_i ((1 - alpha) loss_i + alpha KL(q_last || q_i) + features |F_last - F_i|^2)` (section 3).

    i runs over all feature maps but the last. Each has a bottleneck, 3x3 convolutions with stride 2, batch
    normalisation and rectifier until it is as small as the last map and has as many channels as the features, then
    average pooling to F_i `[B,D]` and a linear classifier. The last classifier is a target only: nothing here moves it
    but its own loss and what it shares with the others. q has the temperature, and the squared difference is the mean
    over images and dimensions. The earlier classifiers are gone after training.
    """

    def __init__(self, *, alpha: float, features: float, temperature: float):
        super().__init__()
        self.alpha, self.features, self.temperature = alpha, features, temperature

    def prepare(self, setting: Setting) -> None:
        """Make a bottleneck and a classifier for each map but the last."""
        last = setting.maps[-1]
        self.bottlenecks = nn.ModuleList(
            _bottleneck(channels, setting.width, max(1, round(math.log2(height / last[1]))))
            for channels, height, _ in setting.maps[:-1]
        )
        self.heads = nn.ModuleList(
            nn.Linear(setting.width, setting.student.head.out_features) for _ in setting.maps[:-1]
        )

    def forward(self, student: Output, teacher: None, batch: Batch) -> Tensor:  # noqa: ARG002
        """The scalar to minimise."""
        total = batch.loss.mean()
        said, shown = student.logits.detach(), student.features.detach()
        for maps, bottleneck, head in zip(student.maps[:-1], self.bottlenecks, self.heads, strict=True):
            features = bottleneck(maps).mean(dim=(2, 3))
            logits = head(features)
            own = batch.task(logits, features).mean()
            # Without the T^2 that `divergence` brings: the paper has none.
            taught = divergence(logits, said, self.temperature).mean() / self.temperature**2
            total = total + (1 - self.alpha) * own + self.alpha * taught
            total = total + self.features * F.mse_loss(features, shown)
        return total


def _bottleneck(inputs: int, outputs: int, halvings: int) -> nn.Sequential:
    """`[B,inputs,h,w]` to `[B,outputs,h',w']`, each side halved so many times."""
    layers: list[nn.Module] = []
    for step in range(halvings):
        channels = inputs if step == 0 else outputs
        layers += [nn.Conv2d(channels, outputs, 3, 2, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers)
