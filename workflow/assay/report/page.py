"""The page around the sections: head, style, script, contents. One file that needs no network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from assay.figures.alone import stylesheet
from assay.report.html import Markup, escape, join, tag

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Section:
    """One part of the page: an anchor, a heading, the heading's short form for the contents, and the content."""

    anchor: str
    title: str
    body: Markup
    short: str = ""


def assemble(title: str, header: Markup, sections: Sequence[Section], footer: Markup) -> str:
    """The whole page as text.

    A content security policy allows the page's own script by its hash and nothing else, so that no request leaves
    and text of a study can never run, whatever it holds.
    """
    script = (HERE / "page.js").read_text(encoding="utf-8")
    style = stylesheet() + (HERE / "page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    contents = join(tag("li", tag("a", part.short or part.title, href=f"#{part.anchor}")) for part in sections)
    template = Template((HERE / "page.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=escape(title),
        script_hash=f"sha256-{digest}",
        style=style,
        script=script,
        contents=contents,
        header=header,
        sections=join(_section(part) for part in sections),
        footer=footer,
    )


def _section(part: Section) -> Markup:
    anchor = tag("a", "#", class_="anchor", href=f"#{part.anchor}", aria_label=f"Link to {part.title}")
    return tag("section", tag("h2", part.title, anchor), part.body, id=part.anchor)
