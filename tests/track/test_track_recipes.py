"""Each filter of docs/mlflow.md finds what the sentence above it says, in the store of a real study."""

import re

import pytest
from assay.run.declared import digest_of_claim
from assay.run.files import write_json
from assay.run.results import load
from assay.track.publish import publish
from project import ROOT
from results_tree import Server

#: The sentence before a recipe, up to its colon or bracket, with the recipe.
RECIPES = dict(
    re.findall(r"\n([A-Z][^\n(]*?)(?: \([^\n]*)?:\n\n```sql\n(.+)\n```", (ROOT / "docs/mlflow.md").read_text())
)
TRIALS = {"seed-0 baseline", "seed-0 pruned", "seed-1 baseline", "seed-1 pruned"}
STUDY = {"digits"}

#: What each finds. In the study, claim 1 ("Pruning costs nothing") is supported and claim 2 inconclusive and late, the
#: baseline's trial of seed 1 failed, and an arm `old` is no longer in the config.
FOUND = {
    "Studies that refute a claim": set(),
    "Studies all of whose claims are decided": set(),
    "Studies whose first claim is supported": STUDY,
    "Studies whose first claim speaks of pruning": STUDY,
    "Studies whose second claim was declared after results were there": STUDY,
    "Studies that found an effect of at least 0.005 for their first claim": STUDY,
    "Arms with a mean accuracy above 0.8": {"baseline", "pruned"},
    "Arms whose accuracy is surely above 0.1": {"pruned"},
    "Trials of one arm": {"seed-0 pruned", "seed-1 pruned"},
    "Trials of one seed": {"seed-1 baseline", "seed-1 pruned"},
    "Trials with a learning rate": TRIALS,
    "Trials that are compressed by a method": {"seed-0 pruned", "seed-1 pruned"},
    "Trials that detect `glyphs` as foreign with the detector `energy`": TRIALS - {"seed-1 baseline"},
    "Trials that read a dataset": TRIALS,
    "Trials that read exactly these data": TRIALS,
    "Trials that failed": {"seed-1 baseline"},
    "Trials that failed for a reason": {"seed-1 baseline"},
    "Trials on CPUs": TRIALS - {"seed-1 baseline"},
    "Trials from a commit without changes that were not committed": TRIALS - {"seed-1 baseline"},
    "Runs that an earlier version of the config left behind": {"old", "seed-0 old", "seed-1 old"},
}


def test_every_recipe_is_checked():
    assert set(RECIPES) == set(FOUND)


@pytest.fixture
def published(tree):
    tree.detectors, tree.steps, tree.arms = ["energy"], 2, ["old"]
    tree.write().finish()
    publish(tree.folder, final=True)
    tree.arms = ["baseline", "pruned"]
    tree.write().finish()
    tree.fail("baseline", 1, "MethodError: loss is NaN")
    claims = load(tree.folder).study["claims"]
    known = {digest_of_claim(claim): {"time": 0.0, "after_results": late > 0} for late, claim in enumerate(claims)}
    write_json(tree.folder / "declared.json", {"claims": known, "seeds": [2]})
    publish(tree.folder, final=True)
    return Server(tree.uri())


def test_recipes_find_what_they_say(published, tree):
    digest = tree.plan.records["datasets/digits-rare"].jobs[0][:36]
    wrong = {}
    for words, recipe in RECIPES.items():
        recipe = recipe.replace("DIGEST", digest).replace("COMMIT", "b" * 40)
        if "superseded" not in recipe:
            recipe += " AND tags.assay.superseded = 'false'"
        runs = published.client.search_runs([published.experiment.experiment_id], filter_string=recipe)
        names = {run.info.run_name for run in runs}
        if names != FOUND[words]:
            wrong[words] = names
    assert wrong == {}
    # Those that find nothing in this study find it when the verdicts are others.
    study = published.run(kind="study").info.run_id
    published.client.log_metric(study, "claims/refuted", 1)
    published.client.log_metric(study, "claims/inconclusive", 0)
    for words in ("Studies that refute a claim", "Studies all of whose claims are decided"):
        (run,) = published.client.search_runs([published.experiment.experiment_id], filter_string=RECIPES[words])
        assert run.info.run_id == study
    arms = published.client.search_runs(
        [published.experiment.experiment_id],
        filter_string="tags.assay.kind = 'arm' AND tags.assay.superseded = 'false'",
        order_by=["metrics.`accuracy/accuracy` DESC"],
    )
    means = [run.data.metrics["accuracy/accuracy"] for run in arms]
    assert len(means) == 2
    assert means == sorted(means, reverse=True)
