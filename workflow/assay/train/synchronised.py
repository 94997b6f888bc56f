"""Batch normalisation over a batch of which several processes have one part each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

#: A tensor of each process, stacked in their order.
Gather = Callable[[Tensor], Tensor]
#: Sums tensors over the processes, in place.
Add = Callable[[Sequence[Tensor]], None]


@contextmanager
def synchronised(gather: Gather, add: Add) -> Iterator[None]:
    """While the context is open, batch normalisation in training takes its statistics from all processes.

    Torch's own layer for this knows CUDA alone and replaces the layers of a model. Here the function that all layers
    call is another one for a while, so that layers of other libraries take part and a model stays as it is.
    """
    alone = F.batch_norm
    F.batch_norm = partial(_batch_norm, alone, gather, add)
    try:
        yield
    finally:
        F.batch_norm = alone


def _batch_norm(
    alone: Callable[..., Tensor],
    gather: Gather,
    add: Add,
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """`torch.nn.functional.batch_norm` of the processes' inputs `[B,C,...]` taken together."""
    if not training:
        return alone(input, running_mean, running_var, weight, bias, training, momentum, eps)
    output, mean, variance, count = _Normalise.apply(input, weight, bias, eps, gather, add)
    if running_mean is not None and running_var is not None:
        running_mean.lerp_(mean, momentum)
        # Ioffe and Szegedy 2015 (arXiv:1502.03167), algorithm 2: what is kept is the unbiased variance.
        running_var.lerp_(variance * count / (count - 1), momentum)
    return output


class _Normalise(torch.autograd.Function):
    """`y = w (x - m) / sqrt(v + eps) + b` with mean m and biased variance v of each channel over all processes.

    Ioffe and Szegedy 2015 (arXiv:1502.03167), algorithm 1. Moments of parts are joined as by Chan, Golub and LeVeque
    1979 (Stanford STAN-CS-79-773, equation 1.5), which cancels nothing. A narrower input is computed with in float32.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float, gather: Gather, add: Add
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The output like `x`, and of all processes the means `[C]`, variances `[C]` and the count `[1]`."""
        axes = [axis for axis in range(x.ndim) if axis != 1]
        wide = _wide(x)
        own_variance, own_mean = torch.var_mean(wide, axes, correction=0)
        own_count = own_mean.new_tensor([x.numel() / x.shape[1]])
        means, variances, counts = gather(torch.cat([own_mean, own_variance, own_count])).split(
            [x.shape[1], x.shape[1], 1], dim=1
        )
        count = counts.sum(dim=0)
        mean = (counts * means).sum(dim=0) / count
        variance = (counts * (variances + (means - mean) ** 2)).sum(dim=0) / count
        scale = (variance + eps).rsqrt()
        ctx.save_for_backward(x, weight, mean, scale, count)
        ctx.axes, ctx.add = axes, add
        y = (wide - _over(mean, x)) * _over(scale if weight is None else scale * weight, x)
        if bias is not None:
            y += _over(bias, x)
        ctx.mark_non_differentiable(mean, variance, count)
        return y.to(x.dtype), mean, variance, count

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of the input from the sums over all processes, those of weight and bias from this one alone.

        The latter are summed later, with those of all other parameters.
        """
        x, weight, mean, scale, count = ctx.saved_tensors
        wide = _wide(gradient)
        normal = (_wide(x) - _over(mean, x)) * _over(scale, x)
        of_bias, of_weight = wide.sum(ctx.axes), (wide * normal).sum(ctx.axes)
        total_bias, total_weight = of_bias.clone(), of_weight.clone()
        ctx.add([total_bias, total_weight])
        inner = wide - _over(total_bias / count, x) - normal * _over(total_weight / count, x)
        of_x = inner * _over(scale if weight is None else scale * weight, x)
        need = ctx.needs_input_grad
        return of_x.to(x.dtype), of_weight if need[1] else None, of_bias if need[2] else None, None, None, None


def _wide(values: Tensor) -> Tensor:
    """Values with at least 32 bits."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def _over(values: Tensor, like: Tensor) -> Tensor:
    """Values of channels `[C]`, shaped to meet `[B,C,...]`."""
    return values.view(1, -1, *[1] * (like.ndim - 2))
