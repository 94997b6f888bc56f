"""The kinds of value that a config is made of: what they accept, how they are stored, what their schema says.

Every type here turns the shorthand that people write into one form, and says what it expected when it cannot.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainValidator,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

Entry = dict[str, Any]

#: Names that become folders: no separators, no leading dot.
SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
#: Names of arms also stand in claims, where a dot divides arm and metric and a minus needs a space before it.
ARM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*(-[A-Za-z0-9_]+)*")
#: Words that are targets, stages or folders of a study.
RESERVED = (
    *("adjust", "all", "claims", "compress", "data", "datasets", "encoders", "evaluate", "gate", "generators"),
    *("predict", "pretrain", "report", "store", "synthesize", "track", "train", "tune", "gates", "tables"),
    # Snakemake's rules, since an arm's name is a rule too.
    *("adjust_model", "build_dataset", "choose_point", "compress_model", "decide_claims", "evaluate_trial"),
    *("fit_generator", "make_synthetic", "pass_gate", "predict_trial", "pretrain_encoder", "track_study"),
    *("train_model", "write_report"),
)
#: What lies beside the folders of studies, so that no study may be called so.
BESIDE_STUDIES = ("store", "work", "downloads", "journal.jsonl", "mlflow.db", "mlflow-artifacts")
#: Words that name a split of any dataset, so that no dataset may be called so.
SPLITS = ("train", "unlabelled", "val", "test", "triggered", "hold-out", "synthetic")

#: The method that a mapping without `method` means.
DEFAULT_METHOD = {"recipe": "sgd", "loss": "cross-entropy", "trainable": "all"}


def wrong(expected: str, value: Any) -> PydanticCustomError:
    """The error that `expected` was not what was found."""
    return PydanticCustomError(
        "expected", "expected {expected}, found {found}", {"expected": expected, "found": shown(value)}
    )


def shown(value: Any) -> str:
    """A value as a message shows it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list) and len(repr(value)) > 40:
        return "a list"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


class Section(BaseModel):
    """A mapping of the config: keys with dashes, nothing unknown, no silent conversion."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        validate_default=True,
        alias_generator=lambda name: name.rstrip("_").replace("_", "-"),
    )


def key(default: Any, help: str, example: str, **more: Any) -> Any:
    """A key of a section.

    Args:
        default: its value when left out; `...` makes it required.
        help: what it means, for the reference page, the schema and the editor.
        example: YAML that uses it, from the top of a config.
        more: what else pydantic's `Field` takes (`ge`, `alias`).
    """
    if isinstance(default, dict | list):
        more["default_factory"] = default.copy
        return Field(description=help, examples=[example], **more)
    return Field(default, description=help, examples=[example], **more)


def entry_of(name: str) -> Entry:
    """The entry that a bare name stands for; `timm/resnet18` is the method `timm` with the option `name: resnet18`."""
    method, slash, rest = name.partition("/")
    return {"method": method, "name": rest} if slash else {"method": name}


class MethodOf:
    """Marks a mapping as the entry of a method of `kind`: a bare name, or a mapping with `method` and its options."""

    def __init__(self, kind: str):
        self.kind = kind

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.entry)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"x-method": self.kind}

    def entry(self, value: Any) -> Entry:
        """The mapping form of what was written."""
        if isinstance(value, str):
            return entry_of(value)
        if not isinstance(value, dict):
            raise wrong(f"the name of a method of kind {self.kind}, or a mapping with `method` and its options", value)
        if "method" not in value and self.kind in DEFAULT_METHOD:
            return {"method": DEFAULT_METHOD[self.kind], **value}
        if not isinstance(value.get("method"), str):
            raise PydanticCustomError(
                "expected",
                "expected the key `method` with the name of a method of kind {kind}",
                {"kind": self.kind},
            )
        return {**value, **entry_of(value["method"])}


def _class_name(value: Any) -> Any:
    """Class names are words; `8` written without quotes is the class called 8."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _pattern(expected: str, pattern: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise wrong(expected, value)
        return value

    return AfterValidator(check)


def _distinct(values: list[Any]) -> list[Any]:
    for number, value in enumerate(values):
        if value in values[:number]:
            raise PydanticCustomError("repeated", "{value} stands here twice", {"value": shown(value)})
    return values


Slug = Annotated[
    str,
    _pattern("a name of letters, digits, dots and dashes that starts with a letter or digit", SLUG.pattern),
    Field(json_schema_extra={"pattern": f"^{SLUG.pattern}$"}),
]
ClassName = Annotated[str, BeforeValidator(_class_name, json_schema_input_type=str | int)]
Distinct = AfterValidator(_distinct)
Count = Annotated[int, Field(ge=1)]

