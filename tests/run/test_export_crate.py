"""`assay export`: a Workflow Run RO-Crate that says what its profiles ask for, and nothing that must not leave.

The standard's own validator (roc-validator) cannot stand beside Assay's packages, since it wants an older `rich`; what
the profiles say that a crate MUST have is checked here one by one. docs/export.md tells how to run the validator.
"""

import hashlib
import json
import zipfile
from pathlib import Path

import pytest
from assay.run import cli
from assay.run.citations import address
from assay.run.export.crate import export
from assay.run.files import read_json, write_json
from assay.run.results import load
from results_tree import Tree

PROFILES = {"https://w3id.org/ro/wfrun/process/0.5", "https://w3id.org/ro/wfrun/workflow/0.5"}


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path / "results").write().finish()


def changed(tree, change):
    body = read_json(tree.folder / "study.json")
    change(body)
    write_json(tree.folder / "study.json", body)


def graph(folder):
    found = json.loads((folder / "ro-crate-metadata.json").read_text())["@graph"]
    assert len({entity["@id"] for entity in found}) == len(found)
    return {entity["@id"]: entity for entity in found}


def ids(value):
    return [each["@id"] for each in (value if isinstance(value, list) else [value])]


def test_a_crate_has_what_its_profiles_ask_for(tree, tmp_path):
    export(load(tree.folder), tmp_path / "crate")
    found = graph(tmp_path / "crate")
    root, about = found["./"], found["ro-crate-metadata.json"]
    # RO-Crate 1.1: descriptor and root.
    assert ids(about["about"]) == ["./"]
    assert "https://w3id.org/ro/crate/1.1" in ids(about["conformsTo"])
    assert all(root[key] for key in ("name", "description", "datePublished", "license"))
    assert root["@type"] == "Dataset"
    files = [key for key, entity in found.items() if "File" in entity["@type"]]
    assert set(files) <= set(ids(root["hasPart"]))
    assert all((tmp_path / "crate" / key).is_file() for key in files)
    # Workflow RO-Crate: a main workflow with its language.
    (main,) = ids(root["mainEntity"])
    assert set(found[main]["@type"]) == {"File", "SoftwareSourceCode", "ComputationalWorkflow"}
    assert found[found[main]["programmingLanguage"]["@id"]]["name"] == "Snakemake"
    # Process and Workflow Run Crate: the profiles as entities, an action of the main workflow, its parameters.
    assert set(ids(root["conformsTo"])) >= PROFILES
    assert all(found[profile]["@type"] == "CreativeWork" for profile in PROFILES)
    action = found["#run"]
    assert action["@type"] == "CreateAction"
    assert ids(action["instrument"]) == [main]
    assert action["startTime"] < action["endTime"]
    assert all(each in found for each in ids(action["object"]) + ids(action["result"]))
    for parameter in ids(found[main]["input"]) + ids(found[main]["output"]):
        assert found[parameter]["@type"] == "FormalParameter"
        assert found[parameter]["additionalType"] in ("File", "Text")
        (example,) = ids(found[parameter]["workExample"])
        assert ids(found[example]["exampleOfWork"]) == [parameter]


def test_it_holds_config_code_environment_data_and_outputs(tree, tmp_path):
    (tree.folder / "report.html").write_text("<p>all</p>")
    write_json(tree.folder / "registration.json", {"claims": 2})
    export(load(tree.folder), tmp_path / "crate", "https://spdx.org/licenses/CC0-1.0")
    crate, found = tmp_path / "crate", graph(tmp_path / "crate")
    assert (crate / "config.yaml").read_text() == "study: digits\n"
    assert json.loads((crate / "code.json").read_text())["assay.train.job"] == "c0"
    assert json.loads((crate / "environment.json").read_text())["devices"] == ["cpu (test)"]
    assert found["datasets/digits.json"]["identifier"] == "sha256:" + "d" * 64
    assert "secret" not in (crate / "datasets/digits.json").read_text()
    assert {"report.html", "metrics.csv", "verdicts.json"} < set(ids(found["#run"]["result"]))
    assert {"config.yaml", "datasets/glyphs.json"} < set(ids(found["#run"]["object"]))
    assert found["report.html"]["sha256"] == hashlib.sha256(b"<p>all</p>").hexdigest()
    assert "registration.json" in ids(found["./"]["mentions"])
    assert found[found["./"]["license"]["@id"]]["@type"] == "CreativeWork"
    rows = (crate / "metrics.csv").read_text().splitlines()
    assert rows[0] == "arm,seed,family,metric,keys,value,note"
    value = load(tree.folder).metrics().query("arm == 'pruned' and seed == 1 and metric == 'accuracy'")["value"].item()
    assert f"pruned,1,accuracy,accuracy,{{}},{value}," in rows


