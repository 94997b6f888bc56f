"""The studies that come along are right, with each of their variants."""

import pytest
from assay.study.claims import too_few
from assay.study.load import load_study
from assay.study.yaml import parse
from project import ROOT

FILES = sorted((ROOT / "studies").glob("*.yaml"))
CASES = [(file, variant) for file in FILES for variant in (None, *parse(file.read_text(), "f").get("variants", {}))]


@pytest.mark.parametrize(("file", "variant"), CASES, ids=lambda value: getattr(value, "stem", str(value)))
def test_it_loads(monkeypatch, file, variant):
    monkeypatch.chdir(ROOT)
    made = load_study(file, variant=variant)
    assert made["claims"]
    assert file.stem in file.read_text().split("study=studies/")[1], "its head says how to run it"


def test_the_speed_study_has_the_published_augmentation():
    """In pixels of the 32 of CIFAR-10, as the scripts of cifar10-airbench state them."""
    arms = load_study(ROOT / "studies/cifar10-speed.yaml")["arms"]
    for name, shift, square in (("airbench94", 2, None), ("airbench95", 2, None), ("airbench96", 4, 12)):
        found = {entry["method"]: entry for entry in arms[name]["augment"]}
        assert found["flip"]["alternate"]
        assert found["translate"]["share"] * 32 == shift
        assert found["translate"]["fill"] == "reflect"
        assert ("cutout" in found) == (square is not None)
        if square:
            assert found["cutout"]["share"] * 32 == square
            assert found["cutout"]["inside"]
            # Zero after normalisation is the mean of the data, channel by channel.
            assert found["cutout"]["fill"] == pytest.approx((0.4914 + 0.4822 + 0.4465) / 3, abs=1e-4)
        assert arms[name]["loss"]["label-smoothing"] == 0.2
        assert arms[name]["tta"] == "mirror-translate"


@pytest.mark.parametrize(("file", "variant"), CASES, ids=lambda value: getattr(value, "stem", str(value)))
def test_it_has_the_seeds_that_its_claims_need(monkeypatch, file, variant):
    monkeypatch.chdir(ROOT)
    assert too_few(load_study(file, variant=variant)) is None
