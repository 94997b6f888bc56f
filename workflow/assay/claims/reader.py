"""Tokens of the language of claims: a text read from left to right."""

from __future__ import annotations

import math
import re

NAME = re.compile(r"[A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)*")
_NUMBER = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_SPACE = re.compile(r"\s*")


class ClaimError(ValueError):
    """A claim that cannot be read. `message` says what was expected, `column` (from 1) where."""

    def __init__(self, message: str, column: int):
        super().__init__(f"column {column}: {message}")
        self.message = message
        self.column = column


class Reader:
    """A text and the place where it is being read; what is taken goes with the space after it."""

    def __init__(self, text: str):
        self.text = text
        self.at = 0
        self.skip()

    def number(self) -> float | None:
        """A number without its sign, or None when something else stands here."""
        found = _NUMBER.match(self.text, self.at)
        # `2x.ece` and `1.ece` name arms, so what follows decides.
        if not found or re.match(r"[A-Za-z_]|-?\.?[A-Za-z_]", self.text[found.end() :]):
            return None
        if not math.isfinite(float(found[0])):
            raise self.error("the number is too large")
        self.at = found.end()
        self.skip()
        return float(found[0])

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

    def word(self, word: str) -> bool:
        """Whether this word stands here, and is no name of an arm; it is taken."""
        found = NAME.match(self.text, self.at)
        return bool(
            found and found[0] == word and self.text[found.end() : found.end() + 1] not in (".", "[")
        ) and self.take(word)

    def take(self, token: str) -> bool:
        """Whether this stands here; it is taken."""
        if not self.text.startswith(token, self.at):
            return False
        self.at += len(token)
        self.skip()
        return True

    def peek(self) -> str:
        """The next letter, or "" at the end."""
        return self.text[self.at : self.at + 1]

    def skip(self) -> None:
        """Pass over space."""
        space = _SPACE.match(self.text, self.at)
        self.at = space.end() if space else self.at

    def error(self, message: str) -> ClaimError:
        """What is wrong at this place."""
        return ClaimError(message, self.at + 1)

    def value(self, close: int) -> str:
        """The value of a key, quoted or up to the next comma at this depth; `close` is where the bracket ends."""
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

    def hint(self) -> str:
        """What stands here instead, with what was probably meant."""
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

    def end(self) -> None:
        """Nothing may follow."""
        if self.at == len(self.text):
            return
        if self.peek() in ("<", ">", "~"):
            raise self.error("a claim holds one comparison; write a claim for each")
        raise self.error("expected the end of the claim" + self.hint())
