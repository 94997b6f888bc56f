"""YAML 1.2 read so that every value knows its file and line.

PyYAML speaks YAML 1.1: `1e-3` is text there and `no` is false. Its scanner and composer are used, its scalar rules are
not. Keys are words, whatever they look like; a key written twice is refused.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from assay.study.errors import ConfigError, Problem

try:
    from yaml.cyaml import CParser as _Parser  # type: ignore[attr-defined]
except ImportError:  # a PyYAML built without libyaml: slower, and equal in what it accepts
    from yaml import Loader as _Parser  # type: ignore[assignment]

#: The tag of a scalar without quotes.
_PLAIN = "plain"
#: Values that a config may hold once its aliases are written out; far above any study, far below what hurts.
LARGEST = 100_000
#: How deep mappings and lists may nest.
DEEPEST = 40

_NULL = re.compile(r"null|Null|NULL|~|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN")


class Mark(NamedTuple):
    """Where a value was written; lines count from 1."""

    file: str
    line: int


class Mapping(dict[str, Any]):
    """A mapping that knows where it and each of its keys were written."""

    def __init__(self, mark: Mark):
        super().__init__()
        self.mark = mark
        self.marks: dict[str, Mark] = {}

    def put(self, key: str, value: Any, mark: Mark) -> None:
        """Set a key and where it was written."""
        self[key] = value
        self.marks[key] = mark

    def drop(self, key: str) -> None:
        """Remove a key."""
        del self[key]
        del self.marks[key]

    def copy(self) -> Mapping:
        """A shallow copy."""
        made = Mapping(self.mark)
        made.update(self)
        made.marks.update(self.marks)
        return made


class Sequence(list[Any]):
    """A list that knows where it and each of its items were written."""

    def __init__(self, mark: Mark):
        super().__init__()
        self.mark = mark
        self.marks: list[Mark] = []

    def put(self, value: Any, mark: Mark) -> None:
        """Append an item and where it was written."""
        self.append(value)
        self.marks.append(mark)


def read(path: Path, name: str | None = None) -> Mapping:
    """The mapping that a YAML file holds.

    Args:
        path: the file.
        name: what messages call it; the path by default.

    Raises:
        ConfigError: no such file, not UTF-8, not YAML, empty, not a mapping, a key twice, an alias inside itself.
    """
    name = name or str(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(Problem("expected text in UTF-8", name, line)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(Problem(f"cannot read the config: {reason}", name)) from None
    return parse(text, name)


def parse(text: str, name: str) -> Mapping:
    """The mapping that a YAML text holds; see `read`."""
    try:
        node = _Composer(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = error.problem or error.context or "cannot be read"
        raise ConfigError(Problem(f"not valid YAML: {said}", name, mark.line + 1 if mark else None)) from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1 if isinstance(error.position, int) else None
        raise ConfigError(Problem(f"not valid YAML: {error.reason}", name, line)) from None
    except RecursionError:
        raise ConfigError(Problem("nested too deeply", name)) from None
    except (yaml.YAMLError, UnicodeError, ValueError) as error:
        raise ConfigError(Problem(f"not valid YAML: {error}", name)) from None
    if node is None or (node.tag == _PLAIN and not node.value):
        raise ConfigError(Problem("the file is empty; expected a study: a mapping with `datasets` and `arms`", name, 1))
    value = _Builder(name).build(node)
    if not isinstance(value, Mapping):
        found = "a list" if isinstance(value, Sequence) else f"{value!r}"
        raise ConfigError(Problem(f"expected a study: a mapping of keys to values, found {found}", name, 1))
    return value


class _Composer(_Parser, yaml.resolver.BaseResolver):
    """PyYAML's parser, which only tells plain scalars from text; `_Builder._scalar` reads them."""

    def __init__(self, text: str):
        _Parser.__init__(self, text)
        yaml.resolver.BaseResolver.__init__(self)

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        """The tag of a node that carries none."""
        if kind is yaml.ScalarNode and implicit[0]:
            return _PLAIN
        return str(super().resolve(kind, value, implicit))


class _Builder:
    """Turns composed nodes into values with marks."""

    def __init__(self, name: str):
        self.name = name
        self.open: set[int] = set()
        self.size = 0

    def build(self, node: yaml.Node) -> Any:
        """The value of a node."""
        self.size += 1
        if self.size > LARGEST:
            self._refuse(node, f"holds more than {LARGEST} values once its aliases are written out")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if id(node) in self.open:
            self._refuse(node, "an alias stands inside what it refers to")
        if len(self.open) >= DEEPEST:
            self._refuse(node, f"nested more than {DEEPEST} levels deep")
        self.open.add(id(node))
        assert isinstance(node, yaml.CollectionNode)
        value = self._mapping(node) if isinstance(node, yaml.MappingNode) else self._sequence(node)
        self.open.discard(id(node))
        return value

    def _mapping(self, node: yaml.MappingNode) -> Mapping:
        self._only_tag(node, "map")
        made = Mapping(self._mark(node))
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._refuse(key, "expected a word as key, found a list or mapping")
            if key.value in made:
                self._refuse(key, f"the key {key.value!r} is given twice, first on line {made.marks[key.value].line}")
            if key.value == "<<":
                self._refuse(key, "merge keys (`<<`) are not part of YAML 1.2; use `extends`")
            made.put(key.value, self.build(value), self._mark(key))
        return made

    def _sequence(self, node: yaml.CollectionNode) -> Sequence:
        self._only_tag(node, "seq")
        made = Sequence(self._mark(node))
        for item in node.value:
            made.put(self.build(item), self._mark(item))
        return made

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        text = node.value
        if node.tag != _PLAIN:
            self._only_tag(node, "str")
            return text
        if _NULL.fullmatch(text):
            return None
        if _BOOL.fullmatch(text):
            return text[0] in "tT"
        if _NO_NUMBER.fullmatch(text):
            self._refuse(node, f"expected a finite number, found {text}")
        if len(text) > 400:
            return text
        for pattern, base in ((_INT, 10), (_OCTAL, 8), (_HEX, 16)):
            if pattern.fullmatch(text):
                return int(text if base == 10 else text[2:], base)
        if _FLOAT.fullmatch(text):
            number = float(text)
            if not math.isfinite(number):
                self._refuse(node, f"expected a finite number, found {text}")
            return number
        return text

    def _only_tag(self, node: yaml.Node, kind: str) -> None:
        if node.tag not in (None, "!", f"tag:yaml.org,2002:{kind}"):
            shown = node.tag.replace("tag:yaml.org,2002:", "!!")
            self._refuse(node, f"the tag {shown} is not supported; write the plain value")

    def _mark(self, node: yaml.Node) -> Mark:
        return Mark(self.name, node.start_mark.line + 1)

    def _refuse(self, node: yaml.Node, message: str) -> None:
        raise ConfigError(Problem(message, *self._mark(node)))
