"""Build and load time of a dataset of CIFAR-10's size, beside torchvision's own loader, in one run.

What each figure means is told in README.md beside this file.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from assay.data.job import build
from assay.data.sheet import contact_sheet
from assay.run.datasets import read_dataset, write_dataset
from assay.study.registry import scan
from assay.train.images import Images
from machine import machine

HERE = Path(__file__).resolve().parent
BATCH = 512
STREAMS = {"split": 0, "alteration": 0, "generator": 0}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cifar10", type=Path, help="the folder cifar-10-batches-py; random images without it")
    parser.add_argument("--images", type=int, default=50_000, help="train images, where they are random")
    parser.add_argument("--processes", type=int, default=4, help="processes that hold the images at once")
    parser.add_argument("--repeats", type=int, default=5, help="runs of which the median is printed")
    parser.add_argument("--hold", nargs=2, metavar=("KIND", "FOLDER"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.hold:
        hold(*chosen.hold)
        return
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as work:
        batches = chosen.cifar10
        if batches is None:
            sys.path.insert(0, str(HERE))
            from cifar_batches import write_random

            batches = Path(work, "cifar-10-batches-py")
            write_random(batches, chosen.images, chosen.images // 5)
        measure(batches.resolve(), Path(work), chosen.repeats, chosen.processes, real=chosen.cifar10 is not None)


def measure(batches: Path, work: Path, repeats: int, processes: int, *, real: bool) -> None:
    """Everything, on one folder of batches."""
    import torchvision

    print(f"machine: {machine()}")
    print(f"versions: NumPy {np.__version__}, torch {torch.__version__}, torchvision {torchvision.__version__}")
    print(f"images: {'real' if real else 'random'}, files in the page cache, one thread, median of {repeats}\n")

    stored = work / "cifar"
    took = clock(lambda: make(batches, stored), 1)
    data = read_dataset(stored)
    sizes = {name: len(split) for name, split in data.splits.items()}
    print(f"build {sizes} x 32 x 32 x 3 with card and contact sheet: {took:.2f} s")
    print(f"  of which writing: {written(data, work):.2f} s")
    grey = work / "grey.npz"
    rng = np.random.default_rng(0)
    count = sizes["train"] * 6 // 5
    np.savez(grey, images=rng.integers(0, 256, (count, 28, 28), dtype=np.uint8), labels=rng.integers(0, 10, count))
    took = clock(lambda: make(grey, work / "grey"), 1)
    print(f"build {count} x 28 x 28 x 1 (.npz) with card and contact sheet: {took:.2f} s")
    print(f"most memory so far: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB\n")

    print(f"{'train split':44}{'Assay':>11}{'torchvision':>13}{'ratio':>9}")
    compare("open", lambda: read_dataset(stored).splits["train"], lambda: theirs(batches), repeats)
    compare("open, as one uint8 tensor", lambda: ours(stored), lambda: torch.from_numpy(theirs(batches).data), repeats)
    compare("open, read every byte", lambda: read(ours(stored).raw), lambda: read(theirs(batches).data), repeats)
    images, dataset = ours(stored), theirs(batches)
    for workers in (0, 2):
        what = f"a shuffled epoch, float, {workers} workers there"
        compare(what, lambda: our_epoch(images), lambda workers=workers: their_epoch(dataset, workers), min(repeats, 3))
    if Path("/proc/self/smaps_rollup").exists():
        print(f"\n{f'{processes} processes at once, MiB for each':44}{'resident':>11}{'share':>13}{'own':>9}")
        for kind, folder in (("Assay", stored), ("torchvision", batches)):
            resident, share, own = held(kind, folder, processes)
            print(f"{kind:44}{resident:11.1f}{share:13.1f}{own:9.1f}")


def make(source: Path, folder: Path) -> None:
    """From published files to a stored dataset, as the stage `data` does it."""
    registry = scan([HERE / "cifar_batches.py"])
    entry: dict[str, Any] = {"method": "cifar-batches", "path": str(source)}
    if source.suffix == ".npz":
        entry = {"method": "npz", "path": str(source), "sha256": None, "classes": None, "licence": "", "citation": ""}
    made = build({"source": entry, "streams": STREAMS}, registry)
    folder.mkdir()
    write_dataset(folder, made, contact_sheet(made, next(iter(made.splits)), 12))


def written(data: Any, work: Path) -> float:
    """Seconds that writing alone takes."""
    (work / "again").mkdir()
    return clock(lambda: write_dataset(work / "again", data, None), 1)


def ours(folder: Path) -> Images:
    """What a training holds: the pixels as a tensor over the file, labels and keys."""
    return Images([read_dataset(folder).splits["train"]], 10, torch.device("cpu"))


def theirs(folder: Path) -> Any:
    """torchvision's dataset over the same files."""
    from torchvision.datasets import CIFAR10
    from torchvision.transforms import ToTensor

    # It compares the files with digests that it knows; random ones need digests of their own.
    known = _digests(folder)
    these = type("Batches", (CIFAR10,), {"base_folder": folder.name, **known})
    return these(str(folder.parent), train=True, transform=ToTensor())


