"""A confounded and poisoned set, judged by group, under corruption, under attack and after adapting."""

from __future__ import annotations

import pytest
from project import Project

pytestmark = pytest.mark.study

PGD = {"method": "pgd", "steps": 3}
AUTOATTACK = {"method": "autoattack", "steps": 2, "queries": 5}


def test_every_family_of_shift_runs_on_digits(project: Project) -> None:
    project.config |= {"seeds": 1, "generators": {}}
    project.config["datasets"] = {
        "digits": {"source": "digits", "split": {"val": 0.2, "test": 0.2, "stratify": True}},
        "tinted": {
            "from": "digits",
            "confounder": {"method": "colour", "correlation": 0.9},
            "poison": {"method": "trigger-patch", "target": "1", "size": 2},
        },
    }
    recipe = {"method": "sgd", "epochs": 2}
    project.config["arms"] = {
        "wide": {"dataset": "tinted", "model": {"method": "resnet8", "width": 8}, "recipe": recipe},
        "plain": {"dataset": "tinted", "model": "linear", "recipe": recipe},
    }
    project.config["evaluate"] = {
        "groups": {"neighbours": 5},
        "backdoor": {},
        "corruption": {"corruptions": ["contrast", "fog", "spatter"], "severities": [1, 5], "images": 60},
        "corruption-summary": {"reference": "plain"},
        "adaptation": {"methods": ["tent"], "corruptions": ["fog"], "images": 60, "batch": 20},
        "adversarial": {"attacks": ["fgsm", PGD, AUTOATTACK], "budgets": ["linf-8/255", "linf-1"], "images": 20},
    }
    project.config["claims"] = [
        {"claim": "Fog costs", "expect": "wide.corrupted-accuracy[corruption=fog, severity=5] < 1"},
        {"claim": "Wide is tougher", "expect": "wide.mean-corruption-error < plain.mean-corruption-error"},
        {"claim": "A group is worse", "expect": "plain.group-accuracy[group=worst] < 0.9"},
        {"claim": "Attacks work", "expect": "wide.worst-robust-accuracy <= wide.robust-accuracy[attack=noise]"},
    ]
    project.write()
    work = project.work("report")
    # Of each arm: groups, back door, three corruptions, two ways to adapt, four attacks, and two summaries.
    assert work["evaluate"] == 2 * (1 + 1 + 3 + 2 + 4 + 2)

    import assay

    table = assay.load(project.results / "small").metrics()
    found = {(row.arm, row.metric, *row.keys.values()): row for row in table.itertuples()}
    assert found["plain", "mean-corruption-error"].value == 1
    assert found["wide", "worst-robust-accuracy", "linf-1"].value == 0
    assert found["wide", "masking-sign", "unbounded"].value == 0
    assert "no batch normalisation" in found["plain", "forgetting", "tent", "fog", "5"].note
    assert found["wide", "forgetting", "tent", "fog", "5"].value is not None
    assert found["wide", "attack-success"].value > 0.5
    groups = {row.keys["group"]: row.value for row in table.itertuples() if row.metric == "group-accuracy"}
    assert {"0/0", "9/3", "worst"} <= set(groups)
    page = (project.results / "small" / "report.html").read_text()
    for anchor, kind in (("corruption", "severity"), ("adversarial", None), ("groups", "groups")):
        assert f'id="{anchor}"' in page
        assert kind is None or f'data-figure="{kind}"' in page
