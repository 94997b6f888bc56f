"""The resolved study: what is implied is written out, and nothing else changes it."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from assay.study.errors import ConfigError
from assay.study.load import load_study
from assay.study.yaml import parse


def without_lines(study):
    return {key: value for key, value in study.items() if key != "lines"}


def dumped(study):
    return json.dumps(without_lines(study), sort_keys=True)


def test_the_whole_of_a_small_study(load):
    made = load("study: tiny\ndatasets: {d: {source: digits}}\narms: {a: {dataset: d, model: linear}}\nseeds: 2\n")
    assert without_lines(made) == {
        "study": "tiny", "folder": "tiny", "description": "", "seeds": [0, 1], "looks": None,
        "vary": ["init", "order", "augment"], "scale": None, "variant": None,
        "datasets": {"d": {
            "source": {"method": "digits"}, "from": None, "like": None, "subset": None,
            "classes": {"keep": None, "hold-out": []}, "split": None, "imbalance": None, "label-noise": None,
            "curate": [], "class-map": None, "private": False,
            "resolution": None, "channels": None, "groups": None, "confounder": None, "shift": None, "poison": None,
            "labels": None, "copies": None, "augment": [],
        }},
        "generators": {}, "encoders": {},
        "arms": {"a": {
            "dataset": "d", "model": {"method": "linear"}, "trainable": {"method": "all"},
            "recipe": {"method": "sgd", "lr": 0.1, "epochs": 30, "clip": None},
            "augment": [], "loss": {"method": "cross-entropy", "label-smoothing": 0.0}, "rebalance": None,
            "robust": None, "dropout": None, "sparse": None, "synthetic": None, "init": None, "mup": None,
            "distill": None,
            "adjust": [], "compress": [], "precision": "auto", "deterministic": False, "compile": False,
            "devices": 1,
            "threads": 1, "together": False, "tta": "none", "weights": None, "predictions": None, "search": None,
        }},
        "evaluate": {"accuracy": {"splits": ["test", "val"]}},
        "claims": [], "resources": {}, "track": {"artifacts": "copy", "copy-below": "50M", "live": True},
        "keep": {"features": True, "precision": "float32"}, "plugins": [], "mirror": None, "groups": {},
    }  # fmt: skip
    json.dumps(made, allow_nan=False)


FULL = """\
study: s
description: words
seeds: {plan: 4, looks: [2, 4]}
vary: [init]
datasets:
  d:
    source: digits
    split: {val: 0.1, test: 0.25, stratify: false}
    private: true
  rare: {from: d, imbalance: {method: exponential, ratio: 20}, label-noise: {method: symmetric, rate: 0.1}}
generators: {g: {method: ddpm, dataset: rare, seeds: 2, steps: 50, threads: 2}}
encoders: {e: {method: rotation, dataset: rare, model: resnet8, recipe: {epochs: 3}, augment: [cutout]}}
arms:
  base: {dataset: rare, model: {method: resnet8, width: 8}, recipe: {method: adamw, lr: 1}, augment: [mixup]}
  made: {extends: base, synthetic: {generator: g, ratio: 2}, model: {width: 16}}
  start: {extends: made, init: {encoder: e}, synthetic: null}
  small: {extends: base, model: linear, distill: {method: kd, teacher: {arm: base, seed: all}}, compress: [magnitude]}
  swept: {extends: base, sweep: {grid: {recipe.lr: [0.1, 0.2]}}}
  tuned: {extends: base, search: {space: {recipe.lr: 'log(0.1, 1)', recipe.beta1: [0.5, 0.9]}, trials: 3}}
evaluate:
  accuracy: {}
  calibration: {methods: [temperature], bins: 10}
  ood: {detectors: [msp, {method: knn, k: 3}], far: [noise]}
  cost: {}
claims:
  - {claim: c, expect: 'made.accuracy > base.accuracy', primary: false, alpha: 0.01}
  - {claim: o, expect: 'made.auroc[set=noise, detector=knn] > 0.5', source: 'doi:x'}
