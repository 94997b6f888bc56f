"""`assay reproduce PAPER`: the studies that come along, found by what their claims cite."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from assay.run import cli, reproduce
from assay.study.load import load_study
from project import ROOT

STUDIES = sorted(file.name for file in (ROOT / "studies").glob("*.yaml"))


@pytest.fixture(autouse=True)
def in_the_project(in_its_own_folder, monkeypatch):
    """The studies stand beside the Snakefile."""
    monkeypatch.chdir(ROOT)


def typed(capsys, *arguments):
    status = cli.main(["reproduce", *arguments])
    told = capsys.readouterr()
    return status, told.out, told.err


@pytest.mark.parametrize(
    "paper", ["1710.09412", "arXiv:1710.09412", "https://arxiv.org/abs/1710.09412v2", "zhang 2018 1710.09412"]
)
def test_mixup_is_found_by_whatever_names_its_paper(capsys, paper):
    status, out, _ = typed(capsys, paper)
    assert status == 0
    assert "mixup.accuracy > baseline.accuracy" in out
    assert "snakemake --cores all --config study=studies/cifar10-augment.yaml variant=cpu\n" in out
    assert "1905.04899" not in out


def test_smote_is_found_by_its_doi_and_by_words(capsys):
    for paper in ("10.1613/jair.953", "https://doi.org/10.1613/JAIR.953", "chawla", "Chawla et al. 2002"):
        status, out, _ = typed(capsys, paper)
        assert status == 0
        assert "study=studies/longtail.yaml" in out
        assert "Chawla et al. 2002" in out


def test_every_study_whose_claims_cite_anything_is_listed(capsys):
    status, out, _ = typed(capsys)
    assert status == 0
    for name in STUDIES:
        text = (ROOT / "studies" / name).read_text(encoding="utf-8")
        claims = text.partition("\nclaims:")[2].partition("\nvariants:")[0]
        cited = re.findall(r"^    source: [\"']?([^\"'\n]+)", claims, re.M)
        assert (f"study=studies/{name}" in out) == bool(cited), name
        assert all(source.strip() in out for source in cited)


def test_reading_finds_the_claims_that_resolving_finds():
    (study,) = reproduce.chosen(reproduce.ready(), Path("cifar10-noise"))
    resolved = load_study(study.file)["claims"]
    assert [claim["claim"] for claim in study.claims] == [claim["claim"] for claim in resolved if claim.get("source")]


@pytest.mark.parametrize(
    ("paper", "meant"),
    [
        ("1710.09413", "arXiv:1710.09412"),
        ("chawlla 2002", "Chawla et al. 2002"),
        ("10.1613/jair.954", "10.1613/jair.953"),
    ],
)
def test_a_miss_names_the_nearest(capsys, paper, meant):
    status, _, error = typed(capsys, paper)
    assert status == 1
    assert f"no study claims anything from {paper!r}; did you mean" in error
    assert meant in error


def test_a_study_is_started_as_the_command_says(capsys, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "assay.run.reproduce.subprocess.run",
        lambda words, **_: asked.append(words) or SimpleNamespace(returncode=3),
    )
    status, out, _ = typed(capsys, "1710.09412", "--run", "--variant", "cpu")
    assert status == 3
    assert out == "snakemake --cores all --config study=studies/cifar10-augment.yaml variant=cpu\n"
    assert asked == [[sys.executable, "-m", *out.split()]]


def test_nothing_is_started_that_is_not_clear(capsys, monkeypatch):
    monkeypatch.setattr("assay.run.reproduce.subprocess.run", lambda *_, **__: pytest.fail("started"))
    for arguments, words in (
        (["1710.09412", "--run", "--variant", "cpus"], "has no variant 'cpus'; there are cpu; did you mean 'cpu'?"),
        (["--run"], "--run wants to know which paper"),
        (["jordan", "--run"], "2 studies test claims of 'jordan'; name one by --study"),
        (["jordan", "--run", "--study", "cifar10-sped"], "did you mean 'studies/cifar10-speed.yaml'?"),
    ):
        status, _, error = typed(capsys, *arguments)
        assert status == 1
        assert words in error


def test_a_file_without_sources_claims_nothing_from_a_paper(tmp_path):
    (tmp_path / "a.yaml").write_text("study: a\nclaims:\n  - {claim: c, expect: a.m > 1}\n")
    (study,) = reproduce.ready(tmp_path)
    assert study.claims == []
    assert study.variants == []
    with pytest.raises(KeyError, match="lists the papers"):
        reproduce.find([study], "1710.09412")
