"""The jobs of the study as a graph: one column a stage, one box for the jobs of an arm, a dataset or a generator."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from assay.figures.numbers import plural
from assay.figures.svg import coordinate, marker, path, svg, text
from assay.report.html import Markup, figure, join, note, tag
from assay.report.material import Material
from assay.report.page import Section
from assay.study.jobs import STAGES

#: A box, and the distance from one to the next, in drawing units.
WIDTH, HEIGHT, ACROSS, DOWN = 100, 36, 120, 46

#: Room for the heads above, and for lines that leave a box to the left.
TOP, LEFT = 26, 14

Key = tuple[str, str]


@dataclass
class Node:
    """Jobs of one stage that belong to the same arms, dataset or generator."""

    stage: str
    name: str
    arms: list[str]
    jobs: list[str] = field(default_factory=list)
    failed: int = 0
    waiting: int = 0
    inputs: set[Key] = field(default_factory=set)
    x: float = 0.0
    y: float = 0.0


def section(material: Material) -> Section | None:
    """The graph and a line on how to read it."""
    nodes = gather(material)
    if not nodes:
        return None
    place(nodes, material.arms)
    jobs = sum(len(node.jobs) for node in nodes.values())
    explained = note(
        f"{plural(jobs, 'job')} in {plural(len(nodes), 'box', 'boxes')}: a box holds a stage of an arm, all its seeds, "
        "sets and metrics; +1 marks one that another arm shares. Lines run from what is read to what reads it; those "
        "that follow from others are left out."
    )
    return Section("dag", "How it was computed", join([explained, _drawing(nodes, material)]), short="DAG")


def gather(material: Material) -> dict[Key, Node]:
    """The boxes, with the boxes that each reads directly and not through another."""
    plan = material.results.plan
    nodes: dict[Key, Node] = {}
    home: dict[str, Key] = {}
    for where, record in plan["records"].items():
        status = (material.results.record(where) or {}).get("status", "missing")
        for digest in record["jobs"]:
            if digest in home or digest not in plan["jobs"]:
                continue
            stage, arms = plan["jobs"][digest]["stage"], material.users[digest]
            name = ", ".join(arms) if arms else where.split("/")[1] if "/" in where else where
            node = nodes.setdefault((stage, name), Node(stage, name, arms))
            node.jobs.append(digest)
            home[digest] = (stage, name)
            if material.results.folder_of(digest) is None:
                node.failed += status == "failed"
                node.waiting += status != "failed"
    for digest, key in home.items():
        for given in plan["jobs"][digest]["inputs"].values():
            for one in given if isinstance(given, list) else [given]:
                if one in home and home[one] != key:
                    nodes[key].inputs.add(home[one])
    _reduce(nodes)
    return nodes


def _reduce(nodes: dict[Key, Node]) -> None:
    """Drop each line that a longer way already tells."""
    above: dict[Key, set[Key]] = {}

    def ancestors(key: Key) -> set[Key]:
        if key not in above:
            above[key] = set()  # two boxes may read each other through different seeds
            above[key] = set().union(*({given} | ancestors(given) for given in nodes[key].inputs))
        return above[key]

    kept = {
        key: {one for one in node.inputs if not any(one in ancestors(other) for other in node.inputs if other != one)}
        for key, node in nodes.items()
    }
    for key, node in nodes.items():
        node.inputs = kept[key]


def place(nodes: dict[Key, Node], arms: list[str]) -> None:
    """Columns by stage; arms keep the row of their place in the config, the rest stands by what reads it."""
    stages = [stage for stage in STAGES if any(node.stage == stage for node in nodes.values())]
    readers: dict[Key, list[Node]] = {key: [] for key in nodes}
    for node in nodes.values():
        for given in node.inputs:
            readers[given].append(node)
    for stage in reversed(stages):
        column = {key: node for key, node in nodes.items() if node.stage == stage}
        for key, node in column.items():
            node.x = stages.index(stage) * ACROSS
            beside = readers[key] if not node.arms else []
            rows: list[float] = [arms.index(arm) * DOWN for arm in node.arms[:1]]
            rows = rows or [other.y for other in beside if other.stage != stage]
            rows = rows or [nodes[given].y for given in node.inputs]
            node.y = sum(rows) / len(rows) if rows else 0.0
        if stage == "claims":
            for node in column.values():
                node.y = (len(arms) - 1) / 2 * DOWN
        _spread(sorted(column.values(), key=lambda node: (node.y, node.name)))


def _spread(column: list[Node]) -> None:
    """Move boxes apart until none overlaps, and the column back to where its middle was."""
    middle = sum(node.y for node in column) / len(column)
    for before, node in pairwise(column):
        node.y = max(node.y, before.y + DOWN)
    shift = middle - sum(node.y for node in column) / len(column)
    shift = max(shift, -column[0].y) if column[0].y >= 0 else -column[0].y
    for node in column:
        node.y += shift


def _drawing(nodes: dict[Key, Node], material: Material) -> Markup:
    stages = {node.stage: node.x for node in nodes.values()}
    width = max(stages.values()) + WIDTH + LEFT + 2
    height = max(node.y for node in nodes.values()) + HEIGHT + TOP + 4
    heads = [text(x + LEFT, 12, stage, class_="strong") for stage, x in stages.items()]
    edges = [_edge(nodes[given], node) for node in nodes.values() for given in sorted(node.inputs)]
    boxes = [_box(node, material) for node in nodes.values()]
    words = "Stages and what they read: " + "; ".join(
        f"{node.stage} of {node.name} reads "
        + (", ".join(f"{stage} of {name}" for stage, name in sorted(node.inputs)) or "nothing")
        for node in nodes.values()
    )
    drawing = svg(width, height, *heads, *edges, *boxes, label=words, class_="graph")
    box = tag("div", drawing, class_="scroll dag", tabindex="0", role="region", aria_label="Graph of jobs")
    return figure(box, kind="dag")


def _edge(start: Node, end: Node) -> Markup:
    y1, y2 = start.y + TOP + HEIGHT / 2, end.y + TOP + HEIGHT / 2
    if start.stage == end.stage:
        x = end.x + LEFT
        tip = path([(x - 5, y2 - 3), (x, y2), (x - 5, y2 + 3)])
        return tag("path", d=_bow((x, y1), (x, y2), -13) + tip, class_="edge")
    x1, x2 = start.x + WIDTH + LEFT, end.x + LEFT
    if x1 > x2:  # read by an earlier column, as a teacher is that was compressed
        x1, x2 = start.x + LEFT, end.x + WIDTH + LEFT
    return tag("path", d=_bow((x1, y1), (x2, y2), min((x2 - x1) / 2, 60)), class_="edge")


def _bow(start: tuple[float, float], end: tuple[float, float], bend: float) -> str:
    """The `d` of a curve that leaves `start` and reaches `end` sideways, to the left where `bend` is negative."""
    (x1, y1), (x2, y2) = start, end
    turn = x2 - bend if bend > 0 else x2 + bend
    numbers = [coordinate(number) for number in (x1 + bend, y1, turn, y2, x2, y2)]
    return f"M{coordinate(x1)} {coordinate(y1)}C{' '.join(numbers)}"


def _box(node: Node, material: Material) -> Markup:
    """A box with its name, and under it how many jobs it holds and how many of them failed."""
    x, y = node.x + LEFT, node.y + TOP
    look = " bad" if node.failed else " wait" if node.waiting else ""
    counted = plural(len(node.jobs), "job")
    told = [f"{node.stage} of {node.name}: {counted}"]
    told += [f"{node.failed} failed"] if node.failed else []
    told += [f"{node.waiting} not computed"] if node.waiting else []
    below = f"✗ {node.failed} failed" if node.failed else counted
    parts = [
        tag("title", ", ".join(told)),
        tag("rect", x=coordinate(x), y=coordinate(y), width=WIDTH, height=HEIGHT, rx=5, class_=f"node{look}"),
    ]
    start = x + 9
    if node.arms:
        style = material.style(node.arms[0])
        sign = tag("path", d=marker(style.marker, x + 12, y + 13, 3.6), fill="currentColor")
        parts.append(tag("g", sign, class_=style.colour))
        start = x + 21
    parts.append(text(start, y + 16.5, _short(node, 12 if node.arms else 14), class_="ink"))
    parts.append(text(start, y + 29, below, class_="small"))
    return tag("g", *parts)


def _short(node: Node, room: int) -> str:
    """The name cut to so many letters; of several arms the first, with how many more."""
    name, more = (node.arms[0], f" +{len(node.arms) - 1}") if len(node.arms) > 1 else (node.name, "")
    room -= len(more)
    return (name if len(name) <= room else name[: room - 1] + "…") + more
