"""What benchmarks hand to Assay's stages: entries as a config resolves them, and checkpoints that keep nothing."""

from __future__ import annotations

from typing import Any

from assay.study.registry import SHARED, Registry


def entry(registry: Registry, kind: str, name: str, **options: Any) -> dict[str, Any]:
    """A method with the defaults of its own options and of those that its kind shares, but for what is given."""
    every = registry.card(kind, name).options | SHARED.get(kind, {})
    return {"method": name, **{key: option.default for key, option in every.items()}, **options}


class NoCheckpoints:
    """A benchmark starts afresh and saves nothing; see `assay.train.checkpoint.Checkpoints`."""

    def load(self) -> None:
        """There is none."""

    def due(self) -> bool:
        """Never."""
        return False

    def save(self, state: dict[str, Any]) -> None:
        """Is not called."""
