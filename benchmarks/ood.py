"""Detecting outliers from saved features: every detector that reads nothing else, against pytorch-ood.

What each figure means is told in README.md beside this file.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from assay.evaluate.job import evaluate
from assay.evaluate.trial import Predictions, Trial
from assay.study.registry import Registry, scan
from machine import machine
from parts import entry
from pytorch_ood import detector as other
from pytorch_ood.metrics import OODMetrics

Tensors = dict[str, torch.Tensor]


def main() -> None:
    """Print a row for each detector and their sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000, help="test images, and images of each outlier set")
    parser.add_argument("--train", type=int, default=50_000, help="train images")
    parser.add_argument("--features", type=int, default=512, help="features of an image")
    parser.add_argument("--classes", type=int, default=10, help="classes")
    parser.add_argument("--sets", type=int, default=6, help="outlier sets")
    parser.add_argument("--threads", type=int, default=2, help="threads that torch may use")
    parser.add_argument("--detectors", nargs="+", help="these alone")
    parser.add_argument("--alone", action="store_true", help="leave pytorch-ood out")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    registry = scan()
    trial = made(chosen.images, chosen.train, chosen.features, chosen.classes, chosen.sets)
    names = chosen.detectors or [
        name for name in registry.names("detector") if not {"model", "seeds"} & {*registry.card("detector", name).reads}
    ]
    theirs = {} if chosen.alone else others(trial, registry)
    print(f"machine: {machine()}, {chosen.threads} threads")
    print(
        f"{chosen.images} test images and as many of {chosen.sets} outlier sets, {chosen.features} features, "
        f"{chosen.classes} classes, fitted to {chosen.train}\n"
    )
    print(f"{'detector':24}{'Assay':>10}{'CPU':>10}{'pytorch-ood':>14}{'ratio':>9}{'AUROC':>9}{'theirs':>9}")
    total, spent, compared, their_total = 0.0, 0.0, 0.0, 0.0
    for name in names:
        before = time.process_time()
        seconds, area = ours(trial, registry, name)
        busy = time.process_time() - before
        total, spent = total + seconds, spent + busy
        line = f"{name:24}{seconds:>8.2f} s{busy:>8.2f} s"
        if name in theirs:
            their_seconds, their_area = timed(theirs[name], trial)
            compared += seconds
            their_total += their_seconds
            line += f"{their_seconds:>12.2f} s{their_seconds / seconds:>8.1f}x{area:>9.4f}{their_area:>9.4f}"
        else:
            line += f"{'':>23}{area:>9.4f}"
        print(line, flush=True)
    if theirs:
        print(f"{'those of both':24}{compared:>8.2f} s{'':10}{their_total:>12.2f} s{their_total / compared:>8.1f}x")
    print(f"{'all ' + str(len(names)):24}{total:>8.2f} s{spent:>8.2f} s")
    print(f"\nmost memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB, libraries included")


