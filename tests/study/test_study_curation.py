"""Curated datasets in a config: what they resolve to, what comes along, and what is refused where."""

from __future__ import annotations

from pathlib import Path

import pytest
from assay.study.errors import ConfigError
from assay.study.load import load_study

HEAD = """\
study: s
seeds: 2
datasets:
  d: {source: digits, split: {val: 0.15, test: 0.2}}
  noisy: {from: d, label-noise: {method: symmetric, rate: 0.1}}
  clean: {from: noisy, curate: [near-duplicates, {method: aum, arm: base}]}
encoders:
  e: {method: rotation, dataset: d, model: resnet8}
generators:
  g: {method: smote, dataset: noisy}
arms:
  base: {dataset: noisy, model: linear}
"""


@pytest.fixture
def read(tmp_path, monkeypatch, registry):
    """`read(text)`: a study of real methods."""
    monkeypatch.chdir(tmp_path)

    def load(text, **options):
        Path("config.yaml").write_text(text)
        return load_study(Path("config.yaml"), registry=registry, **options)

    return load


def test_each_choice_is_whole(read):
    assert read(HEAD)["datasets"]["clean"]["curate"] == [
        {"method": "near-duplicates", "distance": 0.35, "across": True, "within": True}
        | {"arm": None, "encoder": None, "as-many-as": None},
        {"method": "aum", "keep": None, "above": 0.0, "arm": "base", "encoder": None, "as-many-as": None},
    ]


def test_random_choice_comes_along(read):
    more = "  a: {extends: base, dataset: clean, augment: [cutout]}\n"
    made = read(HEAD + more)
    twin = made["datasets"]["clean-random"]
    assert twin["from"] == "noisy"
    assert twin["curate"] == [
        {"method": "random", "keep": None, "arm": None, "encoder": None, "as-many-as": "clean"},
    ]
    assert made["arms"]["a-random"] == {**made["arms"]["a"], "dataset": "clean-random"}
    assert "base-random" not in made["arms"]
    assert read(HEAD + more + "claims: [{claim: c, expect: a.accuracy > a-random.accuracy}]\n")["claims"]


def test_what_the_study_declares_itself_stays(read):
    own = HEAD.replace("encoders:", "  clean-random: {from: noisy, curate: [{method: random, keep: 9}]}\nencoders:")
    made = read(own + "  a: {dataset: clean, model: linear}\n")
    assert made["datasets"]["clean-random"]["curate"][0]["keep"] == 9
    assert "clean-random-random" not in made["datasets"]
    assert "a-random" not in made["arms"]
    made = read(HEAD + "  a: {dataset: clean, model: linear}\n  a-random: {dataset: clean-random, model: resnet8}\n")
    assert made["arms"]["a-random"]["model"]["method"] == "resnet8"
    assert "a-random-random" not in made["arms"]


def test_points_of_a_sweep_get_points_of_their_own(read):
    made = read(HEAD + "  a: {dataset: clean, model: linear, sweep: {grid: {recipe.lr: [0.1, 0.2]}}}\n")
    assert made["groups"]["a-random"] == ["a-random[recipe.lr=0.1]", "a-random[recipe.lr=0.2]"]
    assert set(made["groups"]["a-random"]) < set(made["arms"])


def test_privacy_is_passed_on(read):
    made = read(HEAD.replace("test: 0.2}}", "test: 0.2}, private: true}"))
    assert made["datasets"]["clean"]["private"]
    assert made["datasets"]["clean-random"]["private"]


def test_smoke_asks_for_no_more_images_or_epochs_than_there_are(read):
    text = HEAD.replace("{method: aum, arm: base}", "{method: el2n, arm: base, keep: 900}")
    entry = read(text, scale="smoke")["datasets"]["clean"]["curate"][1]
    assert entry["keep"] == 0.5
    assert entry["epochs"] == 2


def more(line: str) -> str:
    """The study with one more dataset, `x`."""
    return HEAD.replace("encoders:", f"  x: {line}  # here\nencoders:")


def choice(entry: str) -> str:
    """The study with one more dataset, `x`, that is curated by one method."""
    return more(f"{{from: noisy, curate: [{entry}]}}")


def arm(line: str) -> str:
    """The study with one more arm, `a`."""
    return f"{HEAD}  a: {line}\n"


