"""Claims are declared by the first run that sees them; what comes after results is marked."""

import json
from types import SimpleNamespace

from assay.run.declared import declare, digest_of_claim, looked
from assay.study.jobs import Record


def plan(*expects, seeds=5, looks=None):
    claims = [{"claim": "c", "expect": expect, "alpha": 0.05, "primary": True} for expect in expects]
    records = {"a/seed-0/accuracy": Record("a/seed-0/accuracy", "evaluate", [], [], "d")}
    return SimpleNamespace(study={"claims": claims, "seeds": list(range(seeds)), "looks": looks}, records=records)


def declared(folder, made):
    declare(made, folder)
    found = json.loads((folder / "declared.json").read_text())
    return found, [found["claims"][digest_of_claim(claim)]["after_results"] for claim in made.study["claims"]]


def results(folder):
    (folder / "a/seed-0").mkdir(parents=True)
    (folder / "a/seed-0/accuracy.json").write_text("{}")


def test_a_claim_is_declared_once_and_what_comes_after_results_is_marked(tmp_path):
    first, late = declared(tmp_path, plan("a.m > 1"))
    assert late == [False]
    results(tmp_path)
    again, late = declared(tmp_path, plan("a.m > 1", "a.m > 2"))
    assert late == [False, True]
    key = digest_of_claim(plan("a.m > 1").study["claims"][0])
    assert again["claims"][key] == first["claims"][key]


def test_a_claim_that_is_changed_is_another_one():
    (claim,) = plan("a.m > 1").study["claims"]
    assert digest_of_claim({**claim, "claim": "other words"}) == digest_of_claim(claim)
    assert digest_of_claim({**claim, "alpha": 0.1}) != digest_of_claim(claim)
    assert digest_of_claim({**claim, "primary": False}) != digest_of_claim(claim)


def test_a_look_that_was_not_planned_is_told(tmp_path):
    declare(plan("a.m > 1", seeds=5), tmp_path)
    found, _ = declared(tmp_path, plan("a.m > 1", seeds=8))
    assert found["seeds"] == [5, 8]
    assert "with 5 seeds before it was run with 8" in looked(found, plan("a.m > 1", seeds=8).study)
    assert looked(found, plan("a.m > 1", seeds=8, looks=[5, 8]).study) is None
    assert looked(found, plan("a.m > 1", seeds=5).study) is None
