"""BibTeX entries of what the method cards cite.

A card says `He et al. 2015, arXiv:1512.03385, section 4.2`, several papers with semicolons between them, and the
citation of a published set names all authors and a title. An entry holds what stands there and nothing else: titles
that no card gives are left for the reader's reference manager, which finds them by arXiv number or DOI.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from unicodedata import normalize

_CITED = re.compile(
    r"^(?:[^:;()]*?: )?(?P<authors>[^\d:;()]+?),? (?P<open>\(?)(?P<year>(?:19|20)\d\d)\)?(?:,? |$)(?P<rest>.*)$"
)
_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")
_DOI = re.compile(r"doi:(\S+[^\s,.])")
_URL = re.compile(r"(https?://\S+[^\s,.)]|(?:[\w-]+\.)+(?:com|io|org)/[^\s,)]+)")
_PLACE = re.compile(r"^(?:sections?|eqs?|algorithm|listing|table|figure|appendix)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """One paper: its key, the authors' surnames, the year, and what else the card says of it, empty where nothing."""

    key: str
    authors: tuple[str, ...]
    others: bool
    year: str
    title: str
    arxiv: str
    doi: str
    url: str
    note: str

    def written(self) -> str:
        """The entry in BibTeX."""
        names = " and ".join([*(f"{{{_escape(name)}}}" for name in self.authors), *(["others"] if self.others else [])])
        fields = {
            "author": names, "title": self.title and f"{{{_escape(self.title)}}}", "year": self.year,
            "eprint": self.arxiv, "archiveprefix": self.arxiv and "arXiv",
            "doi": self.doi, "url": self.url, "note": _escape(self.note),
        }  # fmt: skip
        lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
        return "\n".join([f"@misc{{{self.key},", *lines, "}"]) + "\n"


def entries(cards: Iterable[Sequence[str]]) -> list[Entry]:
    """The papers of the citations of so many cards, each once, by key; see `of_card`."""
    found: dict[str, Entry] = {}
    for texts in cards:
        for one in of_card(texts):
            known = found.get(one.key)
            if known is None or _worth(one) > _worth(known):
                found[one.key] = one
    return [found[key] for key in sorted(found)]


def of_card(texts: Sequence[str]) -> list[Entry]:
    """The papers that one card cites; what names neither authors nor a year is left out.

    A set's card cites one paper twice, by where it is found and by its title: these become one.
    """
    made: list[Entry] = []
    for one in (entry for text in texts for entry in parse(text)):
        same = next((place for place, other in enumerate(made) if _same(one, other)), None)
        if same is None:
            made.append(one)
        else:
            made[same] = _joined(made[same], one)
    return made


def _same(one: Entry, other: Entry) -> bool:
    """Whether two citations of a card are one paper: same first author and year, and not found at two places."""
    places = {(entry.arxiv, entry.doi, entry.url) for entry in (one, other)} - {("", "", "")}
    return (one.authors[0], one.year) == (other.authors[0], other.year) and len(places) < 2


def _joined(one: Entry, other: Entry) -> Entry:
    told, found = sorted((one, other), key=_worth, reverse=True)
    if told.arxiv or told.doi or told.url or not (found.arxiv or found.doi or found.url):
        return told
    return replace(told, key=found.key, arxiv=found.arxiv, doi=found.doi, url=found.url)


def parse(text: str) -> list[Entry]:
    """The papers that a card's text names, in its order."""
    made = []
    for part in text.split("; "):
        match = _CITED.match(part.strip())
        if match:
            made.append(_entry(match["authors"], match["year"], match["rest"], titled=bool(match["open"])))
    return made


def write_bib(found: Iterable[Entry]) -> str:
    """The whole file."""
    return "\n".join(entry.written() for entry in found)


def _entry(authors: str, year: str, rest: str, titled: bool) -> Entry:
    names, others = _names(authors)
    arxiv, doi, url = (_first(pattern, rest) for pattern in (_ARXIV, _DOI, _URL))
    url = "" if doi else url if not url or "://" in url else f"https://{url}"
    for pattern in (_ARXIV, _DOI, _URL):
        rest = pattern.sub("", rest)
    rest = re.sub(r"\([^()]*\)", "", rest)
    words = [word.strip() for word in rest.split(", ") if word.strip(" ,")]
    told = [word.strip(" ,") for word in words if not _PLACE.match(word)]
    # The citation of a set has its year in brackets, then a title. Elsewhere a title has more words than a venue.
    title = told[0] if told and (titled or len(told[0].split()) > 2) else ""
    note = ", ".join(told[1:] if title else told)
    key = _key(names[0], year, arxiv, doi or url or note or title)
    return Entry(key, names, others, year, title, arxiv, doi, url, note)


def _names(authors: str) -> tuple[tuple[str, ...], bool]:
    others = authors.endswith("et al.")
    text = authors.removesuffix("et al.").strip(" ,")
    return tuple(name.strip() for name in re.split(r", (?:and )?| and | & ", text) if name.strip()), others


def _key(name: str, year: str, arxiv: str, told: str) -> str:
    """The same wherever the paper is cited: by arXiv number, or else by year and a digest of DOI, address or words."""
    plain = normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z]", "", plain) or "paper"
    if arxiv:
        return f"{stem}-{arxiv}"
    return f"{stem}{year}-{sha256(told.encode()).hexdigest()[:6]}"


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1] if match else ""


def _worth(entry: Entry) -> tuple[int, int, int, str]:
    """How much an entry tells: a title first, then authors; the earlier year of two, and any fixed order else."""
    return bool(entry.title), len(entry.authors) - entry.others, -int(entry.year), entry.note


def _escape(text: str) -> str:
    for letter in ("\\", "{", "}"):
        text = text.replace(letter, "")
    return re.sub(r"([&%$#_])", r"\\\1", text)
