"""A network whose layers are fused by torch's compiler."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from assay.errors import MethodError
from assay.models.classifier import Classifier

#: What the key `compile` says for CUDA graphs, which torch's compiler records.
GRAPHS = "cuda-graphs"


@contextmanager
def compiled(networks: Sequence[Classifier], wanted: bool | str) -> Iterator[None]:
    """A context in which the backbones of `networks` run compiled, if that is wanted; the weights are the same tensors.

    Args:
        networks: on their device.
        wanted: "cuda-graphs" has the device replay what it was asked to do once, so that it never waits for the host.

    Raises:
        MethodError: graphs on another device than CUDA, or a network or machine that the compiler cannot do with.
    """
    if not wanted:
        yield
        return
    graphs = wanted == GRAPHS
    kinds = {network.mean.device.type for network in networks}
    if graphs and kinds != {"cuda"}:
        raise MethodError(
            f"compile: {GRAPHS} needs a CUDA device; this one is {', '.join(sorted(kinds))}; leave it out"
        )
    import torch._dynamo
    import torch._inductor.config

    # Compiling in processes of their own would leave them behind when this one is killed.
    torch._inductor.config.compile_threads = 1
    for network in networks:
        network.features = torch.compile(  # type: ignore[method-assign]
            network.features, dynamic=False, mode="reduce-overhead" if graphs else None
        )
    try:
        yield
    except (torch._dynamo.exc.TorchDynamoException, RuntimeError) as error:
        if "torch._inductor" in type(error).__module__ or "torch._dynamo" in type(error).__module__:
            first = str(error).strip().splitlines()[0]
            raise MethodError(f"compile: {str(wanted).lower()} does not work here: {first}; leave it out") from error
        raise
    finally:
        for network in networks:
            del network.features
        torch._dynamo.reset()
