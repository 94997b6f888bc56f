"""Tuning detectors: which options are tried, on which validation outliers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assay.study.errors import nearest
from assay.study.fields import Entry, shown
from assay.study.methods import typed
from assay.study.problems import Path, Problems
from assay.study.registry import Card, Option, Registry


def spell_out(options: Entry, registry: Registry, path: Path, problems: Problems) -> None:
    """Write `tune` of an OOD evaluation out, in place: `{"on": set, "grids": {detector: {option: [values]}}}`.

    What is written is `{on: set, DETECTOR: {OPTION: [values]}}`. Where no detector is named, each that has values to
    try in its card is tuned.
    """
    written = options.get("tune")
    if not isinstance(written, dict) or "grids" in written:
        return
    on = written.get("on")
    if not isinstance(on, str):
        problems.add(path, f"expected the key `on` with the name of a dataset of outliers, found {shown(on)}")
        options["tune"] = None
        return
    cards = {entry["method"]: registry.get("detector", entry["method"]) for entry in options["detectors"]}
    grids: dict[str, Entry] = {}
    for name, grid in written.items():
        if name == "on":
            continue
        card = cards.get(name)
        if card is None:
            there = f"`detectors` names {', '.join(cards)}"
            problems.add((*path, name), f"no detector that runs is called {name!r}; {there}", nearest(name, cards))
        elif not isinstance(grid, dict) or not grid:
            problems.add((*path, name), f"expected options of {name} with lists of values, found {shown(grid)}")
        else:
            grids[name] = {
                option: _values(card, option, values, (*path, name, option), problems)
                for option, values in grid.items()
            }
    if len(written) == 1:
        grids = {
            name: {option: list(each.grid) for option, each in card.options.items() if each.grid}
            for name, card in cards.items()
            if card and any(each.grid for each in card.options.values())
        }
        if not grids:
            problems.add(path, f"none of {', '.join(cards)} has values to try; name options with lists of values")
    options["tune"] = {"on": on, "grids": grids}


def _values(card: Card, name: str, values: Any, path: Path, problems: Problems) -> list[Any]:
    option: Option | None = card.options.get(name)
    if option is None:
        has = f"it has {', '.join(card.options)}" if card.options else "it has none"
        problems.add(path, f"{card.name} has no such option; {has}", nearest(name, card.options))
        return []
    if not isinstance(values, list) or not values:
        problems.add(path, f"expected a list of values to try, found {shown(values)}")
        return []
    for number, value in enumerate(values):
        if not option.accepts(value):
            problems.add((*path, number), f"expected {option.expected()}, found {shown(value)}")
        elif value in values[:number]:
            problems.add((*path, number), f"{shown(value)} stands here twice")
    return [typed(value, option) for value in values]


def check_tuning(
    options: Entry, path: Path, datasets: dict[str, Entry], root: Callable[[str], str], problems: Problems
) -> None:
    """Note validation outliers that are not known, or that results are told for; `root` is where a dataset starts."""
    tune = options.get("tune")
    if not tune:
        return
    on, place = tune["on"], (*path, "tune", "on")
    if on not in datasets:
        problems.unknown(place, "dataset", on, datasets)
        return
    for key in ("near", "far"):
        for name in options[key]:
            if name == on:
                problems.add(place, f"{on} stands under `{key}` too, and tuning must not see what results are told for")
            elif name in datasets and _same_images(datasets[root(on)], datasets[root(name)], root(on) == root(name)):
                problems.add(
                    place, f"{on} has the images of {name}, which stands under `{key}`, and tuning must not see those"
                )


def _same_images(one: Entry, other: Entry, same: bool) -> bool:
    """Whether two datasets take their images from the same source, for all that a config tells."""
    return same or (one["source"] is not None and one["source"] == other["source"])


def check_ensembles(options: Entry, path: Path, seeds: list[int], registry: Registry, problems: Problems) -> None:
    """Note detectors that need more seeds than the study has."""
    for number, entry in enumerate(options["detectors"]):
        card = registry.get("detector", entry["method"])
        if card is None or "seeds" not in card.reads:
            continue
        wanted = entry.get("members") or 2
        if len(seeds) < wanted:
            message = f"{card.name} needs the predictions of {wanted} seeds, and the study has {len(seeds)}"
            problems.add((*path, "detectors", number), message)
