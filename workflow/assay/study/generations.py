"""Born-again networks written out: an arm that repeats its distillation becomes an arm for each generation."""

from __future__ import annotations

from assay.study.yaml import Mapping, Mark

#: More generations than this are a slip of the pen; the model says so.
MOST = 20


def add_generations(arms: Mapping) -> Mapping:
    """The arms, and before each one that repeats the generations that lead to it.

    Generation g of `reborn` is `reborn[generation=g]`, which says `repeat: g` and learns from the one before; the last
    is `reborn` itself. A point of a sweep becomes `swept[recipe.lr=0.1,generation=g]`.
    """
    made = Mapping(arms.mark)
    for name, mark in arms.marks.items():
        arm = arms[name]
        for number in range(1, _repeats(arm)):
            made.put(_named(name, number), _generation(arm, name, number, mark), mark)
        made.put(name, _generation(arm, name, _repeats(arm), mark) if _repeats(arm) > 1 else arm, mark)
    return made


def _repeats(arm: object) -> int:
    """How many generations an arm asks for; 0 where it asks for none or for what the model will refuse."""
    distill = arm.get("distill") if isinstance(arm, Mapping) else None
    repeat = distill.get("repeat") if isinstance(distill, Mapping) and isinstance(arm, Mapping) else None
    return repeat if isinstance(repeat, int) and not isinstance(repeat, bool) and 0 < repeat <= MOST else 0


def _generation(arm: Mapping, name: str, number: int, mark: Mark) -> Mapping:
    made = arm.copy()
    distill = made["distill"].copy()
    distill.put("repeat", number, mark)
    if number > 1:
        distill.put("teacher", _named(name, number - 1), mark)
    made.put("distill", distill, mark)
    return made


def _named(name: str, number: int) -> str:
    """`a` to `a[generation=1]`, `a[x=1]` to `a[x=1,generation=1]`."""
    return f"{name[:-1]},generation={number}]" if name.endswith("]") else f"{name}[generation={number}]"
