"""The methods paragraph of a paper: what was run, from the resolved study and from what its jobs recorded.

Markdown with citations as pandoc reads them, `[@he-1512.03385]`, which stand in `methods.bib`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from assay.figures.numbers import plural
from assay.report.material import Material
from assay.report.paper.bibliography import Entry, of_card
from assay.report.sections.environment import facts_of
from assay.report.sections.references import methods_of, papers
from assay.run.files import read_json
from assay.statistics.interval import ENOUGH
from assay.study.registry import KINDS, Card

#: What the tables and verdicts rest on.
STATISTICS = (
    "Holm 1979, Scandinavian Journal of Statistics 6",
    "Efron 1987, doi:10.1080/01621459.1987.10478410",
    "Hesterberg 2015, arXiv:1411.5279",
)

#: Keys of an arm that tell how it is computed and change no method.
_MACHINE = ("threads", "together", "predictions")


def cited(material: Material) -> list[list[str]]:
    """The citations of each card that the study uses, and those of the statistics."""
    return [*(_texts(card) for card in methods_of(material.study, material.registry)), *([one] for one in STATISTICS)]


def write_methods(material: Material) -> str:
    """The whole file."""
    study = material.study
    parts = [
        f"# Methods of the study `{study['study']}`",
        "## Data",
        *(_dataset(material, name) for name in study["datasets"]),
        "## Arms",
        *_made(material),
        *_arms(material),
        "## Evaluation",
        _evaluation(material),
        "## Statistics",
        _statistics(material),
        "## Software",
        _software(material),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _dataset(material: Material, name: str) -> str:
    declared = material.study["datasets"][name]
    folder = material.dataset(name)
    card = read_json(folder / "card.json") if folder else None
    origin = f"is derived from `{declared['from']}`" if declared.get("from") else f"is {_source(material, declared)}"
    sentences = [f"`{name}` {origin}" + (f", shaped like `{declared['like']}`" if declared.get("like") else "") + "."]
    if card is None:
        return f"{sentences[0]} It was not made."
    images = ", ".join(f"{count:,} {split}" for split, count in card["total"].items())
    sentences.append(
        f"Images: {images}; {card['size']} × {card['size']} pixels, {plural(card['channels'], 'channel')}, "
        f"{plural(len(card['classes']), 'class', 'classes')}."
    )
    if declared.get("split"):
        sentences.append(f"Split: {_written(declared['split'])}.")
    # A derived set's card lists what was done to it alone.
    for step in card["altered"]:
        given = {key: value for key, value in step.items() if key not in ("step", "effect")}
        effect = f" (effect: {_written(step['effect'])})" if step.get("effect") else ""
        sentences.append(f"Altered by {step['step']}: {_method(material, step['step'], given)}{effect}.")
    for entry in declared.get("curate") or []:
        sentences.append(f"Curated by {_method(material, 'curate', entry)}.")
    return " ".join(sentences)


def _source(material: Material, declared: dict[str, Any]) -> str:
    return _method(material, "source", declared["source"]) if declared.get("source") else "made of others"


def _made(material: Material) -> Iterator[str]:
    """Generators and encoders that arms learn from."""
    for group, kind in (("generators", "generator"), ("encoders", "pretrain")):
        for name, declared in (material.study.get(group) or {}).items():
            rest = {key: value for key, value in declared.items() if key not in ("method", "dataset", *_MACHINE)}
            yield (
                f"The {kind} `{name}` is trained on `{declared['dataset']}`: "
                f"{_method(material, kind, declared['method'])}; {_written(rest)}."
            )


def _arms(material: Material) -> Iterator[str]:
    """The first arm in full, each other one by what sets it apart from the first."""
    arms = material.study["arms"]
    first = material.arms[0]
    yield f"`{first}`: {'; '.join(_keys(material, arms[first], arms[first]))}."
    for name in material.arms[1:]:
        changed = {key: value for key, value in arms[name].items() if value != arms[first].get(key)}
        gone = [key for key in arms[first] if key not in arms[name] or (key in changed and changed[key] in (None, []))]
        told = _keys(material, {key: value for key, value in changed.items() if key not in gone}, arms[name])
        told += [f"no {key}" for key in gone if key not in _MACHINE]
        yield f"`{name}` differs from `{first}` in: {'; '.join(told)}." if told else f"`{name}` is as `{first}`."


def _keys(material: Material, declared: dict[str, Any], arm: dict[str, Any]) -> list[str]:
    told = []
    for key, value in declared.items():
        if value in (None, [], False) or key in _MACHINE:
            continue
        if key == "search":
            told.append(_search(arm))
        elif isinstance(value, list):
            told.append(f"{key} {', then '.join(_method(material, key, one) for one in value)}")
        else:
            told.append(f"{key} {_method(material, key, value)}")
    return told


def _search(arm: dict[str, Any]) -> str:
    search = arm["search"]
    rest = {key: value for key, value in search.items() if key not in ("points", "space")}
    return f"search over {plural(len(search['points']), 'point')} of {_written(search.get('space'))} ({_written(rest)})"


def _method(material: Material, kind: str, entry: Any) -> str:
    """A method as it was called, every option with its value, and its papers."""
    if not isinstance(entry, dict):
        return _written(entry)
    if "method" not in entry:
        inner = [f"{key} {_method(material, key, value)}" for key, value in entry.items() if value is not None]
        return f"({', '.join(inner)})"
    options = {key: value for key, value in entry.items() if key != "method" and value is not None}
    card = material.registry.get(kind, entry["method"]) if kind in KINDS else None
    keys = "; ".join(f"@{one.key}" for one in (_cites(card) if card else []))
    return f"{entry['method']}" + (f" ({_written(options)})" if options else "") + (f" [{keys}]" if keys else "")


def _evaluation(material: Material) -> str:
    study = material.study
    told = []
    for family, options in study["evaluate"].items():
        card = material.registry.get("evaluation", family)
        inner = []
        for key, value in options.items():
            kind = (card.methods if card else {}).get(key)
            listed = value if isinstance(value, list) else [value]
            words = [_method(material, kind, one) if kind else _written(one) for one in listed]
            inner.append(f"{key} {', '.join(words) or 'none'}")
        told.append(f"{family} ({'; '.join(inner)})" if inner else family)
    seeds = ", ".join(map(str, material.seeds))
    sentences = [
        f"All arms were run under the same {plural(len(material.seeds), 'seed')} ({seeds}); a seed changes "
        f"{', '.join(study['vary'])}.",
        f"Evaluated: {'; '.join(told)}.",
        "Metrics are of the test split unless they name another; models are those that training ends with or, where a "
        "recipe has patience, those of the epoch with the lowest loss on the val split.",
    ]
    trials = Counter(trial.status for trial in material.trials.values())
    for word in ("failed", "missing"):
        if trials[word]:
            which = dict.fromkeys(arm for (arm, _), trial in material.trials.items() if trial.status == word)
            sentences.append(f"{plural(trials[word], 'trial')} {word}: {', '.join(f'`{arm}`' for arm in which)}.")
    if study.get("scale"):
        sentences.append(f"This was a {study['scale']} run, whose numbers mean nothing.")
    return " ".join(sentences)


def _statistics(material: Material) -> str:
    holm, efron, hesterberg = (f"@{of_card([text])[0].key}" for text in STATISTICS)
    few = len(material.seeds) < ENOUGH
    kind = "Student's t intervals"
    if not few:
        kind = f"BCa bootstrap intervals [{efron}], their level raised for few values [{hesterberg}]"
    sentences = [f"Means over seeds have 95% {kind}; comparisons are paired by seed."]
    claims = material.study["claims"]
    if claims:
        levels = sorted({claim["alpha"] for claim in claims})
        sentences.append(
            f"{plural(len(claims), 'claim')} tested one-sided at {' and '.join(f'{level:g}' for level in levels)}, "
            f"corrected by Holm's method [{holm}]."
        )
        late = [one for one in material.results.verdicts() if (one["declared"] or {}).get("after_results")]
        if late:
            sentences.append(f"{plural(len(late), 'claim')} declared after results stood.")
    looks = material.study.get("looks")
    if looks:
        sentences.append(f"Looks at growing numbers of seeds were planned: {_written(looks)}.")
    sentences.append(
        f"In the tables an arm is bold where a two-sided paired t test tells it from every other arm at 0.05 after "
        f"Holm's correction over these comparisons [{holm}]."
    )
    return " ".join(sentences)


def _software(material: Material) -> str:
    runs = list(material.runs.values())
    if not runs:
        return "Nothing was run yet."
    facts: dict[str, Counter[str]] = {}
    for run in runs:
        packages = {name: str(version) for name, version in (run.get("packages") or {}).items()}
        for name, value in {**facts_of(run), **packages}.items():
            facts.setdefault(name, Counter())[value] += 1
    words = [f"{name} {' or '.join(value for value, _ in _usual(counts))}" for name, counts in facts.items()]
    commits = sorted({str((run.get("git") or {}).get("commit") or "none") for run in runs})
    dirty = any((run.get("git") or {}).get("dirty") for run in runs)
    return (
        f"Assay planned and ran all jobs, at commit {' or '.join(commits)}"
        + (" with uncommitted changes" if dirty else "")
        + f"; {', '.join(words)}."
        + (" Where several are named, the jobs did not all run alike." if any(len(one) > 1 for one in facts.values())
           else "")
    )  # fmt: skip


def _usual(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _texts(card: Card) -> list[str]:
    return [*papers(card), *([card.origin.citation] if card.origin else [])]


def _cites(card: Card) -> list[Entry]:
    return of_card(_texts(card)) if card.kind != "evaluation" else []


def _written(value: Any) -> str:
    """Values of the resolved study as words: `lr 0.1, momentum 0.9`; what is unset is left out."""
    if isinstance(value, dict):
        return ", ".join(
            f"{key} {f'({_written(inner)})' if isinstance(inner, dict) else _written(inner)}"
            for key, inner in value.items() if inner is not None and inner != []
        )  # fmt: skip
    if isinstance(value, list):
        return ", ".join(_written(one) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