AUM = "  x: {from: noisy, curate: [{method: aum, arm: a}]}  # here\nencoders:"
WRONG = [
    (more("{from: d, curate: [near-duplicate]}"), "x.curate[0]", "no curate method", "near-duplicates"),
    (more("{from: d, curate: [{method: random, kep: 1}]}"), "x.curate[0].kep", "no such option", "keep"),
    (more("{from: d, curate: [{arm: base}]}"), "x.curate[0]", "expected the key `method`", None),
    (more("{source: digits, curate: [near-duplicates]}"), "x.curate", "name that one under `from`", None),
    (more("{from: d, subset: 9, curate: [near-duplicates]}"), "x.subset", "leave open which comes first", None),
    (more("{from: d, classes: {hold-out: ['1']}, curate: [near-duplicates]}"), "x.classes", "leave open", None),
    (choice("{method: aum, arm: bse}"), "x.curate[0].arm", "no arm is called 'bse'", "base"),
    (choice("{method: hierarchical-kmeans, keep: 9, encoder: f}"), "x.curate[0].encoder",
     "no encoder is called 'f'", None),
    (choice("{method: random, as-many-as: cleen}"), "x.curate[0].as-many-as",
     "no dataset is called 'cleen'", "clean"),
    (choice("aum"), "x.curate[0]", "name an `arm`, such as base", None),
    (choice("{method: confident-learning, by: logits}"), "x.curate[0]", "logits of a model", None),
    (choice("{method: gradient-coreset, keep: 9, encoder: e}"), "x.curate[0].encoder",
     "asks nothing of it", None),
    (choice("{method: near-duplicates, arm: base}"), "x.curate[0].arm", "asks nothing of it", None),
    (choice("{method: aum, arm: base, encoder: e}"), "x.curate[0]", "either `arm` or `encoder`", None),
    (choice("random"), "x.curate[0]", "either `keep` or `as-many-as`", None),
    (more("{from: d, curate: [{method: random, as-many-as: clean}]}"), "x.curate[0].as-many-as",
     "clean does not come from d", None),
    (more("{from: d, curate: [{method: hierarchical-kmeans, keep: 9, arm: base}]}"), "x.curate[0].arm",
     "base learns from noisy; expected an arm that learns from d", None),
    (arm("{dataset: d, model: linear}").replace("encoders:", AUM), "x.curate[0].arm",
     "a has other labels than noisy: noisy changes them by `label-noise`", None),
    (arm("{extends: base, devices: 2}").replace("encoders:", AUM), "x.curate[0].arm",
     "a shares its training among 2 devices", None),
    (arm("{extends: base, augment: [mixup]}").replace("encoders:", AUM), "x.curate[0].arm", "mixes images (mixup)",
     None),
    (arm("{extends: base, synthetic: {generator: g, per-class: 9, mix: synthetic-only}}").replace("encoders:", AUM),
     "x.curate[0].arm", "synthetic images alone", None),
    (arm("{dataset: x, model: linear}").replace("encoders:", AUM), "x.curate",
     "goes round in a circle: dataset x -> arm a -> dataset x", None),
    (arm("{extends: base, distill: {method: kd, teacher: b}}\n  b: {dataset: x, model: linear}")
     .replace("encoders:", AUM), "x.curate", "circle: dataset x -> arm a -> arm b -> dataset x", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "path", "message", "near"), WRONG, ids=[row[1] + row[2][:20] for row in WRONG])
def test_wrong_curation_is_refused_where_it_stands(read, text, path, message, near):
    with pytest.raises(ConfigError) as caught:
        read(text)
    line = next(number for number, words in enumerate(text.splitlines(), 1) if "# here" in words)
    fitting = [p for p in caught.value.problems if message in p.message and p.path == f"datasets.{path}"]
    assert fitting, [str(p) for p in caught.value.problems]
    assert fitting[0].line == line
    assert fitting[0].nearest == near
    assert len(caught.value.problems) <= 2


def test_features_may_come_from_an_arm_with_other_labels(read):
    """Features have no labels; what is asked of the arm is where an image lies."""
    text = arm("{dataset: d, model: linear}").replace(
        "encoders:", "  x: {from: noisy, curate: [{method: cluster-complexity, keep: 0.5, arm: a}]}\nencoders:"
    )
    assert read(text)["datasets"]["x"]["curate"][0]["arm"] == "a"
