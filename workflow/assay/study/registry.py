"""The registry of methods: names to modules, read from the source and never by importing it.

A method is a function or class that carries the `@method` decorator. Its card (kind, summary, paper, options)
is written as literals in that decorator, so the config can be checked, documented and planned without
importing torch: `scan` parses the files and evaluates the literals alone. `load` imports the one module
that holds a method when a job calls it.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import importlib.util
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from assay.study.errors import ConfigError, Problem, nearest

PACKAGE = Path(__file__).resolve().parents[1]

#: What the literals in a `@method` decorator may name; everything else in a card is plain literals.
_TYPES: dict[str, type] = {"float": float, "int": int, "str": str, "bool": bool, "list": list, "dict": dict}

#: Every kind of method, in the order of the stages, with what a config calls it.
KINDS: dict[str, str] = {
    "source": "where raw images come from",
    "imbalance": "how class counts of the train split are thinned",
    "label-noise": "how train labels are corrupted on purpose",
    "confounder": "how an attribute that goes with the class is put into images",
    "poison": "how a few train images are tampered with",
    "shift": "how the class shares of the test split are changed",
    "curate": "which train images are kept",
    "augment": "how a training batch is altered",
    "generator": "how synthetic images are made",
    "sampler": "how a trained diffusion model goes from noise to images",
    "filter": "which of the images that a generator offers an arm takes",
    "pretrain": "how an encoder is obtained without labels",
    "model": "architectures",
    "init": "what the weights of a model are drawn from",
    "trainable": "which part of a model is trained",
    "recipe": "optimiser, schedule and their defaults",
    "loss": "what training minimises",
    "rebalance": "how rare classes are weighted or sampled",
    "robust": "how training withstands wrong labels or few images of a class",
    "dropout": "how features are dropped in training",
    "sparse": "which weights a model is trained without",
    "distill": "how a student learns from a teacher",
    "adjust": "how a trained model is corrected for how rare classes were",
    "compress": "how a trained model is made smaller",
    "evaluation": "families of metrics on a trial",
    "calibrator": "how logits become probabilities",
    "detector": "how a sample is scored as out-of-distribution",
    "conformal": "how prediction sets are made",
    "corruption": "how test images are corrupted",
    "adaptation": "how a model adapts to test images without labels",
    "attack": "how test images are changed to mislead a model",
    "defer": "how predictions for a person to judge are chosen",
}


@dataclass(frozen=True)
class Option:
    """One option of a method: its default, what it means and which values are allowed.

    `default=...` (Ellipsis) makes it required. The type is that of the default unless `type` says otherwise; an
    int is accepted for a float. `at_least`/`at_most` are closed bounds, `above`/`below` open ones. For a list
    (`type=list`) or mapping (`type=dict`), `item` is the type of its elements and the bounds hold for each.
    """

    default: Any
    help: str
    type: builtins.type | None = None
    item: builtins.type | None = None
    choices: list[Any] | None = None
    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None
    optional: bool = False
    #: For a detector: the values that are tried where a study tunes it and does not say which.
    grid: list[Any] | None = None

    @property
    def kind(self) -> builtins.type:
        """The type of a value that is not null."""
        return self.type or type(self.default)

    def expected(self) -> str:
        """The allowed values in words, as an error message and the documentation say it."""
        names = {float: "number", int: "whole number", str: "text", bool: "true or false", dict: "mapping"}
        if self.kind in (list, dict):
            words = ("a list" if self.kind is list else "a mapping") + (
                f" of {names.get(self.item, 'value')}s" if self.item else ""
            )
        else:
            words = names.get(self.kind, self.kind.__name__)
            words = words if self.kind in (str, bool) else f"a {words}"
        if self.choices:
            few = "any of " if self.kind is list else "one of "
            words = few + ", ".join(str(choice) for choice in self.choices)
        bounds = [
            f"{word} {bound:g}"
            for word, bound in (
                (">=", self.at_least),
                ("<=", self.at_most),
                (">", self.above),
                ("<", self.below),
            )
            if bound is not None
        ]
        words += f" {' and '.join(bounds)}" if bounds else ""
        return words + (" or null" if self.optional else "")

    def accepts(self, value: Any) -> bool:
        """Whether `value` is allowed."""
        if value is None:
            return self.optional
        if self.kind is list:
            return isinstance(value, list) and all(self._fits(item, self.item) for item in value)
        if self.kind is dict:
            return isinstance(value, dict) and all(self._fits(item, self.item) for item in value.values())
        return self._fits(value, self.kind)

    def _fits(self, value: Any, kind: builtins.type | None) -> bool:
        if kind is float:
            right = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        elif kind is int:
            right = isinstance(value, int) and not isinstance(value, bool)
        else:
            right = kind is None or isinstance(value, kind)
        if not right or (self.choices and value not in self.choices):
            return False
        if not isinstance(value, int | float):
            return True
        return not (
            (self.at_least is not None and value < self.at_least)
            or (self.at_most is not None and value > self.at_most)
            or (self.above is not None and value <= self.above)
            or (self.below is not None and value >= self.below)
        )


#: Options that every method of a kind has without declaring them, because they are the affair of who calls it and not
#: its own: `bind` does not hand them over. A card that declares one of them changes its default.
SHARED: dict[str, dict[str, Option]] = {
    "filter": {
        "candidates": Option(2.0, "images that the generator makes for each one that is wanted", at_least=1),
    },
    "sampler": {
        "steps": Option(20, "noise levels visited", at_least=2),
        "guidance": Option(1.0, "w of classifier-free guidance; 0 is the conditional model", at_least=0),
        "epsilon-scaling": Option(
            1.0,
            "the noise that the network sees is divided by this, such as 1.005; 1 leaves it (Ning et al. 2024, "
            "arXiv:2308.15321)",
            above=0,
        ),
    },
    "recipe": {
        "accumulate": Option(
            1,
            "parts in which a batch is computed, one after the other, to save memory; the step is that of the whole "
            "batch, but for what layers take from a batch",
            at_least=1,
        ),
        "ema": Option(
            None,
            "decay a step of the running mean of the weights that is handed on, such as 0.999",
            type=float,
            above=0,
            below=1,
            optional=True,
        ),
        "swa": Option(
            None,
            "last share of the epochs, at a constant learning rate, whose mean weights are handed on, such as 0.25",
            type=float,
            above=0,
            at_most=1,
            optional=True,
        ),
        "patience": Option(
            None,
            "epochs without a lower loss on val after which training ends; the weights with the lowest are handed on",
            type=int,
            at_least=1,
            optional=True,
        ),
        "norm-loss": Option(0.0, "pull of each output's weights to a norm of 1, such as 0.01", at_least=0),
    },
}


@dataclass(frozen=True)
class Metric:
    """One metric of an evaluation: direction, range, unit and the keys that tell its values apart.

    `keys` maps a key that a claim may write in brackets to where its values come from: the name of an option of
    the evaluation (`detectors`), one of the words `classes`, `sets`, `severities` that the study fills in, or the
    values themselves, as `linear|quadratic`.
    `defaults` holds the value that a claim means when it leaves a key out.
    """

    summary: str
    better: str  # "higher" or "lower"
    low: float | None = None
    high: float | None = None
    unit: str = ""
    keys: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    paper: str = ""


@dataclass(frozen=True)
class Origin:
    """What a published set claims to be, so that what was read can be held against it.

    `counts` maps a split to its number of images. `digest` is the SHA-256 (hex) of `assay.data.dataset.content_digest`
    over all images and labels as the source returns them, in their official order; "" where nobody has seen the whole
    set yet. Where options choose among several sets, both map the chosen value (`balanced`, `pathmnist`) to what holds
    for it.
    """

    archive: str
    licence: str
    citation: str
    counts: dict[str, Any]
    digest: str | dict[str, str] = ""


@dataclass(frozen=True)
class Card:
    """What the registry knows of a method without importing it."""

    kind: str
    name: str
    module: str
    attribute: str
    file: Path
    summary: str
    paper: str = ""
    options: dict[str, Option] = field(default_factory=dict)
    shapes: str = ""
    metrics: dict[str, Metric] = field(default_factory=dict)
    #: Other methods that this one always runs beside those a config names (trivial baselines).
    always: list[str] = field(default_factory=list)
    #: For an evaluation: the sets and inputs that it reads (`train`, `val`, `test`, `triggered`, `ood` for all outlier
    #: sets, `seeds` for the test sets of all seeds of the arm, `external` for the test sets of other datasets, `model`,
    #: and `images` if it lets the model look at images anew). For a detector: `val` if it is fitted on
    #: that split instead of train, `head` for the last layer, `model` for the trained model and the images, `seeds` for
    #: the logits of the arm's other seeds. For a curator: what it asks of others (`features`, `logits`, `dynamics`,
    #: `size`). For a loss: `features`, if it looks at them. For a distillation: `maps`, `labels`, `head`, `itself`; see
    #: `assay.distill.contract`. For a filter: `judge`, if it needs one. For kind `compress`: `start` for what the arm's
    #: training started from, `training` if it does that training over, `models` for those of the arms and further
    #: trainings in its options.
    reads: list[str] = field(default_factory=list)
    #: For an evaluation: options that list methods, with their kind; each method becomes a job of its own.
    methods: dict[str, str] = field(default_factory=dict)
    #: For an evaluation: the family whose results it reads, with which it comes along by itself.
    follows: str = ""
    #: For a source of a published set: what it claims to be.
    origin: Origin | None = None
    #: For an augmentation: whether an image may get a share of another's label.
    mixes: bool = False
    #: For a robust method or a loss: keys that its arm must have, each with a method's name or an option that it must
    #: bring; "" where anything will do.
    needs: dict[str, str] = field(default_factory=dict)
    #: For a recipe: `sgd` or `adam` where its learning rates go with width as those of plain SGD or Adam.
    optimiser: str = ""
    #: For a generator: the sampler that it is asked through unless an arm names another; "" where it takes none.
    sampler: str = ""
    #: For a generator and a sampler, which go together if they say the same: what the network is, a `denoiser`, which
    #: tells the mean of the images behind a noisy one, or a `consistency` function, which tells where its path ends.
    network: str = "denoiser"
    #: For a generator that learns from another: the methods of those that fit, each with the options that they must
    #: have.
    teachers: dict[str, dict[str, Any]] = field(default_factory=dict)


#: The records that a `@method` decorator may hold.
_RECORDS: dict[str, type] = {"Option": Option, "Metric": Metric, "Origin": Origin}

T = TypeVar("T", bound=Callable[..., Any])


def method(
    kind: str,
    name: str,
    *,
    summary: str,  # noqa: ARG001
    paper: str = "",  # noqa: ARG001
    options: dict[str, Option] | None = None,
    shapes: str = "",  # noqa: ARG001
    metrics: dict[str, Metric] | None = None,  # noqa: ARG001
    always: list[str] | None = None,  # noqa: ARG001
    reads: list[str] | None = None,
    methods: dict[str, str] | None = None,
    follows: str = "",  # noqa: ARG001
    origin: Origin | None = None,
    mixes: bool = False,  # noqa: ARG001
    needs: dict[str, str] | None = None,  # noqa: ARG001
    optimiser: str = "",  # noqa: ARG001
    sampler: str = "",  # noqa: ARG001
    network: str = "denoiser",  # noqa: ARG001
    teachers: dict[str, dict[str, Any]] | None = None,  # noqa: ARG001
) -> Callable[[T], T]:
    """Register the decorated function or class as a method that a config can name.

    Args:
        kind: one of `KINDS`.
        name: the field's standard name, in lower case with dashes.
        summary: one line.
        paper: authors, year, and arXiv number or DOI.
        options: every option with its default; they reach the method as keyword arguments
            (dashes in a name become underscores).
        shapes: inputs and outputs with their shapes.
        metrics: for kind `evaluation`, what it computes.
        always: names that come along by themselves.
        reads: for kinds `evaluation`, `detector`, `curate`, `loss`, `distill`, `filter` and `compress`, what it reads
            (see `Card.reads`).
        methods: for kind `evaluation`, the options that list methods and their kind, such as
            `{"detectors": "detector"}`.
        follows: for kind `evaluation`, the family whose results it reads (see `Card.follows`).
        origin: for a source of a published set, what it claims to be.
        mixes: for kind `augment`, whether targets become shares of several classes.
        needs: for kinds `robust` and `loss`, what else its arm must say (see `Card.needs`).
        optimiser: for kind `recipe`, `sgd` or `adam`, if it moves weights as these do (see `assay.train.mup`).
        sampler: for kind `generator`, the sampler that it takes if none is named (see `Card.sampler`).
        network: for kinds `generator` and `sampler`, what the network tells (see `Card.network`).
        teachers: for kind `generator`, the generators that it learns from (see `Card.teachers`).

    All arguments must be literals (and `Option`/`Metric`/`Origin` calls of literals): they are read from the source.
    """

    def attach(thing: T) -> T:
        thing.assay_method = (kind, name)  # type: ignore[attr-defined]
        thing.assay_nested = dict(methods or {})  # type: ignore[attr-defined]
        thing.assay_origin = origin  # type: ignore[attr-defined]
        thing.assay_reads = list(reads or [])  # type: ignore[attr-defined]
        thing.assay_options = dict(options or {})  # type: ignore[attr-defined]
        return thing

    return attach


class Registry:
    """All methods of the package and of a study's plug-ins, by kind and name."""

    def __init__(self, cards: list[Card]):
        self.cards: dict[tuple[str, str], Card] = {}
        for card in cards:
            twin = self.cards.get((card.kind, card.name))
            if twin:
                raise ConfigError(
                    Problem(
                        f"{card.kind} method {card.name!r} is already registered by {twin.file.name}; rename it",
                        str(card.file),
                    )
                )
            self.cards[card.kind, card.name] = card

    def names(self, kind: str) -> list[str]:
        """The names of a kind, sorted."""
        return sorted(name for k, name in self.cards if k == kind)

    def get(self, kind: str, name: str) -> Card | None:
        """The card of a method, or None."""
        return self.cards.get((kind, name))

    def card(self, kind: str, name: str) -> Card:
        """The card of a method; a ConfigError with the nearest name when there is none."""
        card = self.get(kind, name)
        if card is None:
            raise ConfigError(
                Problem(
                    f"no {kind} method is called {name!r}; there are {', '.join(self.names(kind))}",
                    nearest=nearest(name, self.names(kind)),
                )
            )
        return card


