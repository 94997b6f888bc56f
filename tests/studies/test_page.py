"""The report of a study that ran for real, in a browser."""

from __future__ import annotations

import pytest
from browser import launched
from project import Project

pytestmark = pytest.mark.study

#: What this study has to show; `data-figure` names them in the page.
FIGURES = {
    "differences", "curve", "recall", "confusion", "reliability", "ood-histogram", "roc", "images", "augmented",
    "synthetic", "counts", "dag",
}  # fmt: skip


def test_every_figure_is_drawn_and_nothing_complains(finished: Project) -> None:
    complaints: list[str] = []
    with launched() as browser:
        page = browser.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto((finished.results / "small" / "report.html").as_uri())
        page.evaluate("document.querySelectorAll('.panel').forEach(one => one.hidden = false)")
        drawn = page.evaluate(
            "() => [...document.querySelectorAll('figure[data-figure]')].map(one => {"
            " const seen = one.querySelector('svg:not(.chip), img').getBoundingClientRect();"
            " return [one.dataset.figure, seen.width * seen.height]; })"
        )
        words = page.inner_text("body")
    assert complaints == []
    assert {name for name, _ in drawn} >= FIGURES, sorted({name for name, _ in drawn})
    assert all(area > 0 for _, area in drawn)
    for arm in finished.config["arms"]:
        assert arm in words
    assert "Shifting helps" in words
