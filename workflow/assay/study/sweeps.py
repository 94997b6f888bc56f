"""The points of swept arms, as claims name them: `kd[recipe.lr=0.1]` in full or in part, and curves along a key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class Sweeps:
    """The swept arms of a study by name; each point with the values, as text, that it sets."""

    def __init__(self, groups: Mapping[str, Sequence[str]]):
        self.points = {name: {point: _values(point) for point in points} for name, points in groups.items()}

    def keys(self, arm: str) -> list[str]:
        """The keys that a swept arm, named whole or in part, runs over; none for any other arm."""
        points = self.points.get(arm.partition("[")[0], {})
        return list(next(iter(points.values()), {}))

    def matching(self, arm: str) -> list[str]:
        """The points that `NAME` or `NAME[key=value, ...]` leaves open; none where NAME is no swept arm."""
        fixed = _values(arm)
        points = self.points.get(arm.partition("[")[0], {})
        return [point for point, values in points.items() if fixed.items() <= values.items()]

    def values(self, arm: str, key: str) -> list[str]:
        """The values of a key over the points that an arm leaves open, in their order."""
        name = arm.partition("[")[0]
        return list(dict.fromkeys(self.points[name][point][key] for point in self.matching(arm)))

    def with_value(self, arm: str, key: str, value: str) -> str:
        """The arm with one more key fixed."""
        fixed = {**_values(arm), key: value}
        return f"{arm.partition('[')[0]}[{','.join(f'{name}={text}' for name, text in fixed.items())}]"

    def along(self, arm: str, key: str) -> dict[str, str] | None:
        """The points along a key by its value; None where another key leaves more than one point for a value."""
        name = arm.partition("[")[0]
        points = self.matching(arm)
        made = {self.points[name][point][key]: point for point in points}
        return made if len(made) == len(points) else None


def _values(point: str) -> dict[str, str]:
    inside = point.partition("[")[2].removesuffix("]")
    pairs = (item.strip().partition("=") for item in inside.split(",") if item.strip())
    return {key.strip(): value.strip() for key, _, value in pairs}
