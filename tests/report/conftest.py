"""Rendered pages of made-up studies, built once for all tests of the report."""

from __future__ import annotations

from pathlib import Path

import fake_study
import pytest
from assay.report.render import write

SMALL = """\
study: small
seeds: 2
datasets:
  digits: {source: digits, split: {val: 0.15, test: 0.2}}
  rare: {from: digits, classes: {hold-out: ["8", "9"]}, imbalance: {method: exponential, ratio: 20}}
  noise: {source: noise, like: digits}
generators:
  ddpm: {method: ddpm, dataset: rare}
arms:
  baseline: {dataset: rare, model: resnet8, recipe: sgd}
  mixup: {extends: baseline, augment: [mixup]}
  synthetic: {extends: baseline, synthetic: {generator: ddpm, balance: true}}
  diverged: {extends: baseline, augment: [mixup], recipe: {method: sgd, lr: 10.0}}
evaluate:
  accuracy: {}
  ood: {detectors: [energy], near: [hold-out], far: [noise]}
claims:
  - claim: Mixup helps
    expect: "mixup.accuracy > baseline.accuracy"
"""

TUNED = """\
arms:
  baseline: {dataset: rare, model: resnet8, recipe: sgd}
  tuned: {extends: baseline, search: {space: {recipe.lr: [0.05, 0.1, 0.2]}, trials: 3, by: val.accuracy}}
evaluate:
  accuracy: {}
claims:
  - claim: Tuning helps
    expect: "tuned.accuracy > baseline.accuracy"
"""


@pytest.fixture(scope="session")
def study_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven arms, one of which failed, under three seeds, with every family evaluated; the page is written."""
    folder = fake_study.build(
        tmp_path_factory.mktemp("study"), fake_study.CONFIG.replace("seeds: 5", "seeds: 3"), apart=("mixup", 1)
    )
    write(folder)
    return folder


@pytest.fixture(scope="session")
def hostile_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small study with markup wherever a text of it reaches the page; the page is written."""
    folder = fake_study.build(tmp_path_factory.mktemp("hostile"), SMALL, hostile=True)
    write(folder)
    return folder


@pytest.fixture(scope="session")
def private_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small study over a private source; the page is written."""
    private = SMALL.replace("digits: {source: digits,", "digits: {source: digits, private: true,")
    folder = fake_study.build(tmp_path_factory.mktemp("private"), private)
    write(folder)
    return folder


@pytest.fixture(scope="session")
def planned_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that was planned and of which nothing was computed yet."""
    return fake_study.build(tmp_path_factory.mktemp("planned"), SMALL, computed=False)


@pytest.fixture(scope="session")
def tuned_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with one tuned arm, of whose results one was kept across a change of code; the page is written."""
    config = fake_study.CONFIG.split("generators:")[0].replace("seeds: 5", "seeds: 2") + TUNED
    folder = fake_study.build(tmp_path_factory.mktemp("tuned"), config)
    seal = next((folder.parent / "store" / "train").glob("*/seal.json"))
    note = {"from": "f" * 64, "changed": ["assay.train.loop"], "time": 1.8e9, "before": None}
    fake_study.write_json(seal, {"digest": "0" * 64, "accepted": note})
    write(folder)
    return folder
