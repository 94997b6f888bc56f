"""What each section says, and what it must not say."""

from __future__ import annotations

import math
import re
from html import unescape
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from assay.report.material import Material
from assay.report.render import render, summary
from assay.report.sections import arms, dag, datasets, environment, references, samples, tradeoff, verdicts
from assay.run.datasets import read_dataset
from assay.run.results import Results
from assay.study.registry import Registry


@pytest.fixture
def material(study_folder: Path, registry: Registry) -> Material:
    return Material(Results(study_folder), registry)


def words(html: object) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", str(html)))


# -- arms ----------------------------------------------------------------------------------------------------


def test_arms_whose_predictions_are_means_over_views_are_named(material: Material) -> None:
    assert "views" not in words(arms.section(material).body)
    material.study["arms"]["mixup"]["tta"] = "mirror"
    said = words(arms.section(material).body)
    assert "Means over several views of each image" in said
    assert "mixup (mirror)" in said
    assert "baseline (" not in said


# -- the page ------------------------------------------------------------------------------------------------


def test_the_same_results_give_the_same_page(study_folder: Path) -> None:
    assert render(study_folder) == (study_folder / "report.html").read_text(encoding="utf-8")


def test_the_page_names_nothing_to_fetch(study_folder: Path) -> None:
    text = (study_folder / "report.html").read_text(encoding="utf-8")
    fetched = re.findall(r'(?:src|srcset|action|poster|data)="([^"]*)"', text)
    fetched += re.findall(r'<(?:link|image)[^>]*href="([^"]*)"', text)
    assert fetched
    assert all(one.startswith("data:") for one in fetched)
    assert "url(" not in text
    assert "@import" not in text


def test_a_study_of_which_nothing_ran_has_a_page(planned_folder: Path) -> None:
    text = words(render(planned_folder))
    assert "8 trials missing" in text
    assert "have not been judged yet" in text
    assert "Mixup helps" in text


def test_the_summary_counts_what_came_out(material: Material) -> None:
    line = summary(material)
    assert line.startswith("7 arms × 3 seeds · 8 claims: ")
    assert "3 trials failed" in line


def test_a_folder_without_a_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        render(tmp_path / "nothing")


# -- verdicts ------------------------------------------------------------------------------------------------


def verdict(**changes: Any) -> dict[str, Any]:
    return {
        "claim": "c", "expect": "a.m > b.m", "verdict": "supported", "effect": 0.2, "interval": [0.1, 0.3],
        "level": 0.95, "p_holm": 0.01, "p_against_holm": 0.9, "test": "paired t", "n": 3, "seeds_needed": None,
        "seeds": [0, 1, 2], "left": [0.5, 0.6, 0.7], "right": [0.3, 0.4, 0.5], "tree": {"op": ">"}, "boundary": 0.0,
        "primary": True, "note": "", **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("op", "boundary", "claimed"),
    [(">", 0.1, (0.1, math.inf)), ("<=", -0.1, (-math.inf, -0.1)), ("~", 0.02, (-0.02, 0.02))],
)
def test_the_claimed_side_is_the_one_of_the_operator(op: str, boundary: float, claimed: tuple[float, float]) -> None:
    assert verdicts.claimed(verdict(tree={"op": op}, boundary=boundary)) == claimed


def test_a_claim_shows_its_evidence() -> None:
    text = words(verdicts.evidence(verdict()))
    for part in ("supported", "a.m > b.m", "+0.20", "95% interval", "[+0.10, +0.30]", "paired t", "0.0100", "seeds  3"):
        assert part in text, part
    assert "Paired differences of 3 seeds: +0.2, +0.2, +0.2" in str(verdicts.evidence(verdict()))


def test_a_refuted_claim_shows_the_p_against_it_and_an_open_one_the_seeds_it_needs() -> None:
    refuted = words(verdicts.evidence(verdict(verdict="refuted", p_holm=1.0, p_against_holm=0.0031)))
    assert "p against (Holm)" in refuted
    assert "0.0031" in refuted
    open_ = words(verdicts.evidence(verdict(verdict="inconclusive", seeds_needed=1369, detectable=0.05)))
    assert "1,369" in open_
    assert "detectable" in open_


