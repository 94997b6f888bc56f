"""What the `source:` of a claim cites: words and, where they name one, an address that lasts."""

from __future__ import annotations

import re

#: An arXiv identifier as the archive has given them since 2007, and the old form with its archive's name.
_ARXIV = re.compile(r"(?:arxiv(?:\.org/(?:abs|pdf)/|:)\s*)((?:\d{4}\.\d{4,5}|[a-z-]+(?:\.[a-z]{2})?/\d{7}))", re.I)
_BARE = re.compile(r"(?<![\d.])(\d{4}\.\d{4,5})(?:v\d+)?(?!\d)")
_DOI = re.compile(r"\b(10\.\d{4,9}/[^\s,;\"'<>]+[^\s,;.\"'<>])", re.I)
_WEB = re.compile(r"\b(?:https?://)?((?:[\w-]+\.)+(?:com|org|net|io|edu|eu|de)/[\w./~-]*[\w/])", re.I)


def address(source: str) -> str | None:
    """The paper that a citation names, as an address: of arXiv, else of a DOI, else of the web; None when of none.

    A bare arXiv identifier, such as `1710.09412`, is one too, and its version is not part of the paper.
    """
    if found := _ARXIV.search(source):
        return f"https://arxiv.org/abs/{found[1].lower()}"
    if found := _DOI.search(source):
        return f"https://doi.org/{found[1].lower()}"
    if found := _BARE.search(source):
        return f"https://arxiv.org/abs/{found[1]}"
    if found := _WEB.search(source):
        return f"https://{found[1]}"
    return None
