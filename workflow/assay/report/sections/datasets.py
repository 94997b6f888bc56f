"""Dataset cards: what is in each, where it comes from, what was done to it, and whether splits overlap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assay.figures.numbers import plain, plural
from assay.figures.pictures import by_class, mosaic
from assay.figures.svg import coordinate, svg, text
from assay.report.html import Markup, figure, join, note, picture, tag
from assay.report.material import Material
from assay.report.page import Section
from assay.report.tables import Head, cell, row_head, table
from assay.run.datasets import read_dataset
from assay.run.files import read_json

#: Classes shown as bars; of more, the most and the least frequent are.
CLASSES = 40

#: Names of images that are listed beside a decision.
NAMED = 5

#: Images in a row, and rows, of a picture of a dataset.
SHEET = 12


def section(material: Material) -> Section | None:
    """A card for each dataset."""
    cards = [_card(material, name) for name in material.study["datasets"]]
    shown = [card for card in cards if card is not None]
    return Section("datasets", "Datasets", join(shown)) if shown else None


def _card(material: Material, name: str) -> Markup | None:
    folder = material.dataset(name)
    card = read_json(folder / "card.json") if folder else None
    if card is None or folder is None:
        return None
    private = material.is_private(name)
    labels = tag("span", "private", class_="tag") if private else None
    total, facts = card.get("total", {}), []
    facts.append(("images", ", ".join(f"{split} {count:,}" for split, count in total.items())))
    facts.append(("shape", f"{card.get('size')} × {card.get('size')}, {plural(card.get('channels', 0), 'channel')}"))
    facts.append(("classes", str(len(card.get("classes", [])))))
    if card.get("imbalance-ratio"):
        facts.append(("largest to smallest class", f"{plain(card['imbalance-ratio'], 1)} : 1"))
    if card.get("held-out"):
        facts.append(("held out", ", ".join(map(str, card["held-out"]))))
    for step in card.get("altered", []):
        given = {
            key: value for key, value in step.items() if key not in ("step", "method", "effect") and value is not None
        }
        done = f"({_plainly(step['effect'])})" if step.get("effect") else ""
        words = filter(None, [step.get("method"), _plainly(given), done])
        facts.append((str(step.get("step")), " ".join(words)))
    source = {**card.get("source", {})}
    method = source.pop("method", None)
    if method:
        facts.append(
            ("source", " ".join([method, *(f"{key} {value}" for key, value in source.items() if value is not None)]))
        )
    facts += [(key, card[key]) for key in ("licence", "citation") if card.get(key)]
    facts.append(("digest", card.get("digest", "")[:16]))
    return tag(
        "div",
        tag("h3", name, " ", labels),
        tag("dl", *(tag("div", tag("dt", key), tag("dd", value)) for key, value in facts), class_="facts"),
        _leakage(card.get("duplicates", {}), len(total)),
        _near(card.get("near-duplicates"), {} if private else read_json(folder / "twins.json") or {}),
        _decisions(card.get("decisions", {}), private),
        tag("div", _bars(name, card), None if private else _sheet(folder, name), class_="grid-of"),
        tag("details", tag("summary", "Counts"), _counts(name, card)) if card.get("classes") else None,
        class_="dataset",
    )


def _plainly(value: Any) -> str:
    """An option's value in words."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plainly(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_plainly, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _decisions(decisions: dict[str, dict[str, Any]], private: bool) -> Markup | None:
    """What the source did about odd images, counted; the names of a private dataset's are left out."""
    if not decisions:
        return None
    lines = []
    for sentence, entry in decisions.items():
        ids = [] if private else entry["ids"][:NAMED]
        more = entry["count"] - len(ids)
        names = ", ".join(ids) + (f" and {more:,} more" if ids and more else "")
        lines.append(
            tag("li", f"{sentence}: {entry['count']:,}", tag("span", f" · {names}", class_="soft") if ids else "")
        )
    return tag("div", tag("p", "Reading the source took these decisions:"), tag("ul", *lines), class_="decisions")


def _leakage(duplicates: dict[str, dict[str, int]], splits: int) -> Markup | None:
    """Whether images stand in several splits, which the cards count by exact equality of pixels."""
    across = {pair: found for pair, found in duplicates.items() if len(set(pair.split("/"))) == 2}
    within = sum(found["images"] for pair, found in duplicates.items() if pair not in across)
    tail = (
        f" Within splits, {plural(within, 'image')} {'repeats' if within == 1 else 'repeat'} an earlier one."
        if within
        else ""
    )
    if not across:
        return note("No image of one split has an exact twin in another." if splits > 1 else None, tail)
    lines = [
        tag("li", f"{plural(found['images'], 'image')} of {pair.split('/')[1]} also in {pair.split('/')[0]}"
            + (f", {found['other-label']} of them under another label" if found["other-label"] else ""))
        for pair, found in across.items()
    ]  # fmt: skip
    return tag("div", tag("p", tag("strong", "Splits overlap."), tail), tag("ul", *lines), class_="warn")


