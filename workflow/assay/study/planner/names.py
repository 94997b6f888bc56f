"""What the planner's jobs are called, and what it reads from files that were made elsewhere."""

from __future__ import annotations

import hashlib
import zipfile
from typing import Any

from assay.study.registry import Card

Entry = dict[str, Any]

#: Options that say how strong an alteration is, for its label.
STRENGTHS = ("ratio", "rate", "correlation", "share", "alpha")

#: The seed under which tuning happens: it is none of a study's, so that the chosen point runs on fresh ones.
TUNING = -1


def drawing(declared: Entry) -> Entry | None:
    """The entry of kind init by which an arm's weights are drawn, if there is one."""
    init: Entry | None = declared["init"]
    return init if init and "method" in init else None


def teaching(declared: Entry) -> Entry | None:
    """Which images an arm is taught on, and of which generation it is."""
    lesson = declared["distill"]
    return {key: lesson[key] for key in ("images", "repeat")} if lesson else None


def stem_of(arm: str, seed: int) -> str:
    """Where the records of a trial stand; a model under the seed of tuning is there to teach an arm that is tuned."""
    return f"{arm}/" + ("tune-teacher" if seed == TUNING else f"seed-{seed}")


def strength_of(entry: Entry) -> Any:
    """The option that says how strong an alteration is; empty when there is none."""
    return next((entry[key] for key in STRENGTHS if entry.get(key) is not None), "")


def shown(value: Any) -> str:
    """A value in a label."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def numbers_of(spec: Entry) -> str:
    """The streams of a spec in a label: `s3` when all are at 3, else each with its initial."""
    streams = spec["streams"]
    if len(set(streams.values())) == 1:
        return f"s{next(iter(streams.values()))}"
    return "".join(f"{name[0]}{number}" for name, number in sorted(streams.items()))


def plugin_file(card: Card) -> str:
    """The file of a plug-in's method; empty for our own."""
    return "" if card.module.startswith("assay.") else str(card.file)


def fingerprint_of(path: str) -> Entry:
    """A file that was made elsewhere, as a spec holds it: where it is read from and what is in it."""
    with open(path, "rb") as file:
        return {"file": path, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def predicted_sets(path: str) -> list[str]:
    """The sets of which an archive of predictions holds logits."""
    with zipfile.ZipFile(path) as archive:
        return sorted(name.removesuffix(".logits.npy") for name in archive.namelist() if name.endswith(".logits.npy"))
