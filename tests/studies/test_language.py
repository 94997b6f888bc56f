"""The language of a config at work: one study in which its rarer words all take part, and what must come of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from assay.models.classifier import build
from assay.study.registry import scan
from project import Project
from safetensors.numpy import load_file, save_file
from sklearn.datasets import load_digits

pytestmark = pytest.mark.study

#: What several studies could share.
SHARED: dict[str, Any] = {
    "datasets": {
        "digits": {"source": "digits", "split": {"val": 0.2, "test": 0.2, "stratify": True}},
        "official": {"source": {"method": "npz", "path": "official.npz"}},
        "rare": {"from": "official", "imbalance": {"method": "exponential", "ratio": 4}},
    },
    "generators": {"smote": {"method": "smote", "dataset": "rare", "seeds": 2, "neighbours": 3}},
    "arms": {"split": {"dataset": "digits", "model": "linear", "recipe": {"method": "sgd", "epochs": 1}}},
}

STUDY: dict[str, Any] = {
    "study": "language",
    "imports": ["deep/shared.yaml"],
    "variants": {"quick": {"seeds": 3, "arms": {"swept": {"sweep": {"grid": {"recipe.batch": [32, 64]}}}}}},
    "seeds": 20,
    "vary": ["init", "order", "split"],
    "arms": {
        "anchor": {"extends": "split", "dataset": "official"},
        "swept": {"extends": "anchor", "sweep": {"grid": {"recipe.lr": [0.001, 0.2], "recipe.batch": [32, 64, 128]}}},
        "tuned": {"extends": "anchor", "search": {"space": {"recipe.lr": [0.001, 0.2]}, "trials": 2}},
        "filled": {"extends": "anchor", "dataset": "rare", "synthetic": "smote"},
        "pupil": {"extends": "anchor", "distill": {"method": "kd", "teacher": {"arm": "anchor", "seed": "all"}}},
        "foreign": {"dataset": "official", "model": "linear", "weights": "weights.safetensors"},
        "theirs": {"dataset": "official", "predictions": "predictions.npz"},
    },
    "evaluate": {"accuracy": {}, "cost": {"batches": [1], "repeats": 1}},
    "claims": [
        {"claim": "A larger step helps", "expect": "swept[recipe.lr=0.2,recipe.batch=64].accuracy > theirs.accuracy"}
    ],
    "track": {"live": False},
}

#: The point of the sweep that the tuned arm is, once it has chosen its learning rate: the recipe's batch is 64.
POINT = "swept[recipe.lr={},recipe.batch=64]"


def _official() -> dict[str, np.ndarray]:
    """The digits in an order of ours, with a split that they are published with."""
    digits = load_digits()
    order = np.random.default_rng(3).permutation(len(digits.images))
    images, labels = (digits.images[order] * 15).astype(np.uint8), digits.target[order]
    parts = {"train": slice(0, 400), "val": slice(400, 600), "test": slice(600, 800)}
    named = {"images": images, "labels": labels}
    return {f"{part}_{name}": array[where] for part, where in parts.items() for name, array in named.items()}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, warm: Path) -> Project:
    """The study, run to its end."""
    made = Project(tmp_path_factory.mktemp("language"), warm)
    made.config = STUDY
    (made.folder / "deep").mkdir()
    (made.folder / "deep/shared.yaml").write_text(yaml.safe_dump(SHARED))
    arrays = _official()
    np.savez(made.folder / "official.npz", **arrays)
    model = build(scan(), {"method": "linear"}, 1, 10, 8, torch.Generator().manual_seed(5))
    save_file({name: value.numpy() for name, value in model.state_dict().items()}, made.folder / "weights.safetensors")
    logits = np.random.default_rng(4).normal(size=(2, 200, 10))
    labels = arrays["val_labels"], arrays["test_labels"]
    rows = {f"{name}.logits": logits[n] for n, name in enumerate(("val", "test"))}
    np.savez(made.folder / "predictions.npz", **rows, **{"val.label": labels[0], "test.label": labels[1]})
    made.write()
    # First one arm by its name, brackets and all, then everything.
    made.run("--config", "variant=quick", "--", POINT.format("0.2"))
    assert {path.name for path in made.results.joinpath("language-quick").glob("swept*")} == {POINT.format("0.2")}
    made.run("report", "--config", "variant=quick")
    made.config = made.config | {"study": "language-quick"}
    return made


def _weights(study: Project, arm: str, seed: int) -> dict[str, np.ndarray]:
    return load_file(study.stored(f"{arm}/seed-{seed}/train") / "model.safetensors")


def _equal(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in one)


def _accuracies(study: Project) -> dict[tuple[str, int], float]:
    import assay

    table = assay.load(study.results / "language-quick").metrics()
    rows = table[(table.metric == "accuracy") & table["keys"].map(lambda keys: keys.get("split") == "test")]
    return {(row.arm, row.seed): row.value for row in rows.itertuples()}


def _ids(folder: Path, split: str) -> set[str]:
    with np.load(folder / f"{split}.npz") as table:
        return set(table["id"].tolist())


def test_imports_and_variant_make_the_study(study: Project) -> None:
    plan = json.loads((study.results / "language-quick/study.json").read_text())["study"]
    assert plan["seeds"] == [0, 1, 2]
    assert set(plan["arms"]) == {"split", "anchor", "tuned", "filled", "pupil", "foreign", "theirs"} | {
        f"swept[recipe.lr={rate},recipe.batch={batch}]" for rate in (0.001, 0.2) for batch in (32, 64)
    }
    assert plan["arms"]["anchor"]["recipe"]["epochs"] == 1
    assert not (study.results / "language").exists()
    assert (study.results / "language-quick/report.html").exists()


def test_points_of_a_sweep_are_trained_each_by_its_values(study: Project) -> None:
    steps = {}
    for batch in (32, 64):
        curves = study.stored(f"swept[recipe.lr=0.2,recipe.batch={batch}]/seed-0/train") / "curves.jsonl"
        steps[batch] = max(json.loads(line)["step"] for line in curves.read_text().splitlines())
    # One pass over 400 images, the last batch not full.
    assert steps == {32: 13, 64: 7}
    assert not _equal(_weights(study, POINT.format("0.2"), 0), _weights(study, POINT.format("0.001"), 0))


def test_the_point_that_tuning_chose_is_the_one_that_is_used(study: Project) -> None:
    choice = json.loads((study.stored("tuned/search") / "choice.json").read_text())
    scores = []
    for number in range(2):
        with np.load(study.stored(f"tuned/tune-{number}/predict") / "predictions.npz") as table:
            scores.append((table["logits"].argmax(1) == table["label"]).mean())
    assert choice["scores"] == pytest.approx(scores)
    assert choice["index"] == int(np.argmax(scores))
    chosen = choice["choice"]["recipe.lr"]
    assert chosen == 0.2, "a step of 0.001 learns nothing in one epoch"
    other = 0.001
    for seed in range(3):
        # The sweep has an arm with the same values, which must come to the very same weights.
        assert _equal(_weights(study, "tuned", seed), _weights(study, POINT.format(chosen), seed))
        assert not _equal(_weights(study, "tuned", seed), _weights(study, POINT.format(other), seed))
    tried = study.stored(f"tuned/tune-{choice['index']}/train")
    assert not any(_equal(load_file(tried / "model.safetensors"), _weights(study, "tuned", k)) for k in range(3))
    assert json.loads((study.stored("tuned/seed-0/train") / "model.json").read_text())["model"] == {"method": "linear"}


def test_foreign_predictions_are_judged_as_they_are(study: Project) -> None:
    with np.load(study.folder / "predictions.npz") as table:
        expected = float((table["test.logits"].argmax(1) == table["test.label"]).mean())
    found = _accuracies(study)
    assert [found["theirs", seed] for seed in range(3)] == pytest.approx([expected] * 3)
    assert study.record("theirs/seed-0/cost")["jobs"] == [], "there is no model whose cost could be told"


def test_foreign_weights_predict_as_they_are(study: Project) -> None:
    given = load_file(study.folder / "weights.safetensors")
    assert _equal(_weights(study, "foreign", 2), given)
    images, labels = _official()["test_images"], _official()["test_labels"]
    pixels = (images.reshape(200, 64) / 255.0 - given["mean"]) / given["std"]
    logits = pixels @ given["head.weight"].T + given["head.bias"]
    expected = float((logits.argmax(1) == labels).mean())
    assert [_accuracies(study)["foreign", seed] for seed in range(3)] == pytest.approx([expected] * 3)
    costs = json.loads((study.stored("foreign/seed-0/cost") / "metrics.json").read_text())
    values = {row["metric"]: row["value"] for row in costs}
    assert values["parameters"] == 64 * 10 + 10
    assert values["train-seconds"] is None, "how long it took elsewhere is not known here"


def test_the_split_differs_by_seed_and_never_mixes_train_with_test(study: Project) -> None:
    folders = [study.stored(f"datasets/digits/seed-{seed}") for seed in range(3)]
    tests = [_ids(folder, "test") for folder in folders]
    assert len({frozenset(ids) for ids in tests}) == 3
    for folder, ids in zip(folders, tests, strict=True):
        train, val = _ids(folder, "train"), _ids(folder, "val")
        assert not train & ids
        assert not val & ids
        assert not train & val
        assert len(train | val | ids) == 1797
    for seed in range(3):
        with np.load(study.stored(f"split/seed-{seed}/predict", 1) / "predictions.npz") as table:
            assert set(table["id"].tolist()) == tests[seed]
    # An official split stays what it is: one dataset for all seeds.
    assert len(list(study.results.glob("language-quick/datasets/official*.json"))) == 1


def test_generators_are_dealt_out_and_fill_what_is_missing(study: Project) -> None:
    digests = [study.record(f"filled/seed-{seed}/synthetic")["digest"] for seed in range(3)]
    assert digests[0] == digests[2] != digests[1]
    assert sorted(path.name for path in study.results.glob("language-quick/generators/smote/*.json")) == [
        "seed-0.json",
        "seed-1.json",
    ]
    with np.load(study.stored("datasets/rare") / "train.npz") as table:
        counts = np.bincount(table["label"], minlength=10)
    for seed in range(2):
        with np.load(study.stored(f"filled/seed-{seed}/synthetic") / "synthetic.npz") as table:
            made = np.bincount(table["label"], minlength=10)
        assert (counts + made == counts.max()).all()
        assert made.sum() > 0
    images = [np.load(study.stored(f"filled/seed-{k}/synthetic") / "synthetic.images.npy") for k in range(2)]
    assert not np.array_equal(images[0], images[1])


def test_every_seed_of_the_teacher_teaches(study: Project) -> None:
    plan = json.loads((study.results / "language-quick/study.json").read_text())
    teachers = [study.record(f"anchor/seed-{seed}/train")["digest"] for seed in range(3)]
    for seed in range(3):
        inputs = plan["jobs"][study.record(f"pupil/seed-{seed}/train")["digest"]]["inputs"]
        assert [inputs[f"teacher/{number}"] for number in range(3)] == teachers
        assert "teacher/3" not in inputs
        assert not _equal(_weights(study, "pupil", seed), _weights(study, "anchor", seed))


def test_the_claim_is_decided_over_the_named_point(study: Project) -> None:
    (verdict,) = json.loads((study.stored("claims") / "verdicts.json").read_text())
    found = _accuracies(study)
    assert verdict["left"] == pytest.approx([found[POINT.format("0.2"), seed] for seed in range(3)])
    assert verdict["right"] == pytest.approx([found["theirs", seed] for seed in range(3)])
    assert verdict["p"] < 0.05
    assert (verdict["verdict"], "3 seeds cannot decide" in verdict["note"]) == ("inconclusive", True)


def test_nothing_is_left_to_do(study: Project) -> None:
    assert "Nothing to be done" in study.run("report", "--config", "variant=quick")
