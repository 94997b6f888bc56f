"""What an arm's `search` says, checked against the arm and written out as points."""

from __future__ import annotations

from assay.study import search
from assay.study.fields import Entry, shown
from assay.study.methods import Methods, plain
from assay.study.model_arm import Search
from assay.study.problems import Path

#: What of an arm a search may vary: each a method as a whole, or one of its options.
SEARCHED = ("model", "trainable", "recipe", "loss", "rebalance", "robust", "dropout", "sparse", "distill")


def tuning(name: str, written: Search, arm: Entry, methods: Methods, path: Path) -> Entry | None:
    """`{"space", "trials", "by", "points"}` of a search; None when something is wrong with it.

    Args:
        name: the arm's name, from which its points are drawn.
        written: what the config says.
        arm: the arm, resolved but for its search.
        methods: completes methods among the choices and notes what is wrong.
        path: where the search stands.
    """
    return _Tuning(written, arm, methods, path).resolve(name)


class _Tuning:
    def __init__(self, written: Search, arm: Entry, methods: Methods, path: Path):
        self.written = written
        self.arm = arm
        self.methods = methods
        self.problems = methods.problems
        self.path = path
        self.space: dict[str, Entry] = {}
        self.fractional: set[str] = set()  # paths to options that are numbers, for which `1` is written as 1.0

    def resolve(self, name: str) -> Entry | None:
        before = len(self.problems.found)
        for dotted, values in self.written.space.items():
            self._dimension(dotted, values)
        for dotted in self.space:
            self._check_option(dotted)
        if self.written.by == "diswot":
            self._check_untrained()
        count = search.size(self.space)
        if count is not None and self.written.trials > count and len(self.problems.found) == before:
            message = f"expected at most {count}, the points that the space has"
            self.problems.add((*self.path, "trials"), message)
        if len(self.problems.found) > before:
            return None
        try:
            points = search.points(name, self.space, self.written.trials)
        except ValueError as error:
            self.problems.add((*self.path, "space"), str(error))
            return None
        points = [
            {
                dotted: float(value) if dotted in self.fractional and value is not None else value
                for dotted, value in point.items()
            }
            for point in points
        ]
        return {"space": self.space, "trials": self.written.trials, "by": self.written.by, "points": points}

    def _dimension(self, dotted: str, values: object) -> None:
        """Read one dimension of the space."""
        place = (*self.path, "space", dotted)
        component, *steps = dotted.split(".")
        depth = 2 if component == "augment" else 1  # a step into a list names one of its methods
        whole = component in SEARCHED and not steps
        if not whole and not (
            component in (*SEARCHED, "augment") and len(steps) == depth and steps[-1] != "method" and all(steps)
        ):
            expected = f"one of {', '.join(SEARCHED)}, or an option such as recipe.lr or augment.mixup.alpha"
            self.problems.add(place, f"a search can vary {expected}")
            return
        try:
            part = search.dimension(plain(values))
        except ValueError as error:
            self.problems.add(place, str(error))
            return
        if whole and part["kind"] != "choice":
            self.problems.add(place, f"expected a list of {component} methods to choose from")
        elif whole:
            part["values"] = self.methods.entries(component, part["values"], place)
            self.space[dotted] = part
        else:
            self.space[dotted] = part

    def _check_untrained(self) -> None:
        """Check that a search without training looks at networks alone, and that there is a teacher."""
        for dotted in self.space:
            if dotted.split(".")[0] != "model":
                message = (
                    f"`by: diswot` compares untrained networks, which {dotted} does not change; expected model alone"
                )
                self.problems.add((*self.path, "space", dotted), message)
        if not (self.arm["distill"] or {}).get("teacher"):
            message = (
                "`by: diswot` compares students with a teacher's network; give the arm a `distill` with a `teacher`"
            )
            self.problems.add((*self.path, "by"), message)

    def _check_option(self, dotted: str) -> None:
        """Check that every value of a dimension is one that the option takes, whichever method is chosen."""
        kind, *steps = dotted.split(".")
        if not steps:
            return
        place = (*self.path, "space", dotted)
        *name, option = steps
        if name:
            entries = [entry for entry in self.arm[kind] if entry["method"] == name[0]]
        else:
            entries = self.space[kind]["values"] if kind in self.space else [self.arm[kind]] if self.arm[kind] else []
        if not entries or (name and len(entries) > 1):
            found = "more than one" if entries else "no"
            self.problems.add(place, f"the arm has {found} {'.'.join([kind, *name])} whose option could vary")
            return
        part = self.space[dotted]
        for entry in entries:
            card = self.methods.registry.get(kind, entry["method"])
            if card and option not in card.options:
                self.problems.unknown(place, f"option of {card.name}", option, card.options)
            elif card:
                taken = card.options[option]
                for value in part["values"] if part["kind"] == "choice" else [part["low"], part["high"]]:
                    if not taken.accepts(value):
                        self.problems.add(place, f"expected {taken.expected()}, found {shown(value)}")
                if taken.kind is float:
                    self.fractional.add(dotted)