def _near(found: dict[str, Any] | None, examples: dict[str, list[list[str]]]) -> Markup | None:
    """Images that show nearly the same picture, by pair of splits, with a few ids; or why nobody looked for them."""
    if found is None:
        return None
    if not found["searched"]:
        return note(f"Near-duplicates were not looked for: {found['why']}.")
    if not found["pairs"]:
        return note(f"No near-duplicates: {found['method']}.")
    lines = []
    for pair, counts in found["pairs"].items():
        first, second = pair.split("/")
        where = f"the {first.removeprefix('like:')} split of the dataset it is shaped like" if ":" in first else first
        line = f"{plural(counts['images'], 'image')} of {second} "
        line += "repeating an earlier one" if first == second else f"with a twin in {where}"
        line += f", {counts['other-label']:,} of them under another label" if counts["other-label"] else ""
        shown = "; ".join(" and ".join(ids) for ids in examples.get(pair, []))
        lines.append(tag("li", line, f" (such as {shown})" if shown else None))
    return tag(
        "details",
        tag("summary", f"Near-duplicates, or pictures too plain to tell apart: {_most(found['pairs'])}"),
        note(f"Exact ones among them. Counted are {found['method']}."),
        tag("ul", *lines),
    )


def _most(pairs: dict[str, dict[str, int]]) -> str:
    """The counts across splits, in short."""
    across = [(pair, found["images"]) for pair, found in pairs.items() if len(set(pair.split("/"))) == 2]
    return ", ".join(f"{pair} {images:,}" for pair, images in across) or "none across splits"


def _bars(name: str, card: dict[str, Any]) -> Markup | None:
    """Images a class, the splits end to end."""
    counts: dict[str, dict[str, int]] = card.get("counts", {})
    if not counts or not any(sum(split.values()) for split in counts.values()):
        return None
    classes = [str(one) for one in card["classes"]]
    shown = classes
    if len(classes) > CLASSES:
        first = next(iter(counts.values()))
        ranked = sorted(classes, key=lambda one: -first.get(one, 0))
        shown = ranked[: CLASSES // 2] + ranked[-CLASSES // 2 :]
    left = 12 + min(110.0, 6.2 * max(len(one) for one in shown))
    pitch, width = 17.0, 330.0
    largest = max(sum(split.get(one, 0) for split in counts.values()) for one in shown) or 1
    scale = (width - left - 44) / largest
    marks: list[Markup] = []
    for row, one in enumerate(shown):
        y, x = 4 + row * pitch, left
        marks.append(text(left - 6, y + 10, one if len(one) <= 18 else one[:17] + "…", "end"))
        for shade, (split, values) in enumerate(counts.items()):
            length = values.get(one, 0) * scale
            bar = tag(
                "rect",
                tag("title", f"{one}, {split}: {values.get(one, 0):,}"),
                x=coordinate(x),
                y=coordinate(y),
                width=coordinate(length),
                height=12,
                class_="bar",
            )
            marks.append(tag("g", bar, class_=f"part-{min(shade, 3)}"))
            x += length
        marks.append(text(x + 4, y + 10, f"{sum(split.get(one, 0) for split in counts.values()):,}"))
    key = [
        tag("span", tag("span", "■ ", class_=f"part-{min(shade, 3)}"), split, " ", class_="soft")
        for shade, split in enumerate(counts)
    ]
    few = f"; the {CLASSES // 2} most and least frequent of {len(classes)}" if len(classes) > CLASSES else ""
    words = f"Images a class in {name}: " + "; ".join(
        f"{split} {sum(values.values()):,}" for split, values in counts.items()
    )
    drawing = svg(width, 8 + len(shown) * pitch, *marks, label=words)
    return figure(drawing, ["Images a class", few, " ", *key], kind="counts")


def _sheet(folder: Path, name: str) -> Markup | None:
    """The first images of each class of the first split, a row a class; of a split without classes, any."""
    dataset = read_dataset(folder)
    split = "train" if "train" in dataset.splits else next(iter(dataset.splits))
    part = dataset.splits[split]
    present = [number for number in range(len(dataset.classes)) if (part.labels == number).any()][:SHEET]
    if present:
        rows = by_class(part.images, part.labels, present, SHEET)
    else:
        shown = part.images[: SHEET * SHEET // 2]
        rows = [shown[start : start + SHEET] for start in range(0, len(shown), SHEET)]
    if not rows:
        return None
    words = f"The first images of the {split} split of {name}" + (", a row a class" if present else "")
    scale = max(1, 28 // max(part.images.shape[1:3]))
    return figure(picture(mosaic(rows, SHEET), words, scale), f"First images, {split}", kind="images")


def _counts(name: str, card: dict[str, Any]) -> Markup:
    counts = card.get("counts", {})
    rows = [
        [row_head(one), *(cell(f"{split.get(one, 0):,}", split.get(one, 0), number=True) for split in counts.values())]
        for one in map(str, card.get("classes", []))
    ]
    heads = [Head("Class"), *(Head(split, number=True) for split in counts)]
    return table(heads, rows, label=f"Images a class of {name}", tall=len(rows) > 20)
