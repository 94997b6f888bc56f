"""Throughput, memory and energy of a forward pass."""

import sys

import numpy as np
import pytest
import torch
from assay.evaluate.cost import energy as joules
from assay.evaluate.cost.energy import energy
from assay.evaluate.cost.latency import throughput, throughput_iqr
from assay.evaluate.cost.memory import inference_memory
from assay.evaluate.result import UndefinedError
from torch import nn


def test_throughput_is_images_over_the_median_time():
    seconds = np.array([0.5, 1.0, 2.0, 4.0, 0.25])
    assert throughput(seconds, 8) == 8.0
    assert throughput_iqr(seconds, 8) == 16.0 - 4.0


class Grows(nn.Module):
    """Holds 64 MB for each image while it computes."""

    def forward(self, images):
        return torch.ones(len(images), 16, 1024, 1024).sum()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a mark that can be set back")
def test_memory_is_what_the_pass_holds_at_most():
    few, many = (inference_memory(Grows(), (1, 1, 1), batch) for batch in (1, 4))
    assert few == pytest.approx(64 * 2**20, rel=0.1)
    assert many == pytest.approx(256 * 2**20, rel=0.1)


def test_energy_is_that_of_all_packages_for_one_image(tmp_path, monkeypatch):
    monkeypatch.setattr(joules, "SECONDS", 0.0)
    for number, full in ((0, 1000.0), (1, 9e9)):
        (tmp_path / f"intel-rapl:{number}").mkdir()
        (tmp_path / f"intel-rapl:{number}" / "energy_uj").write_text("900")
        (tmp_path / f"intel-rapl:{number}" / "max_energy_range_uj").write_text(f"{full}")
    (tmp_path / "intel-rapl:0:0").mkdir()  # cores within package 0, counted already

    class Spends(nn.Module):
        def forward(self, images):
            (tmp_path / "intel-rapl:0" / "energy_uj").write_text("300")  # 100 to the end, and on from 0
            (tmp_path / "intel-rapl:1" / "energy_uj").write_text("2500")
            return images

    assert energy(Spends(), (1, 1, 1), 4, tmp_path) == pytest.approx((400 + 1600) / 1e6 / 4)


def test_a_machine_without_counters_says_so(tmp_path):
    with pytest.raises(UndefinedError, match="counts no energy"):
        energy(nn.Identity(), (1, 1, 1), 1, tmp_path)
