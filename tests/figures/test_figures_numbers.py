from __future__ import annotations

import math

import pytest
from assay.figures.numbers import decimals_for, duration, memory, plain, plural, scale_of, short, signed


def test_plain_and_signed_use_the_minus_sign_and_say_when_there_is_nothing() -> None:
    assert plain(-0.12345, 3) == "−0.123"
    assert signed(0.5, 2) == "+0.50"
    assert plain(1234567, 0) == "1,234,567"
    assert plain(None, 3) == plain(math.nan, 3) == short(math.inf) == "–"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0"), (0.012345, "0.0123"), (78.26, "78.3"), (123.4, "123"), (9800, "9800"), (78_250, "78.2 k"),
        (4_560_000, "4.56 M"), (2.5e9, "2.5 G"), (-3e12, "−3 T"), (1.2e-5, "1.2e−05"),
    ],
)  # fmt: skip
def test_short(value: float, words: str) -> None:
    assert short(value) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (59.4, "59 s"), (200, "3 min 20 s"), (18_420, "5 h 07 min")],
)
def test_duration(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_memory() -> None:
    assert memory(512) == "512 B"
    assert memory(3 * 1024**2) == "3 MiB"
    assert memory(2.5 * 1024**3) == "2.5 GiB"


def test_decimals_show_three_digits_of_the_largest() -> None:
    assert decimals_for([0.5], 0, 1) == 3
    assert decimals_for([1.234, 0.1]) == 2
    assert decimals_for([123.4]) == 0
    assert decimals_for([3.0, 7.0]) == 0
    assert decimals_for([]) == 0


def test_columns_are_scaled_to_short_numbers() -> None:
    assert scale_of("s", [0.0012, 0.0009]) == (1e-3, "ms")
    assert scale_of("s", [12.0]) == (1.0, "s")
    assert scale_of("B", [5 * 1024**2, 100]) == (1024**2, "MiB")
    assert scale_of("", [78_000, 9800]) == (1e3, "k")
    assert scale_of("FLOP", [24e6]) == (1e6, "M FLOP")
    assert scale_of("classes", [2.4]) == (1.0, "classes")


def test_plural() -> None:
    assert plural(1, "box", "boxes") == "1 box"
    assert plural(1200, "job") == "1,200 jobs"
