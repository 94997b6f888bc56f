"""What of a study is made from what, and whether that goes round in a circle."""

from __future__ import annotations

from typing import Any

from assay.study.registry import Registry

#: What a choice of `curate` may be made from.
PARENTS = ("arm", "encoder", "as-many-as")


def made_from(study: dict[str, Any], registry: Registry) -> dict[str, list[str]]:
    """`arm a` -> `dataset d` and so on, of a resolved study. Circles of `from` or `like` alone are told elsewhere."""
    links: dict[str, list[str]] = {}
    for name, dataset in study["datasets"].items():
        parents = [f"dataset {dataset['from']}"]
        for entry in dataset["curate"]:
            parents += [f"{'dataset' if key == 'as-many-as' else key} {entry[key]}" for key in PARENTS if entry[key]]
        links[f"dataset {name}"] = parents if dataset["curate"] else [*parents, f"dataset {dataset['like']}"]
    for section, word in (("generators", "generator"), ("encoders", "encoder")):
        for name, made in study[section].items():
            links[f"{word} {name}"] = [
                f"dataset {made['dataset']}",
                f"dataset {made.get('unbiased')}",
                f"encoder {made.get('encoder')}",
                f"generator {made.get('teacher')}",
            ]
    for name, arm in study["arms"].items():
        synthetic = arm["synthetic"] or {}
        teacher = (arm["distill"] or {}).get("teacher") or {}
        links[f"arm {name}"] = [
            f"dataset {arm['dataset']}",
            *(f"arm {other}" for other in taught_by(teacher)),
            f"arm {synthetic.get('judge')}",
            f"generator {synthetic.get('generator')}",
            f"encoder {(arm['init'] or {}).get('encoder')}",
            *(f"arm {other}" for other in averaged(arm, registry)),
        ]
    return links


def taught_by(teacher: dict[str, Any] | None) -> list[str]:
    """The arms whose trained models teach, by an entry `teacher`; none where a network teaches untrained."""
    return [] if not teacher or teacher["untrained"] else [teacher["arm"], *teacher["assistants"]]


def seen_by(study: dict[str, Any], name: str) -> list[str]:
    """The datasets whose images a generator of a resolved study learnt from, itself or through those it learns from."""
    made = study["generators"][name]
    seen = [made["dataset"]]
    if made.get("unbiased"):
        seen.append(made["unbiased"])
    if made.get("encoder"):
        seen.append(study["encoders"][made["encoder"]]["dataset"])
    return [*seen, *seen_by(study, made["teacher"])] if made.get("teacher") else seen


def averaged(arm: dict[str, Any], registry: Registry) -> list[str]:
    """The arms whose models are averaged with an arm's own."""
    found: list[str] = []
    for entry in arm["compress"]:
        card = registry.get("compress", entry["method"])
        if card and "models" in card.reads:
            found += entry["arms"]
    return found


def circle(links: dict[str, list[str]], start: str) -> list[str] | None:
    """The shortest way from `start` back to it, or None."""
    came: dict[str, str] = {}
    open_ = [start]
    while open_:
        at = open_.pop(0)
        for link in links.get(at, []):
            if link == start:
                way = [at]
                while way[-1] != start:
                    way.append(came[way[-1]])
                return way[::-1]
            if link not in came:
                came[link] = at
                open_.append(link)
    return None
