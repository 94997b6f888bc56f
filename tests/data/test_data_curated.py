"""A dataset that is curated: steps one after the other, evidence that stays with its images, and a card that tells."""

from __future__ import annotations

import numpy as np
import pytest
from assay.data.curation import Dynamics, Evidence
from assay.data.job import build
from assay.errors import MethodError
from assay.study.registry import Card, Registry


def spec(*entries, **more):
    return {"curate": list(entries), "streams": {"alteration": 0}, **more}


@pytest.fixture
def parent(toy):
    toy.splits["train"].flags["noisy"] = np.arange(48) % 8 == 0
    return toy


def margins(values):
    margin = np.array([values], np.float32)
    return Evidence(dynamics=Dynamics(margin, margin > 0, np.zeros_like(margin)))


def test_each_step_sees_what_the_one_before_left(parent, registry, entry):
    # Image k has the margin 24 - k in both steps: positive for 24, and of these the upper half is kept.
    known = margins(24.0 - np.arange(48))
    first, second = entry("curate", "aum"), entry("curate", "aum", keep=0.5)
    made = build(spec(first, second), registry, parent=parent, evidence=[known, known])
    assert made.splits["train"].ids.tolist() == [f"train-{number}" for number in range(12)]
    assert made.splits["test"].ids.tolist() == parent.splits["test"].ids.tolist()
    steps = made.card["altered"]
    assert [(step["method"], step["of"], step["kept"]) for step in steps] == [("aum", 48, 24), ("aum", 24, 12)]
    assert [(step["wrong-labels-dropped"], step["wrong-labels-kept"]) for step in steps] == [(3, 3), (1, 2)]


def test_a_class_that_goes_altogether_is_named(parent, registry, entry):
    known = margins(np.where(parent.splits["train"].labels == 2, -1.0, 1.0))
    made = build(spec(entry("curate", "aum")), registry, parent=parent, evidence=[known])
    assert made.card["altered"][0]["emptied"] == ["centre"]
    assert made.card["counts"]["train"]["centre"] == 0


def test_random_draws_from_the_stream(parent, registry, entry):
    def ids(alteration):
        made = build(
            {**spec(entry("curate", "random", keep=9.0)), "streams": {"alteration": alteration}},
            registry,
            parent=parent,
        )
        return made.splits["train"].ids.tolist()

    assert ids(0) == ids(0) != ids(1)
    assert ids(0) == sorted(ids(0), key=lambda name: int(name.removeprefix("train-")))


def test_what_keeps_nothing_is_an_error(parent, registry, entry):
    with pytest.raises(MethodError, match="aum keeps none of 48"):
        build(spec(entry("curate", "aum")), registry, parent=parent, evidence=[margins(np.full(48, -1.0))])
    del parent.splits["train"]
    with pytest.raises(MethodError, match="no train split"):
        build(spec(entry("curate", "random", keep=0.5)), registry, parent=parent)


@pytest.mark.parametrize("indices", ["[0, 0]", "[48]", "[-1, 3]", "[0.5]"])
def test_a_plug_in_that_returns_no_indices_is_refused(parent, tmp_path, indices):
    file = tmp_path / f"mine{abs(hash(indices))}.py"
    file.write_text(f"import numpy as np\ndef mine(view):\n    return np.array({indices})\n")
    card = Card("curate", "mine", f"assay_plugin_{file.stem}", "mine", file, "")
    with pytest.raises(MethodError, match="mine must return different indices of 48"):
        build(spec({"method": "mine"}), Registry([card]), parent=parent)