def test_a_claim_without_values_has_no_figure() -> None:
    bare = verdict(effect=None, interval=None, left=[None] * 3, verdict="inconclusive", n=0, detectable=None)
    assert "<figure" not in str(verdicts.evidence(bare))


# -- figures -------------------------------------------------------------------------------------------------


def test_the_front_joins_what_nothing_beats() -> None:
    points = [(3.0, 0.9), (1.0, 0.5), (2.0, 0.4), (2.0, 0.8), (4.0, 0.9)]
    assert tradeoff.front(points) == [(1.0, 0.5), (2.0, 0.8), (3.0, 0.9)]


def test_the_graph_follows_jobs_and_leaves_out_what_follows(material: Material) -> None:
    nodes = dag.gather(material)
    assert nodes["train", "student"].inputs == {("train", "baseline, pruned")}  # and so reads the dataset too
    assert ("data", "rare") in nodes["train", "mixup"].inputs
    assert nodes["generator", "ddpm"].inputs == {("data", "rare")}
    assert nodes["train", "diverged"].failed == 3
    assert sum(len(node.jobs) for node in nodes.values()) == len(material.results.plan["jobs"])
    dag.place(nodes, material.arms)
    for stage in {node.stage for node in nodes.values()}:
        rows = sorted(node.y for node in nodes.values() if node.stage == stage)
        assert all(b - a >= dag.HEIGHT for a, b in pairwise(rows))
        assert rows[0] >= 0


# -- what is told, and what is not ---------------------------------------------------------------------------


def test_the_page_tells_the_commit_that_wrote_it(material: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "git", lambda: {"commit": "e" * 40, "dirty": True})
    made = environment.section(material)
    assert made is not None
    assert f"{'e' * 40} with uncommitted changes" in made.body


def test_a_difference_in_environment_is_told_with_the_arm(material: Material) -> None:
    (box,) = environment.warnings(material)
    assert "torch: 2.10.0 in mixup, 2.11.0 elsewhere" in words(box)


def test_failed_arms_show_their_error_and_log(study_folder: Path) -> None:
    text = words((study_folder / "report.html").read_text(encoding="utf-8"))
    assert "MethodError: the loss is nan at step 12" in text
    assert "epoch 1/8 loss 913.4" in text


def test_references_name_each_method_once_with_its_paper(material: Material, registry: Registry) -> None:
    names = [(card.kind, card.name) for card in references.methods_of(material.study, registry)]
    assert len(names) == len(set(names))
    for wanted in (
        ("source", "digits"), ("imbalance", "exponential"), ("generator", "ddpm"), ("augment", "mixup"),
        ("distill", "kd"), ("compress", "magnitude"), ("detector", "knn"), ("detector", "msp"),
        ("sampler", "ddim"), ("calibrator", "none"), ("conformal", "aps"),
        ("loss", "cross-entropy"), ("evaluation", "ood"),
    ):  # fmt: skip
        assert wanted in names, wanted
    section = references.section(material)
    assert section is not None
    assert "arXiv:1503.02531" in words(section.body)


def test_a_private_dataset_keeps_its_pixels_ids_and_logs(private_folder: Path) -> None:
    text = (private_folder / "report.html").read_text(encoding="utf-8")
    results = Results(private_folder)
    dataset = read_dataset(results.dataset("rare") or Path())
    assert not any(str(name) in text for split in dataset.splits.values() for name in split.ids)
    # Noise is public, so its picture stays; nothing of the digits, their altered or their synthetic images does.
    assert re.findall(r'data-figure="(images|augmented|synthetic|neighbours)"', text) == ["images"]
    assert "synthetic images (generator ddpm) are not shown" in words(text)
    assert "epoch 1/8 loss" not in text
    assert "the loss is nan" in text


