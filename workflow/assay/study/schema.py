"""The JSON Schema of a config, for editors: the typed model with every method's options put in.

It is looser than `assay check`, which knows what is declared where: a declaration may extend another or be imported, so
no key of it is required here.

    python -m assay.study.schema --write     writes config.schema.json and docs/config.md into the current folder
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from assay.study.model import Study
from assay.study.registry import KINDS, Card, Option, Registry, scan

#: Sections in which options of a method stand beside other keys, with its kind.
BESIDE = {"Generator": "generator", "Encoder": "pretrain", "Distill": "distill", "Curation": "curate", "Init": "init"}
#: Sections that a bare name stands for.
BARE = ("Synthetic", "Teacher", "Curation", "Init")
#: Sections whose keys are all required where they stand, since nothing is laid over them.
WHOLE = ("Claim",)

_TYPES: dict[type, str] = {
    float: "number",
    int: "integer",
    str: "string",
    bool: "boolean",
    dict: "object",
    list: "array",
}

Json = dict[str, Any]


def schema(registry: Registry) -> Json:
    """The JSON Schema (draft 2020-12) of a config that may use the methods of `registry`."""
    made = Study.model_json_schema(by_alias=True)
    sections = made.pop("$defs")
    root = {key: made[key] for key in ("type", "properties", "additionalProperties", "description")}
    defs: Json = {}
    for name, section in {**sections, "Study": root}.items():
        section.pop("title", None)
        if name not in WHOLE:
            section.pop("required", None)
        for key, value in section["properties"].items():
            section["properties"][key] = _property(value, unset=name not in WHOLE)
        defs[name] = section
    for name, kind in BESIDE.items():
        defs[name] = _beside(defs[name], kind, registry)
    for name in BARE:
        defs[name] = {"description": defs[name].pop("description"), "anyOf": [{"type": "string"}, defs[name]]}
    for kind in KINDS:
        if kind != "evaluation":
            defs[f"method-{kind}"] = _methods(kind, registry)
    study = defs.pop("Study")
    study["properties"]["evaluate"] = _evaluate(study["properties"]["evaluate"], registry)
    changes = {key: value for key, value in study["properties"].items() if key not in ("study", "imports", "variants")}
    defs["Changes"] = {"type": "object", "properties": changes, "additionalProperties": False}
    study["properties"]["variants"] = {
        "description": study["properties"]["variants"]["description"],
        "type": ["object", "null"],
        "additionalProperties": _ref("Changes"),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Assay study",
        **study,
        "$defs": dict(sorted(defs.items())),
    }


def _ref(name: str) -> Json:
    return {"$ref": f"#/$defs/{name}"}


def _property(value: Json, unset: bool) -> Json:
    """A key of a section: methods by reference, lists also as edits, null where it unsets."""
    described: Json = {key: value[key] for key in ("description", "default") if key in value}
    bare = {key: item for key, item in value.items() if key not in ("title", "description", "default", "examples")}
    options = [_with_methods(option) for option in bare.pop("anyOf", None) or [bare]]
    for option in list(options):
        if option.get("type") == "array" and unset:
            edits = {word: {"type": "array", "items": option.get("items", {})} for word in ("append", "remove")}
            options.append({"type": "object", "properties": edits, "additionalProperties": False, "minProperties": 1})
    if unset and {"type": "null"} not in options:
        options.append({"type": "null"})
    return {**described, "anyOf": options} if len(options) > 1 else {**described, **options[0]}


def _with_methods(value: Any) -> Any:
    """A schema in which the marks of methods are references, and titles that pydantic made up are gone."""
    if isinstance(value, list):
        return [_with_methods(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "x-method" in value:
        return _ref(f"method-{value['x-method']}")
    return {key: _with_methods(item) for key, item in value.items() if key != "title" or isinstance(item, dict)}


def _methods(kind: str, registry: Registry) -> Json:
    """What stands for a method: its name, a mapping with it, or the options that change a method named below."""
    cards = [registry.card(kind, name) for name in registry.names(kind)]
    names: list[Json] = [{"const": card.name, "description": _described(card)} for card in cards]
    names += [
        {"type": "string", "pattern": f"^{card.name}/.", "description": f"{card.name} with its option `name`"}
        for card in cards
        if "name" in card.options
    ]
    entries = [_entry(card, {}) for card in cards]
    return {"description": KINDS[kind], "anyOf": [*names, *entries, _partial(cards, {})]}


def _beside(section: Json, kind: str, registry: Registry) -> Json:
    """A section in which the options of a method stand among other keys."""
    cards = [registry.card(kind, name) for name in registry.names(kind)]
    fixed = section["properties"]
    forms = [_entry(card, fixed) for card in cards]
    return {"description": section["description"], "anyOf": [*forms, _partial(cards, fixed)]}


def _described(card: Card) -> str:
    return f"{card.summary} ({card.paper})" if card.paper else card.summary


def _entry(card: Card, fixed: Json) -> Json:
    options = {name: _option(card, name, option) for name, option in card.options.items()}
    method = {"const": card.name, "description": _described(card)}
    return {
        "type": "object",
        "title": card.name,
        "properties": {**fixed, "method": method, **options},
        "required": ["method"],
        "additionalProperties": False,
    }


def _partial(cards: list[Card], fixed: Json) -> Json:
    """Options without `method`, for a declaration that extends another or leaves a default method in place."""
    found: dict[str, list[Json]] = {}
    for card in cards:
        for name, option in card.options.items():
            each = {key: value for key, value in _option(card, name, option).items() if key != "default"}
            if each not in found.setdefault(name, []):
                found[name].append(each)
    options = {name: forms[0] if len(forms) == 1 else {"anyOf": forms} for name, forms in sorted(found.items())}
    rest = {key: value for key, value in fixed.items() if key != "method"}
    return {
        "type": "object",
        "title": "options of the method below",
        "properties": {**rest, **options},
        "not": {"required": ["method"]},
        "additionalProperties": False,
    }


def _option(card: Card, name: str, option: Option) -> Json:
    """The schema of one option of a method."""
    made: Json = {"description": option.help}
    if option.default is not ...:
        made["default"] = option.default
    if name in card.methods:
        return _property({**made, "type": "array", "items": {"x-method": card.methods[name]}}, unset=True)
    kind = option.item if option.kind in (list, dict) else option.kind
    value: Json = {"type": _TYPES[kind]} if kind else {}
    if option.choices:
        value["enum"] = option.choices
    for bound, key in (
        (option.at_least, "minimum"),
        (option.at_most, "maximum"),
        (option.above, "exclusiveMinimum"),
        (option.below, "exclusiveMaximum"),
    ):
        if bound is not None:
            value[key] = bound
    if option.kind is list:
        value = {"type": "array", "items": value}
    elif option.kind is dict:
        value = {"type": "object", "additionalProperties": value}
    return _property({**made, **value}, unset=True)


def _evaluate(value: Json, registry: Registry) -> Json:
    """Each family of metrics with its options."""
    families = {}
    for name in registry.names("evaluation"):
        card = registry.card("evaluation", name)
        families[name] = {
            "description": _described(card),
            "type": ["object", "null"],
            "properties": {key: _option(card, key, option) for key, option in card.options.items()},
            "additionalProperties": False,
        }
    form = {"type": "object", "properties": families, "additionalProperties": False}
    return {"description": value["description"], "anyOf": [form, {"type": "null"}]}


def text(registry: Registry) -> str:
    """The schema as it is committed."""
    return json.dumps(schema(registry), indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> None:
    """Print the schema, or write it and the reference page."""
    from assay.study.reference import page

    parser = argparse.ArgumentParser(prog="python -m assay.study.schema", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write config.schema.json and docs/config.md")
    made = text(scan())
    if not parser.parse_args(arguments).write:
        print(made, end="")
        return
    Path("config.schema.json").write_text(made, encoding="utf-8")
    Path("docs/config.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
