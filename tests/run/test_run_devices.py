"""Which devices a job gets, on machines that a test pretends to have."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch
from assay.errors import MethodError
from assay.run.devices import described, held
from assay.study.errors import ConfigError

Machine = Callable[[int, bool], None]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """`machine(cuda, mps)`: torch finds so many CUDA devices, and Apple's or not."""

    def make(cuda: int, mps: bool) -> None:
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    return make


@pytest.mark.parametrize(
    ("cuda", "mps", "count", "allowed", "expected"),
    [
        (0, False, 1, None, ["cpu"]),
        (0, False, 1, "auto", ["cpu"]),
        (0, False, 2, "auto", ["cpu", "cpu"]),
        (0, False, 2, 0, ["cpu", "cpu"]),
        (0, True, 1, None, ["mps"]),
        (0, True, 1, 0, ["cpu"]),
        (0, True, 3, 0, ["cpu"] * 3),
        (1, True, 1, "auto", ["cuda:0"]),
        (4, False, 1, 1, ["cuda:0"]),
        (4, False, 2, None, ["cuda:0", "cuda:1"]),
        (4, False, 2, 4, ["cuda:0", "cuda:1"]),
        (4, False, 2, 0, ["cpu", "cpu"]),
    ],
)
def test_cuda_comes_before_mps_and_mps_before_the_cpu(
    machine: Machine, tmp_path: Path, cuda: int, mps: bool, count: int, allowed: str | int | None, expected: list[str]
) -> None:
    machine(cuda, mps)
    with held(count, allowed, tmp_path) as names:
        assert names == expected


@pytest.mark.parametrize(
    ("cuda", "mps", "count", "allowed", "found"),
    [
        (1, False, 2, "auto", r"1 \(cuda:0\)"),
        (1, False, 2, None, r"1 \(cuda:0\)"),
        (0, False, 1, 1, "none"),
        (0, False, 2, 2, "none"),
        (0, True, 2, None, r"1 \(mps\)"),
    ],
)
def test_a_machine_with_fewer_gpus_is_refused_unless_the_cpu_is_allowed(
    machine: Machine, tmp_path: Path, cuda: int, mps: bool, count: int, allowed: str | int | None, found: str
) -> None:
    machine(cuda, mps)
    with (
        pytest.raises(MethodError, match=f"devices: {count} needs as many GPUs, and torch finds {found} here.*gpus: 0"),
        held(count, allowed, tmp_path),
    ):
        pass


def test_jobs_at_once_spread_over_the_gpus_and_share_when_there_are_more_jobs(machine: Machine, tmp_path: Path) -> None:
    machine(3, False)
    with ExitStack() as stack:
        taken = [stack.enter_context(held(1, None, tmp_path))[0] for _ in range(3)]
        assert taken == ["cuda:0", "cuda:1", "cuda:2"]
        assert stack.enter_context(held(1, None, tmp_path))[0] in taken
        assert stack.enter_context(held(3, None, tmp_path)) == taken
    with held(2, None, tmp_path) as first, held(1, None, tmp_path) as second:
        assert first == ["cuda:0", "cuda:1"]
        assert second == ["cuda:2"]


def test_a_gpu_is_the_same_for_jobs_that_see_others_beside_it(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(2, False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,6")
    with held(1, None, tmp_path) as first:
        assert first == ["cuda:0"]
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "6,5")
        with held(2, None, tmp_path) as both, held(1, None, tmp_path):
            assert both == ["cuda:0", "cuda:1"]
        with held(1, None, tmp_path) as second:
            assert second == ["cuda:0"]  # number 6; 5 is taken


def test_devices_are_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda name: {"cuda:1": "Some Card"}[name])
    assert described("cuda:1") == "cuda (Some Card)"
    assert described("mps").startswith("mps (")
    assert described("cpu").startswith("cpu (")


@pytest.mark.parametrize(
    ("arm", "resources", "message"),
    [
        ({"devices": 3}, {"train": {"gpus": 2}}, "expected at most 2, the gpus that `resources.train` gives"),
        ({"devices": 2, "robust": {"method": "co-teaching", "rate": 0.2}}, {}, "co-teaching remembers each image"),
        ({"devices": 2, "loss": "bias-loss"}, {}, "bias-loss compares features of a whole batch"),
        ({"devices": 2, "together": True}, {}, "`together` puts all seeds on one device"),
        (
            {"devices": 2, "distill": {"method": "rkd", "teacher": "baseline"}},
            {},
            "rkd compares images of a whole batch .* or distil by one of born-again",
        ),
        ({"devices": 2, "compile": True}, {}, "compiled layers cannot wait"),
        ({"devices": 4, "recipe": {"method": "sgd", "batch": 3}}, {}, "4 devices cannot share a batch of 3 images"),
        (
            {"devices": 4, "recipe": {"method": "sgd", "batch": 12, "accumulate": 4}},
            {},
            r"4 devices cannot share a batch of 12 images in 4 parts \(`accumulate`\)",
        ),
        ({"devices": 0}, {}, "devices"),
    ],
)
def test_what_cannot_be_shared_is_refused_before_any_job(planned, config, arm, resources, message) -> None:  # type: ignore[no-untyped-def]
    config["arms"]["baseline"] |= arm
    config["resources"] = resources
    with pytest.raises(ConfigError, match=message) as error:
        planned(config)
    assert "arms.baseline.devices" in str(error.value)


def test_graphs_of_a_device_and_sums_of_gradients_exclude_each_other(planned, config) -> None:  # type: ignore[no-untyped-def]
    config["arms"]["baseline"] |= {"compile": "cuda-graphs"}
    assert {job.spec["compile"] for job in planned(config).jobs.values() if job.stage == "train"} == {"cuda-graphs"}
    config["arms"]["baseline"] |= {"recipe": {"method": "sgd", "accumulate": 2}}
    with pytest.raises(ConfigError, match="writes over the gradients that `accumulate` adds to"):
        planned(config)


def test_gpus_of_a_stage_reach_its_jobs_and_change_none_of_them(planned, config) -> None:  # type: ignore[no-untyped-def]
    plain = planned(config)
    config["resources"] = {"train": {"gpus": 0}, "predict": {"gpus": "auto"}}
    told = planned(config)
    assert set(plain.jobs) == set(told.jobs)
    assert {job.gpus for job in told.jobs.values() if job.stage == "train"} == {0}
    assert {job.gpus for job in told.jobs.values() if job.stage == "predict"} == {"auto"}
    assert {job.gpus for job in plain.jobs.values()} == {None}
