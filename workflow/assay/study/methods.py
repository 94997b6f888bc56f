"""Entries of methods made whole: every option checked against the method's card, every default written out."""

from __future__ import annotations

from typing import Any

from assay.study.errors import nearest
from assay.study.fields import Entry, entry_of, shown
from assay.study.merge import edited, is_edit
from assay.study.problems import Path, Problems
from assay.study.registry import Card, Option, Registry
from assay.study.yaml import Mapping, Sequence


class Methods:
    """Looks methods up and fills their entries in; faults are noted at the path where the entry stands."""

    def __init__(self, registry: Registry, problems: Problems):
        self.registry = registry
        self.problems = problems

    def entry(self, kind: str, entry: Entry | None, path: Path) -> Entry | None:
        """`{"method": name, option: value, ...}` with every option of the method; None stays None.

        An unknown method keeps what was written, for the checks that follow.
        """
        if entry is None:
            return None
        card = self.registry.get(kind, entry["method"])
        if card is None:
            place = self.problems.written((*path, "method"))
            self.problems.unknown(place, f"{kind} method", entry["method"], self.registry.names(kind))
            return dict(plain(entry))
        options = {key: value for key, value in entry.items() if key != "method"}
        return {"method": card.name, **self.options(card, options, path)}

    def entries(self, kind: str, entries: list[Any], path: Path) -> list[Entry]:
        """A list of entries, each whole; a bare name stands for a mapping."""
        made: list[Entry] = []
        for number, item in enumerate(entries):
            place = (*path, number)
            if isinstance(item, str):
                item = entry_of(item)
            if not isinstance(item, dict) or not isinstance(item.get("method"), str):
                expected = f"the name of a {kind} method, or a mapping with `method` and its options"
                self.problems.add(place, f"expected {expected}, found {shown(item)}")
                continue
            whole = self.entry(kind, item, place)
            if whole is not None:
                made.append(whole)
        return made

    def options(self, card: Card, written: Entry, path: Path) -> Entry:
        """All options of a card: what was written, else the default."""
        for name in written:
            if name not in card.options:
                known = list(card.options)
                has = f"it has {', '.join(known)}" if known else "it has none"
                self.problems.add((*path, name), f"{card.name} has no such option; {has}", nearest(name, known))
        made = {}
        for name, option in card.options.items():
            made[name] = self._option(card, name, option, written.get(name, _LEFT_OUT), (*path, name))
        return made

    def _option(self, card: Card, name: str, option: Option, value: Any, path: Path) -> Any:
        if value is _LEFT_OUT or (value is None and not option.optional):
            if option.default is ...:
                expected = f"{option.expected()} ({option.help})"
                self.problems.add(path[:-1], f"{card.name} needs the option `{name}`: {expected}")
                return None
            value = option.default
        elif is_edit(value) and option.kind is list:
            value = edited(_marked(option.default or [], value), value)
        if name in card.methods:
            return self._methods(card, name, value, path)
        if not option.accepts(value):
            near = nearest(value, option.choices or []) if isinstance(value, str) else None
            self.problems.add(path, f"expected {option.expected()}, found {shown(value)}", near)
            return None if option.default is ... else option.default  # so that what follows finds the right type
        if isinstance(value, list):
            for number, item in enumerate(value):
                if item in value[:number]:
                    self.problems.add((*path, number), f"{shown(item)} stands here twice")
        return typed(plain(value), option)

    def _methods(self, card: Card, name: str, value: Any, path: Path) -> list[Entry]:
        """The entries of an option that lists methods, such as the detectors of an OOD evaluation."""
        kind = card.methods[name]
        if not isinstance(value, list):
            self.problems.add(path, f"expected a list of {kind} methods, found {shown(value)}")
            return []
        made = self.entries(kind, value, path)
        names = [entry["method"] for entry in made]
        for number, method in enumerate(names):
            if method in names[:number]:
                self.problems.add((*path, number), f"{method} stands here twice; a claim could not tell them apart")
        return made


_LEFT_OUT = object()


def _marked(values: list[Any], like: Mapping) -> Sequence:
    made = Sequence(like.mark)
    for value in values:
        made.put(value, like.mark)
    return made


def typed(value: Any, option: Option) -> Any:
    """A whole number where a number is meant becomes that number, so that `1` and `1.0` are one value."""
    if option.kind is float and value is not None:
        return float(value)
    if option.kind is list and option.item is float and value is not None:
        return [float(item) for item in value]
    if option.kind is dict and option.item is float and value is not None:
        return {key: float(item) for key, item in value.items()}
    return value


def plain(value: Any) -> Any:
    """The value as plain JSON, without marks."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value
