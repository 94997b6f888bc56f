"""Declarations written out: `extends` laid over what it names, `sweep` and `repeat` as the arms that they stand for.

What is written here is only merged, never judged: a value of the wrong type goes through and is refused by the model.
"""

from __future__ import annotations

import itertools
from typing import Any

from pydantic import ValidationError

from assay.study.generations import add_generations
from assay.study.merge import UNSET, edited, is_edit, merge, name_of
from assay.study.messages import explained
from assay.study.model_arm import Sweep
from assay.study.problems import Path, Problems, mark_of
from assay.study.yaml import Mapping, Mark, Sequence

#: The sections whose declarations may extend one another, with what one of them is called.
SECTIONS = {"datasets": "dataset", "generators": "generator", "encoders": "encoder", "arms": "arm"}


def expand(document: Mapping, problems: Problems) -> tuple[Mapping, dict[str, list[str]]]:
    """The document with every declaration written out, and the points of each swept arm by its name."""
    made = document.copy()
    groups: dict[str, list[str]] = {}
    for section in SECTIONS:
        declared = document.get(section)
        if isinstance(declared, Mapping):
            made[section] = _Section(section, declared, problems, groups).expand()
    if isinstance(made.get("arms"), Mapping):
        made["arms"] = add_generations(made["arms"])
    return _without_unset(made), groups


class _Section:
    """One section of the study, whose declarations are written out when first asked for."""

    def __init__(self, section: str, declared: Mapping, problems: Problems, groups: dict[str, list[str]]):
        self.section = section
        self.declared = declared
        self.problems = problems
        self.groups = groups
        self.whole: dict[str, Any] = {}
        self.points: dict[str, Mapping] = {}
        self.open: list[str] = []

    def expand(self) -> Mapping:
        """All declarations, a swept one as its points."""
        made = Mapping(self.declared.mark)
        for name, mark in self.declared.marks.items():
            value = self._declaration(name)
            if self.section == "arms" and isinstance(value, Mapping) and isinstance(value.get("sweep"), Mapping):
                points = self._swept(name)
                self.groups[name] = list(points)
                for point, body in points.items():
                    made.put(point, _edits_applied(body), mark)
            else:
                made.put(name, _edits_applied(value), mark)
        return made

    def _declaration(self, name: str) -> Any:
        """One declaration with what it extends below it."""
        if name in self.whole:
            return self.whole[name]
        value = self.declared[name]
        if isinstance(value, Mapping) and isinstance(value.get("extends"), str):
            value = self._extended(name, value)
        self.whole[name] = value
        return value

    def _extended(self, name: str, value: Mapping) -> Mapping:
        base_name: str = value["extends"]
        path: Path = (self.section, name, "extends")
        body = value.copy()
        body.drop("extends")
        self.open.append(name)
        try:
            if base_name in self.open:
                circle = self.open[self.open.index(base_name) :]
                words = " -> ".join([*circle, base_name])
                self.problems.add((self.section, circle[0], "extends"), f"`extends` goes round in a circle: {words}")
                return body
            base = self._base(base_name)
            if not isinstance(base, Mapping):
                if base is None:
                    self.problems.unknown(path, SECTIONS[self.section], base_name, self._names(but=name))
                return body
            merged = merge(base, body)
            assert isinstance(merged, Mapping)
            return merged
        finally:
            self.open.pop()

    def _base(self, name: str) -> Any:
        """What `extends: name` means: a declaration, or a point of a swept one."""
        if self.declared.get(name) is not None and self.declared[name] is not UNSET:
            return self._declaration(name)
        swept, bracket, _ = name.partition("[")
        if not bracket or self.section != "arms" or swept in self.open:
            return None
        return self._swept(swept).get(name) if isinstance(self.declared.get(swept), Mapping) else None

    def _names(self, but: str) -> list[str]:
        return [name for name, value in self.declared.items() if name != but and isinstance(value, Mapping)]

    def _swept(self, name: str) -> dict[str, Mapping]:
        """The points of a swept arm by name."""
        body = self._declaration(name)
        if not isinstance(body, Mapping) or not isinstance(body.get("sweep"), Mapping):
            return {}
        path: Path = (self.section, name, "sweep")
        written = _without_unset(body["sweep"])
        try:
            sweep = Sweep.model_validate(written)
        except ValidationError as error:
            for _, place, message, near in explained(error, written, Sweep):
                self.problems.add((*path, *place), message, near, mark_of(written, place))
            return {}
        rest = body.copy()
        rest.drop("sweep")
        excluded = [False] * len(sweep.exclude)
        made: dict[str, Mapping] = {}
        for point in _points(sweep):
            hits = [all(point.get(key, UNSET) == value for key, value in item.items()) for item in sweep.exclude]
            excluded = [before or hit for before, hit in zip(excluded, hits, strict=True)]
            if any(hits):
                continue
            arm = f"{name}[{','.join(f'{key}={_worded(value)}' for key, value in point.items())}]"
            if arm in made:
                self.problems.add(path, f"two points of the sweep have the same name {arm!r}", mark=written.mark)
            made[arm] = self._point(rest, point, written, path)
        for number, hit in enumerate(excluded):
            if not hit:
                place = (*path, "exclude", number)
                self.problems.add(place, "excludes no point of the sweep", mark=mark_of(written, ("exclude", number)))
        if not made:
            self.problems.add(path, "every point of the sweep is excluded", mark=written.mark)
        return made

    def _point(self, body: Mapping, point: dict[str, Any], sweep: Mapping, path: Path) -> Mapping:
        """The arm with the values of a point set."""
        made = body
        for key, value in point.items():
            kind = "grid" if isinstance(sweep.get("grid"), Mapping) and key in sweep["grid"] else "zip"
            mark = mark_of(sweep, (kind, key))
            try:
                made = with_value(made, key, value, mark)
            except ValueError as error:
                self.problems.add((*path, kind, key), str(error), mark=mark)
        return made


