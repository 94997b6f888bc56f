"""Drawings as files of their own."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
from assay.figures.alone import AIR, LETTER, SCALE, SWATCH, alone
from assay.figures.svg import Drawing, Plot, Style
from browser import launched
from PIL import Image

SVG = "{http://www.w3.org/2000/svg}"


def drawing(names: list[str]) -> Drawing:
    """A line for each name."""
    plot = Plot((0, 1), (0, 1), x_label="x < y")
    looks = {name: Style(number) for number, name in enumerate(names)}
    for style in looks.values():
        plot.line([0, 1], [0.5, 0.5], style, width=8)
    return Drawing(plot, "what it shows", list(looks.items()))


def test_a_file_is_whole_whatever_names_hold() -> None:
    names = ["<script>alert(1)</script>", "a & b", 'quo"ted', "bell \x07", "\ud800"]
    root = ET.fromstring(alone(drawing(names), "<b>title</b>"))
    assert root.tag == f"{SVG}svg"
    assert root.findtext(f"{SVG}title") == "<b>title</b>"
    assert root.findtext(f"{SVG}desc") == "what it shows"
    texts = [one.text for one in root.iter(f"{SVG}text")]
    assert texts[:4] == ["<b>title</b>", "<script>alert(1)</script>", "a & b", 'quo"ted']
    assert {one.tag.removeprefix(SVG) for one in root.iter()} == {
        "svg",
        "title",
        "desc",
        "style",
        "rect",
        "text",
        "g",
        "path",
    }


def test_colours_need_no_page() -> None:
    style = ET.fromstring(alone(drawing(["a"]), "t")).findtext(f"{SVG}style") or ""
    assert "var(" not in style
    assert ".c0 { color: #0072b2; }" in style
    assert ".grid { stroke: #dde2e8;" in style
    assert "@media" not in style


def test_a_single_series_needs_no_legend_and_many_take_rows() -> None:
    def height(names: list[str]) -> float:
        return float(ET.fromstring(alone(drawing(names), "t")).get("height", "0"))

    names = [f"detector-number-{number}" for number in range(8)]
    assert height(["a"]) < height(["a", "b"]) == height(["a", "b", "c"]) < height(names)
    root = ET.fromstring(alone(drawing(names), "t"))
    entries = {one.text: float(one.get("x", "0")) for one in root.iter(f"{SVG}text") if one.text in names}
    assert list(entries) == names
    assert all(AIR + SWATCH <= x <= AIR + 300 - LETTER * len(name) for name, x in entries.items())


def test_a_browser_shows_it_dark_on_white_in_any_theme(tmp_path: Path) -> None:
    file = tmp_path / "drawing.svg"
    file.write_text(alone(drawing(["a", "b"]), "title"), encoding="utf-8")
    (tmp_path / "page.html").write_text(f'<body style="margin:0;background:#000"><img src="{file.name}">')
    with launched() as browser:
        page = browser.new_page(color_scheme="dark", viewport={"width": 800, "height": 700})
        page.goto((tmp_path / "page.html").as_uri())
        size = page.evaluate("[document.images[0].naturalWidth, document.images[0].naturalHeight]")
        shot = page.locator("img").screenshot()
    root = ET.fromstring(file.read_text(encoding="utf-8"))
    assert size == [round(float(root.get(side, "0"))) for side in ("width", "height")]
    assert size[0] == SCALE * (300 + 2 * AIR)
    pixels = np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).reshape(-1, 3)
    assert (pixels == 255).all(axis=1).mean() > 0.8
    # The second line lies over the first; both stand in the legend.
    for colour in re.findall(r"\.c[01] \{ color: #(\w+);", root.findtext(f"{SVG}style") or ""):
        assert (pixels == list(bytes.fromhex(colour))).all(axis=1).sum() > 50
