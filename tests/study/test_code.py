"""The hash of code: what counts, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from assay.study.code import Code, source_hash

SOURCE = '''
"""A module."""
from math import exp

@method("augment", "x", summary="One.")
def f(a, b=1.0):
    """Doc."""
    return exp(a) + b
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return exp", "# why\n    return exp"),
        ('"""Doc."""', '"""Other words."""'),
        ('"""A module."""', ""),
        ("a, b=1.0", "a,\n      b=1.0"),
        ("One.", "Two."),
        ("exp(a) + b", "(exp(a) + b)"),
    ],
)
def test_what_changes_nothing(old: str, new: str) -> None:
    assert source_hash(SOURCE.replace(old, new)) == source_hash(SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [("b=1.0", "b=2.0"), ("b=1.0", "b=1"), ("+ b", "- b"), ("def f", "def g"), ("exp(a) + b", "b + exp(a)")],
)
def test_what_changes_the_hash(old: str, new: str) -> None:
    assert source_hash(SOURCE.replace(old, new)) != source_hash(SOURCE)


def test_a_string_that_is_no_docstring_counts() -> None:
    assert source_hash("def f():\n    x = 1\n    'a'\n") != source_hash("def f():\n    x = 1\n    'b'\n")


def test_the_hash_is_the_same_everywhere() -> None:
    """A literal, so that a change between Python versions shows."""
    assert source_hash("x = [1, 'a', None]\n") == "bf1dcf46ae733e09329aca3219674f35"
    # Python 3.11 parses this with an empty text at its end.
    assert source_hash('f"{x:<{y}}"\n') == "9f348ca8a84ab1fc33f18d90bd4586de"


def test_imports_are_followed_and_stop_at_the_engine() -> None:
    modules = Code().closure(["assay.train.job"])
    assert {"assay.train.job", "assay.train.loop", "assay.models.classifier", "assay.streams"} <= set(modules)
    assert not [name for name in modules if name.startswith(("assay.run", "assay.study", "assay.track"))]


def test_type_only_imports_are_not_followed(tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import other\nimport helper\nfrom . import absent\n"
    )
    (tmp_path / "helper.py").write_text("x = 1\n")
    (tmp_path / "other.py").write_text("x = 1\n")
    assert set(Code([plugin]).closure(["assay_plugin_mine"])) == {"assay_plugin_mine", "helper"}
