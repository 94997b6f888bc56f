"""When each claim of a study was declared, and with how many seeds it was looked at: kept from the first run on.

`results/<study>/declared.json`:

    {"claims": {digest: {"expect", "alpha", "primary", "time", "after_results"}}, "seeds": [5, 8]}

A claim's digest is that of what is tested: `expect`, `alpha` and `primary`. `after_results` says that some evaluation
of the study was there when the claim was first seen, so that it may have been made to fit. `seeds` are the numbers of
seeds of the study's runs.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from assay.run.files import read_json, write_json
from assay.study.jobs import Plan, digest_of

FILE = "declared.json"


def when(seconds: float) -> str:
    """A time as people write it, in UTC to the minute."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def digest_of_claim(claim: dict[str, Any]) -> str:
    """The digest of what a claim of the resolved study tests."""
    return digest_of([claim["expect"], float(claim["alpha"]), bool(claim["primary"])])


def declare(plan: Plan, folder: Path) -> None:
    """Note the claims and the number of seeds of a plan that is about to run. Whoever calls holds the study's lock."""
    known = read_json(folder / FILE) or {"claims": {}, "seeds": []}
    results = any(
        record.stage == "evaluate" and (folder / f"{path}.json").exists() for path, record in plan.records.items()
    )
    now, claims, seeds = time.time(), dict(known["claims"]), list(known["seeds"])
    for claim in plan.study["claims"]:
        about = {key: claim[key] for key in ("expect", "alpha", "primary")}
        claims.setdefault(digest_of_claim(claim), about | {"time": now, "after_results": results})
    if len(plan.study["seeds"]) not in seeds:
        seeds.append(len(plan.study["seeds"]))
    made = {"claims": claims, "seeds": seeds}
    if made != known:
        write_json(folder / FILE, made)


def looked(declared: dict[str, Any], study: dict[str, Any]) -> str | None:
    """What is wrong with the numbers of seeds that a study was run with, in a sentence; None when nothing is."""
    earlier = [count for count in declared.get("seeds", []) if count < len(study["seeds"])]
    undeclared = [count for count in earlier if count not in (study["looks"] or [])]
    if not undeclared or not study["claims"]:
        return None
    return (
        f"This study was run with {', '.join(map(str, undeclared))} seeds before it was run with "
        f"{len(study['seeds'])}, and `looks` does not say so: verdicts are wrong more often than their level."
    )
