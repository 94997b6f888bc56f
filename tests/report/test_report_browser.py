"""The page as a reader sees it, in headless Chromium."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import launched
from fake_study import HOSTILE
from PIL import Image
from playwright.sync_api import Browser, Locator, Page

#: Arms of the study that have results, and all.
ARMS, ALL = 6, 7


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as started:
        yield started


@pytest.fixture
def opened(browser: Browser) -> Iterator[Any]:
    """`opened(folder, width, scheme)`: the page of a study, with what it asked for and complained about."""
    contexts = []

    def open_(folder: Path, width: int = 1280, scheme: str = "light", script: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,  # type: ignore[arg-type]
            java_script_enabled=script,
        )
        contexts.append(context)
        page = context.new_page()
        page.complaints = []  # type: ignore[attr-defined]
        page.requests = []  # type: ignore[attr-defined]
        page.on("console", lambda message: page.complaints.append(message.text))  # type: ignore[attr-defined]
        page.on("pageerror", lambda error: page.complaints.append(str(error)))  # type: ignore[attr-defined]
        page.on("dialog", lambda dialog: page.complaints.append(dialog.message) or dialog.dismiss())  # type: ignore
        page.on("request", lambda request: page.requests.append(request.url))  # type: ignore[attr-defined]
        page.goto((folder / "report.html").as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()


def unfold(page: Page) -> None:
    """Open everything that a click opens."""
    page.evaluate(
        "() => { document.querySelectorAll('details').forEach(one => one.open = true);"
        " document.querySelectorAll('.panel').forEach(one => one.hidden = false); }"
    )


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_loads_without_complaint_or_request_and_fits_the_width(
    opened: Any, study_folder: Path, width: int, scheme: str
) -> None:
    page = opened(study_folder, width, scheme)
    unfold(page)
    assert page.complaints == []
    assert [url for url in page.requests if not url.startswith(("file:", "data:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("document.body.scrollWidth") <= width


def test_every_figure_is_there_and_has_a_size(opened: Any, study_folder: Path) -> None:
    page = opened(study_folder)
    unfold(page)
    sizes = page.evaluate(
        "() => [...document.querySelectorAll('figure[data-figure]')].map(one => {"
        " const seen = one.querySelector('svg.plot, svg.graph, svg:not(.chip), img').getBoundingClientRect();"
        " return [one.dataset.figure, seen.width, seen.height]; })"
    )
    assert all(width > 60 and height > 20 for _, width, height in sizes)
    counts: dict[str, int] = {}
    for kind, _, _ in sizes:
        counts[kind] = counts.get(kind, 0) + 1
    assert counts == {
        "differences": 5,  # eight claims, one of them over an arm that failed, two of several parts
        "curve": 4 + 1 + 1,  # of training, of compression, of the generator
        "recall": 1,
        "confusion": ARMS,
        "reliability": ARMS,
        "roc": ARMS * 3,
        "ood-histogram": ARMS * 3,
        "conformal": 2,
        "set-size": 2,
        "cost": 5,
        "augmented": 1,
        "synthetic": 1,
        "halves": 1,
        "neighbours": 1,
        "counts": 3,  # noise has no classes
        "images": 4,
        "dag": 1,
    }
    assert page.locator("img").evaluate_all("all => all.every(one => one.complete && one.naturalWidth > 0)")


def _edges(box: Locator) -> tuple[float, float]:
    """How far the colour at the left and at the right edge of a box is from that of its middle, its content hidden."""
    pixels = np.asarray(Image.open(io.BytesIO(box.screenshot())).convert("L"), dtype=float)
    row = pixels[len(pixels) // 2]
    middle = row[len(row) // 2]
    return abs(row[2] - middle), abs(row[-3] - middle)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_box_shows_at_which_edge_there_is_more(opened: Any, study_folder: Path, scheme: str) -> None:
    page = opened(study_folder, 390, scheme)
    box = page.locator("#arms .scroll").first
    box.locator("table").evaluate("one => one.style.visibility = 'hidden'")
    assert box.evaluate("one => one.scrollWidth - one.clientWidth") > 100
    left, right = _edges(box)
    assert left < 3
    assert right > 20
    box.evaluate("one => one.scrollLeft = one.scrollWidth")
    left, right = _edges(box)
    assert left > 20
    assert right < 3


def test_a_wide_page_shows_the_whole_graph_and_a_narrow_one_keeps_its_words_legible(
    opened: Any, study_folder: Path
) -> None:
    sizes = "one => [one.scrollWidth, one.clientWidth, one.querySelector('svg').getBoundingClientRect().width]"
    whole, room, drawn = opened(study_folder, 1200).locator(".scroll.dag").evaluate(sizes)
    assert whole <= room
    assert drawn <= room
    whole, room, drawn = opened(study_folder, 390).locator(".scroll.dag").evaluate(sizes)
    assert whole > room
    assert drawn > 600


def test_figures_images_and_tables_have_words_for_those_who_do_not_see_them(opened: Any, study_folder: Path) -> None:
    page = opened(study_folder)
    silent = page.evaluate(
        "() => [...document.querySelectorAll('svg')].filter(one => one.getAttribute('aria-hidden') !== 'true' &&"
        " !(one.getAttribute('role') === 'img' && one.getAttribute('aria-label'))).length"
        " + [...document.querySelectorAll('img')].filter(one => !one.alt).length"
        " + [...document.querySelectorAll('table')].filter(one => !one.getAttribute('aria-label')).length"
    )
    assert silent == 0


def test_contents_lead_to_sections_in_order(opened: Any, study_folder: Path) -> None:
    page = opened(study_folder)
    links = page.locator(".contents a").evaluate_all("all => all.map(one => one.hash.slice(1))")
    sections = page.locator("main section").evaluate_all("all => all.map(one => one.id)")
    assert links == sections
    assert sections == [
        "verdicts", "arms", "curves", "recall", "confusion", "reliability", "ood", "conformal", "parents", "tradeoff",
        "images", "failures", "datasets", "dag", "environment", "cost-totals", "references", "config",
    ]  # fmt: skip


# Relative luminance and contrast as WCAG 2.2 defines them.
CONTRAST = """() => {
  const part = value => { value /= 255; return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; };
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return rgb(getComputedStyle(document.body).backgroundColor);
  };
  const seen = new Map();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || element.closest('script, title, [hidden]')) continue;
    const style = getComputedStyle(element), drawn = element.closest('svg') !== null;
    const ink = rgb(drawn ? style.fill : style.color), paper = ground(element);
    const [a, b] = [light(ink), light(paper)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const words = `${ink} on ${paper}: ${walk.currentNode.data.slice(0, 30)}`;
    if (ratio < 4.5 && !element.closest('.anchor')) seen.set(words, ratio);
  }
  return [...seen.keys()];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(opened: Any, study_folder: Path, scheme: str) -> None:
    page = opened(study_folder, 1280, scheme)
    unfold(page)
    assert page.evaluate(CONTRAST) == []


