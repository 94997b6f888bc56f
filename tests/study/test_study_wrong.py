"""Wrong configs: each is refused with file, line, key, what was expected, and the nearest valid name.

The line on which a fault is to be found carries the comment `# here`.
"""

import io

import numpy as np
import pytest
from assay.study.errors import ConfigError

HEAD = """\
study: s
datasets:
  d: {source: digits, split: {val: 0.15, test: 0.2}}
  open: {from: d, classes: {hold-out: ["8", "9"]}}
generators:
  g: {method: smote, dataset: d}
encoders:
  e: {method: rotation, dataset: d, model: resnet8}
arms:
  base: {dataset: d, model: resnet8}
"""


def _archive(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


FILES = {
    "p.npz": _archive(**{f"{name}.{part}": np.zeros(1) for name in ("val", "test") for part in ("logits", "label")}),
    "bare.npz": _archive(logits=np.zeros(1), label=np.zeros(1)),
    "text.npz": b"logits",
}


def data(line: str) -> str:
    """A study with one more dataset."""
    return HEAD.replace("generators:\n", f"  {line}  # here\ngenerators:\n")


def generator(line: str) -> str:
    """A study with one more generator."""
    return HEAD.replace("encoders:\n", f"  {line}  # here\nencoders:\n")


def encoder(line: str) -> str:
    """A study with one more encoder."""
    return HEAD.replace("arms:\n", f"  {line}  # here\narms:\n")


def arm(line: str) -> str:
    """A study with one more arm, `a`."""
    return f"{HEAD}  a: {line}  # here\n"


def condensed(use: str) -> str:
    """A study with one more arm, `a`, which learns from a condensed set of 3 images of each class."""
    made = "  c: {method: condensed, per-class: 3, dataset: d}\n"
    return arm(f"{{extends: base, synthetic: {use}}}").replace("  g: {", f"{made}  g: {{")


def top(line: str) -> str:
    """A study with one more key."""
    return f"{HEAD}{line}  # here\n"


def claim(expect: str) -> str:
    """A study with one claim."""
    families = "evaluate: {accuracy: {}, calibration: {}, ood: {far: [noise]}}\n"
    return f"{HEAD}{families}claims:\n  - claim: words\n    expect: '{expect}'  # here\n"


WRONG = [
    # keys
    (top("sedes: 3"), "sedes", "no such key", "seeds"),
    (top("augment: [cutout]"), "augment", "no such key", None),
    (arm("{extends: base, recpie: sgd}"), "arms.a.recpie", "no such key; expected one of extends, dataset", "recipe"),
    (data("x: {source: digits, spilt: {val: 0.1}}"), "datasets.x.spilt", "no such key", "split"),
    (data("x: {source: digits, split: {vall: 0.1}}"), "datasets.x.split.vall", "expected one of val, test", "val"),
    (top("track: {artefacts: copy}"), "track.artefacts", "expected one of artifacts, copy-below", "artifacts"),
    (top("resources: {trian: {gpus: 1}}"), "resources.trian", "expected one of data", "train"),
    (top("resources: {train: {gpu: 1}}"), "resources.train.gpu", "expected one of gpus", "gpus"),
    (top("claims: [{claim: x, expct: y}]"), "claims[0].expct", "no such key", "expect"),
    (arm("{extends: base, search: {space: {recipe.lr: [1]}, trails: 1}}"), "arms.a.search.trails", "no such", "trials"),
    # methods and options
    (arm("{dataset: d, model: resnet}"), "arms.a.model", "no model method is called 'resnet'; there are", "resnet8"),
    (arm("{extends: base, model: {method: tiny-cn}}"), "arms.a.model.method", "no model method", "tiny-cnn"),
    (arm("{extends: base, augment: [cutuot]}"), "arms.a.augment[0]", "no augment method", "cutout"),
    (arm("{extends: base, augment: [cutout, {method: mixup, alhpa: 1}]}"), "arms.a.augment[1].alhpa", "no such option",
     "alpha"),
    (arm("{extends: base, model: {method: linear, width: 3}}"), "arms.a.model.width", "it has none", None),
    (arm("{extends: base, recipe: {lr: fast}}"), "arms.a.recipe.lr", "expected a number > 0, found 'fast'", None),
    (arm("{extends: base, recipe: {lr: 0}}"), "arms.a.recipe.lr", "expected a number > 0, found 0", None),
    (arm("{extends: base, recipe: {epochs: -3}}"), "arms.a.recipe.epochs", "whole number >= 1, found -3", None),
    (arm("{extends: base, recipe: {epochs: 2.5}}"), "arms.a.recipe.epochs", "whole number >= 1, found 2.5", None),
    (arm("{extends: base, recipe: {epochs: true}}"), "arms.a.recipe.epochs", "whole number >= 1, found true", None),
    (arm("{extends: base, compress: [{method: magnitude, sparsity: 1}]}"), "arms.a.compress[0].sparsity",
     "number >= 0 and < 1, found 1", None),
    (arm("{extends: base, augment: cutout}"), "arms.a.augment", "expected a list, found 'cutout'", None),
    (arm("{extends: base, augment: [3]}"), "arms.a.augment[0]", "the name of a method of kind augment", None),
    (arm("{extends: base, loss: [focal]}"), "arms.a.loss", "the name of a method of kind loss", None),
    (arm("{dataset: d, model: {width: 8}}"), "arms.a.model", "expected the key `method`", None),
    (data("x: {from: d, label-noise: symmetric}"), "datasets.x.label-noise", "needs the option `rate`", None),
    (data("x: {from: d, imbalance: {method: exponential, ratio: 0.5}}"), "datasets.x.imbalance.ratio", "number >= 1",
     None),
    (data("h: {from: d, copies: 2}"), "datasets.h.copies", "add `augment`", None),
    (data("h: {from: d, augment: [cutout]}"), "datasets.h.augment", "add `copies`", None),
    (generator("h: {method: smot, dataset: d}"), "generators.h.method", "no generator method", "smote"),
    (generator("h: {method: smote, dataset: d, neighbors: 3}"), "generators.h.neighbors", "no such option",
     "neighbours"),
    (generator("h: {dataset: d}"), "generators.h", "expected the key `method`", None),
    (encoder("f: {method: rotate, dataset: d, model: resnet8}"), "encoders.f.method", "no pretrain method", "rotation"),
    # types and bounds
    (top("seeds: -1"), "seeds", "a number of seeds, 1 to 10000, found -1", None),
    (top("seeds: 0"), "seeds", "a number of seeds, 1 to 10000, found 0", None),
    (top("seeds: many"), "seeds", "a number of seeds, a list of seeds", None),
    (top("seeds: [0, 1, 1]"), "seeds", "1 stands here twice", None),
    (top("seeds: []"), "seeds", "at least one seed", None),
    (top("seeds: [0, -1]"), "seeds", "whole numbers >= 0 as seeds, found -1", None),
    (top("seeds: {plan: 10, looks: [5, 8]}"), "seeds", "the 10 of `plan` among them", None),
    (top("seeds: {plan: 10, looks: [8, 5, 10]}"), "seeds", "growing numbers", None),
    (top("vary: [init, oder]"), "vary[1]", "expected one of init, order", "order"),
    (top("vary: [init, init]"), "vary", "'init' stands here twice", None),
    (top("vary: [split]").replace("split: {val: 0.15, test: 0.2}", "split: null"), "vary",
     "nothing that varies (split) reaches the arm base", None),
    (top("vary: [alteration]"), "vary", "nothing that varies (alteration) reaches the arm base", None),
    (top("vary: []"), "vary", "at least one stream", None),
    (top("scale: smok"), "scale", "expected one of smoke", "smoke"),
    (top("description: [a]"), "description", "expected text", None),
    (top("keep: {features: yes}"), "keep.features", "expected true or false, found 'yes'", None),
    (top("keep: {precision: float46}"), "keep.precision", "float32, float16", "float16"),
    (top("resources: {train: {time: 2 hours}}"), "resources.train.time", "a duration such as", None),
    (top("resources: {train: {memory: lots}}"), "resources.train.memory", "a size such as", None),
    (top("resources: {train: {gpus: some}}"), "resources.train.gpus", "`auto` or a whole number", None),
    (arm("{extends: base, threads: 0}"), "arms.a.threads", "a number >= 1, found 0", None),
    (arm("{extends: base, precision: fp16}"), "arms.a.precision", "expected one of auto, bf16, tf32, fp32", "bf16"),
    (arm("3"), "arms.a", "expected a mapping, found 3", None),
    (arm(""), "arms.a", "expected a mapping, found nothing", None),
    (data("x: {from: d, subset: -5}"), "datasets.x.subset", "a number >= 1, found -5", None),
    (data("x: {source: digits, split: {val: 1.5}}"), "datasets.x.split.val", "whole number of images, found 1.5", None),
    (data("x: {source: digits, split: {val: 0.6, test: 0.4}}"), "datasets.x.split", "val + test < 1", None),
    (data("x: {from: d, classes: {keep: [a, b], hold-out: [b]}}"), "datasets.x.classes", "and b is both", None),
    (data("x: {from: d, classes: {keep: [a, a]}}"), "datasets.x.classes.keep", "'a' stands here twice", None),
    (data("x: {from: d, classes: {keep: [a]}}"), "datasets.x.classes.keep", "at least 2", None),
    (top("claims: [{claim: x, expect: base.accuracy > 0, alpha: 0.9}]"), "claims[0].alpha", "< 0.5, found 0.9", None),
    # what is missing
    (HEAD.replace("  base: {dataset: d, model: resnet8}", "  base: {model: resnet8}  # here"), "arms.base",
     "expected the key `dataset`", None),
    (arm("{dataset: d}"), "arms.a", "expected the key `model`", None),
    ("study: s  # here\ndatasets: {d: {source: digits}}\n", None, "expected the key `arms`", None),
    ("study: s\ndatasets: {d: {source: digits}}\narms: {}  # here\n", "arms", "at least one", None),
    (data("x: {subset: 3}"), "datasets.x", "expected either `source` or `from`", None),
    (data("x: {source: digits, from: d}"), "datasets.x", "expected either `source` or `from`", None),
    (arm("{extends: base, synthetic: {generator: g}}"), "arms.a.synthetic", "exactly one of", None),
    (arm("{extends: base, synthetic: {generator: g, ratio: 1, per-class: 5}}"), "arms.a.synthetic", "exactly one",
     None),
    (arm("{extends: base, synthetic: {generator: g, ratio: -1}}"), "arms.a.synthetic.ratio", "a number > 0", None),
    (arm("{extends: base, init: {}}"), "arms.a.init", "one of `method`, `encoder` and `weights`", None),
    (arm("{extends: base, init: {method: orthogonal, encoder: e}}"), "arms.a.init", "one of `method`, `enc", None),
    (arm("{extends: base, init: {encoder: e, gain: 2}}"), "arms.a.init", "`gain` would be an option of a", None),
    (arm("{extends: base, mup: {base-width: 0}}"), "arms.a.mup.base-width", "expected a number >= 1", None),
    (arm("{extends: base, mup: {}}"), "arms.a.mup", "expected the key `base-width`", None),
    (arm("{extends: base, mup: {base-with: 8}}"), "arms.a.mup.base-with", "no such key", "base-width"),
    (arm("{extends: base, model: linear, mup: {base-width: 8}}"), "arms.a.mup", "linear has no width to scale", None),
    (arm("{extends: base, recipe: adamw, mup: {base-width: 8}}"), "arms.a.mup", "not for adamw; take one of sgd", None),
    (arm("{extends: base, init: {encoder: e}, mup: {base-width: 8}}"), "arms.a.mup", "come from elsewhere", None),
    (arm("{extends: base, trainable: lora, mup: {base-width: 8}}"), "arms.a.mup", "not lora", None),
    (arm("{extends: base, weights: text.npz, mup: {base-width: 8}}"), "arms.a.mup", "trains nothing", None),
    (arm("{extends: base, init: orthogonl}"), "arms.a.init", "no init method is called 'ort", "orthogonal"),
    (arm("{extends: base, init: {method: orthogonal, gain: -1}}"), "arms.a.init.gain", "a number > 0", None),
    (arm("{extends: base, init: {method: orthogonal, gian: 1}}"), "arms.a.init.gian", "no such option", "gain"),
    (arm("{extends: base, distill: {method: kd}}"), "arms.a.distill", "expected the key `teacher`", None),
    # names
    (data("../x: {from: d}"), "datasets.../x", "a name of letters", None),
    (data("a/b: {from: d}"), "datasets.a/b", "a name of letters", None),
    (data("test: {from: d}"), "datasets.test", "a meaning of its own", None),
    (data("D: {from: d}"), "datasets.D", "share a folder", None),
    (f"{HEAD}  report: {{extends: base}}  # here\n", "arms.report", "a meaning of its own", None),
    (f"{HEAD}  a.b: {{extends: base}}  # here\n", "arms.a.b", "a name of letters", None),
    (f"{HEAD}  -a: {{extends: base}}  # here\n", "arms.-a", "a name of letters", None),
    (HEAD.replace("study: s", "study: ../s  # here"), "study", "a name of letters", None),
    (top("variants: {a/b: {}}"), "variants.a/b", "a name of letters", None),
    # what is named must be declared
    (arm("{dataset: dd, model: linear}"), "arms.a.dataset", "no dataset is called 'dd'; there are d, open", "d"),
    (arm("{extends: bsae}"), "arms.a.extends", "no arm is called 'bsae'", "base"),
    (data("x: {from: ope}"), "datasets.x.from", "no dataset is called 'ope'", "open"),
    (data("x: {extends: opn}"), "datasets.x.extends", "no dataset is called 'opn'", "open"),
    (data("x: {source: digits, like: dd}"), "datasets.x.like", "no dataset is called 'dd'", "d"),
    (generator("h: {method: smote, dataset: opne}"), "generators.h.dataset", "no dataset is called", "open"),
    (generator("h: {method: consistency-distillation, dataset: d}"), "generators.h",
     "needs a `teacher`, a generator of this study by ddpm", None),
    (generator("h: {method: smote, dataset: d, teacher: g}"), "generators.h.teacher", "leave `teacher` out", None),
    (generator("h: {method: consistency-distillation, dataset: d, teacher: gg}"), "generators.h.teacher",
     "no generator is called 'gg'", "g"),
    (generator("h: {method: consistency-distillation, dataset: d, teacher: g}").replace(
        "encoders:\n", "  i: {method: ddpm, dataset: d}\nencoders:\n"),
     "generators.h.teacher", "g is made by smote; expected one made by ddpm", "i"),
    (generator("h: {method: consistency-distillation, dataset: d, teacher: h}"), "generators.h.teacher",
     "goes round in a circle: generator h -> generator h", None),
    (generator("h: {method: consistency-distillation, dataset: d, teacher: i}").replace(
        "encoders:\n", "  i: {method: ddpm, dataset: d, steps: 9}\nencoders:\n"),
     "generators.h.teacher", "i has `steps: 9`; consistency-distillation needs a teacher with `steps: 1000`", None),
    (generator("h: {method: consistency-distillation, dataset: d, teacher: i}").replace(
        "encoders:\n", "  i: {method: ddpm, dataset: open}\nencoders:\n"),
     "generators.h.dataset", "expected 'open', which the teacher i learnt from", None),
    (generator("h: {method: consistency-distillation, dataset: d, teacher: i}").replace(
        "encoders:\n", "  i: {method: ddpm, dataset: d, encoder: e}\n  j: {method: ddpm, dataset: d}\nencoders:\n"),
     "generators.h.teacher", "i is told features in place of classes", "j"),
    (generator("h: {method: consistency-distillation, dataset: d, teacher: i, halves: true}").replace(
        "encoders:\n", "  i: {method: ddpm, dataset: d}\nencoders:\n"),
     "generators.h.halves", "the teacher of consistency-distillation saw both halves", None),
    (generator("h: {method: consistency-distillation, dataset: d, teacher: i, unbiased: d}").replace(
        "encoders:\n", "  i: {method: ddpm, dataset: d}\nencoders:\n"),
     "generators.h.unbiased", "consistency-distillation can not", None),
    (arm("{extends: base, synthetic: {generator: i, ratio: 1, sampler: consistency}}").replace(
        "encoders:\n", "  i: {method: ddpm, dataset: d}\nencoders:\n"),
     "arms.a.synthetic.sampler", "consistency samples a consistency, and the network of ddpm is a denoiser", "ddim"),
    (arm("{extends: base, synthetic: gg}"), "arms.a.synthetic", "no generator is called 'gg'", "g"),
    (arm("{extends: base, synthetic: {generator: g, ratio: 1, judge: bas}}"), "arms.a.synthetic.judge",
     "no arm is called 'bas'", "base"),
    (arm("{extends: base, synthetic: {generator: g, ratio: 1, judge: a}}"), "arms.a.synthetic.judge",
     "goes round in a circle: arm a -> arm a", None),
    (arm("{extends: base, synthetic: {generator: g, ratio: 1, sampler: unipc}}"), "arms.a.synthetic.sampler",
     "smote makes images in one way alone", None),
    (arm("{extends: base, synthetic: {generator: g, ratio: 1, sampler: unipcc}}"), "arms.a.synthetic.sampler",
     "no sampler method", "unipc"),
    (arm("{extends: base, synthetic: {generator: g, ratio: 1, filter: agreement}}"), "arms.a.synthetic",
     "the filter agreement needs a `judge`", None),
    (arm("{extends: base, synthetic: {generator: g, ratio: 1, labels: soft}}"), "arms.a.synthetic",
     "soft labels need a `judge`", None),
    (arm("{extends: base, synthetic: {generator: g, ratio: 1, gate: {fid: 9}}}"), "arms.a.synthetic",
     "the figure fid needs a `judge`", None),
    (arm("{extends: base, synthetic: {generator: g, ratio: 1, gate: {halves: 0.5}}}"), "arms.a.synthetic.gate.halves",
     "the generator g needs `halves: true`", None),
    (generator("h: {method: smote, dataset: d, unbiased: d}"), "generators.h.unbiased", "smote can not", None),
    (generator("h: {method: ddpm, dataset: d, unbiased: dd}"), "generators.h.unbiased", "no dataset is called", "d"),
    (generator("h: {method: smote, dataset: d, halves: true}"), "generators.h.halves",
     "only a diffusion model makes an image of a noise; smote is none", None),
    (arm("{extends: base, synthetic: {generator: g, ratio: 1, gate: {fidd: 9}}}"), "arms.a.synthetic.gate.fidd",
     "no such key", "fid"),
    (arm("{extends: base, synthetic: {generator: g, ratio: 1, gate: {recall: 2}}}"), "arms.a.synthetic.gate.recall",
     "a number", None),
    (condensed("{generator: c, per-class: 2}"), "arms.a.synthetic.per-class",
     "c learns 3 images of each class; expected `per-class: 3`", None),
    (condensed("c"), "arms.a.synthetic",
     "c learns 3 images of each class; expected `per-class: 3`", None),
    (condensed("{generator: c, per-class: 3, filter: density}"), "arms.a.synthetic.filter",
     "are one set", None),
    (arm("{extends: base, init: {encoder: ee}}"), "arms.a.init.encoder", "no encoder is called 'ee'", "e"),
    (arm("{extends: base, distill: {method: kd, teacher: bas}}"), "arms.a.distill.teacher", "no arm is called", "base"),
    (arm("{extends: base, distill: {method: kd, teacher: {arm: base, seed: 9}}}"), "arms.a.distill.teacher.seed",
     "one of the study's seeds (0, 1, 2, 3, 4), found 9", None),
    (arm("{extends: base, distill: {method: kd, teacher: {arm: base, seed: sme}}}"), "arms.a.distill.teacher.seed",
     "`same`, `all` or the number", None),
    (top("evaluate: {acuracy: {}}"), "evaluate.acuracy", "no family of metrics", "accuracy"),
    (top("evaluate: {accuracy: }"), "evaluate.accuracy", "expected a mapping, found nothing", None),
    (top("evaluate: {ood: {far: [nose]}}"), "evaluate.ood.far[0]", "no dataset or source of images", "noise"),
    (top("evaluate: {ood: {detectors: [mps], far: [noise]}}"), "evaluate.ood.detectors[0]", "no detector", "msp"),
    (top("evaluate: {ood: {detectors: [msp, msp], far: [noise]}}"), "evaluate.ood.detectors[1]", "twice", None),
    (top("evaluate: {ood: {}}"), "evaluate.ood", "at least one set", None),
    (top("evaluate: {ood: {near: [noise], far: [noise]}}"), "evaluate.ood.far[0]", "under both", None),
    (top("evaluate: {ood: {near: [hold-out]}}"), "evaluate.ood.near[0]", "base learns from d, which has no", None),
    (top("evaluate: {accuracy: {splits: [tset]}}"), "evaluate.accuracy.splits", "any of test, val", None),
    (top("evaluate: {calibration: {bin: 3}}"), "evaluate.calibration.bin", "no such option", "bins"),
    # files
    (arm("{dataset: d, model: linear, weights: no.safetensors}"), "arms.a.weights", "no file 'no.safetensors'", None),
    (arm("{dataset: d, predictions: no.npz}"), "arms.a.predictions", "no file 'no.npz'", None),
    (arm("{dataset: d, predictions: config.yaml}"), "arms.a.predictions", "expected a .npz archive", None),
    (arm("{extends: base, init: {weights: no.safetensors}}"), "arms.a.init.weights", "no file", None),
    (data("x: {source: {method: npz, path: no.npz}}"), "datasets.x.source.path", "there is no file", "p.npz"),
    (top("plugins: [mine.py]"), "plugins[0]", "no file 'mine.py'", None),
    (top("mirror: downloads"), "mirror", "there is no folder 'downloads'", None),
    (top("mirror: p.npz"), "mirror", "there is no folder 'p.npz'", None),
    (top("imports: [shared.yaml]"), "imports[0]", "no file 'shared.yaml'", None),
    (top("imports: [config.yaml]"), "imports[0]", "circle", None),
    (top("imports: shared.yaml"), "imports", "expected a list", None),
    (top("variants: {v: {ams: {}}}"), "variants.v.ams", "no such key", "arms"),
    # circles
    (data("x: {from: x}"), "datasets.x.from", "circle", None),
    (data("x: {source: noise, like: x}"), "datasets.x.like", "`like` goes round in a circle: x -> x", None),
    (data("x: {source: noise, like: y}").replace("generators:", "  y: {from: x}\ngenerators:"), "datasets.x.like",
     "x -> y -> x", None),
    (data("x: {extends: x}"), "datasets.x.extends", "`extends` goes round in a circle: x -> x", None),
    (HEAD.replace("  d: {source: digits, split: {val: 0.15, test: 0.2}}", "  d: {from: open}  # here"),
     "datasets.d.from",
     "`from` goes round in a circle: d -> open -> d", None),
    (f"{HEAD}  a: {{extends: b}}  # here\n  b: {{extends: a}}\n", "arms.a.extends", "a -> b -> a", None),
    (arm("{extends: base, distill: {method: kd, teacher: a}}"), "arms.a.distill", "a -> a", None),
    (f"{HEAD}  a: {{extends: base, distill: {{method: kd, teacher: b}}}}  # here\n"
     "  b: {extends: base, distill: {method: kd, teacher: a}}\n", "arms.a.distill", "a -> b -> a", None),
    # what does not fit together
    (arm("{extends: base, dataset: open, synthetic: g}"), "arms.a.synthetic", "open and d do not have the same", None),
    (arm("{extends: base, dataset: open, distill: {method: kd, teacher: base}}"), "arms.a.distill.teacher",
     "do not have the same classes", None),
    (arm("{dataset: d, model: linear, init: {encoder: e}}"), "arms.a.init.encoder", "the encoder is a resnet8", None),
    (arm("{dataset: d, predictions: p.npz, compress: [magnitude]}"), "arms.a.compress", "trains nothing", None),
    (arm("{dataset: d, predictions: p.npz, adjust: [tau-norm]}"), "arms.a.adjust", "trains nothing", None),
    (arm("{extends: base, robust: {method: co-teaching, rate: 0.2}, distill: {method: kd, teacher: base}}"),
     "arms.a.robust", "either `robust` or `distill`", None),
    (arm("{extends: base, robust: {method: co-teaching, rate: 0.2}, loss: bias-loss}"), "arms.a.loss",
     "bias-loss looks at features, which co-teaching does not hand to a loss", None),
    (arm("{extends: base, robust: ni-erm, trainable: head}"), "arms.a.robust", "ni-erm needs `init` too", None),
    (arm("{extends: base, robust: ni-erm, init: {encoder: e}}"), "arms.a.robust",
     "ni-erm needs `trainable: head`, not all", None),
    (arm("{extends: base, loss: inverse-image-frequency}"), "arms.a.loss",
     "inverse-image-frequency needs `adjust: [tau-norm]`", None),
    (arm("{extends: base, robust: mdcs}"), "arms.a.robust", "mdcs needs `model: experts`, not resnet8",
     None),
    (arm("{extends: base, robust: {method: co-teaching, rate: 0.2}, dropout: multi-sample-dropout}"),
     "arms.a.dropout", "either `dropout` or `robust`", None),
    (arm("{extends: base, dropout: {method: multi-sample-dropout, rate: 1}}"), "arms.a.dropout.rate",
     "a number >= 0 and < 1", None),
    (arm("{extends: base, sparse: random, robust: {method: co-teaching, rate: 0.2}}"), "arms.a.sparse",
     "either `sparse` or `robust`", None),
    (arm("{extends: base, sparse: random, trainable: lora}"), "arms.a.sparse", "`trainable: lora`", None),
    (arm("{extends: base, sparse: {method: random, sparsity: 1}}"), "arms.a.sparse.sparsity", "a number > 0 and < 1",
     None),
    (arm("{dataset: d, predictions: p.npz, sparse: random}"), "arms.a.sparse", "trains nothing", None),
    (arm("{dataset: d, model: linear, weights: config.yaml, compress: [wise-ft]}"), "arms.a.compress[0]",
     "wise-ft needs what the training started from", None),
    (arm("{extends: base, synthetic: g, compress: [lottery-ticket]}"), "arms.a.compress[0]",
     "trains anew by recipe, loss and augment alone; leave `synthetic` out", None),
    (arm("{extends: base, trainable: lora, compress: [lottery-ticket]}"), "arms.a.compress[0]",
     "leave `trainable` out", None),
    (arm("{extends: base, compress: [soup]}"), "arms.a.compress[0]", "name `arms`, or say how many", None),
    (arm("{extends: base, compress: [{method: soup, arms: [bse]}]}"), "arms.a.compress[0].arms[0]",
     "no arm", "base"),
    (arm("{extends: base, compress: [{method: soup, arms: [a]}]}"), "arms.a.compress[0].arms[0]",
     "a is averaged in any case", None),
    (arm("{dataset: d, model: linear, compress: [{method: soup, arms: [base]}]}"), "arms.a.compress[0].arms[0]",
     "base has another model than a", None),
    (arm("{extends: base, dataset: open, compress: [{method: soup, arms: [base]}]}"), "arms.a.compress[0].arms[0]",
     "base learns from d, a from open", None),
    (arm("{extends: base, adjust: [tau-norm], compress: [{method: soup, further: 1}]}"), "arms.a.compress[0].further",
     "nothing may come between", None),
    (f"{HEAD}  a: {{extends: base, compress: [{{method: soup, arms: [b]}}]}}  # here\n"
     "  b: {extends: base, distill: {method: kd, teacher: a}}\n", "arms.a.compress", "arm a -> arm b -> arm a", None),
    (arm("{extends: base, adjust: [{method: tau-norm, tau: 2}]}"), "arms.a.adjust[0].tau", "a number >= 0 and", None),
    (arm("{dataset: d, predictions: bare.npz}"), "arms.a.predictions", "lacks val.logits, val.label, test.logits",
     None),
    (arm("{dataset: d, predictions: text.npz}"), "arms.a.predictions", "expected a .npz archive", None),
    (top("evaluate: {ood: {far: [noise], detectors: [{method: knn, k: 5}, {method: knn, k: 9}]}}"),
     "evaluate.ood.detectors[1]", "knn stands here twice", None),
    (HEAD.replace("study: s", "study: store  # here"), "study", "a folder that all studies share", None),
    (arm("{extends: base}").replace("  a:", f"  {'a' * 201}:"), f"arms.{'a' * 201}", "at most 200 bytes", None),
    (top("variants: {smoke: {seeds: 1}}"), "variants.smoke", "`smoke` is a scale", None),
    (arm("{extends: base}").replace("  a:", "  train_model:"), "arms.train_model", "a meaning of its own", None),
    (arm("{extends: base}").replace("  a:", "  Datasets:"), "arms.Datasets", "a meaning of its own", None),
    (f"{HEAD}  a: {{extends: base, distill: {{method: kd, teacher: {{arm: base, seed: all}}}}}}  # here\n"
     "vary: [init, split]\n", "arms.a.distill.teacher.seed", "use `seed: same`", None),
    (f"{HEAD}  a: {{extends: base, search: {{space: {{model: [linear, resnet8]}}, trials: 2}}}}  # here\n"
     "vary: [init, split]\n", "arms.a.search", "tuning would see images that trials are tested on", None),
    (arm("{dataset: d, model: linear, weights: config.yaml, synthetic: g}"), "arms.a.synthetic", "trains nothing",
     None),
    (arm("{dataset: d, model: linear, weights: config.yaml, trainable: lora}"), "arms.a.trainable", "trains nothing",
     None),
    (arm("{dataset: d, predictions: p.npz, tta: mirror}"), "arms.a.tta", "not predicted again", None),
    (arm("{extends: base, tta: mirrored}"), "arms.a.tta", "expected one of none, mirror, mirror-translate", "mirror"),
    (arm("{dataset: d, predictions: p.npz, trainable: lora}"), "arms.a.trainable", "trains nothing", None),
    (data("x: {from: d, split: {val: 0.5}}"), "datasets.x.split", "d, from which this comes, is split", None),
    (data("x: {from: d, like: open}"), "datasets.x.like", "a dataset `from` another has its shape", None),
    # splits and alterations
    (data("x: {source: digits, split: {val: 1.0}}"), "datasets.x.split.val", "or a whole number of images", None),
    (data("x: {source: digits, split: {test: -3}}"), "datasets.x.split.test", "or a whole number of images", None),
    (data("x: {source: digits, split: {by: patient}}"), "datasets.x.split.by", "expected one of image, group", None),
    (data("x: {source: digits, split: {folds: 5, test: 0.2}}"), "datasets.x.split", "one of the `folds`", None),
    (data("x: {source: digits, split: {folds: 1}}"), "datasets.x.split.folds", "a number >= 2, found 1", None),
    (data("x: {source: digits, split: {folds: 2, val: 0.5}}"), "datasets.x.split", "found 0.5 + 0.5", None),
    (data("x: {source: digits, split: {folds: 5, fold: 5}}"), "datasets.x.split", "0 to 4, one of the 5 folds", None),
    (data("x: {source: digits, split: {test: 0.2, fold: 1}}"), "datasets.x.split", "the key `folds` beside it", None),
    (f"vary: [init, split]\n{data('x: {source: digits, split: {folds: 5, fold: 1}}')}", "datasets.x.split.fold",
     "leave `fold` out", None),
    (top("vary: [split]").replace("split: {val: 0.15, test: 0.2}", "split: {val: 0.15, folds: 4}"), "vary",
     "5 seeds of 4 folds would be the same again", None),
    (data("x: {source: noise, like: d, resolution: 16}"), "datasets.x.resolution", "`like` gives the images", None),
    (data("x: {source: noise, like: d, channels: 3}"), "datasets.x.channels", "`like` gives the images", None),
    (data("x: {from: d, channels: 2}"), "datasets.x.channels", "expected one of 1, 3, found 2", None),
    (data("x: {from: d, subset: 200, labels: 300}"), "datasets.x.labels", "at most 200, the images that `subset`",
     None),
    (data("x: {from: d, labels: 0}"), "datasets.x.labels", "a number >= 1, found 0", None),
    (data("x: {from: d, channels: 1, confounder: {method: colour, correlation: 0.9}}"), "datasets.x.channels",
     "needs 3 channels", None),
    (data("x: {from: d, confounder: {method: color, correlation: 0.9}}"), "datasets.x.confounder.method",
     "no confounder method", "colour"),
    (data("x: {from: d, groups: {path: no.csv}}"), "datasets.x.groups.path", "no file or folder 'no.csv'", None),
    (data("x: {from: d, groups: {file: g.csv, path: p.npz}}"), "datasets.x.groups.file", "one of path, id", None),
    (data("x: {from: d, label-noise: {method: from-file, path: no.npz}}"), "datasets.x.label-noise.path",
     "no file or folder 'no.npz'", None),
    (data("x: {from: open, label-noise: {method: from-file, path: p.npz}}"), "datasets.x.label-noise",
     "`classes` numbers the classes anew", None),
    (data("x: {from: d, label-noise: {method: asymmetric, rate: 0.2, map: {a: 3}}}"), "datasets.x.label-noise.map",
     "a mapping of texts", None),
    (data("x: {from: d, shift: {method: prior, shares: {a: -1}}}"), "datasets.x.shift.shares",
     "a mapping of numbers >= 0, found a mapping", None),
    (top("vary: [alteration]").replace("split: {val: 0.15, test: 0.2}",
     "label-noise: {method: from-file, path: p.npz}"), "vary", "nothing that varies (alteration) reaches", None),
    (arm("{dataset: small, model: linear, synthetic: {generator: m, ratio: 1}}").replace(
        "generators:\n", "  small: {from: d, resolution: 4}\n  large: {from: d, resolution: 6}\n"
        "generators:\n  m: {method: smote, dataset: large}\n"), "arms.a.synthetic", "resolution 4, those of large 6",
     None),
    # sweeps
    (arm("{extends: base, sweep: {grids: {threads: [1]}}}"), "arms.a.sweep.grids", "expected one of grid", "grid"),
    (arm("{extends: base, sweep: {}}"), "arms.a.sweep", "expected `grid` or `zip`", None),
    (arm("{extends: base, sweep: {grid: {threads: 1}}}"), "arms.a.sweep.grid.threads", "expected a list", None),
    (arm("{extends: base, sweep: {grid: {threads: []}}}"), "arms.a.sweep.grid.threads", "at least one", None),
    (arm("{extends: base, sweep: {zip: {threads: [1, 2], recipe.lr: [1]}}}"), "arms.a.sweep", "one length", None),
    (arm("{extends: base, sweep: {grid: {threads: [1]}, exclude: [{threads: 3}]}}"), "arms.a.sweep.exclude[0]",
     "excludes no point", None),
    (arm("{extends: base, sweep: {grid: {threads: [1]}, exclude: [{threads: 1}]}}"), "arms.a.sweep", "is excluded",
     None),
    (arm("{extends: base, sweep: {grid: {threads: [1, 1]}}}"), "arms.a.sweep", "the same name 'a[threads=1]'", None),
    (arm("{extends: base, sweep: {grid: {a: &x [1, 2, 3, 4, 5, 6, 7, 8], b: *x, c: *x, d: *x}}}"), "arms.a.sweep",
     "expected at most 1000 points, found 4096", None),
    (arm("{extends: base, sweep: {grid: {recipe.lrr: [1]}}}"), "arms.a[recipe.lrr=1].recipe.lrr", "no such option",
     "lr"),
    (arm("{extends: base, sweep: {grid: {recpie.lr: [1]}}}"), "arms.a[recpie.lr=1].recpie", "no such key", "recipe"),
    (arm("{extends: base, sweep: {grid: {augment.cutout.share: [1]}}, augment: [mixup]}"),
     "arms.a.sweep.grid.augment.cutout.share", "the list names no method at 'cutout'", None),
    (arm("{extends: base, sweep: {grid: {sweep: [1]}}}"), "arms.a.sweep.grid.sweep", "cannot set 'sweep'", None),
    # searches
    (arm("{extends: base, search: {space: {recipe.lr: log(1)}, trials: 2}}"), "arms.a.search.space.recipe.lr",
     "expected log(a, b)", None),
    (arm('{extends: base, search: {space: {recipe.lr: "log(1, 0.1)"}, trials: 2}}'), "arms.a.search.space.recipe.lr",
     "from low to high", None),
    (arm("{extends: base, search: {space: {recipe.lr: [1, 2]}, trials: 3}}"), "arms.a.search.trials",
     "at most 2, the points that the space has", None),
    (arm("{extends: base, search: {space: {recipe.lr: [1]}, trials: 0}}"), "arms.a.search.trials", ">= 1, found 0",
     None),
    (arm("{extends: base, search: {space: {recipe.lrr: [1]}, trials: 1}}"), "arms.a.search.space.recipe.lrr",
     "no option of sgd is called 'lrr'", "lr"),
    (arm("{extends: base, search: {space: {recipe.lr: [-1, 1]}, trials: 1}}"), "arms.a.search.space.recipe.lr",
     "number > 0, found -1", None),
    (arm("{extends: base, search: {space: {augment: [cutout]}, trials: 1}}"), "arms.a.search.space.augment",
     "a search can vary one of model, trainable, recipe", None),
    (arm("{extends: base, search: {space: {distill.alpha: [1]}, trials: 1}}"), "arms.a.search.space.distill.alpha",
     "the arm has no distill", None),
    (arm("{extends: base, search: {space: {model: [lnear]}, trials: 1}}"), "arms.a.search.space.model[0]",
     "no model method",
     "linear"),
    (arm("{extends: base, search: {space: {recipe.lr: [1]}, trials: 1, by: test.accuracy}}"), "arms.a.search.by",
     "expected one of val.accuracy", "val.accuracy"),
    (arm("{extends: base, search: {space: {recipe.lr: [1]}, trials: 1, by: val.acuracy}}"), "arms.a.search.by",
     "found 'val.acuracy'", "val.accuracy"),
    (arm("{extends: base, augment: [cutout], search: {space: {augment.mixup.alpha: [1]}, trials: 1}}"),
     "arms.a.search.space.augment.mixup.alpha", "the arm has no augment.mixup", None),
    # seeds that train together
    (arm("{extends: base, together: true, robust: {method: co-teaching, rate: 0.2}}"), "arms.a.robust",
     "`together: true` does not go with `robust`", None),
    (arm("{extends: base, together: true, distill: {method: kd, teacher: base}}"), "arms.a.distill",
     "does not go with `distill`: a teacher is asked for one student at a time", None),
    (arm("{extends: base, together: true, search: {space: {recipe.lr: [0.1, 0.2]}, trials: 2}}"), "arms.a.search",
     "points are tuned one by one", None),
    (arm("{extends: base, together: true, compile: true}"), "arms.a.compile", "stacked networks are not compiled",
     None),
    # what a graph of the device cannot do
    (arm("{extends: base, compile: cuda-graph}"), "arms.a.compile",
     "expected one of false, true, cuda-graphs, found 'cuda-graph'", "cuda-graphs"),
    (f"resources: {{train: {{gpus: 0}}}}\n{arm('{extends: base, compile: cuda-graphs}')}", "arms.a.compile",
     "cuda-graphs needs a GPU, and `resources.train` gives a training none", None),
    (arm("{dataset: d, predictions: p.npz, together: true}"), "arms.a.predictions", "the arm trains nothing", None),
    (arm("{extends: base, together: true, model: {method: timm, name: x}}"), "arms.a.model",
     "does not go with model 'timm'; it goes with airbench94, ", None),
    (f"vary: [init, split]\n{arm('{extends: base, together: true}')}", "arms.a.together",
     "expected the same images for all seeds, since they are trained together (`together: true`), and d differs by "
     "seed (`vary`)", None),
    (arm("{extends: base, together: true, synthetic: {generator: g, balance: true}}").replace(
        "g: {method: smote", "g: {seeds: 2, method: smote"), "arms.a.synthetic", "and the generator has 2", None),
    # claims
    (claim("base.accuracy > "), "claims[0].expect", "expected a metric of an arm", None),
    (claim("base.accuracy = 1"), "claims[0].expect", "equality needs a tolerance", None),
    (claim("bsae.accuracy > 0.5"), "claims[0].expect", "no arm is called 'bsae'", "base"),
    (claim("base.acuracy > 0.5"), "claims[0].expect", "no metric is called 'acuracy'", "accuracy"),
    (claim("base.latency < 1"), "claims[0].expect", "it belongs to cost, which is not under `evaluate`", None),
    (claim("base.ece[claibration=none] < 1"), "claims[0].expect", "no key 'claibration'", "calibration"),
    (claim("base.ece[calibration=platt] < 1"), "claims[0].expect", "there is none, temperature", None),
    (claim("base.ece[calibration=temprature] < 1"), "claims[0].expect", "nobody computes", "temperature"),
    (claim("base.recall > 0.5"), "claims[0].expect", "recall needs the key 'class'", None),
    (claim("base.auroc > 0.5"), "claims[0].expect", "set=near, which is meant when 'set' is left out", "far"),
    (claim("base.auroc[set=far, detector=knn] > 0.5"), "claims[0].expect", "nobody computes auroc for detector=knn",
     None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "path", "words", "near"), WRONG, ids=lambda value: str(value)[-60:])
def test_wrong_configs_are_refused(load, text, path, words, near):
    with pytest.raises(ConfigError) as error:
        load(text, FILES)
    line = next(number for number, row in enumerate(text.split("\n"), 1) if row.endswith("# here"))
    problems = error.value.problems
    assert [str(p) for p in problems if (p.path, p.line) == (path, line) and words in p.message], str(error.value)
    found = next(p for p in problems if p.path == path and words in p.message)
    assert found.file == "config.yaml"
    assert found.nearest == near


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_a_wrong_config_has_no_second_fault_told(load, number):
    """One mistake gives one message, so that a user is not sent after ghosts."""
    with pytest.raises(ConfigError) as error:
        load(WRONG[number][0], FILES)
    assert len(error.value.problems) == 1, str(error.value)