def made(images: int, train: int, size: int, classes: int, sets: int) -> Trial:
    """A trial with features as from a ReLU, gathered about a mean for each class, and outliers less so."""
    rng = np.random.default_rng(0)
    centres = rng.exponential(1.0, (classes, size)).astype(np.float32)
    weight, bias = (centres - centres.mean(0)) * (4 / size), rng.normal(0, 0.1, classes).astype(np.float32)

    def predictions(count: int, towards: float) -> Predictions:
        labels = rng.integers(0, classes, count)
        features = towards * centres[labels] + (1 - towards) * centres.mean(0)
        features += 2.5 * rng.standard_normal((count, size), np.float32)
        features = np.maximum(features, 0, dtype=np.float32)
        logits = features @ weight.T + bias
        return Predictions(logits, features, np.arange(count).astype(str), labels if towards == 1 else labels * 0 - 1)

    found = {"train": predictions(train, 1), "val": predictions(images // 2, 1), "test": predictions(images, 1)}
    found |= {f"outliers-{number}": predictions(images, 0.9 - 0.1 * number) for number in range(sets)}
    counts = np.bincount(found["train"].labels, minlength=classes)
    return Trial([str(k) for k in range(classes)], counts, found, (weight.astype(np.float32), bias))


def outliers(trial: Trial) -> list[str]:
    """The names of the outlier sets."""
    return [name for name in trial.sets if name.startswith("outliers")]


def ours(trial: Trial, registry: Registry, name: str) -> tuple[float, float]:
    """Seconds for all metrics and figures of a detector as a job computes them, and the mean AUROC."""
    options = {"detectors": [entry(registry, "detector", name)], "near": [], "far": outliers(trial), "tune": None}
    start = time.perf_counter()
    result = evaluate({"family": "ood", "options": options}, registry, trial)
    seconds = time.perf_counter() - start
    area = next(row.value for row in result.rows if row.metric == "auroc" and row.keys["set"] == "far")
    return seconds, float("nan") if area is None else area


def timed(run: Callable[[], Callable[[Tensors], torch.Tensor]], trial: Trial) -> tuple[float, float]:
    """Seconds for fitting a detector of pytorch-ood, its scores and its metrics on each set, and the mean AUROC."""
    start = time.perf_counter()
    score = run()
    inside = score(tensors(trial.set("test")))
    areas = []
    for name in outliers(trial):
        metrics = OODMetrics()
        metrics.update(inside, torch.zeros(len(inside), dtype=torch.long))
        outside = score(tensors(trial.set(name)))
        metrics.update(outside, -torch.ones(len(outside), dtype=torch.long))
        areas.append(float(metrics.compute()["AUROC"]))
    return time.perf_counter() - start, float(np.mean(areas))


def tensors(predictions: Predictions) -> Tensors:
    """Logits, features and labels as pytorch-ood takes them."""
    return {name: torch.from_numpy(getattr(predictions, name)) for name in ("logits", "features", "labels")}


def others(trial: Trial, registry: Registry) -> dict[str, Callable[[], Callable[[Tensors], torch.Tensor]]]:
    """For each detector that pytorch-ood has too, with Assay's options, what fits it and returns its scores."""
    assert trial.head is not None
    weight, bias = (torch.from_numpy(each) for each in trial.head)
    layer = torch.nn.Linear(weight.shape[1], weight.shape[0])
    layer.weight.data, layer.bias.data = weight, bias
    train, val = tensors(trial.set("train")), tensors(trial.set("val"))

    def value(name: str, option: str) -> Any:
        return registry.card("detector", name).options[option].default

    def head(maps: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            found: torch.Tensor = layer(maps.flatten(1))
        return found

    def on_logits(fitted: Any) -> Callable[[Tensors], torch.Tensor]:
        return lambda said: fitted.predict_logits(said["logits"]).detach()

    def on_features(fitted: Any) -> Callable[[Tensors], torch.Tensor]:
        return lambda said: fitted.predict_features(said["features"]).detach()

    def on_maps(fitted: Any) -> Callable[[Tensors], torch.Tensor]:
        return lambda said: fitted.predict_feature_maps(said["features"][:, :, None, None]).detach()

    def react() -> Callable[[Tensors], torch.Tensor]:
        fitted = other.ReAct(None, head, percentile=value("react", "quantile"))
        return on_maps(fitted.fit_feature_maps(train["features"][:, :, None, None], train["labels"]))

    def nnguide() -> Callable[[Tensors], torch.Tensor]:
        bank, count = value("nnguide", "bank"), len(train["labels"])
        rows = torch.arange(min(bank, count)) * count // min(bank, count)
        fitted = other.NNGuide(None, layer, k=value("nnguide", "k"))
        return on_features(fitted.fit_features(train["features"][rows], train["labels"][rows]))

    def of_features(fitted: Any) -> Callable[[Tensors], torch.Tensor]:
        return on_features(fitted.fit_features(train["features"], train["labels"]))

    def gradnorm() -> Callable[[Tensors], torch.Tensor]:
        fitted = other.GradNorm(layer, param_filter=lambda name: name == "weight")
        return lambda said: fitted.predict(said["features"])

    half = weight.shape[1] // 2
    return {
        "msp": lambda: on_logits(other.MaxSoftmax(None)),
        "max-logit": lambda: on_logits(other.MaxLogit(None)),
        "entropy": lambda: on_logits(other.Entropy(None)),
        "energy": lambda: on_logits(other.EnergyBased(None)),
        "gen": lambda: on_logits(other.GEN(None, gamma=value("gen", "gamma"))),
        "temperature-scaled": lambda: on_logits(
            other.TemperatureScaling(None).fit_logits(val["logits"], val["labels"])
        ),
        "kl-matching": lambda: on_logits(other.KLMatching(None).fit_logits(val["logits"])),
        "openmax": lambda: on_logits(
            other.OpenMax(None, value("openmax", "tail"), value("openmax", "alpha")).fit_logits(
                train["logits"], train["labels"]
            )
        ),
        "knn": lambda: of_features(other.KNN(None, k=value("knn", "k"))),
        "nnguide": nnguide,
        "mahalanobis": lambda: of_features(other.Mahalanobis(None)),
        "relative-mahalanobis": lambda: of_features(other.RMD(None)),
        "vim": lambda: of_features(other.ViM(None, half, weight, bias)),
        "she": lambda: of_features(other.SHE(None, layer)),
        "dice": lambda: of_features(other.DICE(None, weight, bias, value("dice", "sparsity"))),
        "react": react,
        "ash": lambda: on_maps(other.ASH(None, head, variant="ash-s", percentile=value("ash", "pruned"))),
        "scale": lambda: on_maps(other.SCALE(None, head, percentile=value("scale", "pruned"))),
        "gradnorm": gradnorm,
    }


if __name__ == "__main__":
    main()
