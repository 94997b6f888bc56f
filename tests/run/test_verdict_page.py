"""`assay evidence`: a study's verdicts as Markdown, with what they came from."""

import pytest
from assay.run import cli
from assay.run.circumstances import starts
from assay.run.files import read_json, write_json
from assay.run.results import load
from assay.run.verdict_table import verdict_page
from results_tree import Tree

TRACE = {"effect": 0.0289400, "interval": [0.00783234, 0.0487016], "level": 0.994035, "n": 5, "note": ""}
VERDICTS = [
    {**TRACE, "verdict": "supported", "p_holm": 0.01553585, "p_against_holm": 1.0, "primary": True},
    {**TRACE, "verdict": "refuted", "effect": -0.25, "p_holm": 1.0, "p_against_holm": 2e-5, "primary": False,
     "note": "every seed differs | alike"},
]  # fmt: skip


@pytest.fixture
def tree(tmp_path):
    made = Tree(tmp_path / "results", seeds=(3, 4)).write().finish()
    (job,) = made.plan.records["claims"].jobs
    write_json(made.root / made.plan.jobs[job].folder / "verdicts.json", VERDICTS)
    body = read_json(made.folder / "study.json")
    body["study"] |= {"variant": "cpu"}
    body["study"]["claims"][0]["source"] = "Han et al. 2015, arXiv:1506.02626"
    write_json(made.folder / "study.json", body | {"file": "studies/x.yaml"})
    return made


def test_verdicts_stand_as_they_came_out(tree):
    page = verdict_page(load(tree.folder))
    assert (
        "| Pruning costs nothing | `pruned.accuracy >= baseline.accuracy` | supported | +0.02894 "
        "| +0.007832 to +0.0487 (99.4%) | 0.0155 | 5 | Han et al. 2015, arXiv:1506.02626 |"
    ) in page.splitlines()
    assert (
        "| Pruning helps | `pruned.accuracy > baseline.accuracy` | refuted (secondary) | -0.25 "
        "| +0.007832 to +0.0487 (99.4%) | against: < 0.0001 | 5 | – |"
    ) in page.splitlines()
    assert "Verdicts: 1 supported, 1 refuted, 0 inconclusive." in page
    assert "- Pruning helps: every seed differs | alike" in page


def test_what_they_came_from_stands_above(tree):
    page = verdict_page(load(tree.folder))
    above = page[: page.index("| claim |")]
    assert "snakemake --cores all --config study=studies/x.yaml variant=cpu\n" in above
    for fact in ("Seeds: 3, 4;", "cpu (test)", "Python 3.11.7; torch 2.11.0", "b" * 40, "2026-09-21T"):
        assert fact in above


def test_a_failed_trial_is_named(tree):
    tree.fail("pruned", 4, "MethodError: loss is NaN")
    assert "- pruned, seed 4, failed: MethodError: loss is NaN" in verdict_page(load(tree.folder))


def test_a_claim_seen_after_results_is_marked(tree):
    from assay.run.declared import digest_of_claim

    claims = load(tree.folder).study["claims"]
    known = {digest_of_claim(claim): {"time": 0.0, "after_results": late} for late, claim in enumerate(claims)}
    write_json(tree.folder / "declared.json", {"claims": known, "seeds": [2]})
    page = verdict_page(load(tree.folder))
    assert "refuted (secondary, late)" in page
    assert "| supported |" in page


def test_what_is_not_there_is_told(tree, capsys):
    (job,) = tree.plan.records["claims"].jobs
    (tree.root / tree.plan.jobs[job].folder / "seal.json").unlink()
    assert cli.main(["evidence", str(tree.folder)]) == 1
    assert "the claims of digits are not decided yet; run `snakemake" in capsys.readouterr().err
    assert cli.main(["evidence", str(tree.root / "digit")]) == 1
    assert "studies there: digits" in capsys.readouterr().err


def test_the_command_names_what_is_not_the_default():
    assert starts("config.yaml") == "snakemake --cores all"
    assert starts("config.yaml", scale="smoke") == "snakemake --cores all --config scale=smoke"
    assert starts("a.yaml", "cpu") == "snakemake --cores all --config study=a.yaml variant=cpu"