def _points(sweep: Sweep) -> list[dict[str, Any]]:
    grid = sweep.grid or {}
    rows = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    if not sweep.zip:
        return rows
    together = [dict(zip(sweep.zip, values, strict=True)) for values in zip(*sweep.zip.values(), strict=True)]
    return [{**row, **more} for row in rows for more in together]


def _worded(value: Any) -> str:
    """A value as it stands in the name of a point, and so in a folder's name."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    if isinstance(value, dict):
        options = [f"{key}={_worded(item)}" for key, item in value.items() if key != "method"]
        return "+".join([str(value.get("method", "")), *options])
    if isinstance(value, list):
        return "+".join(_worded(item) for item in value) or "none"
    text = "null" if value is None else str(value)
    return "".join(letter if letter.isalnum() or letter in "._-+" else "_" for letter in text)


def with_value(body: Mapping, dotted: str, value: Any, mark: Mark) -> Mapping:
    """An arm with the value at a dotted path laid over it, by the rules of `extends`.

    A step into a list names the method of an entry: `augment.cutout.share`.

    Raises:
        ValueError: a path that leads nowhere, with the reason.
    """
    steps = dotted.split(".")
    if "" in steps or steps[0] in ("extends", "sweep", "search"):
        raise ValueError(f"a point cannot set {dotted!r}")
    merged = merge(body, _overlay(body, steps, value, mark))
    assert isinstance(merged, Mapping)
    return merged


def _overlay(below: Any, steps: list[str], value: Any, mark: Mark) -> Any:
    """What sets the value at the end of `steps` when it is laid over `below`."""
    if not steps:
        return value
    step, *rest = steps
    if isinstance(below, Sequence):
        return _list_with(below, step, rest, value, mark)
    made = Mapping(mark)
    made.put(step, _overlay(below.get(step) if isinstance(below, Mapping) else None, rest, value, mark), mark)
    return made


def _list_with(entries: Sequence, name: str, steps: list[str], value: Any, mark: Mark) -> Sequence:
    """A list of methods in which an option of the one called `name` is set."""
    hits = [number for number, item in enumerate(entries) if name_of(item) == name]
    if len(hits) != 1 or not steps:
        found = "no method" if not hits else "no option" if not steps else "more than one method"
        raise ValueError(f"the path leads nowhere: the list names {found} at {name!r}")
    made = Sequence(entries.mark)
    for number, (item, at) in enumerate(zip(entries, entries.marks, strict=True)):
        made.put(merge(item, _overlay(item, steps, value, mark)) if number == hits[0] else item, at)
    return made


def _edits_applied(value: Any) -> Any:
    """Edits that found no list below them, applied to an empty one."""
    if is_edit(value):
        return edited(Sequence(value.mark), value)
    if isinstance(value, Mapping):
        made = value.copy()
        for key, item in value.items():
            made[key] = _edits_applied(item)
        return made
    return value


def _without_unset(value: Any) -> Any:
    """The value without what `null` unset; in a method's entry null stays, since an option may allow it."""
    if isinstance(value, Mapping):
        made = Mapping(value.mark)
        for key, item in value.items():
            if item is UNSET and "method" in value:
                made.put(key, None, value.marks[key])
            elif item is not UNSET:
                made.put(key, _without_unset(item), value.marks[key])
        return made
    if isinstance(value, Sequence):
        listed = Sequence(value.mark)
        for item, mark in zip(value, value.marks, strict=True):
            if item is not UNSET:
                listed.put(_without_unset(item), mark)
        return listed
    return value