def test_decisions_about_odd_images_are_shown_and_name_none_of_a_private_dataset() -> None:
    decisions = {"turned": {"count": 7, "ids": [f"cat/{number}.png" for number in range(5)]}, "cut": {"count": 1,
                 "ids": ["<b>.png"]}}  # fmt: skip
    text = words(str(datasets._decisions(decisions, private=False)))
    assert "turned: 7 · cat/0.png, cat/1.png, cat/2.png, cat/3.png, cat/4.png and 2 more" in re.sub(r"\s+", " ", text)
    assert "<b>.png" not in str(datasets._decisions(decisions, private=False))
    hidden = words(str(datasets._decisions(decisions, private=True)))
    assert "turned: 7" in hidden
    assert ".png" not in hidden
    assert datasets._decisions({}, private=False) is None


def test_tuning_shows_its_points_and_the_claim_its_budgets(tuned_folder: Path) -> None:
    page = (tuned_folder / "report.html").read_text(encoding="utf-8")
    text = words(page)
    assert re.search(r"points tuned over\s+tuned 3, baseline none", text)
    assert re.search(r"0.52\s+chosen", text)
    assert page.count("<strong>chosen</strong>") == 1


def test_results_kept_across_a_change_of_code_are_told(tuned_folder: Path, study_folder: Path) -> None:
    told = "the change was accepted as harmless: assay.train.loop : 1 result"
    assert told in re.sub(r"\s+", " ", words((tuned_folder / "report.html").read_text(encoding="utf-8")))
    assert "accepted as harmless" not in (study_folder / "report.html").read_text(encoding="utf-8")


def test_synthetic_images_stand_beside_their_figures_and_nearest_train_images(material: Material) -> None:
    section = samples.section(material)
    assert section is not None
    text = words(section.body)
    for figure in ("agreement", "precision", "coverage", "memorised"):
        assert figure in text
    assert "Distances are in pixels" in text
    assert "The closest of them, above the train images" in text
    assert "cosine of images that generators of two halves make from the same noise 0.81" in " ".join(text.split())
    assert "0.43 between an image and the most similar train image of its half" in text
    assert re.findall(r'data-figure="(synthetic|neighbours|halves)"', str(section.body)) == [
        "synthetic",
        "neighbours",
        "halves",
    ]


def test_a_paired_claim_shows_its_effect_size() -> None:
    # Differences 0.1, 0.2, 0.3: d_z = 0.2 / 0.1 = 2, and J(2) = 1 / sqrt(pi) = 0.5642.
    paired = verdict(left=[0.5, 0.7, 0.9], right=[0.4, 0.5, 0.6])
    assert "effect size (d_z, Hedges) +1.13" in " ".join(words(verdicts.evidence(paired)).split())
    assert "effect size" not in words(verdicts.evidence({**paired, "test": "Pitman-Morgan"}))


def test_a_claim_of_several_parts_shows_each() -> None:
    made = verdict(
        effect=None, interval=None, left=[], right=[], tree={"at-least": 1, "of": []},
        parts=[
            {"claim": "a.m < b.m", "op": "<", "verdict": "supported", "effect": -0.25, "interval": [-0.5, -0.125],
             "boundary": 0.0},
            {"claim": "b.m < c.m", "op": "<", "verdict": "inconclusive", "effect": None, "interval": None,
             "boundary": 0.0},
        ],
    )  # fmt: skip
    text = " ".join(words(verdicts.evidence(made)).split())
    assert "a.m < b.m supported −0.2500 [−0.5000, −0.1250]" in text
    assert "b.m < c.m inconclusive –" in text
    assert "The claim asks for 1 of them." in text


def test_a_claim_over_a_curve_draws_it_and_tells_its_means() -> None:
    curve = {"name": "kd.accuracy", "key": "recipe.lr", "x": [0.1, 0.3], "y": [[0.5, 0.7], [0.8, None]]}
    drawn = str(verdicts.evidence(verdict(curves=[curve])))
    assert "Means over seeds along recipe.lr. kd.accuracy: 0.1 0.6, 0.3 0.8" in drawn
    named = str(verdicts.evidence(verdict(curves=[{**curve, "x": ["d", "e"]}])))
    assert "kd.accuracy: d 0.6, e 0.8" in named
    assert "curve-of-claim" not in str(verdicts.evidence(verdict(curves=[{**curve, "y": [[None], [None]]}])))