_KNOWN: dict[Path, dict[str, Any]] = {}


def _digests(folder: Path) -> dict[str, Any]:
    if folder not in _KNOWN:
        md5 = {file.name: hashlib.md5(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}
        train = [[name, md5[name]] for name in sorted(md5) if name.startswith("data_batch")]
        meta = {"filename": "batches.meta", "key": "label_names", "md5": md5["batches.meta"]}
        _KNOWN[folder] = {"train_list": train, "test_list": [["test_batch", md5["test_batch"]]], "meta": meta}
    return _KNOWN[folder]


def our_epoch(images: Images) -> None:
    """Every image once, in a random order, as float32 [B,C,H,W] in 0..1."""
    for indices in torch.randperm(len(images.labels)).split(BATCH):
        images.batch(indices)


def their_epoch(dataset: Any, workers: int) -> None:
    """The same through a DataLoader."""
    for _ in torch.utils.data.DataLoader(dataset, BATCH, shuffle=True, num_workers=workers):
        pass


def read(images: np.ndarray) -> int:
    """Touch all of it."""
    return int(np.bitwise_xor.reduce(images.reshape(-1).view(np.int64)))


def hold(kind: str, folder: str) -> None:
    """A process that holds the images, says so, and tells its memory when asked."""
    if kind == "torchvision":
        import torchvision  # noqa: F401 - its code is not memory of the images
    before = memory()
    images = ours(Path(folder)).raw if kind == "Assay" else theirs(Path(folder)).data
    print(f"ready {read(images)}", flush=True)
    sys.stdin.readline()
    print(*(after - was for after, was in zip(memory(), before, strict=True)), flush=True)
    sys.stdin.readline()


def held(kind: str, folder: Path, processes: int) -> list[float]:
    """MiB of a process beyond its libraries: resident, its share of what is shared, its own; the mean of all."""
    command = [sys.executable, __file__, "--hold", kind, str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    children: list[Any] = [subprocess.Popen(command, **pipes) for _ in range(processes)]  # type: ignore[call-overload]
    answers = []
    for asked in ("ready", "numbers"):
        for child in children:
            line = child.stdout.readline().split()
            answers += [[float(value) for value in line]] if asked == "numbers" else []
            child.stdin.write("\n")
            child.stdin.flush()
    for child in children:
        child.wait()
    return np.mean(answers, axis=0).tolist()


def memory() -> list[float]:
    """Resident, proportional and private MiB of this process (Linux)."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return [kib["Rss"] / 1024, kib["Pss"] / 1024, (kib["Private_Clean"] + kib["Private_Dirty"]) / 1024]


def compare(what: str, mine: Callable[[], Any], other: Callable[[], Any], repeats: int) -> None:
    """A row of the table."""
    here, there = clock(mine, repeats), clock(other, repeats)
    print(f"{what:44}{here:9.3f} s{there:11.3f} s{there / here:8.1f}x", flush=True)


def clock(call: Callable[[], Any], repeats: int) -> float:
    """Median seconds of a call."""
    took = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        took.append(time.perf_counter() - start)
    return statistics.median(took)


if __name__ == "__main__":
    main()
