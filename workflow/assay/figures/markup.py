"""Writing HTML and SVG with everything escaped unless it is markup already."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from markupsafe import Markup, escape

__all__ = ["Markup", "escape", "join", "tag"]

#: Elements that have no closing tag in HTML.
VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "wbr", "col"})


def join(children: Iterable[Any]) -> Markup:
    """Children one after the other: strings are escaped, markup stays, None is skipped, lists are flattened."""
    parts = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, list | tuple) or (isinstance(child, Iterable) and not isinstance(child, str)):
            parts.append(join(child))
        else:
            parts.append(escape(child))
    return Markup("").join(parts)


def tag(name: str, *children: Any, **attributes: Any) -> Markup:
    """One element. `class_` and `for_` lose their underscore, other underscores become dashes.

    An attribute that is None or False is left out, one that is True is written bare.
    """
    written = []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        written.append(f" {key}" if value is True else f' {key}="{escape(value)}"')
    head = f"<{name}{''.join(written)}>"
    return Markup(head) if name in VOID else Markup(f"{head}{join(children)}</{name}>")
