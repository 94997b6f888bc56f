"""A network whose layers are fused by torch's compiler."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from assay.errors import MethodError
from assay.models.classifier import Classifier


@contextmanager
def compiled(networks: Sequence[Classifier], wanted: bool) -> Iterator[None]:
    """A context in which the backbones of `networks` run compiled, if that is wanted; the weights are the same tensors.

    Raises:
        MethodError: the compiler does not get along with this network or this machine.
    """
    if not wanted:
        yield
        return
    import torch._dynamo
    import torch._inductor.config

    # Compiling in processes of their own would leave them behind when this one is killed.
    torch._inductor.config.compile_threads = 1
    for network in networks:
        network.features = torch.compile(network.features, dynamic=False)  # type: ignore[method-assign]
    try:
        yield
    except (torch._dynamo.exc.TorchDynamoException, RuntimeError) as error:
        if "torch._inductor" in type(error).__module__ or "torch._dynamo" in type(error).__module__:
            first = str(error).strip().splitlines()[0]
            raise MethodError(f"compile: true does not work here: {first}; leave it out") from error
        raise
    finally:
        for network in networks:
            del network.features
        torch._dynamo.reset()