resources: {train: {gpus: auto, time: 2h, memory: 8G, threads: 2}}
track: {artifacts: refer}
keep: {precision: float16}
"""


def test_the_order_of_keys_changes_nothing(load):
    def reversed_keys(value, path=()):
        if isinstance(value, dict):
            return {key: reversed_keys(value[key], (*path, key)) for key in reversed(value)}
        return [reversed_keys(item, path) for item in value] if isinstance(value, list) else value

    once = load(FULL)
    again = load(json.dumps(reversed_keys(parse(FULL, "f"))))
    assert without_lines(again) == without_lines(once)
    assert dumped(again) == dumped(once)


def test_defaults_written_out_are_the_defaults_left_out(load):
    left_out = load("study: s\ndatasets: {d: {source: digits}}\narms: {a: {dataset: d, model: resnet8}}\n")
    written = load(
        "study: s\ndescription: ''\nimports: []\nvariants: {}\nscale: null\nseeds: [0, 1, 2, 3, 4]\n"
        "vary: [init, order, augment]\ngenerators: {}\nencoders: {}\n"
        "datasets: {d: {source: {method: digits}, from: null, like: null, subset: null, split: null,"
        " classes: {keep: null, hold-out: []}, imbalance: null, label-noise: null, class-map: null, private: false}}\n"
        "arms: {a: {dataset: d, model: {method: resnet8, width: 16}, augment: [], rebalance: null, robust: null,"
        " dropout: null, sparse: null, synthetic: null,"
        " recipe: {method: sgd, lr: 1e-1, epochs: 30, clip: null}, init: null, distill: null, adjust: [], compress: [],"
        " loss: {method: cross-entropy, label-smoothing: 0}, precision: auto,"
        " deterministic: false, compile: false, threads: 1, weights: null,"
        " predictions: null, sweep: null, search: null}}\n"
        "evaluate: {accuracy: {splits: [test, val]}}\nclaims: []\nresources: {}\n"
        "track: {artifacts: copy, copy-below: 50M}\nkeep: {features: true, precision: float32}\n"
        "plugins: []\nmirror: null\n"
    )
    assert dumped(written) == dumped(left_out)


def test_a_resolved_study_says_where_each_value_was_written(load):
    lines = load(FULL)["lines"]
    assert lines["vary"] == ["config.yaml", 4]
    assert lines["datasets.d.split.val"] == ["config.yaml", 8]
    assert lines["arms.made.recipe.lr"] == ["config.yaml", 14]  # inherited from base
    assert lines["arms.made.model.width"] == ["config.yaml", 15]
    assert lines["claims[1].source"] == ["config.yaml", 27]


# -- seeds --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "seeds", "looks"),
    [
        ("3", [0, 1, 2], None),
        ("[7, 3]", [7, 3], None),
        ("{plan: 4}", [0, 1, 2, 3], None),
        ("{plan: 4, looks: [2, 4]}", [0, 1, 2, 3], [2, 4]),
    ],
)
def test_seeds(load, written, seeds, looks):
    made = load(
        f"study: s\ndatasets: {{d: {{source: digits}}}}\narms: {{a: {{dataset: d, model: linear}}}}\nseeds: {written}"
    )
    assert (made["seeds"], made["looks"]) == (seeds, looks)


# -- imports, variants, scale -------------------------------------------------------------------------------


def test_imports_lie_below_the_study_and_later_ones_above_earlier(load, head):
    made = load(
        "imports: [shared/one.yaml, two.yaml]\nstudy: own\narms: {base: {threads: 3}}\n",
        {"shared/one.yaml": "imports: [base.yaml]\narms: {base: {threads: 2, precision: bf16}}\n",
         "shared/base.yaml": head, "two.yaml": "arms: {base: {recipe: {epochs: 4}}}\n"},
    )  # fmt: skip
    base = made["arms"]["base"]
    assert (made["study"], base["threads"], base["precision"], base["recipe"]["epochs"]) == ("own", 3, "bf16", 4)
    assert made["lines"]["arms.base.precision"] == ["shared/one.yaml", 2]
    assert made["lines"]["arms.base.model"] == ["shared/base.yaml", head.count("\n")]


def test_lists_of_an_import_can_be_added_to(load, head):
    shared = head + "claims:\n  - {claim: one, expect: base.accuracy > 0}\n"
    made = load(
        "imports: [shared.yaml]\nclaims: {append: [{claim: two, expect: base.accuracy > 0.1}]}\n",
        {"shared.yaml": shared},
    )
    assert [claim["claim"] for claim in made["claims"]] == ["one", "two"]


def test_a_variant_is_laid_over_the_study_and_gets_a_folder(load, head):
    text = head + "variants:\n  cpu: {seeds: 1, arms: {base: {recipe: {epochs: 2}}, b: {extends: base}}}\n"
    assert load(text)["folder"] == "s"
    made = load(text, variant="cpu")
    assert (made["folder"], made["variant"], made["seeds"]) == ("s-cpu", "cpu", [0])
    assert made["arms"]["b"]["recipe"]["epochs"] == 2


def test_a_variant_can_change_lists_and_unset_arms(load, head):
    text = head + "  b: {extends: base, augment: [cutout]}\nevaluate: {accuracy: {}, calibration: {}}\n"
    text += "variants:\n  v:\n    arms: {b: {augment: {append: [mixup]}}}\n    evaluate: {accuracy: null}\n"
    made = load(text, variant="v")
    assert [entry["method"] for entry in made["arms"]["b"]["augment"]] == ["cutout", "mixup"]
    assert list(made["evaluate"]) == ["calibration"]
    made = load(head + "  b: {extends: base}\nvariants: {v: {arms: {b: null}}}\n", variant="v")
    assert list(made["arms"]) == ["base"]


def test_an_option_that_is_a_list_can_be_added_to_its_default(load, head):
    made = load(head + "evaluate: {cost: {batches: {append: [8]}}, calibration: {methods: {remove: [none]}}}\n")
    assert made["evaluate"]["cost"]["batches"] == [1, 256, 8]
    assert made["evaluate"]["calibration"]["methods"] == [{"method": "temperature"}]


def test_smoke_cuts_everything_that_takes_long(load):
    made = load(FULL, scale="smoke")
    assert (made["folder"], made["scale"], made["seeds"], made["looks"]) == ("s-smoke", "smoke", [0, 1], None)
    assert made["arms"]["base"]["recipe"]["epochs"] == 2
    assert made["encoders"]["e"]["recipe"]["epochs"] == 2
    assert made["generators"]["g"]["method"]["steps"] == 20
    assert made["datasets"]["d"]["subset"] == 1024
    assert made["datasets"]["rare"]["subset"] is None
    assert made["datasets"]["noise"]["subset"] is None
    assert len(made["arms"]["tuned"]["search"]["points"]) == made["arms"]["tuned"]["search"]["trials"] == 2
    assert made["arms"]["base"]["recipe"]["lr"] == 1.0


def test_smoke_never_makes_anything_larger(load, head):
    text = head.replace("split:", "subset: 100, split:").replace("seeds: 3", "seeds: 1")
    made = load(text + "  a: {extends: base, recipe: {epochs: 1}}\nscale: smoke\n")
    assert made["datasets"]["d"]["subset"] == 100
    assert made["arms"]["a"]["recipe"]["epochs"] == 1
    assert made["seeds"] == [0]


# -- datasets and sets --------------------------------------------------------------------------------------


def test_a_source_named_as_a_far_set_becomes_a_dataset_like_the_arms(load, head):
    made = load(
        head.replace("base: {dataset: d", "base: {dataset: open")
        + "evaluate: {ood: {near: [hold-out], far: [noise]}}\n"
    )
    assert made["datasets"]["noise"]["source"] == {"method": "noise", "count": 100}
    assert made["datasets"]["noise"]["like"] == "d"
    assert made["evaluate"]["ood"]["far"] == ["noise"]


def test_a_declared_dataset_of_that_name_is_taken_instead(load, head):
    text = head.replace("  open:", "  noise: {source: {method: noise, count: 7}, like: d}\n  open:")
    made = load(text + "evaluate: {ood: {far: [noise]}}\n")
    assert made["datasets"]["noise"]["source"]["count"] == 7


def test_what_comes_from_a_private_dataset_is_private(load):
    made = load(FULL)
    assert made["datasets"]["rare"]["private"] is True
    assert made["datasets"]["noise"]["private"] is False


def test_class_names_may_be_written_as_numbers(load, head):
    made = load(
        head.replace('["8", "9"]', "[8, 9]").replace("open: {from: d", "open: {from: d, class-map: {0: 6, 1: null}")
    )
    assert made["datasets"]["open"]["classes"]["hold-out"] == ["8", "9"]
    assert made["datasets"]["open"]["class-map"] == {"0": "6", "1": None}


# -- foreign models and predictions -------------------------------------------------------------------------


def test_foreign_weights_and_predictions(load, head, tmp_path):
    with zipfile.ZipFile(tmp_path / "logits.npz", "w") as archive:
        for name in ("val.logits", "val.label", "test.logits", "test.label"):
            archive.writestr(f"{name}.npy", b"")
    made = load(
        head + "  w: {dataset: d, model: linear, weights: m.safetensors}\n  p: {dataset: d, predictions: logits.npz}\n"
        "  i: {extends: base, init: {weights: m.safetensors}}\n",
        {"m.safetensors": "x"},
    )["arms"]
    assert made["w"]["weights"] == "m.safetensors"
    assert made["p"]["predictions"] == "logits.npz"
    assert made["p"]["model"] is None
    assert made["i"]["init"] == {"weights": "m.safetensors"}


def test_a_bare_generator_balances_and_a_bare_teacher_is_of_the_same_seed(arm):
    made = arm("  a: {extends: base, synthetic: g, distill: {method: kd, teacher: base}}\n")
    assert made["synthetic"] == {
        "generator": "g", "balance": True, "per-class": None, "ratio": None, "mix": "real+synthetic",
        "sampler": None, "judge": None, "filter": None, "labels": "hard", "gate": None,
    }  # fmt: skip
    assert made["distill"]["teacher"] == {"arm": "base", "seed": "same", "assistants": [], "untrained": False}


# -- plug-ins -----------------------------------------------------------------------------------------------

PLUGIN = """
from assay import Option, method

