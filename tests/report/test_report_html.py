from __future__ import annotations

from html.parser import HTMLParser

from assay.report.html import Markup, join, tag
from hypothesis import given
from hypothesis import strategies as st


def test_text_and_attributes_are_escaped_and_markup_is_not() -> None:
    made = tag("p", "<b>", Markup("<i>x</i>"), title='"&')
    assert made == '<p title="&#34;&amp;">&lt;b&gt;<i>x</i></p>'


def test_attributes_are_named_as_html_names_them() -> None:
    assert tag("input", aria_label="a", class_="b", hidden=True, value=None, checked=False) == (
        '<input aria-label="a" class="b" hidden>'
    )


def test_children_are_flattened_and_none_is_nothing() -> None:
    assert join(["a", None, ["b", (tag("br"), "<")]]) == "ab<br>&lt;"


@given(st.text(), st.text())
def test_any_text_comes_back_as_text_alone(text: str, value: str) -> None:
    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__(convert_charrefs=True)
            self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.tags.append((tag, attrs))

    reader = Reader()
    reader.feed(tag("p", text, title=value))
    reader.close()
    assert len(reader.tags) == 1
    assert reader.tags[0][0] == "p"
    assert [name for name, _ in reader.tags[0][1]] == ["title"]
