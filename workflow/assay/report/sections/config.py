"""The config, as it was written."""

from __future__ import annotations

from assay.report.html import join, note, tag
from assay.report.material import Material
from assay.report.page import Section


def section(material: Material) -> Section | None:
    """The text of the config file; None when the plan does not hold it."""
    text = material.results.plan.get("config")
    if not text:
        return None
    chosen = [f"{key}: {material.study[key]}" for key in ("variant", "scale") if material.study.get(key)]
    body = [note("Run with ", tag("code", ", ".join(chosen)), ".") if chosen else None, tag("pre", text, tabindex="0")]
    return Section("config", "Config", join(body))
