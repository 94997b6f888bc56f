"""How fast a network could train at best: forward and backward alone, and no more than its products of matrices.

What each figure means is told in README.md beside this file.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from assay.models.classifier import Classifier, build
from assay.study.registry import Registry, scan
from assay.train.precision import computing
from machine import machine
from parts import entry
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

#: Rows and columns of the matrices whose product tells how fast the processor multiplies.
SIDE = 2048


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=["resnet20", "vit-tiny"])
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=7, help="each measures everything once; the least time counts")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    registry = scan()
    print(f"machine: {machine()}")
    print(f"torch {torch.__version__}, one thread, CPU time; batch {chosen.batch}, random images 3 x 32 x 32\n")
    print(f"{'':12}{'':10}{'images a CPU second':>46}{'':4}{'times fp32':>24}")
    columns = ("fp32", "fp32 cl", "bf16 cl", "products")
    speeds, ratios = "".join(f"{name:>12}" for name in columns), "".join(f"{name:>10}" for name in columns[1:])
    print(f"{'model':12}{'GFLOP':>10}{speeds}{ratios}")
    for name in chosen.models:
        row(registry, name, chosen.batch, chosen.rounds)


def row(registry: Registry, name: str, batch: int, rounds: int) -> None:
    """One network: its work for one image, images a second in three ways, and those that products alone would allow."""
    x, y = torch.rand(batch, 3, 32, 32), torch.randint(10, (batch,))
    steps: dict[str, Callable[[], object]] = {
        "fp32": step_of(registry, name, x, y, last=False, bf16=False),
        "fp32 cl": step_of(registry, name, x, y, last=True, bf16=False),
        "bf16 cl": step_of(registry, name, x, y, last=True, bf16=True),
    }
    matrices = {kind: torch.randn(SIDE, SIDE).to(kind) for kind in (torch.float32, torch.bfloat16)}
    for kind, matrix in matrices.items():
        steps[str(kind)] = lambda matrix=matrix: matrix @ matrix
    with FlopCounterMode(display=False) as counter:
        steps["fp32"]()
    work = counter.get_total_flops() / batch
    least = dict.fromkeys(steps, float("inf"))
    for _ in range(rounds):
        for which, step in steps.items():
            start = time.process_time()
            step()
            least[which] = min(least[which], time.process_time() - start)
    speed = {which: batch / least[which] for which in ("fp32", "fp32 cl", "bf16 cl")}
    flops = {kind: 2 * SIDE**3 / least[str(kind)] for kind in matrices}
    speed["products"] = flops[torch.bfloat16] / work
    shown = "".join(f"{value:12.0f}" for value in speed.values())
    ratios = "".join(f"{value / speed['fp32']:9.2f}x" for value in list(speed.values())[1:])
    print(f"{name:12}{work / 1e9:10.3f}{shown}{ratios}")
    told = " and ".join(f"{flops[kind] / 1e9:.0f} GFLOP/s in {str(kind)[6:]}" for kind in matrices)
    print(f"{'':12}  large matrices beside it: {told}", flush=True)


def step_of(registry: Registry, name: str, x: Tensor, y: Tensor, *, last: bool, bf16: bool) -> Callable[[], object]:
    """Forward and backward of a network of its own on a batch that is already there, channels-last or not."""
    model: Classifier = build(registry, entry(registry, "model", name), 3, 10, 32, torch.Generator().manual_seed(0))
    if last:
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        x = x.to(memory_format=torch.channels_last)

    def step() -> None:
        with computing("bf16" if bf16 else "fp32", model, x.device):
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                logits = model(x)
            F.cross_entropy(logits.float(), y).backward()
        model.zero_grad()

    return step


if __name__ == "__main__":
    main()
