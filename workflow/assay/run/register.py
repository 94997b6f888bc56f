"""`assay register`: what a study claims and how it will be judged, in a file to deposit before the run."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from assay import __version__
from assay.run.declared import declare, digest_of_claim
from assay.run.environment import git
from assay.run.files import read_json, write_json
from assay.run.prepare import Prepared
from assay.study.jobs import digest_of


def register(prepared: Prepared) -> Path:
    """Write `registration.json` into the study's folder and return its path.

    It holds the claims with their digests, the resolved study, the digest of every record of the plan (config, data and
    code that the record depends on are in it), and the time. Claims that it is first to name are declared by it.
    """
    plan, folder = prepared.plan, prepared.folder
    declare(plan, folder)
    known = (read_json(folder / "declared.json") or {})["claims"]
    made: dict[str, Any] = {
        "study": plan.folder,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "assay": __version__,
        "git": git(),
        "claims": [
            {
                **{key: claim.get(key) for key in ("claim", "expect", "alpha", "primary", "source")},
                "digest": digest_of_claim(claim),
                "after_results": known[digest_of_claim(claim)]["after_results"],
            }
            for claim in plan.study["claims"]
        ],
        "seeds": plan.study["seeds"],
        "looks": plan.study["looks"],
        "resolved": plan.study,
        "records": {path: record.digest for path, record in plan.records.items()},
    }
    made["digest"] = digest_of(made)
    file = folder / "registration.json"
    write_json(file, made)
    return file
