"""Diffusion models that learn from another one how to make images in fewer network evaluations."""

from __future__ import annotations

import torch
from torch import Tensor

from assay.errors import MethodError
from assay.streams import Streams
from assay.synthesize.diffuser import Diffuser, Network
from assay.synthesize.unet import UNet


class Student(Diffuser):
    """A diffusion model with the network of its teacher, from whose weights it starts.

    What the teacher shows is guided (Meng et al. 2023, arXiv:2210.03142, with one fixed strength), so that the student
    needs no second evaluation for it; it never sees images without a class.
    """

    def __init__(self, *, steps: int, batch: int, lr: float, balance: float, ema: float, guidance: float):
        super().__init__(
            steps=steps,
            batch=batch,
            lr=lr,
            width=8,
            balance=balance,
            ema=ema,
            label_dropout=0.0,
            noise_assignment="random",
            ratio_steps=1,
        )
        self.guidance = guidance
        self._teacher: Diffuser | None = None
        #: The network that is learnt from.
        self.taught: UNet | None = None

    def learn_from(self, teacher: Diffuser) -> None:
        """Take a teacher: what it is like, and what it has learnt if it has learnt anything."""
        self._teacher, self.width = teacher, teacher.width
        self.taught = teacher.net

    @property
    def teacher(self) -> Diffuser:
        """What the teacher is like, which the student is too.

        Raises:
            MethodError: there is none.
        """
        if self._teacher is None:
            raise MethodError(f"{self.name}: call learn_from with its teacher first")
        return self._teacher

    def begin(self, net: UNet, streams: Streams) -> None:  # noqa: ARG002
        """Start from the weights of the network that is learnt from."""
        net.load_state_dict(self.learnt().state_dict())

    def denoised(self, net: Network, x: Tensor, sigma: Tensor, y: Tensor) -> Tensor:
        """As the teacher does it."""
        return self.teacher.denoised(net, x, sigma, y)

    def bounded(self, clean: Tensor) -> Tensor:
        """As the teacher does it."""
        return self.teacher.bounded(clean)

    def levels(self, count: int, draw: torch.Generator) -> Tensor:
        """As the teacher draws them."""
        return self.teacher.levels(count, draw)

    def start(self, noise: Tensor, sigma: float) -> Tensor:
        """As the teacher does it."""
        return self.teacher.start(noise, sigma)

    def shown(self, x: Tensor, sigma: Tensor, y: Tensor, guidance: float) -> Tensor:
        """The images that the network that is learnt from shows behind `x`, float [B,C,H,W]; `sigma` is [B]."""
        net = self.learnt()

        def denoise(x: Tensor, sigma: Tensor, y: Tensor) -> Tensor:
            return self.teacher.bounded(self.teacher.denoised(net, x, sigma, y))

        if guidance == 0:
            return denoise(x, sigma, y)
        none = torch.full_like(y, net.none)
        conditional, free = denoise(torch.cat([x, x]), torch.cat([sigma, sigma]), torch.cat([y, none])).chunk(2)
        return (1 + guidance) * conditional - guidance * free

    def learnt(self) -> UNet:
        """The network that is learnt from.

        Raises:
            MethodError: there is no teacher, or it has learnt nothing.
        """
        teacher = self.teacher
        if self.taught is None:
            raise MethodError(f"{self.name}: its teacher, of method {teacher.name}, has learnt nothing")
        return self.taught
