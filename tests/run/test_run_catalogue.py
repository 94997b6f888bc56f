"""`assay methods`: what the cards say, as lines, in full, and as objects."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest
from assay.run.catalogue import as_objects, listing, show
from assay.run.methods import JobRegistry
from assay.study.errors import ConfigError
from assay.study.jobs import Job
from assay.study.registry import KINDS, Registry, load, scan

PLUGIN = '''
"""Two of a user's own."""
from assay import Metric, Option, method


@method("augment", "darken", summary="Scales brightness.", paper="Doe 2020", shapes="[B,C,H,W] -> the same",
        options={"by": Option(0.5, "factor", above=0), "how": Option(..., "the way", type=str, choices=["a", "b"])})
def darken(images, targets, draw, *, by, how):
    return images * by, targets


@method("evaluation", "darkness", summary="How dark.", options={"bins": Option([1, 2], "which", item=int)},
        metrics={"gloom": Metric("mean gloom", "lower", 0.0, unit="lm", keys={"bin": "bins"}, defaults={"bin": "1"})})
def darkness(trial, bins):
    return None
'''


@pytest.fixture
def registry() -> Registry:
    Path("mine.py").write_text(PLUGIN)
    return scan([Path("mine.py")])


def test_every_method_has_one_line_with_its_source(registry: Registry) -> None:
    text = listing(registry)
    lines = text.splitlines()
    for kind, words in KINDS.items():
        assert f"{kind}: {words}" in lines
    assert any(line.split() == ["darken", "Scales", "brightness.", "(Doe", "2020)"] for line in lines)
    assert sum(line.startswith("  ") for line in lines) == len(registry.cards)


def test_a_method_is_shown_in_full(registry: Registry) -> None:
    assert show(registry, "darken") == textwrap.dedent("""\
        darken (augment: how a training batch is altered)
          Scales brightness.
          Doe 2020
          shapes: [B,C,H,W] -> the same
          by: a number > 0, default 0.5. factor
          how: one of a, b, required. the way""")
    assert "metric gloom: mean gloom; lower is better" in show(registry, "darkness")


def test_a_metric_is_shown_too(registry: Registry) -> None:
    assert show(registry, "gloom") == textwrap.dedent("""\
        gloom (metric of darkness)
          mean gloom
          lower is better; from 0.0 to inf, in lm
          [bin=...] from bins, 1 when left out""")


PUBLISHED = """
from assay import Origin, method


@method("source", "seen", summary="One set.", origin=Origin(archive="https://a", licence="L", citation="C",
        counts={"train": 1234, "test": 5}, digest="ab12"))
def seen(given):
    return None


@method("source", "unseen", summary="Two.", origin=Origin(archive="https://b", licence="L", citation="C",
        counts={"x": {"test": 5}, "y": {"test": 6}}, digest={"x": "cd34"}))
def unseen(given):
    return None


@method("source", "new", summary="One.", origin=Origin(archive="https://c", licence="L", citation="C",
        counts={"test": 5}))
def new(given):
    return None
"""


def test_a_published_set_shows_what_it_claims_to_be() -> None:
    Path("sets.py").write_text(PUBLISHED)
    registry = scan([Path("sets.py")])
    assert show(registry, "seen").splitlines()[2:] == [
        "  archive: https://a",
        "  licence: L",
        "  cite: C",
        "  images: train 1,234, test 5; content ab12",
    ]
    assert show(registry, "unseen").splitlines()[5:] == [
        "  images (x): test 5; content cd34",
        "  images (y): test 6; digest not yet verified",
    ]
    assert as_objects(registry, "seen")[0]["origin"] == {
        "archive": "https://a",
        "licence": "L",
        "citation": "C",
        "counts": {"train": 1234, "test": 5},
        "digest": "ab12",
    }
    assert as_objects(registry, "new")[0]["origin"]["digest"] == "digest not yet verified"


def test_a_slip_of_the_pen_gets_the_nearest_name(registry: Registry) -> None:
    with pytest.raises(KeyError, match="did you mean 'darken'"):
        show(registry, "drken")
    with pytest.raises(KeyError, match="did you mean 'gloom'"):
        as_objects(registry, "glom")


def test_objects_are_plain_json(registry: Registry) -> None:
    (darken,) = as_objects(registry, "darken")
    assert json.loads(json.dumps(darken)) == {
        "name": "darken",
        "stage": "augment",
        "paper": "Doe 2020",
        "summary": "Scales brightness.",
        "shapes": "[B,C,H,W] -> the same",
        "options": {
            "by": {"default": 0.5, "required": False, "expected": "a number > 0", "help": "factor"},
            "how": {"default": None, "required": True, "expected": "one of a, b", "help": "the way"},
        },
        "metrics": {},
    }
    every = as_objects(registry)
    assert len(every) == len(registry.cards)
    assert all(each["summary"] for each in every)
    json.dumps(every)


def test_a_job_knows_its_own_methods_and_looks_for_others(registry: Registry) -> None:
    """No scan of the package for what the plan names; a scan, once, for what it does not."""
    job = Job("train", "x", {}, {}, {}, methods=[["augment", "darken", "assay_plugin_mine", "darken", "mine.py"]])
    own = JobRegistry([job], [Path("mine.py")])
    assert set(own.cards) == {("augment", "darken")}
    assert load(own.card("augment", "darken"))(2.0, "y", None, by=3.0, how="a") == (6.0, "y")
    assert own.card("model", "linear").module == "assay.models.pixels.linear"
    assert own.card("evaluation", "darkness").file.name == "mine.py"
    with pytest.raises(ConfigError, match="did you mean 'linear'"):
        own.card("model", "linaer")


def test_two_plug_ins_of_one_name_are_refused() -> None:
    """They would be one module, and one of them would silently stand for both."""
    for folder in ("a", "b"):
        Path(folder).mkdir()
        named = PLUGIN.replace('"darken"', f'"darken-{folder}"').replace('"darkness"', f'"darkness-{folder}"')
        Path(folder, "mine.py").write_text(named)
    with pytest.raises(ConfigError, match=r"b/mine.py: .*a/mine.py.*rename one"):
        scan([Path("a/mine.py"), Path("b/mine.py")])


def test_a_metric_is_told_though_its_family_has_the_same_name(registry: Registry) -> None:
    text = show(registry, "accuracy")
    assert "accuracy (evaluation:" in text
    assert "accuracy (metric of accuracy)" in text
    assert "higher is better; from 0.0 to 1.0" in text