def scan(plugins: list[Path] | None = None) -> Registry:
    """Read the cards of the package's own methods and of the plug-in files.

    Raises:
        ConfigError: a plug-in that cannot be read or parsed, a card that is not literal, a name taken twice.
    """
    cards: list[Card] = []
    for file in sorted(PACKAGE.rglob("*.py")):
        if file.parent.name in ("study", "run", "track", "report"):
            continue
        relative = file.relative_to(PACKAGE.parent).with_suffix("")
        cards += cards_in(file, ".".join(relative.parts))
    seen: dict[str, Path] = {}
    for plugin in plugins or []:
        module = plugin_module(plugin)
        if module in seen:
            raise ConfigError(Problem(f"a plug-in of the same name is {seen[module]}; rename one of them", str(plugin)))
        seen[module] = plugin
        cards += cards_in(plugin.resolve(), module)
    return Registry(cards)


def plugin_module(file: Path) -> str:
    """The module name under which a plug-in file is imported."""
    return f"assay_plugin_{file.stem}"


def cards_in(file: Path, module: str) -> list[Card]:
    """The cards of the methods that `file` defines."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(Problem(f"cannot read the plug-in: {error.strerror}", str(file))) from None
    except UnicodeDecodeError:
        raise ConfigError(Problem("cannot read the plug-in: expected Python source in UTF-8", str(file))) from None
    if "@method(" not in text:
        return []
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise ConfigError(Problem(f"not valid Python: {error.msg}", str(file), error.lineno)) from None
    cards = []
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        for call in node.decorator_list:
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "method":
                cards.append(_card(call, node.name, file, module))
    return cards


def _card(call: ast.Call, attribute: str, file: Path, module: str) -> Card:
    try:
        positional = [_literal(argument) for argument in call.args]
        named = {keyword.arg: _literal(keyword.value) for keyword in call.keywords if keyword.arg}
        kind, name = positional
        if kind == "evaluation":
            named.setdefault("reads", ["val", "test"])
        card = Card(
            kind=kind, name=name, module=module, attribute=attribute, file=file,
            **{key: value for key, value in named.items() if value is not None},
        )  # fmt: skip
        card.options.update({key: option for key, option in SHARED.get(kind, {}).items() if key not in card.options})
    except (ValueError, TypeError) as error:
        raise ConfigError(
            Problem(f"@method on {attribute} must be written with literals: {error}", str(file), call.lineno)
        ) from None
    if card.kind not in KINDS:
        raise ConfigError(
            Problem(
                f"@method on {attribute}: {card.kind!r} is no kind of method; there are {', '.join(KINDS)}",
                str(file), call.lineno, nearest=nearest(card.kind, KINDS),
            )
        )  # fmt: skip
    return card


def _literal(node: ast.expr) -> Any:
    """The value of a literal expression in which `Option`, `Metric`, `Origin` and a few types may be named."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _RECORDS:
        return _RECORDS[node.func.id](
            *(_literal(argument) for argument in node.args),
            **{keyword.arg: _literal(keyword.value) for keyword in node.keywords if keyword.arg},
        )
    if isinstance(node, ast.Dict):
        return {_literal(key): _literal(value) for key, value in zip(node.keys, node.values, strict=True) if key}
    if isinstance(node, ast.List):
        return [_literal(item) for item in node.elts]
    if isinstance(node, ast.Name) and node.id in _TYPES:
        return _TYPES[node.id]
    return ast.literal_eval(node)