def test_verdicts_are_values_with_their_source(tree, tmp_path):
    def cite(body):
        body["study"]["claims"][0]["source"] = "Han et al. 2015, arXiv:1506.02626"

    changed(tree, cite)
    export(load(tree.folder), tmp_path / "crate")
    found = graph(tmp_path / "crate")
    verdict = found["#verdict-1"]
    assert (verdict["@type"], verdict["value"]) == ("PropertyValue", "supported")
    assert {found[each]["name"]: found[each]["value"] for each in ids(verdict["valueReference"])} == {
        "effect": 0.01, "low": -0.02, "high": 0.04, "p": 0.6,
    }  # fmt: skip
    assert ids(verdict["citation"]) == ["https://arxiv.org/abs/1506.02626"]
    assert found["#verdict-2"]["value"] == "inconclusive"


def test_nothing_tells_of_the_machine(tree, tmp_path):
    place = str(tmp_path / "pictures" / "mine")

    def own(body):
        body["study"]["datasets"]["glyphs"]["source"] = {"method": "folder", "path": place}
        body["config"] = f"study: digits  # see /home/ada/notes\npath: {place}\nat: {Path.cwd()}/x\n"

    changed(tree, own)
    (tree.folder / "report.html").write_text(f"<p>{place}/a.png</p><a href='https://a.org/home'>")
    export(load(tree.folder), tmp_path / "crate")
    assert (tmp_path / "crate/config.yaml").read_text() == "study: digits  # see ~/notes\npath: mine\nat: ./x\n"
    assert (tmp_path / "crate/report.html").read_text() == "<p>mine/a.png</p><a href='https://a.org/home'>"
    for file in (tmp_path / "crate").rglob("*.*"):
        assert str(tmp_path) not in file.read_text(), file


def test_private_datasets_have_neither_name_nor_path(tmp_path):
    tree = Tree(tmp_path / "results")
    tree.private = True
    tree.write().finish()

    def name(body):
        body["study"]["datasets"]["digits"]["source"] = {"method": "folder", "path": "wards/seven"}
        body["study"]["claims"][0]["expect"] = "pruned[dataset=digits-rare].accuracy >= 0"
        body["config"] = "path: wards/seven"

    changed(tree, name)
    (tree.folder / "report.html").write_text("digits-rare")
    export(load(tree.folder), tmp_path / "crate")
    for file in (tmp_path / "crate").rglob("*.*"):
        if file.suffix not in (".lock", ".smk") and file.name != "code.json":
            text = file.read_text()
            assert "digits-rare" not in text, file
            assert "wards" not in text, file
    assert not (tmp_path / "crate/report.html").exists()
    assert not (tmp_path / "crate/config.yaml").exists()
    assert sorted(file.name for file in (tmp_path / "crate/datasets").iterdir()) == [
        "glyphs.json", "private-1.json", "private-2.json",
    ]  # fmt: skip
    assert set(json.loads((tmp_path / "crate/datasets/private-1.json").read_text())) == {"digest", "total"}


def test_a_run_with_failures_says_so(tree, tmp_path):
    tree.fail("pruned", 1, "MethodError: loss is NaN")
    export(load(tree.folder), tmp_path / "crate")
    action = graph(tmp_path / "crate")["#run"]
    assert action["actionStatus"] == "http://schema.org/FailedActionStatus"
    assert action["error"] == "1 of 4 trials failed"


def test_typed(tree, tmp_path, capsys):
    file = tmp_path / "deep" / "digits.zip"
    assert cli.main(["export", str(tree.folder), "--into", str(file)]) == 0
    assert "2 verdicts" in capsys.readouterr().out
    with zipfile.ZipFile(file) as archive:
        assert {"ro-crate-metadata.json", "Snakefile", "rules/train.smk", "README.md"} < set(archive.namelist())
    assert cli.main(["export", str(tree.folder), "--into", str(file)]) == 1
    assert "is there already" in capsys.readouterr().err
    (tree.folder / "pruned/seed-0/train.json").unlink()
    assert cli.main(["export", str(tree.folder), "--into", str(tmp_path / "other")]) == 1
    assert "digits is not finished (pruned/seed-0/train is missing); run `snakemake" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("Zhang et al. 2018, arXiv:1710.09412", "https://arxiv.org/abs/1710.09412"),
        ("https://arxiv.org/pdf/1710.09412v2", "https://arxiv.org/abs/1710.09412"),
        ("1710.09412", "https://arxiv.org/abs/1710.09412"),
        ("Han et al. 2005, doi:10.1007/11538059_91", "https://doi.org/10.1007/11538059_91"),
        ("Jordan 2024, github.com/KellerJordan/cifar10-airbench", "https://github.com/KellerJordan/cifar10-airbench"),
        ("Chawla et al. 2002", None),
    ],
)
def test_citations_name_papers(source, found):
    assert address(source) == found
