"""Born-again networks."""

from __future__ import annotations

from torch import Tensor

from assay import Option, method
from assay.distill.contract import Batch, Output


@method(
    "distill",
    "born-again",
    summary="Match the teacher's probabilities as they are, with or without the labels",
    paper="Furlanello et al. 2018, arXiv:1805.04770",
    options={"labels": Option(False, "whether the task's loss is added, as in the paper's BAN+L")},
    shapes="logits [B,K] twice, loss [B] -> scalar",
)
def born_again(student: Output, teacher: Output, batch: Batch, *, labels: bool) -> Tensor:
    """`-sum_i p_i log q_i`, and the task's loss in full if asked for; means over the batch, in nats (section 3).

    The teacher has the student's own architecture, and its student may teach the next one: the key `repeat` beside the
    method says how many generations there are. The paper's other two objectives are the methods `cwtm` and `dkpp`.

    Args:
        student, teacher: hold `logits` float32 `[B,K]`.
        batch: holds the task's `loss` of each image, `[B]`.
        labels: see the options.
    """
    taught = -(teacher.logits.softmax(dim=1) * student.logits.log_softmax(dim=1)).sum(dim=1).mean()
    return taught + batch.loss.mean() if labels else taught
