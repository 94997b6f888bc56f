"""The language of claims: one line of text to a tree of plain JSON.

    claim      = { "for" ("all" | "most") KEY ["in" VALUE { "," VALUE }] ":" } statement
    statement  = expression ORDER expression { ORDER expression } ["by" NUMBER]
               | expression "~" expression "within" NUMBER
               | ("increasing" | "decreasing" | "u-shaped" | "hill-shaped") "(" curve ")" ["by" NUMBER]
               | "best" "(" metric "," metric { "," metric } ")"
               | "dominates" "(" ARM "," ARM "," METRIC { "," METRIC } ")"
    ORDER      = "<" | "<=" | ">" | ">="             those of one chain point the same way
    expression = term { ("+" | "-") term }
    term       = factor { "*" factor }               at most one factor holds a metric
    factor     = NUMBER | "-" factor | "(" expression ")" | metric | function
    function   = ("slope" | "exponent" | "knee") "(" curve ")"
               | "crossing" "(" curve "," ["-"] NUMBER ")"
               | "crossover" "(" curve "," metric ")"
               | ("spearman" | "pearson") "(" metric "," metric ")"
               | "sd" "(" metric ")"
    curve      = metric "over" KEY
    metric     = ARM "." METRIC ["[" KEY "=" VALUE { "," KEY "=" VALUE } "]"]
    ARM        = NAME ["[" sweep point "]"]          kd[recipe.lr=0.1]; `*` is every arm, within a correlation

Names hold letters, digits, `_` and `-`, so a minus needs a space before it: `a-b.ece` is a metric of the arm `a-b`,
`a.ece - b.ece` is a difference. A value that holds a comma or a bracket is written in quotes. What the words mean
stands in `docs/claims.md`.

The tree is as `assay.claims.tree` describes it, with these nodes besides, which `assay.study.claims` writes out:

    {"each": "all" | "most", "key": KEY, "values": [VALUE] | None, "claim": tree}
    {"shape": NAME, "of": [curve], "by": NUMBER}
    {"shape": "best", "of": [metric, ...]}
    {"shape": "dominates", "of": [[metric of the first arm, the same of the second], ...]}
    {"function": NAME, "of": [curve, ...], "number": NUMBER}

where a curve is a metric with its key as `over`. Layout, and brackets that change nothing, leave no trace in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from assay.claims.reader import NAME, ClaimError, Reader
from assay.claims.tree import Tree, functions_in, metrics_in

_ORDERS = ("<=", ">=", "<", ">")
_PATH = re.compile(r"[A-Za-z0-9_.-]*[A-Za-z0-9_]")

#: Points that each function needs at least.
POINTS = {"slope": 2, "exponent": 3, "knee": 3, "crossing": 2, "crossover": 2, "spearman": 3, "pearson": 3}

#: Statements about the course of a curve.
SHAPES = ("increasing", "decreasing", "u-shaped", "hill-shaped")


def parse(text: str) -> Tree:
    """The tree of a claim such as `mixup.ece[calibration=none] < baseline.ece by 0.01`.

    Raises:
        ClaimError: anything the grammar above does not allow, a claim that names no metric, or one whose sides are
            the same.
    """
    return _Grammar(text).claim()


def parse_metric(text: str) -> Tree:
    """`{"metric", "keys"}` of a metric without an arm, as `search: by` names it: `val.accuracy`, `nll[split=val]`.

    The prefix `val.` is short for the key `split=val`.

    Raises:
        ClaimError: anything but one metric.
    """
    reader = _Grammar(text)
    on_validation = reader.take("val.")
    metric = reader.metric()
    if on_validation:
        if "split" in metric["keys"]:
            raise ClaimError("`val.` already says which split; leave the key `split` out", 1)
        metric["keys"]["split"] = "val"
    reader.end()
    return metric


class _Grammar(Reader):
    """Each method reads one thing of the grammar and the space after it."""

    def claim(self) -> Tree:
        if self.at == len(self.text):
            raise self.error("the claim is empty; write, for example, `mixup.ece < baseline.ece`")
        tree = self.quantified()
        self.end()
        if not metrics_in(tree):
            raise ClaimError("a claim needs a metric of an arm, such as `baseline.accuracy`", 1)
        return tree

    # -- what is claimed ---------------------------------------------------------------------------------------------

    def quantified(self) -> Tree:
        if not self.word("for"):
            return self.statement()
        each = next((word for word in ("all", "most") if self.word(word)), None)
        if each is None:
            raise self.error("expected `all` or `most` after `for`" + self.hint())
        key = self.path("a key, such as `set`")
        values = self.values() if self.word("in") else None
        if not self.take(":"):
            raise self.error("expected `:` and what holds for each, or `in` and the values" + self.hint())
        return {"each": each, "key": key, "values": values, "claim": self.quantified()}

    def values(self) -> list[str]:
        close = self.text.find(":", self.at)
        if close < 0:
            raise self.error("expected values and then `:`, as in `for all set in svhn, dtd: ...`")
        values = [self.value(close)]
        while self.take(","):
            values.append(self.value(close))
        if len(set(values)) < len(values):
            raise self.error("a value stands twice before this place")
        return values

    def statement(self) -> Tree:
        name = NAME.match(self.text, self.at)
        if name and re.match(r"\s*\(", self.text[name.end() :]):
            if name[0] in SHAPES:
                return self.shape(name[0])
            if name[0] in ("best", "dominates"):
                return self.best() if name[0] == "best" else self.dominates()
        return self.comparison()

    def comparison(self) -> Tree:
        left = self.expression()
        start = self.at
        if self.take("~"):
            tree: Tree = {"op": "~", "left": left, "right": self.expression(), "within": self.within()}
            return self.different(tree, start)
        links = []
        while (order := next((order for order in _ORDERS if self.take(order)), None)) is not None:
            if self.peek() == "=":
                break
            right = self.expression()
            links.append(self.different({"op": order, "left": left, "right": right, "by": 0.0}, start))
            left, start = right, self.at
        if not links or order is not None:
            self.at = start
            raise self.error("expected <, <=, >, >= or ~" + self.hint())
        if self.peek() == "~":
            raise self.error("a claim holds one comparison; write a claim for each")
        by = self.by()
        if by and "sd" in functions_in(links[0]):
            raise ClaimError("a margin of standard deviations is a number that one is multiplied by", 1)
        links = [{**link, "by": by} for link in links]
        if len({link["op"][0] for link in links}) > 1:
            raise ClaimError("the orders of one chain must point the same way", start + 1)
        return links[0] if len(links) == 1 else {"at-least": len(links), "of": links, "form": "order"}

    def different(self, tree: Tree, start: int) -> Tree:
        if tree["left"] == tree["right"]:
            raise ClaimError("both sides are the same, so nothing is claimed", start + 1)
        if "sd" in functions_in(tree) and not (
            tree["op"] in _ORDERS and all(map(_spread, (tree["left"], tree["right"])))
        ):
            raise ClaimError(
                "standard deviations are compared as `sd(a.ece) < sd(b.ece)`, times a number or with one", 1
            )
        return tree

    def shape(self, name: str) -> Tree:
        (curve,) = self.call(name, self.curve)
        return {"shape": name, "of": [curve], "by": self.by()}

    def best(self) -> Tree:
        start = self.at
        arguments = self.call("best", self.reference, more=self.reference)
        if len(arguments) < 2:
            raise ClaimError("expected two metrics or more, as in `best(a.accuracy, b.accuracy)`", start + 1)
        if any(other in arguments[:place] for place, other in enumerate(arguments)):
            raise ClaimError("a metric stands twice among those compared", start + 1)
        return {"shape": "best", "of": arguments}

    def dominates(self) -> Tree:
        start = self.at
        first, second, *metrics = self.call("dominates", self.arm, self.arm, self.metric, more=self.metric)
        if first == second:
            raise ClaimError("both arms are the same, so nothing is claimed", start + 1)
        return {"shape": "dominates", "of": [[{"arm": arm, **one} for arm in (first, second)] for one in metrics]}

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

    # -- expressions -------------------------------------------------------------------------------------------------

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
        name = NAME.match(self.text, self.at)
        if name and re.match(r"\s*\(", self.text[name.end() :]):
            return self.function(name[0])
        return self.reference()

    def function(self, name: str) -> Tree:
        if name in ("slope", "exponent", "knee"):
            return {"function": name, "of": self.call(name, self.curve)}
        if name == "crossing":
            curve, level = self.call(name, self.curve, self.level)
            return {"function": name, "of": [curve], "number": level["number"]}
        if name == "crossover":
            first, second = self.call(name, self.curve, self.reference)
            return {"function": name, "of": [first, {**second, "over": first["over"]}]}
        if name in ("spearman", "pearson"):
            return {"function": name, "of": self.call(name, self.reference, self.reference)}
        if name == "sd":
            return {"function": name, "of": [self.call(name, self.reference)]}
        known = "slope, exponent, knee, crossing, crossover, spearman, pearson and sd"
        shapes = ", ".join((*SHAPES, "best", "dominates"))
        if name in SHAPES or name in ("best", "dominates"):
            raise self.error(f"{name}(...) is a claim of its own, not a number to compare")
        raise self.error(f"no function is called {name!r}; there are {known}, and the claims {shapes}")

    def call(self, name: str, *arguments: Callable[[], Any], more: Callable[[], Any] | None = None) -> list[Any]:
        """The arguments of a function, of which `more` may follow."""
        self.take(name)
        start = self.at
        self.take("(")
        made = []
        for place, argument in enumerate(arguments):
            if place and not self.take(","):
                raise self.error(f"expected `,` and argument {place + 1} of {name}" + self.hint())
            made.append(argument())
        while more and self.take(","):
            made.append(more())
        if not self.take(")"):
            raise self.error(f"expected `)` for the bracket at column {start + 1}" + self.hint())
        return made

    def level(self) -> Tree:
        sign = -1.0 if self.take("-") else 1.0
        number = self.number()
        if number is None:
            raise self.error("expected a number" + self.hint())
        return {"number": sign * number}

    def curve(self) -> Tree:
        metric = self.reference()
        if not self.word("over"):
            raise self.error("expected `over` and the key along which the metric runs" + self.hint())
        return {**metric, "over": self.path("a key, such as `recipe.lr` or `severity`")}

    def path(self, what: str) -> str:
        found = _PATH.match(self.text, self.at)
        if not found:
            raise self.error(f"expected {what}" + self.hint())
        self.at = found.end()
        self.skip()
        return found[0]

    # -- metrics -----------------------------------------------------------------------------------------------------

    def arm(self) -> str:
        start = self.at
        if self.take("*"):
            return "*"
        name = NAME.match(self.text, self.at)
        if not name:
            raise self.error("expected a metric of an arm, such as `baseline.accuracy`, or a number" + self.hint())
        self.at = name.end()
        if self.peek() == "[":
            self.at = self.closing() + 1
        arm = self.text[start : self.at]
        if self.peek() != ".":
            self.skip()
        return arm

    def reference(self) -> Tree:
        arm = self.arm()
        if self.peek() != ".":
            self.at -= len(self.text[: self.at]) - len(self.text[: self.at].rstrip())
            raise self.error(f"expected `.` and a metric after the arm {arm!r}, such as `{arm}.accuracy`")
        self.at += 1
        return {"arm": arm, **self.metric()}

    def metric(self) -> Tree:
        name = NAME.match(self.text, self.at)
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
            name = NAME.match(self.text, self.at)
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


def _spread(side: Tree) -> bool:
    """Whether a side is a positive number, a standard deviation, or one times the other."""
    if "number" in side and "function" not in side:
        return float(side["number"]) > 0
    if side.get("op") == "*":
        return _spread(side["left"]) and _spread(side["right"])
    return side.get("function") == "sd"
