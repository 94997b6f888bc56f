"""The language of claims: one line of text to a tree of plain JSON.

    claim      = expression ("<" | "<=" | ">" | ">=") expression ["by" NUMBER]
               | expression "~" expression "within" NUMBER
    expression = term { ("+" | "-") term }
    term       = factor { "*" factor }             at most one factor holds a metric
    factor     = NUMBER | "-" factor | "(" expression ")" | metric
    metric     = ARM "." METRIC ["[" KEY "=" VALUE { "," KEY "=" VALUE } "]"]
    ARM        = NAME ["[" sweep point "]"]        kd[recipe.lr=0.1]

Names hold letters, digits, `_` and `-`, so a minus needs a space before it: `a-b.ece` is a metric of the arm `a-b`,
`a.ece - b.ece` is a difference. A value that holds a comma or a bracket is written in quotes.

The tree: `{"op": "<", "left": E, "right": E, "by": 0.05}` (`by` is 0 when left out) or
`{"op": "~", "left": E, "right": E, "within": 0.01}`, where E is `{"number": 0.01}`,
`{"op": "+" | "-" | "*", "left": E, "right": E}` or `{"arm": "kd", "metric": "ece", "keys": {"calibration": "none"}}`.
Values of keys are texts. Layout, and brackets that change nothing, leave no trace in it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

Tree = dict[str, Any]

_NUMBER = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_NAME = re.compile(r"[A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)*")
_SPACE = re.compile(r"\s*")
_ORDERS = ("<=", ">=", "<", ">")


class ClaimError(ValueError):
    """A claim that cannot be read. `message` says what was expected, `column` (from 1) where."""

    def __init__(self, message: str, column: int):
        super().__init__(f"column {column}: {message}")
        self.message = message
        self.column = column


def parse(text: str) -> Tree:
    """The tree of a claim such as `mixup.ece[calibration=none] < baseline.ece by 0.01`.

    Raises:
        ClaimError: anything the grammar above does not allow, a claim that names no metric, or one whose sides are
            the same.
    """
    return _Reader(text).claim()


def parse_metric(text: str) -> Tree:
    """`{"metric", "keys"}` of a metric without an arm, as `search: by` names it: `val.accuracy`, `nll[split=val]`.

    The prefix `val.` is short for the key `split=val`.

    Raises:
        ClaimError: anything but one metric.
    """
    reader = _Reader(text)
    on_validation = reader.take("val.")
    metric = reader.metric()
    if on_validation:
        if "split" in metric["keys"]:
            raise ClaimError("`val.` already says which split; leave the key `split` out", 1)
        metric["keys"]["split"] = "val"
    reader.end()
    return metric


def metrics_in(tree: Tree) -> list[Tree]:
    """The metrics `{"arm", "metric", "keys"}` that a claim or an expression reads, each once, in order."""
    if "arm" in tree:
        return [tree]
    found: list[Tree] = []
    for side in ("left", "right"):
        found += [leaf for leaf in metrics_in(tree[side]) if leaf not in found] if side in tree else []
    return found


def completed(tree: Tree, defaults: Mapping[str, Mapping[str, str]]) -> Tree:
    """The tree with the keys that its metrics leave out, as `defaults` gives them by metric. `tree` stays as it is."""
    if "arm" in tree:
        return {**tree, "keys": {**defaults.get(tree["metric"], {}), **tree["keys"]}}
    return {**tree, **{side: completed(tree[side], defaults) for side in ("left", "right") if side in tree}}


def written(leaf: Tree) -> str:
    """A metric of a tree as one writes it: `kd.ece[calibration=none]`."""
    keys = ", ".join(f"{key}={_quoted(value)}" for key, value in leaf["keys"].items())
    return f"{leaf['arm']}.{leaf['metric']}" + (f"[{keys}]" if keys else "")


def _quoted(value: str) -> str:
    if not re.search(r"[,\[\]\"']|^\s|\s$", value):
        return value
    return f"'{value}'" if '"' in value else f'"{value}"'


class _Reader:
    """Reads a text from left to right; each method reads one thing of the grammar and the space after it."""

    def __init__(self, text: str):
        self.text = text
        self.at = 0
        self.skip()

    def claim(self) -> Tree:
        if self.at == len(self.text):
            raise self.error("the claim is empty; write, for example, `mixup.ece < baseline.ece`")
        left = self.expression()
        start = self.at
        if self.take("~"):
            tree = {"op": "~", "left": left, "right": self.expression(), "within": self.within()}
        else:
            order = next((order for order in _ORDERS if self.take(order)), None)
            if order is None or self.peek() == "=":
                self.at = start
                raise self.error("expected <, <=, >, >= or ~" + self.hint())
            tree = {"op": order, "left": left, "right": self.expression(), "by": self.by()}
        self.end()
        if not metrics_in(tree):
            raise ClaimError("a claim needs a metric of an arm, such as `baseline.accuracy`", 1)
        if tree["left"] == tree["right"]:
            raise ClaimError("both sides are the same, so nothing is claimed", start + 1)
        return tree

    def by(self) -> float:
        return self.amount("by", zero=True) if self.word("by") else 0.0

    def within(self) -> float:
        if not self.word("within"):
            raise self.error("expected `within` and the largest difference that still counts as equal" + self.hint())
        return self.amount("within", zero=False)

    def amount(self, word: str, zero: bool) -> float:
        start = self.at
        value = self.number()
        if value is None:
            raise self.error(f"expected a number {'>= 0' if zero else '> 0'} after `{word}`")
        if value == 0 and not zero:
            raise ClaimError(
                f"expected a number > 0 after `{word}`: no data can show that two values are equal", start + 1
            )
        return value

    def expression(self) -> Tree:
        tree = self.term()
        while (operator := self.peek()) in ("+", "-") and operator:
            self.take(operator)
            tree = {"op": operator, "left": tree, "right": self.term()}
        return tree

    def term(self) -> Tree:
        tree = self.factor()
        while True:
            start = self.at
            if not self.take("*"):
                return tree
            right = self.factor()
            if metrics_in(tree) and metrics_in(right):
                raise ClaimError("expected a number on one side of `*`", start + 1)
            tree = {"op": "*", "left": tree, "right": right}

    def factor(self) -> Tree:
        start = self.at
        if self.take("("):
            tree = self.expression()
            if not self.take(")"):
                raise self.error(f"expected `)` for the bracket at column {start + 1}" + self.hint())
            return tree
        if self.take("-"):
            inner = self.factor()
            if "number" in inner:
                return {"number": -inner["number"]}
            return {"op": "*", "left": {"number": -1.0}, "right": inner}
        number = self.number()
        if number is not None:
            return {"number": number}
        return self.reference()

    def number(self) -> float | None:
        found = _NUMBER.match(self.text, self.at)
        # `2x.ece` and `1.ece` name arms, so what follows decides.
        if not found or re.match(r"[A-Za-z_]|-?\.?[A-Za-z_]", self.text[found.end() :]):
            return None
        if not math.isfinite(float(found[0])):
            raise self.error("the number is too large")
        self.at = found.end()
        self.skip()
        return float(found[0])

    def reference(self) -> Tree:
        start = self.at
        name = _NAME.match(self.text, self.at)
        if not name:
            raise self.error("expected a metric of an arm, such as `baseline.accuracy`, or a number" + self.hint())
        self.at = name.end()
        if self.peek() == "[":
            self.at = self.closing() + 1
        arm = self.text[start : self.at]
        if self.peek() != ".":
            raise ClaimError(f"expected `.` and a metric after the arm {arm!r}, such as `{arm}.accuracy`", self.at + 1)
        self.at += 1
        return {"arm": arm, **self.metric()}

    def metric(self) -> Tree:
        name = _NAME.match(self.text, self.at)
        if not name:
            raise self.error("expected the name of a metric, such as `accuracy`" + self.hint())
        self.at = name.end()
        if self.peek() == ".":
            if re.search(r"-\d+$", name[0]):
                raise ClaimError(f"{name[0]!r} reads as one name; a minus needs a space before it", self.at + 1)
            if name[0] == "val":
                raise ClaimError(
                    "write the key `split=val` after the metric, such as `accuracy[split=val]`", name.start() + 1
                )
            raise self.error(f"expected no further `.` after the metric {name[0]!r}")
        keys = self.keys() if self.peek() == "[" else {}
        self.skip()
        return {"metric": name[0], "keys": keys}

    def keys(self) -> dict[str, str]:
        keys: dict[str, str] = {}
        close = self.closing()
        self.take("[")
        while True:
            name = _NAME.match(self.text, self.at)
            if not name:
                raise self.error("expected a key, such as `class=rarest`" + self.hint())
            self.at = name.end()
            self.skip()
            if not self.take("="):
                raise self.error(f"expected `=` and a value after the key {name[0]!r}" + self.hint())
            if name[0] in keys:
                raise ClaimError(f"the key {name[0]!r} is given twice", name.start() + 1)
            keys[name[0]] = self.value(close)
            if self.at == close:
                self.at += 1
                return keys
            if not self.take(","):
                raise self.error("expected `,` or `]`" + self.hint())

    def value(self, close: int) -> str:
        quote = self.peek()
        if quote in ('"', "'") and quote:
            end = self.text.index(quote, self.at + 1)
            value = self.text[self.at + 1 : end]
            self.at = end + 1
        else:
            start, depth = self.at, 0
            while self.at < close and (depth or self.peek() != ","):
                depth += {"[": 1, "]": -1}.get(self.peek(), 0)
                self.at += 1
            value = self.text[start : self.at].strip()
            if not value:
                raise ClaimError("expected a value after `=`", start + 1)
        self.skip()
        return value

    def closing(self) -> int:
        """Where the square bracket that opens here closes; brackets nest, and quotes hide them."""
        depth, quote = 0, ""
        for place in range(self.at, len(self.text)):
            letter = self.text[place]
            if quote:
                quote = "" if letter == quote else quote
            elif letter in "\"'":
                quote = letter
            elif letter in "[]":
                depth += 1 if letter == "[" else -1
                if depth == 0:
                    return place
        raise self.error(f"the quote {quote} is not closed" if quote else "the bracket is not closed by `]`")

    def end(self) -> None:
        if self.at == len(self.text):
            return
        if self.peek() in ("<", ">", "~"):
            raise self.error("a claim holds one comparison; write a claim for each")
        raise self.error("expected the end of the claim" + self.hint())

    def hint(self) -> str:
        rest = self.text[self.at :]
        if not rest:
            return ", but the text ends here"
        if rest.startswith(("=", "==", "!=", "<>", "≈")):
            return "; equality needs a tolerance: `a.ece ~ b.ece within 0.01`"
        if rest.startswith(("≤", "≥")):
            return "; write <= or >="
        if rest.startswith("/"):
            return "; write a ratio as a product: `a.flops < 0.5 * b.flops`"
        if rest.startswith("±"):
            return "; write `~ 0.94 within 0.01`"
        if rest.startswith("%"):
            return "; write 1% as 0.01"
        return f", found {rest.split()[0]!r}"

    def word(self, word: str) -> bool:
        found = _NAME.match(self.text, self.at)
        return bool(
            found and found[0] == word and self.text[found.end() : found.end() + 1] not in (".", "[")
        ) and self.take(word)

    def take(self, token: str) -> bool:
        if not self.text.startswith(token, self.at):
            return False
        self.at += len(token)
        self.skip()
        return True

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def skip(self) -> None:
        space = _SPACE.match(self.text, self.at)
        self.at = space.end() if space else self.at

    def error(self, message: str) -> ClaimError:
        return ClaimError(message, self.at + 1)
