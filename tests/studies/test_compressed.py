"""Small models are made, stored, judged on everything their parent is judged on, and read again."""

from __future__ import annotations

import pytest
import torch
from project import Project

pytestmark = pytest.mark.study

ARMS = {
    "baseline": {"dataset": "digits", "model": "tiny-cnn", "recipe": {"method": "sgd", "epochs": 4}},
    "few": {"extends": "baseline", "sparse": {"method": "random", "sparsity": 0.8}},
    "chain": {
        "extends": "baseline",
        "compress": [
            {"method": "structured", "share": 0.25, "finetune-epochs": 1},
            {"method": "low-rank", "share": 0.8, "finetune-epochs": 0},
            {"method": "magnitude", "sparsity": 0.5, "finetune-epochs": 1},
            "batch-norm",
            {"method": "ptq", "bits": 4},
        ],
    },
    "ticket": {"extends": "baseline", "compress": [{"method": "lottery-ticket", "rounds": 1, "rewind": 0.25}]},
    "overlapping": {
        "extends": "baseline",
        "compress": [
            {"method": "overlapping-tickets", "sparsity": 0.4, "share": 0.5},
            {"method": "gptq", "activations": True},
        ],
    },
    "soup": {"extends": "baseline", "compress": [{"method": "soup", "arms": ["few"], "further": 1}, "batch-norm"]},
    "between": {"extends": "baseline", "compress": [{"method": "wise-ft", "alpha": 1}]},
}


def test_every_way_ends_in_a_model_that_is_judged_and_read_again(project: Project) -> None:
    project.config |= {"seeds": 1, "arms": ARMS, "generators": {}, "claims": []}
    project.config["evaluate"]["cost"] = {"batches": [1], "repeats": 3}
    project.write()
    work = project.work("report")
    # One training for all but the sparse arm, and the further one.
    assert work["train"] == 3
    assert work["compress"] == 5 + 1 + 2 + 2 + 1

    import assay

    results = assay.load(project.results / "small")
    table = results.metrics()
    metrics = {arm: set(rows.metric) for arm, rows in table.groupby("arm")}
    assert all(found == metrics["baseline"] for found in metrics.values())
    costs = {
        name: table[table.metric == name].set_index("arm").value.to_dict()
        for name in ("parameters", "nonzero-parameters", "flops", "nonzero-flops", "bytes", "disk-bytes")
    }
    assert costs["nonzero-parameters"]["few"] < 0.25 * costs["parameters"]["few"]
    assert costs["nonzero-flops"]["few"] < 0.5 * costs["flops"]["few"] == 0.5 * costs["flops"]["baseline"]
    assert all(costs[name]["chain"] < costs[name]["baseline"] for name in costs)
    assert costs["disk-bytes"]["chain"] < 0.5 * costs["disk-bytes"]["baseline"]
    kinds = [change["kind"] for change in results.model("chain", 0).changes]
    assert sorted(set(kinds), key=kinds.index) == ["narrow", "low-rank", "integers"]
    images = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    # Wholly at its end, the weights are those of the training.
    assert torch.equal(results.model("between", 0)(images), results.model("baseline", 0)(images))
    page = (project.results / "small" / "report.html").read_text()
    assert "disk bytes" in page
    assert "Uncompressed baseline and what comes from it" in page
