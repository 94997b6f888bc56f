"""How one declaration is laid over another: `extends`, `imports` and `variants` all follow these rules.

Mappings merge by key. A list replaces, unless it is written as `{append: [...]}` or `{remove: [...]}`. `key: null`
unsets what lies below. A changed `method:` drops the options of the method before it. A bare name stands for a
mapping: `model: resnet8` for `model: {method: resnet8}`.
"""

from __future__ import annotations

from typing import Any

from assay.study.yaml import Mapping, Sequence


class Unset:
    """What is left of a value that `null` unset: nothing, but from then on rather than from the start."""

    def __repr__(self) -> str:
        return "null"


UNSET = Unset()

#: The key that a bare name is short for, where it is not `method`.
SHORT_FOR = {"teacher": "arm", "synthetic": "generator"}
#: What stays when the method of a mapping changes: keys that say where a method is used, not how it works.
NOT_OPTIONS = frozenset(
    {"extends", "dataset", "model", "recipe", "augment", "seeds", "threads", "teacher", "images", "repeat"}
)
#: Mappings that name one of several alternatives, so that a new one replaces the old.
ALTERNATIVES = {"init": frozenset({"encoder", "weights", "method"})}


def merge(base: Any, over: Any, key: str = "") -> Any:
    """`over` laid over `base`; `key` is the name under which both stand. Neither is changed."""
    if over is None or over is UNSET:
        return UNSET
    if base is None or base is UNSET:
        return over
    if is_edit(over):
        if is_edit(base):
            return _compose(base, over)
        if isinstance(base, Sequence):
            return edited(base, over)
        return over
    if isinstance(base, str) and isinstance(over, Mapping) and _short(key) not in over:
        base = _long(base, key, over)
    if isinstance(over, str) and isinstance(base, Mapping) and _short(key) in base:
        over = _long(over, key, base)
    if isinstance(base, Mapping) and isinstance(over, Mapping):
        return _merged(base, over, key)
    return over


def is_edit(value: Any) -> bool:
    """Whether a value says how to change a list: `{append: [...]}`, `{remove: [...]}` or both."""
    return (
        isinstance(value, Mapping)
        and bool(value)
        and set(value) <= {"append", "remove"}
        and all(isinstance(part, Sequence) for part in value.values())
    )


def edited(base: Sequence, edit: Mapping) -> Sequence:
    """A list with an edit applied: first what is removed, then what is appended."""
    removed = [name_of(item) for item in edit.get("remove", [])]
    made = Sequence(base.mark)
    for item, mark in zip(base, base.marks, strict=True):
        if name_of(item) not in removed:
            made.put(item, mark)
    if "append" in edit:
        for item, mark in zip(edit["append"], edit["append"].marks, strict=True):
            made.put(item, mark)
    return made


def name_of(item: Any) -> Any:
    """What a list entry is called: its method, or itself."""
    return item.get("method", item) if isinstance(item, dict) else item


def _short(key: str) -> str:
    return SHORT_FOR.get(key, "method")


def _long(name: str, key: str, beside: Mapping) -> Mapping:
    """The mapping that a bare name under `key` stands for."""
    made = Mapping(beside.mark)
    made.put(_short(key), name, beside.mark)
    return made


def _compose(base: Mapping, over: Mapping) -> Mapping:
    """Two edits as one."""
    made = Mapping(over.mark)
    if "remove" in base or "remove" in over:
        removed = Sequence(over.mark)
        for edit in (base, over):
            for item, mark in zip(edit.get("remove", []), getattr(edit.get("remove"), "marks", []), strict=True):
                removed.put(item, mark)
        made.put("remove", removed, over.mark)
    if "append" in base or "append" in over:
        start = base.get("append") or Sequence(over.mark)
        made.put("append", edited(start, over), over.mark)
    return made


def _merged(base: Mapping, over: Mapping, key: str) -> Mapping:
    named = ALTERNATIVES.get(key, frozenset()) & set(over)
    fresh = bool(named) and not named <= set(base)
    new_method = "method" in base and "method" in over and base["method"] != over["method"]
    made = Mapping(over.mark)
    for name, value in base.items():
        if not fresh and (not new_method or name in NOT_OPTIONS):
            made.put(name, value, base.marks[name])
    for name, value in over.items():
        made.put(name, merge(made[name], value, name) if name in made else value, over.marks[name])
    return made
