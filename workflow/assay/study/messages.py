"""Pydantic's errors in the words of the config."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError

from assay.study.errors import nearest
from assay.study.fields import shown
from assay.study.problems import Path

_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "mapping_type": "a mapping",
    "finite_number": "a finite number",
}
#: Choices that YAML writes unlike Python.
_WRITTEN = {"True": "true", "False": "false"}
_BOUNDS = {
    "greater_than": ("gt", ">"),
    "greater_than_equal": ("ge", ">="),
    "less_than": ("lt", "<"),
    "less_than_equal": ("le", "<="),
}


def explained(
    error: ValidationError, document: Any, model: type[BaseModel]
) -> list[tuple[bool, Path, str, str | None]]:
    """For each error: whether a key is missing, where it lies in the document, what to say, and the nearest choice.

    A key that is missing because it is misspelt is told once.

    Args:
        error: what validation raised.
        document: what was validated.
        model: what it was validated as.
    """
    made = [(fault, *_explain(fault, document, model)) for fault in error.errors(include_url=False)]
    misspelt = {(path[:-1], near) for fault, path, _, near in made if fault["type"] == "extra_forbidden"}
    return [
        (fault["type"] == "missing", path, message, near)
        for fault, path, message, near in made
        if fault["type"] != "missing" or (path, fault["loc"][-1]) not in misspelt
    ]


def _explain(fault: Any, document: Any, model: type[BaseModel]) -> tuple[Path, str, str | None]:
    kind, found = fault["type"], fault["input"]
    path = _in_document(fault["loc"], document, kind)
    context = fault.get("ctx", {})
    if kind == "extra_forbidden":
        choices = _keys(model, path[:-1])
        return path, f"there is no such key; expected one of {', '.join(choices)}", nearest(path[-1], choices)
    if kind == "missing":
        return path[:-1], f"expected the key `{path[-1]}`", None
    if kind in _BOUNDS:
        name, sign = _BOUNDS[kind]
        return path, f"expected a number {sign} {context[name]:g}, found {shown(found)}", None
    if kind == "literal_error":
        listed = context["expected"].replace(" or ", ", ").split(", ")
        choices = [_WRITTEN.get(choice, choice.strip("'")) for choice in listed]
        return path, f"expected one of {', '.join(choices)}, found {shown(found)}", nearest(found, choices)
    if kind in ("too_short", "string_too_short"):
        return path, f"expected at least {_number(context['min_length'])}, found {shown(found)}", None
    if kind in _EXPECTED:
        return path, f"expected {_EXPECTED[kind]}, found {shown(found)}", None
    return path, fault["msg"], None


def _number(count: int) -> str:
    return "one" if count == 1 else str(count)


def _in_document(location: tuple[str | int, ...], document: Any, kind: str) -> Path:
    """The part of pydantic's location that is a path in the document: names of union members are left out."""
    path: list[str | int] = []
    value = document
    for number, part in enumerate(location):
        last = number == len(location) - 1
        inside = (isinstance(value, dict) and part in value) or (
            isinstance(value, list) and isinstance(part, int) and part < len(value)
        )
        if inside:
            value = value[part]
        elif not (last and kind == "missing"):
            continue
        path.append(part)
    return tuple(path)


def _keys(model: type[BaseModel], path: Path) -> list[str]:
    """The keys that the section at `path` has."""
    annotation: Any = model
    for part in path:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            by_key = {field.alias or name: field.annotation for name, field in annotation.model_fields.items()}
            annotation = _bare(by_key[str(part)])
        else:
            annotation = _bare(annotation.__args__[-1])
    return [field.alias or name for name, field in annotation.model_fields.items()]


def _bare(annotation: Any) -> Any:
    """An annotation without `Annotated` and `| None`."""
    if hasattr(annotation, "__metadata__"):
        return _bare(annotation.__origin__)
    parts = [part for part in getattr(annotation, "__args__", ()) if part is not type(None)]
    if type(None) in getattr(annotation, "__args__", ()):
        return _bare(parts[0])
    return annotation
