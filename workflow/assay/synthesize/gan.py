"""A class-conditional GAN for few images: what its discriminator sees is altered as strongly as it overfits."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from assay import Option, method
from assay.errors import MethodError
from assay.streams import Streams
from assay.synthesize.adaptive import Adaptive, augmented
from assay.synthesize.diffuser import follow
from assay.synthesize.pixels import to_bytes, to_unit
from assay.synthesize.rivals import Discriminator, Generator
from assay.train.checkpoint import Checkpoints, model_state, optimizer_state, restore_optimizer

#: Training iterations between two lines of the curve.
INTERVAL = 50
#: Images that are sampled at once.
BATCH = 256
#: Between so many iterations the gradient penalty is computed once, and counts as often (StyleGAN2, arXiv:1912.04958).
LAZY = 16


@method(
    "generator",
    "gan",
    summary="class-conditional GAN with adaptive discriminator augmentation: one network evaluation an image",
    paper="Karras et al. 2020, arXiv:2006.06676",
    options={
        "steps": Option(3000, "training iterations, each of both networks", at_least=1),
        "batch": Option(32, "real images an iteration, and as many generated ones", at_least=2),
        "lr": Option(0.002, "learning rate of Adam for both networks", above=0),
        "width": Option(16, "channels at full size, a multiple of 8", at_least=8),
        "latent": Option(64, "dimensions of the latent space", at_least=1),
        "balance": Option(0.5, "0: every image equally often, 1: every class equally often", at_least=0, at_most=1),
        "penalty": Option(0.5, "gamma of R1, half of which weighs the squared gradient at real images", at_least=0),
        "augmentation": Option(
            "adaptive", "of what the discriminator sees; none: the plain GAN", choices=["adaptive", "none"]
        ),
        "target": Option(0.6, "r_t, the mean sign of the discriminator at real images, aimed at", above=-1, below=1),
        "images": Option(
            100000, "real images seen while the probability of augmentation could rise from 0 to 1", at_least=1
        ),
        "ema": Option(0.995, "decay of the average of weights that samples come from", at_least=0, below=1),
    },
    shapes="images uint8 [N,H,W,C] and labels int64 [N] -> samples uint8 [M,H,W,C] of labels int64 [M]",
)
class Gan:
    """The losses of StyleGAN2: non-saturating logistic, with the penalty R1 (Mescheder et al. 2018, arXiv:1801.04406).

    All that the discriminator sees is augmented, generated images too, with gradients through it (ADA, figure 2b). The
    networks are much smaller than the authors', and `images` a fifth of theirs, since training is so much shorter.
    """

    name = "gan"
    #: Network evaluations for one image.
    evaluations = 1

    def __init__(
        self,
        *,
        steps: int,
        batch: int,
        lr: float,
        width: int,
        latent: int,
        balance: float,
        penalty: float,
        augmentation: str,
        target: float,
        images: int,
        ema: float,
    ):
        if width % 8:
            raise MethodError(f"gan: width must be a multiple of 8, such as {8 * math.ceil(width / 8)}, not {width}")
        self.steps, self.batch, self.lr, self.width, self.latent = steps, batch, lr, width, latent
        self.balance, self.penalty, self.decay = balance, penalty, ema
        self.adapts, self.target, self.images = augmentation == "adaptive", target, images
        self.net: Generator | None = None

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

        The curve holds the losses of discriminator and generator and the probability of augmentation.

        Raises:
            MethodError: no images, or a loss that is not finite.
        """
        if len(images) == 0:
            raise MethodError("gan: there are no images to learn from")
        x = to_unit(images)
        y = torch.from_numpy(np.array(labels, np.int64))
        weights = torch.bincount(y, minlength=classes).double()[y] ** -self.balance
        net, rival = self._build(images.shape[1:], classes)
        net.reset(streams.torch("generator", "init"))
        rival.reset(streams.torch("generator", "init", "discriminator"))
        average = model_state(net)
        adaptive = Adaptive(self.target, self.images)
        optimizers = [torch.optim.Adam(each.parameters(), self.lr, (0.0, 0.99), fused=True) for each in (net, rival)]
        start, losses = 0, torch.zeros(2, INTERVAL, dtype=torch.float64)
        if saved := checkpoints.load():
            start, average = saved["step"], saved["average"]
            losses.copy_(saved["losses"])
            net.load_state_dict(saved["net"])
            rival.load_state_dict(saved["rival"])
            for number, optimizer in enumerate(optimizers):
                restore_optimizer(optimizer, saved["optimizers"][str(number)])
            adaptive.restore(saved["adaptive"])
            print(f"resuming at step {start} of {self.steps}")
        for step in range(start, self.steps):
            draw = streams.torch("generator", "step", step)
            chosen = torch.multinomial(weights, self.batch, replacement=True, generator=draw)
            z = torch.randn(2, self.batch, self.latent, generator=draw)
            real, of = x[chosen], y[chosen]

            with torch.no_grad():
                made = net(z[0], of)
            seen = [augmented(each, adaptive.p, draw) for each in (real, made)]
            told = rival(seen[0], of)
            first = F.softplus(-told).mean() + F.softplus(rival(seen[1], of)).mean()
            whole = first + (LAZY * self.penalty / 2 * steepness(rival, seen[0], of) if step % LAZY == 0 else 0)
            _step(optimizers[1], whole)
            if self.adapts:
                adaptive.watch(told.detach())

            rival.requires_grad_(False)
            second = F.softplus(-rival(augmented(net(z[1], of), adaptive.p, draw), of)).mean()
            _step(optimizers[0], second)
            rival.requires_grad_(True)

            follow(average, net, min(self.decay, (1 + step) / (10 + step)))
            losses[:, step % INTERVAL] = torch.stack([first, second]).detach()
            if (step + 1) % INTERVAL == 0 or step + 1 == self.steps:
                ours, theirs = losses[:, : step % INTERVAL + 1].mean(1).tolist()
                if not math.isfinite(ours + theirs):
                    raise MethodError(f"gan: the loss became {ours + theirs} at step {step + 1}; a lower lr may help")
                log(step + 1, loss=ours, generator=theirs, augmentation=adaptive.p)
            if checkpoints.due():
                checkpoints.save(
                    {
                        "step": step + 1,
                        "losses": losses.clone(),
                        "net": model_state(net),
                        "rival": model_state(rival),
                        "average": {name: value.clone() for name, value in average.items()},
                        "optimizers": {str(n): optimizer_state(each) for n, each in enumerate(optimizers)},
                        "adaptive": adaptive.state(),
                    }
                )
        net.load_state_dict(average)
        self.net = net.eval()

    def state(self) -> dict[str, Tensor]:
        """The averaged weights of the generator; the discriminator is not needed any more."""
        return model_state(self._trained())

    def restore(self, state: dict[str, Tensor], shape: tuple[int, int, int], classes: int) -> None:
        """Take weights that `state` gave, for images of `shape` [H,W,C] in `classes` classes."""
        self.net, _ = self._build(shape, classes)
        self.net.load_state_dict(state)
        self.net.eval()

    def sample(self, labels: np.ndarray, streams: Streams, reference: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """One image for each of `labels`, int64 [M]: uint8 [M,H,W,C]. Of `reference` only the shape matters."""
        net = self._trained()
        out = np.empty((len(labels), *reference[0].shape[1:]), np.uint8)
        with torch.inference_mode():
            for first in range(0, len(labels), BATCH):
                y = torch.from_numpy(np.array(labels[first : first + BATCH], np.int64))
                z = torch.randn(len(y), self.latent, generator=streams.torch("generator", "sample", first))
                out[first : first + BATCH] = to_bytes(net(z, y))
        return out

    def _build(self, shape: tuple[int, ...], classes: int) -> tuple[Generator, Discriminator]:
        # Constructors of torch's layers draw from the global state; `reset` and `restore` replace what they drew.
        with torch.random.fork_rng(devices=[]):
            return Generator(shape, classes, self.width, self.latent), Discriminator(shape, classes, self.width)

    def _trained(self) -> Generator:
        if self.net is None:
            raise MethodError("gan: call fit or restore before state or sample")
        return self.net


def steepness(rival: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> Tensor:
    """E |dD/dx|^2 at images float [B,C,H,W] of classes int64 [B]: a scalar that can be differentiated again.

    It is taken at what the discriminator sees, in 32 bit: gradients of gradients are small numbers.
    """
    x = x.detach().requires_grad_()
    with torch.autocast("cpu", enabled=False):
        (slope,) = torch.autograd.grad(rival(x, y).sum(), x, create_graph=True)
    return slope.square().sum((1, 2, 3)).mean()


def _step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
