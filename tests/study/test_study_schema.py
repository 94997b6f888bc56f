"""The JSON Schema and the reference page: up to date, and true of what the loader takes."""

import zipfile
from pathlib import Path

import jsonschema
import pytest
from assay.study.load import load_study
from assay.study.methods import plain
from assay.study.reference import BASE, SECTIONS, examples, page
from assay.study.registry import scan
from assay.study.schema import main, schema, text
from assay.study.yaml import parse

ROOT = Path(__file__).resolve().parents[2]
WRITE = "run `python -m assay.study.schema --write`"


@pytest.fixture(scope="module")
def editor():
    """What an editor says of a text: the messages of the schema's validator."""
    made = jsonschema.Draft202012Validator(schema(scan()))
    return lambda content: [error.message for error in made.iter_errors(plain(parse(content, "f")))]


def test_the_committed_schema_is_that_of_the_code():
    assert (ROOT / "config.schema.json").read_text() == text(scan()), WRITE


def test_the_committed_reference_page_is_that_of_the_code():
    assert (ROOT / "docs/config.md").read_text() == page(), WRITE


def test_both_are_written_by_one_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("docs").mkdir()
    main(["--write"])
    assert Path("docs/config.md").read_text() == page()
    assert Path("config.schema.json").read_text() == text(scan())


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(schema(scan()))


def test_the_default_study_satisfies_it_and_names_it(editor):
    content = (ROOT / "config.yaml").read_text()
    assert content.startswith("# yaml-language-server: $schema=config.schema.json\n")
    assert editor(content) == []


@pytest.mark.parametrize(("key", "example"), examples(), ids=lambda value: value if "\n" not in value else "")
def test_every_example_of_the_reference_page_loads(tmp_path, monkeypatch, editor, key, example):
    monkeypatch.chdir(tmp_path)
    imports = "" if key == "imports" else "imports: [shared.yaml]\n"
    files = {
        "shared.yaml": BASE,
        "config.yaml": imports + example,
        "my_methods.py": "",
        "groups.csv": "id,group\n",
        "model.safetensors": "",
    }
    Path("downloads").mkdir()
    with zipfile.ZipFile("logits.npz", "w") as archive:
        for name in ("val.logits", "val.label", "test.logits", "test.label"):
            archive.writestr(f"{name}.npy", b"")
    for name, content in files.items():
        Path(name).write_text(content)
    load_study(Path("config.yaml"), variant="tiny" if key == "variants" else None)
    assert editor(example) == []
    last = key.rpartition(".")[2]
    assert last in example, f"the example of {key} does not show it"


def test_every_key_of_every_section_has_an_example():
    assert {key for key, _ in examples()} == {
        f"{place}.{field.alias or name}".lstrip(".")
        for place, section in SECTIONS
        for name, field in section.model_fields.items()
    }
    assert len(examples()) > 70


def test_the_page_shows_every_example_and_default():
    made = page()
    assert all(f"```yaml\n{example}\n```" in made for _, example in examples())
    assert "**`epochs`**" not in made  # options of methods come from their cards, not from here
    assert "**`seeds`**: a whole number" in made
    assert "default `[init, order, augment]`" in made


@pytest.mark.parametrize(
    "content",
    [
        "arms: {a: {extends: b, recipe: {lr: 0.1}}}",
        "arms: {a: {extends: b, augment: {append: [mixup, {method: cutout, share: 0.25}]}}}",
        "arms: {a: {extends: b, model: null, distill: {temperature: 2}}}",
        "arms: {a: {model: {method: resnet8, width: 8}, distill: {method: kd, alpha: 0.1, teacher: b}}}",
        "evaluate: {ood: {detectors: {append: [{method: knn, k: 3}]}, far: [noise]}, accuracy: null}",
        "variants: {v: {seeds: 1, arms: {a: {recipe: {epochs: 2}}}, claims: {append: [{claim: c, expect: e}]}}}",
        "generators: {g: {extends: h, steps: 10}}",
        "seeds: {plan: 10, looks: [5, 10]}",
    ],
)
def test_editors_accept(editor, content):
    assert editor(content) == []


@pytest.mark.parametrize(
    "content",
    [
        "sedes: 1",
        "arms: {a: {recipe: {method: sgd, beta1: 0.9}}}",
        "arms: {a: {recipe: {method: sgdd}}}",
        "arms: {a: {model: resnt8}}",
        "arms: {a: {recipe: {lr: -1}}}",
        "arms: {a: {augment: [mixup, blur]}}",
        "arms: {a: {distill: {method: kd, alpa: 1}}}",
        "generators: {g: {method: ddpm, dataset: d, stps: 10}}",
        "evaluate: {ood: {detectors: [msq]}}",
        "evaluate: {oodd: {}}",
        "variants: {v: {study: other}}",
        "claims: [{claim: c}]",
        "seeds: 0",
        "resources: {train: {time: long}}",
    ],
)
def test_editors_refuse(editor, content):
    assert editor(content) != []
