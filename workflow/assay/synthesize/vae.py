"""A conditional variational autoencoder: cheap to train and to sample, and blurred."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay import Option, method
from assay.errors import MethodError
from assay.models.initialise import initialise
from assay.streams import Streams
from assay.train.checkpoint import Checkpoints, model_state, optimizer_state, restore_optimizer

#: Training iterations between two lines of the curve.
INTERVAL = 50


@method(
    "generator",
    "vae",
    summary="conditional variational autoencoder with one hidden layer on each side; samples are its means",
    paper="Kingma and Welling 2014, arXiv:1312.6114; Sohn et al. 2015, Learning Structured Output Representation",
    options={
        "steps": Option(3000, "training iterations", at_least=1),
        "batch": Option(128, "images an iteration", at_least=1),
        "lr": Option(0.001, "learning rate of Adam", above=0),
        "width": Option(400, "units of the hidden layers", at_least=1),
        "latent": Option(20, "dimensions of the latent space", at_least=1),
        "beta": Option(1.0, "weight of the divergence from the prior (Higgins et al. 2017); 1 is the VAE", at_least=0),
        "balance": Option(0.5, "0: every image equally often, 1: every class equally often", at_least=0, at_most=1),
    },
    shapes="images uint8 [N,H,W,C] and labels int64 [N] -> samples uint8 [M,H,W,C] of labels int64 [M]",
)
class Vae:
    """The network of Kingma and Welling (appendix C) with the class beside image and latent.

    A pixel in 0..1 is taken as the chance of a Bernoulli draw (their section 5 for MNIST); its mean is what is shown.
    """

    def __init__(self, *, steps: int, batch: int, lr: float, width: int, latent: int, beta: float, balance: float):
        self.steps, self.batch, self.lr = steps, batch, lr
        self.width, self.latent, self.beta, self.balance = width, latent, beta, balance
        self.net: Network | None = None

    def fit(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        classes: int,
        streams: Streams,
        log: Callable[..., None],
        checkpoints: Checkpoints,
    ) -> None:
        """Train on all images; arguments as for `assay.synthesize.diffuser.Diffuser.fit`.

        Raises:
            MethodError: no images, or a loss that is not finite.
        """
        if len(images) == 0:
            raise MethodError("vae: there are no images to learn from")
        x = torch.from_numpy(np.array(images)).flatten(1).float() / 255
        y = torch.from_numpy(np.array(labels, np.int64))
        weights = torch.bincount(y, minlength=classes).double()[y] ** -self.balance
        net = self._build(x.shape[1], classes)
        initialise(net, streams.torch("generator", "init"))
        optimizer = torch.optim.Adam(net.parameters(), lr=self.lr)
        start, losses = 0, torch.zeros(INTERVAL, dtype=torch.float64)
        if saved := checkpoints.load():
            start = saved["step"]
            losses.copy_(saved["losses"])
            net.load_state_dict(saved["net"])
            restore_optimizer(optimizer, saved["optimizer"])
            print(f"resuming at step {start} of {self.steps}")
        for step in range(start, self.steps):
            draw = streams.torch("generator", "step", step)
            chosen = torch.multinomial(weights, self.batch, replacement=True, generator=draw)
            loss = objective(net, x[chosen], y[chosen], torch.randn(self.batch, self.latent, generator=draw), self.beta)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses[step % INTERVAL] = loss.detach()
            if (step + 1) % INTERVAL == 0 or step + 1 == self.steps:
                mean = float(losses[: step % INTERVAL + 1].mean())
                if not math.isfinite(mean):
                    raise MethodError(f"vae: the loss became {mean} at step {step + 1}; a lower lr may help")
                log(step + 1, loss=mean)
            if checkpoints.due():
                state = {"net": model_state(net), "optimizer": optimizer_state(optimizer)}
                checkpoints.save({"step": step + 1, "losses": losses.clone(), **state})
        self.net = net.eval()

    def state(self) -> dict[str, Tensor]:
        """The weights."""
        return model_state(self._trained())

    def restore(self, state: dict[str, Tensor], shape: tuple[int, int, int], classes: int) -> None:
        """Take weights that `state` gave, for images of `shape` [H,W,C] in `classes` classes."""
        self.net = self._build(math.prod(shape), classes)
        self.net.load_state_dict(state)
        self.net.eval()

    def sample(self, labels: np.ndarray, streams: Streams, reference: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """One image for each of `labels`, int64 [M]: uint8 [M,H,W,C]. Of `reference` only the shape matters."""
        net = self._trained()
        draw = streams.torch("generator", "sample")
        with torch.inference_mode():
            z = torch.randn(len(labels), self.latent, generator=draw)
            means = net.decode(z, torch.from_numpy(np.array(labels, np.int64))).float().sigmoid()
        made: np.ndarray = (means * 255).round().to(torch.uint8).numpy()
        return made.reshape(len(labels), *reference[0].shape[1:])

    def _build(self, pixels: int, classes: int) -> Network:
        # Constructors of torch's layers draw from the global state; `initialise` and `restore` replace what they drew.
        with torch.random.fork_rng(devices=[]):
            return Network(pixels, classes, self.width, self.latent)

    def _trained(self) -> Network:
        if self.net is None:
            raise MethodError("vae: call fit or restore before state or sample")
        return self.net


class Network(nn.Module):
    """Encoder and decoder, each with one hidden layer that the class joins."""

    def __init__(self, pixels: int, classes: int, width: int, latent: int):
        super().__init__()
        self.classes = classes
        self.inward = nn.Linear(pixels + classes, width)
        self.moments = nn.Linear(width, 2 * latent)
        self.outward = nn.Linear(latent + classes, width)
        self.pixels = nn.Linear(width, pixels)

    def encode(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance, float [B,Z], of images [B,D] in 0..1."""
        mean, log_variance = self.moments(F.relu(self.inward(self._with(x, y)))).float().chunk(2, 1)
        return mean, log_variance

    def decode(self, z: Tensor, y: Tensor) -> Tensor:
        """Logits of pixels, float [B,D], of latents [B,Z]."""
        made: Tensor = self.pixels(F.relu(self.outward(self._with(z, y))))
        return made

    def _with(self, rows: Tensor, y: Tensor) -> Tensor:
        return torch.cat([rows, F.one_hot(y, self.classes).to(rows.dtype)], 1)


def objective(net: Network, x: Tensor, y: Tensor, noise: Tensor, beta: float) -> Tensor:
    """The negative evidence lower bound in nats an image (equation 10), its divergence weighted by `beta`.

    Args:
        net: see above.
        x: images in 0..1, float [B,D].
        y: classes, int64 [B].
        noise: standard normal, float [B,Z].
        beta: weight of the divergence.
    """
    mean, log_variance = net.encode(x, y)
    logits = net.decode(mean + (log_variance / 2).exp() * noise, y).float()
    error = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)
    return (error + beta * divergence(mean, log_variance)).mean()


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, variance) || N(0, 1)) in nats, float [B] (appendix B)."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)