def load(card: Card) -> Any:
    """Import the module of a method and return the function or class."""
    return getattr(import_file(card.module, card.file), card.attribute)


def import_file(module: str, file: Path) -> ModuleType:
    """Import a module of the package by name, or a plug-in from its file."""
    if module in sys.modules or not module.startswith("assay_plugin_"):
        return importlib.import_module(module)
    spec = importlib.util.spec_from_file_location(module, file)
    if spec is None or spec.loader is None:
        raise ConfigError(Problem("cannot be imported as Python", str(file)))
    made = importlib.util.module_from_spec(spec)
    sys.modules[module] = made
    # A plug-in may keep helpers beside itself and import them by name.
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))
    spec.loader.exec_module(made)
    return made


def bind(registry: Registry, kind: str, entry: dict[str, Any]) -> Callable[..., Any]:
    """The method that a resolved config entry `{"method": name, option: value, ...}` names, its own options applied.

    Returns a callable: for a function the rest of its arguments are still to be given, for a class calling it
    with no further arguments makes the instance.
    """
    from functools import partial

    thing = load(registry.card(kind, entry["method"]))
    others = ("method", *SHARED.get(kind, {}))
    options = {key.replace("-", "_"): value for key, value in entry.items() if key not in others}
    return partial(thing, **options)
