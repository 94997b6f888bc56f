"""The methods that the study uses, with the papers they come from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from assay.report.html import join, note, tag
from assay.report.material import Material
from assay.report.page import Section
from assay.study.registry import KINDS, Card, Registry

#: Keys of the resolved study whose entries are methods of that kind.
_OWN = frozenset(KINDS) - {"evaluation", "calibrator", "detector", "conformal", "defer", "generator", "pretrain"}


def section(material: Material) -> Section | None:
    """Methods by kind; each once, with what it does and where it was published."""
    used = methods_of(material.study, material.registry)
    if not used:
        return None
    parts = [
        note(
            "For a paper: what was run in ", tag("a", "methods.md", href="methods.md"), ", its citations in ",
            tag("a", "methods.bib", href="methods.bib"), ".",
        )
    ]  # fmt: skip
    for kind, words in KINDS.items():
        cards = sorted((card for card in used if card.kind == kind), key=lambda card: card.name)
        if cards:
            parts.append(
                tag(
                    "h3",
                    kind.replace("-", " ").capitalize(),
                    " ",
                    tag("span", words, class_="soft", style="font-weight:400"),
                )
            )
            parts.append(tag("ul", *(_entry(card) for card in cards), class_="refs"))
    return Section("references", "Methods and references", join(parts), short="References")


def _entry(card: Card) -> Any:
    return tag(
        "li", tag("span", card.name, class_="name"), " ", card.summary,
        *(tag("div", paper, class_="soft") for paper in papers(card)),
    )  # fmt: skip


def papers(card: Card) -> list[str]:
    """What a method's card and those of its metrics cite, each once."""
    every = [card.paper, *(metric.paper for metric in card.metrics.values())]
    return [paper for paper in dict.fromkeys(every) if paper]


def methods_of(study: dict[str, Any], registry: Registry) -> list[Card]:
    """The cards of all methods that a resolved study names, baselines that come along by themselves included."""
    found = {}
    for kind, name in _named(study, registry):
        card = registry.get(kind, name)
        if card:
            found[kind, name] = card
    return list(found.values())


def _named(study: dict[str, Any], registry: Registry) -> Iterator[tuple[str, str]]:
    for dataset in study["datasets"].values():
        yield from _within(dataset)
    for group, kind in (("generators", "generator"), ("encoders", "pretrain")):
        for declared in (study.get(group) or {}).values():
            yield kind, declared["method"]["method"]
            yield from _within(declared)
    for arm in study["arms"].values():
        yield from _within(arm)
        yield from _within(arm.get("synthetic") or {})
        for point in (arm.get("search") or {}).get("points", []):
            for path, value in point.items():
                key = path.removesuffix(".method")
                if key in _OWN and isinstance(value, str):
                    yield key, value
    for family, options in study["evaluate"].items():
        yield "evaluation", family
        card = registry.get("evaluation", family)
        for option, kind in (card.methods if card else {}).items():
            for entry in options.get(option, []):
                yield kind, entry["method"]
            for name in card.always if card else []:
                yield kind, name


def _within(declared: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Methods under the keys that are named like their kind: one entry, or a list of them."""
    for key in _OWN & declared.keys():
        entries = declared[key] if isinstance(declared[key], list) else [declared[key]]
        for entry in entries:
            if isinstance(entry, dict) and "method" in entry:
                yield key, entry["method"]