@method("augment", "shade", summary="darker", options={"by": Option(0.5, "factor", above=0)})
def shade(images, targets, draw, *, by):
    return images * by, targets
"""


def test_a_plugin_is_a_method_like_any_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(PLUGIN)
    text = "study: s\nplugins: [mine.py]\ndatasets: {d: {source: digits}}\n"
    Path("c.yaml").write_text(text + "arms: {a: {dataset: d, model: linear, augment: [shade]}}\n")
    made = load_study(Path("c.yaml"))
    assert made["arms"]["a"]["augment"] == [{"method": "shade", "by": 0.5}]
    assert made["plugins"] == ["mine.py"]


@pytest.mark.parametrize(
    ("plugin", "words"),
    [
        (PLUGIN.replace("def shade", "def shade("), "not valid Python"),
        (PLUGIN.replace('"darker"', "dark()"), "literals"),
        (PLUGIN.replace('"augment"', '"augmnt"'), "kind of method"),
        (PLUGIN.replace('"shade"', '"mixup"'), "already"),
        (PLUGIN.replace("darker", "dark\xe9"), "UTF-8"),
    ],
)
def test_a_plugin_that_cannot_be_read_is_refused(tmp_path, monkeypatch, plugin, words):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(plugin, encoding="latin-1")
    Path("c.yaml").write_text(
        "study: s\nplugins: [mine.py]\ndatasets: {d: {source: digits}}\narms: {a: {dataset: d}}\n"
    )
    with pytest.raises(ConfigError, match=words):
        load_study(Path("c.yaml"))


# -- the default study --------------------------------------------------------------------------------------

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def default(monkeypatch):
    monkeypatch.chdir(ROOT)
    return load_study(Path("config.yaml"))


def test_the_default_study_shows_every_stage(default):
    arms = default["arms"].values()
    assert len(default["seeds"]) == 5
    assert len(default["claims"]) >= 6
    for stage in ("augment", "rebalance", "synthetic", "init", "distill", "compress"):
        assert any(arm[stage] for arm in arms), stage
    assert set(default["evaluate"]) == {"accuracy", "calibration", "ood", "conformal", "cost"}
    assert default["datasets"]["long-tailed"]["imbalance"]["method"] == "exponential"
    assert default["datasets"]["long-tailed"]["classes"]["hold-out"] == ["8", "9"]


def test_loading_imports_nothing_heavy():
    code = (
        "import sys; from pathlib import Path; from assay.study.load import load_study;"
        "load_study(Path('config.yaml'));"
        "print([name for name in ('torch', 'numpy', 'pandas', 'mlflow', 'snakemake') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
