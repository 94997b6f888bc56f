"""Training curves: the mean over seeds and the range from the lowest seed to the highest, by arm."""

from __future__ import annotations

from pathlib import Path

from assay.figures import curves as drawings
from assay.figures.curves import Curve, curves_of, ordered
from assay.figures.numbers import plural
from assay.report.html import Markup, figure, join, note, tag
from assay.report.legend import arms_legend
from assay.report.material import Material
from assay.report.page import Section
from assay.run.files import read_lines
from assay.run.results import TrialFiles


def section(material: Material) -> Section | None:
    """One figure for each quantity that training logged, then those of later stages, generators and encoders."""
    trained = {arm: _curves([trial.train for trial in _trials(material, arm)]) for arm in material.arms}
    tuned = {
        arm: _curves([trial.model for trial in _trials(material, arm) if trial.model != trial.train])
        for arm in material.arms
    }
    arms = [arm for arm in material.arms if trained[arm] or tuned[arm]]
    parts: list[Markup | None] = []
    if arms:
        parts += [
            note("Mean over seeds; the band runs from the lowest seed to the highest."),
            arms_legend(material, arms),
            *_grids(_figures(material, trained)),
        ]
    if any(tuned.values()):
        parts += [tag("h3", "After training: adjustment and compression"), *_grids(_figures(material, tuned))]
    for group in ("generators", "encoders"):
        for name in material.study.get(group) or {}:
            made = _grids(_made(material, group, name))
            parts += [tag("h3", f"{group.removesuffix('s').capitalize()} ", name), *made] if made else []
    return Section("curves", "Training curves", join(parts), short="Curves") if parts else None


def _trials(material: Material, arm: str) -> list[TrialFiles]:
    return [trial for (name, _), trial in material.trials.items() if name == arm]


def _grids(figures: dict[str, Markup]) -> list[Markup]:
    """Losses and accuracies in sight, further curves behind a click."""
    leading = [one for name, one in figures.items() if "loss" in name or "accuracy" in name]
    others = [one for name, one in figures.items() if "loss" not in name and "accuracy" not in name]
    grids = [tag("div", *leading, class_="grid-of")] if leading else []
    if others:
        grid = tag("div", *others, class_="grid-of")
        grids.append(tag("details", tag("summary", plural(len(others), "further curve")), grid))
    return grids


def _made(material: Material, group: str, name: str) -> dict[str, Markup]:
    """The curves of a generator or an encoder, a line for each of its seeds."""
    records = [
        record for path, record in material.results.plan["records"].items() if path.startswith(f"{group}/{name}/")
    ]
    curves = _curves([material.results.folder_of(digest) for record in records for digest in record["jobs"]])
    return {key: figure(drawings.each(key, found, name).draw(), key, kind="curve") for key, found in curves.items()}


def _figures(material: Material, by_arm: dict[str, dict[str, list[Curve]]]) -> dict[str, Markup]:
    looks = {arm: material.style(arm) for arm in by_arm}
    made = {}
    for key in ordered({key for curves in by_arm.values() for key in curves}):
        arms = {arm: curves[key] for arm, curves in by_arm.items() if key in curves}
        made[key] = figure(drawings.by_arm(key, arms, looks).draw(), key, kind="curve")
    return made


def _curves(folders: list[Path | None]) -> dict[str, list[Curve]]:
    return curves_of(read_lines(folder / "curves.jsonl") for folder in folders if folder)
