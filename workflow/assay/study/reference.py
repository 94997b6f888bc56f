"""The reference page of the config, `docs/config.md`, written from the typed model."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from assay.study import model_arm, model_data, model_distill, model_init, model_split, model_synthetic
from assay.study.model import Claim, Keep, Resources, Study, Track
from assay.study.schema import BESIDE

#: The study that every example of the page is laid over.
BASE = """\
study: example
seeds: 2
datasets:
  digits: {source: digits, split: {val: 0.15, test: 0.2}}
generators:
  smote: {method: smote, dataset: digits}
encoders:
  turned: {method: rotation, dataset: digits, model: resnet8}
arms:
  baseline: {dataset: digits, model: resnet8}
evaluate:
  accuracy: {}
  calibration: {}
"""

#: The sections of the page: where each stands in a config, and its model.
SECTIONS: list[tuple[str, type[BaseModel]]] = [
    ("", Study),
    ("datasets.NAME", model_data.Dataset),
    ("datasets.NAME.classes", model_split.Classes),
    ("datasets.NAME.split", model_split.Split),
    ("datasets.NAME.groups", model_split.Groups),
    ("datasets.NAME.curate[]", model_data.Curation),
    ("generators.NAME", model_data.Generator),
    ("encoders.NAME", model_data.Encoder),
    ("arms.NAME", model_arm.Arm),
    ("arms.NAME.synthetic", model_synthetic.Synthetic),
    ("arms.NAME.synthetic.gate", model_synthetic.Gate),
    ("arms.NAME.init", model_init.Init),
    ("arms.NAME.mup", model_init.Mup),
    ("arms.NAME.distill", model_distill.Distill),
    ("arms.NAME.distill.teacher", model_distill.Teacher),
    ("arms.NAME.sweep", model_arm.Sweep),
    ("arms.NAME.search", model_arm.Search),
    ("claims[]", Claim),
    ("resources.STAGE", Resources),
    ("track", Track),
    ("keep", Keep),
]

_INTRODUCTION = f"""\
# The config

*Written by `python -m assay.study.schema --write` from `workflow/assay/study/model*.py`; change those.*

A study is one YAML file: `config.yaml`, or what `snakemake --config study=FILE` names. `assay check FILE` says what is
wrong with it, with file, line and the nearest valid name; `assay methods` lists every method that it can name, with its
options. An editor that knows the YAML language server completes keys from `config.schema.json`.

Every example below is laid over this study, as if it were imported:

```yaml
{BASE}```

## Rules

**YAML 1.2.** `1e-3` is a number; `no`, `on` and `yes` are words. A key given twice is refused. Anchors and aliases
work, tags and merge keys (`<<`) do not.

**Methods.** A method is a bare name, or a mapping with `method` and its options: `model: resnet8`, or
`model: {{method: resnet8, width: 32}}`. `recipe` without `method` means sgd, `loss` without `method` cross-entropy.
Lists of methods compose, in their order. Options that are left out have the defaults that `assay methods NAME` shows.

**Laying over.** `extends`, `imports` and `variants` lay one declaration over another:

| what lies above | does |
|---|---|
| a mapping | is merged by key |
| a list | replaces the list below |
| `{{append: [...]}}`, `{{remove: [...]}}` | changes the list below; methods are removed by name |
| `null` | unsets what lies below, so that the default holds again |
| a mapping with another `method` | drops the options of the method below |
| anything else | replaces what lies below |

**Names.** Datasets, generators and encoders are named by letters, digits, dots and dashes; arms by letters, digits, `_`
and single dashes, since claims name them. Words with a meaning of their own (`train`, `report`, `all`) are refused.

**Sweeps.** A point of a sweep is laid over the arm at its dotted paths and becomes an arm named by them, such as
`kd[recipe.lr=0.1,distill.temperature=2]`. A path goes into a list of methods by a method's name:
`augment.cutout.share`. As a target of `snakemake`, the arm's own name then means all points; claims and teachers name
one point.

**Searches.** The points of a search follow from the arm's name, the space and `trials`, so all jobs are known before
the first runs. Each point is trained under seeds of its own and judged on the validation split; the best one then runs
on the study's seeds. `model`, `recipe`, `loss`, `rebalance`, `distill` and single options of theirs can be searched.

**Smoke.** With `scale: smoke` every option called `epochs` (or `...-epochs`) is at most 2, `steps` (or `...-steps`) at
most 20, train splits are cut to 1,024 images where images enter, and 2 seeds and 2 trials of each search are left.

**Files.** Paths are taken from the folder in which the study runs, those under `imports` from the file that names them.
"""


def page() -> str:
    """The whole page as Markdown."""
    parts = [_INTRODUCTION]
    for place, section in SECTIONS:
        parts.append(_section(place, section))
    return "\n".join(parts)


def examples() -> list[tuple[str, str]]:
    """`(dotted key, YAML)` for every key of every section."""
    return [
        (f"{place}.{name}".lstrip("."), field.examples[0])
        for place, section in SECTIONS
        for name, field in _fields(section)
    ]


def _fields(section: type[BaseModel]) -> list[tuple[str, Any]]:
    return [(field.alias or name, field) for name, field in section.model_fields.items()]


def _section(place: str, section: type[BaseModel]) -> str:
    text = f"\n## `{place}`\n\n" if place else "\n## The study\n\n"
    text += " ".join((section.__doc__ or "").split()) + "\n"
    properties = section.model_json_schema(by_alias=True)["properties"]
    for name, field in _fields(section):
        form = _words(properties[name])
        left_out = "required" if field.is_required() else f"default {_default(field)}"
        text += f"\n**`{name}`**: {form}; {left_out}. {field.description}\n\n```yaml\n{field.examples[0]}\n```\n"
    if section.__name__ in BESIDE:
        text += f"\n**Options of the method**: see `assay methods`, kind {BESIDE[section.__name__]}.\n"
    return text


def _default(field: Any) -> str:
    return f"`{_plain(field.get_default(call_default_factory=True))}`"


def _plain(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(_plain, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_plain(item)}" for key, item in value.items()) + "}"
    return str(value) if value != "" else '""'


def _words(form: dict[str, Any]) -> str:
    """A JSON Schema in words."""
    if "x-method" in form:
        return f"a method of kind {form['x-method']}"
    if "anyOf" in form:
        return " or ".join(dict.fromkeys(_words(option) for option in form["anyOf"] if option != {"type": "null"}))
    if "enum" in form:
        return "one of " + ", ".join(f"`{value}`" for value in form["enum"])
    if "const" in form:
        return f"`{form['const']}`"
    kind = form.get("type")
    if kind == "array":
        return f"a list of {_plural(form['items'])}" if form.get("items") else "a list"
    if kind in ("integer", "number"):
        signs = (
            ("minimum", ">="), ("exclusiveMinimum", ">"), ("maximum", "<="), ("exclusiveMaximum", "<"),
        )  # fmt: skip
        bounds = " and ".join(f"{sign} {form[key]:g}" for key, sign in signs if key in form)
        return ("a whole number " if kind == "integer" else "a number ") + bounds if bounds else f"a {kind}"
    return {"string": "text", "boolean": "true or false"}.get(str(kind), "a mapping")


def _plural(form: dict[str, Any]) -> str:
    words = _words(form)
    if "enum" in form:
        return words.removeprefix("one of ")
    for one, many in (
        ("a method", "methods"),
        ("a whole number", "whole numbers"),
        ("a mapping", "mappings"),
        ("text", "texts"),
    ):
        if words.startswith(one):
            return many + words[len(one) :]
    return words
