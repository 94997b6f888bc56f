"""The methods as `assay methods` shows them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from assay.study.errors import nearest
from assay.study.registry import KINDS, Card, Metric, Option, Origin, Registry

#: Said of a published set whose whole content nobody here has held in hands.
UNSEEN = "digest not yet verified"


def as_objects(registry: Registry, name: str | None = None) -> list[dict[str, Any]]:
    """Every method, or those called `name`, as plain objects: name, stage, paper, summary, options, origin if any.

    Raises:
        KeyError: no method is called so.
    """
    cards = _cards(registry) if name is None else _found(registry, name)
    return [
        {
            "name": card.name,
            "stage": card.kind,
            "paper": card.paper,
            "summary": card.summary,
            "shapes": card.shapes,
            "options": {key: _option(option) for key, option in card.options.items()},
            "metrics": {key: _metric(metric) for key, metric in card.metrics.items()},
            **({"origin": {**asdict(card.origin), "digest": card.origin.digest or UNSEEN}} if card.origin else {}),
        }
        for card in cards
    ]


def listing(registry: Registry) -> str:
    """One line a method, by stage."""
    lines = []
    width = max(len(card.name) for card in _cards(registry)) + 2
    for kind, words in KINDS.items():
        names = registry.names(kind)
        if not names:
            continue
        lines.append(f"\n{kind}: {words}")
        for name in names:
            card = registry.card(kind, name)
            lines.append(f"  {name:<{width}}{card.summary}" + (f" ({card.paper})" if card.paper else ""))
    return "\n".join(lines).strip()


def show(registry: Registry, name: str) -> str:
    """Everything the cards say of the methods, or the metric, called `name`.

    Raises:
        KeyError: nothing is called so; the message names the nearest.
    """
    metrics = [(card, card.metrics[name]) for card in _cards(registry) if name in card.metrics]
    methods = [] if metrics and not any(card.name == name for card in _cards(registry)) else _found(registry, name)
    shown = [_show(card) for card in methods] + [_show_metric(name, card, metric) for card, metric in metrics]
    return "\n\n".join(shown)


def _found(registry: Registry, name: str) -> list[Card]:
    found = [card for card in _cards(registry) if card.name == name]
    if not found:
        names = [card.name for card in _cards(registry)] + [key for card in _cards(registry) for key in card.metrics]
        guess = nearest(name, names)
        raise KeyError(f"no method or metric is called {name!r}" + (f"; did you mean {guess!r}?" if guess else ""))
    return found


def _cards(registry: Registry) -> list[Card]:
    return [registry.card(kind, name) for kind in KINDS for name in registry.names(kind)]


def _show(card: Card) -> str:
    lines = [f"{card.name} ({card.kind}: {KINDS[card.kind]})", f"  {card.summary}"]
    lines += [f"  {card.paper}"] if card.paper else []
    lines += [f"  shapes: {card.shapes}"] if card.shapes else []
    for key, option in card.options.items():
        default = "required" if option.default is ... else f"default {option.default}"
        lines.append(f"  {key}: {option.expected()}, {default}. {option.help}")
    for key, metric in card.metrics.items():
        lines.append(f"  metric {key}: {metric.summary}; {metric.better} is better")
    return "\n".join(lines + (_show_origin(card.origin) if card.origin else []))


def _show_origin(origin: Origin) -> list[str]:
    """What a published set claims to be; where options choose among several, each with its counts and digest."""
    several = any(isinstance(counts, dict) for counts in origin.counts.values())
    lines = [f"  archive: {origin.archive}", f"  licence: {origin.licence}", f"  cite: {origin.citation}"]
    for choice, counts in origin.counts.items() if several else [("", origin.counts)]:
        tally = ", ".join(f"{part} {count:,}" for part, count in counts.items())
        digest = origin.digest if isinstance(origin.digest, str) else origin.digest.get(choice, "")
        seen = f"content {digest}" if digest else UNSEEN
        lines.append(f"  images{f' ({choice})' if choice else ''}: {tally}; {seen}")
    return lines


def _show_metric(name: str, card: Card, metric: Metric) -> str:
    low, high = ("-inf" if metric.low is None else metric.low), ("inf" if metric.high is None else metric.high)
    lines = [
        f"{name} (metric of {card.name})",
        f"  {metric.summary}",
        f"  {metric.better} is better; from {low} to {high}" + (f", in {metric.unit}" if metric.unit else ""),
    ]
    lines += [f"  {metric.paper}"] if metric.paper else []
    for key, source in metric.keys.items():
        default = f", {metric.defaults[key]} when left out" if key in metric.defaults else ""
        lines.append(f"  [{key}=...] from {source}{default}")
    return "\n".join(lines)


def _option(option: Option) -> dict[str, Any]:
    default = None if option.default is ... else option.default
    return {
        "default": default,
        "required": option.default is ...,
        "expected": option.expected(),
        "help": option.help,
    }


def _metric(metric: Metric) -> dict[str, Any]:
    return {"summary": metric.summary, "better": metric.better, "unit": metric.unit, "keys": list(metric.keys)}
