"""Training in float64, in which two orders of summation differ by next to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import torch
from assay.models.classifier import Classifier
from assay.train import job, objective
from assay.train.objective import Output
from torch import Tensor


@contextmanager
def in_double() -> Iterator[None]:
    """While the context is open, `assay.train.job.train` computes in float64."""
    place, features = job.place, Classifier.features

    def placed(model: Classifier, device: torch.device) -> Classifier:
        return place(model, device).double()

    def seen(self: Classifier, x: Tensor) -> Tensor:
        return features(self, x.double())

    def output(model: Classifier, x: Tensor, *, bf16: bool) -> Output:
        assert not bf16
        found = model.features(x)
        return Output(model.head(found), found, [])

    with (
        mock.patch.object(job, "place", placed),
        mock.patch.object(Classifier, "features", seen),
        mock.patch.object(objective, "output", output),
    ):
        yield