#: Number formats of training; what they mean on a machine says `assay.train.precision`.
Precision = Literal["auto", "bf16", "tf32", "fp32"]
Duration = Annotated[
    str,
    _pattern("a duration such as 90s, 30m, 2h or 1d", r"\d+(\.\d+)?[smhd]"),
    Field(json_schema_extra={"pattern": r"^\d+(\.\d+)?[smhd]$"}),
]
Bytes = Annotated[
    str,
    _pattern("a size such as 500K, 50M, 8G or 1T", r"\d+(\.\d+)?[KMGT]"),
    Field(json_schema_extra={"pattern": r"^\d+(\.\d+)?[KMGT]$"}),
]


def _seeds(value: Any) -> Entry:
    """`{"seeds": [...], "looks": [...] or None}` of a number, a list or a plan."""
    if isinstance(value, int) and not isinstance(value, bool):
        return {"seeds": list(range(_count(value, "a number of seeds"))), "looks": None}
    if isinstance(value, list):
        if not value:
            raise wrong("at least one seed", [])
        for item in value:
            if not isinstance(item, int) or isinstance(item, bool) or not 0 <= item < 2**31:
                raise wrong("whole numbers >= 0 as seeds", item)
        return {"seeds": list(_distinct(value)), "looks": None}
    if not isinstance(value, dict) or "plan" not in value or not set(value) <= {"plan", "looks"}:
        raise wrong("a number of seeds, a list of seeds, or {plan: 10, looks: [5, 10]}", value)
    planned = _count(value["plan"], "a number of seeds under `plan`")
    looks = value.get("looks")
    if looks is not None:
        right = isinstance(looks, list) and all(isinstance(n, int) and not isinstance(n, bool) for n in looks)
        if not right or looks != sorted(set(looks)) or not looks or looks[0] < 2 or planned not in looks:
            raise wrong(f"`looks` as growing numbers of seeds, from 2 up, the {planned} of `plan` among them", looks)
    return {"seeds": list(range(planned)), "looks": looks and list(looks)}


def _count(value: Any, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 10_000:
        raise wrong(f"{what}, 1 to 10000", value)
    return value


_COUNT_SCHEMA = {"type": "integer", "minimum": 1, "maximum": 10_000}
Seeds = Annotated[
    Entry,
    PlainValidator(_seeds),
    WithJsonSchema(
        {
            "anyOf": [
                _COUNT_SCHEMA,
                {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "uniqueItems": True},
                {
                    "type": "object",
                    "properties": {"plan": _COUNT_SCHEMA, "looks": {"type": "array", "items": _COUNT_SCHEMA}},
                    "required": ["plan"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]


def _part(value: Any) -> float | int:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if 0 <= value < 1:
            return float(value)
        if isinstance(value, int) and value >= 1:
            return value
    raise wrong("a share >= 0 and < 1, or a whole number of images", value)


Part = Annotated[
    float | int,
    PlainValidator(_part),
    WithJsonSchema(
        {"anyOf": [{"type": "number", "minimum": 0, "exclusiveMaximum": 1}, {"type": "integer", "minimum": 1}]}
    ),
]


def _teacher_seed(value: Any) -> str | int:
    if value in ("same", "all") or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    raise wrong("`same`, `all` or the number of a seed", value)


TeacherSeed = Annotated[
    str | int,
    PlainValidator(_teacher_seed),
    WithJsonSchema({"anyOf": [{"enum": ["same", "all"]}, {"type": "integer", "minimum": 0}]}),
]


def _dimension(value: Any) -> str | list[Any]:
    if isinstance(value, str | list):
        return value
    raise wrong("log(a, b), uniform(a, b), int(a, b) or a list of choices", value)


Dimension = Annotated[
    str | list[Any],
    PlainValidator(_dimension),
    WithJsonSchema(
        {
            "anyOf": [
                # Within braces a comma ends a word, so an editor sees `log(a` and a key `b)` without a value.
                {"type": ["string", "null"], "pattern": r"^\s*(log|uniform|int)\s*\("},
                {"type": "array", "minItems": 1, "uniqueItems": True},
            ]
        }
    ),
]


def _gpus(value: Any) -> str | int:
    if value == "auto" or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    raise wrong("`auto` or a whole number >= 0", value)


Gpus = Annotated[
    str | int,
    PlainValidator(_gpus),
    WithJsonSchema({"anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 0}]}),
]