def test_dark_is_dark(opened: Any, study_folder: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light = opened(study_folder, 1280, "light").evaluate(ground)
    dark = opened(study_folder, 1280, "dark").evaluate(ground)
    assert sum(map(int, re.findall(r"\d+", light))) > 700
    assert sum(map(int, re.findall(r"\d+", dark))) < 100


def test_text_of_a_study_never_runs(opened: Any, hostile_folder: Path) -> None:
    page = opened(hostile_folder)
    unfold(page)
    assert page.complaints == []
    assert page.locator("script").count() == 1
    assert page.evaluate(
        "[...document.querySelectorAll('*')].every(one => [...one.attributes].every(a => !a.name.startsWith('on')))"
    )
    # It is shown as it was written: in the description, a claim, a class, a log, a licence, a curve's name, the config.
    for place in ("header", "#verdicts", "#recall", "#confusion", "#failures", "#datasets", "#curves", "#config"):
        assert HOSTILE[:8] in page.locator(place).evaluate("one => one.textContent"), place


def test_columns_sort_both_ways(opened: Any, study_folder: Path) -> None:
    page = opened(study_folder)
    table = page.locator("#arms table").first
    accuracy = "all => all.map(one => Number(one.cells[1].dataset.value))"
    head = table.locator("th[data-sort] button").nth(1)
    head.click()
    assert table.locator("thead th").nth(1).get_attribute("aria-sort") == "ascending"
    up = table.locator("tbody tr").evaluate_all(accuracy)
    assert up == sorted(up)
    assert len(set(up)) == ARMS
    head.click()
    assert table.locator("tbody tr").evaluate_all(accuracy) == up[::-1]


def test_the_filter_keeps_rows_that_hold_every_word(opened: Any, study_folder: Path) -> None:
    page = opened(study_folder)
    page.locator("#arms summary").click()
    page.locator("#arms input").fill("mixup AUROC energy glyphs")
    rows = page.locator("#metrics tbody tr:visible")
    assert rows.count() == 1
    assert "mixup" in rows.inner_text()
    assert page.locator("#metrics-count").inner_text().startswith("1 of ")


def test_the_legend_hides_an_arm_in_its_section_alone(opened: Any, study_folder: Path) -> None:
    page = opened(study_folder)
    page.locator('#curves .legend button[data-arm="1"]').click()
    hidden = "all => all.map(one => getComputedStyle(one).display)"
    assert set(page.locator('#curves svg [data-arm="1"]').evaluate_all(hidden)) == {"none"}
    assert "none" not in page.locator('#curves svg [data-arm="0"]').evaluate_all(hidden)
    assert "none" not in page.locator('#recall svg [data-arm="1"]').evaluate_all(hidden)


def test_pickers_show_one_panel_and_without_script_all(opened: Any, study_folder: Path) -> None:
    page = opened(study_folder)
    picked = page.locator("#ood .picked").last
    assert picked.locator(".panel:visible").count() == 1
    picked.locator(".picker button", has_text="student").click()
    assert picked.locator(".panel:visible").get_attribute("data-name") == "student"
    plain = opened(study_folder, script=False)
    assert plain.locator("#ood .picked").last.locator(".panel:visible").count() == ARMS


def test_verdicts_are_told_by_icon_and_word(opened: Any, study_folder: Path) -> None:
    page = opened(study_folder)
    claims = page.locator(".claims > li")
    assert claims.count() == 8
    for number in range(8):
        verdict = claims.nth(number).locator("span.verdict")
        assert verdict.inner_text() in ("supported", "refuted", "inconclusive")
        assert verdict.locator("svg path").count() == 1
