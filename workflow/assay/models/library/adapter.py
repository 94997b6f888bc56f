"""A network of another library as a backbone."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from assay.errors import MethodError

#: Layers that draw in every step, by the names of their classes, and where each keeps its probability.
_RANDOM = {"_DropoutNd": "p", "StochasticDepth": "p", "DropPath": "drop_prob", "PatchDropout": "prob"}


class Foreign(nn.Module):
    """A network that `make()` builds, with the initial weights of its own library.

    Libraries draw those from torch's global state; here the state is seeded from the generator that is passed, and
    put back afterwards. Dropout and stochastic depth draw from it in every step and are therefore off.
    """

    def __init__(self, make: Callable[[], nn.Module]):
        super().__init__()
        self.make = make
        self.network = make()
        for module in self.network.modules():
            for kind, probability in _RANDOM.items():
                if any(parent.__name__ == kind for parent in type(module).__mro__):
                    setattr(module, probability, 0.0)

    def forward(self, x: Tensor) -> Tensor:
        """Normalised images `[B,C,H,W]` to features `[B,D]`."""
        features: Tensor = self.network(x)
        return features

    def initialise_all(self, generator: torch.Generator) -> None:
        """Take over the weights of a second network, built under a seed that the generator gives."""
        seed = int(torch.randint(2**62, (1,), generator=generator))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network.load_state_dict(self.make().state_dict())


def adapt(name: str, make: Callable[[], nn.Module], channels: int, size: int) -> tuple[nn.Module, int]:
    """The backbone, and the dimension of its features, which a run on two empty images in training mode shows.

    Raises:
        MethodError: the network cannot be built for such images, or does not give one vector for each.
    """
    try:
        backbone = Foreign(make)
        with torch.no_grad():
            features = backbone(torch.zeros(2, channels, size, size))
    except (AssertionError, RuntimeError, TypeError, ValueError) as error:
        raise MethodError(f"{name} does not take images of {channels} x {size} x {size}: {error}") from error
    if not isinstance(features, Tensor) or features.ndim != 2 or len(features) != 2:
        raise MethodError(f"{name} does not give one vector of features for each image")
    return backbone, features.shape[1]
