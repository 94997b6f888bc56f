"""What a source decided about odd images, counted: sentence -> how many images, and which."""

from __future__ import annotations

from typing import Any

#: Sentence -> `{"count": images, "ids": names of the first few}`; plain JSON, as it stands in a dataset's card.
Decisions = dict[str, dict[str, Any]]

#: Names kept of each decision.
FEW = 5


def note(decisions: Decisions, sentence: str, name: str, few: int | None = FEW) -> None:
    """Count one more image under a decision; `few=None` keeps every name."""
    entry = decisions.setdefault(sentence, {"count": 0, "ids": []})
    entry["count"] += 1
    if few is None or len(entry["ids"]) < few:
        entry["ids"].append(name)


def told(decisions: Decisions) -> list[str]:
    """One line a decision, for a log."""
    lines = []
    for sentence, entry in decisions.items():
        more = ", ..." if entry["count"] > len(entry["ids"]) else ""
        lines.append(f"{sentence}: {entry['count']:,} ({', '.join(entry['ids'])}{more})")
    return lines
