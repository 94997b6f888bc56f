"""The typed model of `arms`: how one model is obtained."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from assay.study.fields import Count, Dimension, Entry, MethodOf, Precision, Section, key
from assay.study.model_distill import Distill
from assay.study.model_init import Init, Mup
from assay.study.model_synthetic import Synthetic

#: A sweep of more points than this is a slip of the pen.
MOST_POINTS = 1000


class Sweep(Section):
    """Points that each become an arm of their own, named like `kd[recipe.lr=0.1]`."""

    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] | None = key(
        None,
        "Dotted path to values; every combination is a point.",
        "arms:\n  swept: {extends: baseline, sweep: {grid: {recipe.lr: [0.01, 0.1], model.width: [8, 16]}}}",
        min_length=1,
    )
    zip: dict[str, Annotated[list[Any], Field(min_length=1)]] | None = key(
        None,
        "Dotted path to values, taken together: the first of each, then the second of each.",
        "arms:\n  swept: {extends: baseline, sweep: {zip: {recipe.lr: [0.01, 0.1], recipe.epochs: [4, 2]}}}",
        min_length=1,
    )
    exclude: list[Annotated[dict[str, Any], Field(min_length=1)]] = key(
        [],
        "Points that are left out: those that agree with all values of one of these.",
        "arms:\n  swept:\n    extends: baseline\n    sweep: {grid: {recipe.lr: [0.01, 0.1], model.width: [8, 16]}, "
        "exclude: [{recipe.lr: 0.1, model.width: 16}]}",
    )

    @model_validator(mode="after")
    def _points(self) -> Sweep:
        if not self.grid and not self.zip:
            raise PydanticCustomError("expected", "expected `grid` or `zip` with dotted paths and their values")
        lengths = {len(values) for values in (self.zip or {}).values()}
        if len(lengths) > 1:
            found = ", ".join(map(str, sorted(lengths)))
            raise PydanticCustomError(
                "expected", "expected lists of one length under `zip`, found {found}", {"found": found}
            )
        count = math.prod(len(values) for values in (self.grid or {}).values()) * max(lengths, default=1)
        if count > MOST_POINTS:
            raise PydanticCustomError(
                "expected", "expected at most {most} points, found {count}", {"most": MOST_POINTS, "count": count}
            )
        twice = sorted(set(self.grid or {}) & set(self.zip or {}))
        if twice:
            raise PydanticCustomError("expected", "{path} stands under both `grid` and `zip`", {"path": twice[0]})
        return self


class Search(Section):
    """Tuning with a declared budget, judged on the validation split; the chosen point then runs on fresh seeds."""

    space: dict[str, Dimension] = key(
        ...,
        "Dotted path to where its values come from: `log(a, b)`, `uniform(a, b)`, `int(a, b)`, or a list of choices.",
        "arms:\n  tuned: {extends: baseline, search: {space: {model: [resnet8, tiny-cnn]}, trials: 2}}",
        min_length=1,
    )
    trials: Annotated[int, Field(ge=1, le=10_000)] = key(
        ...,
        "How many points are tried. More trials add points and keep the ones before.",
        "arms:\n  tuned: {extends: baseline, search: {space: {recipe.lr: log(0.001, 0.1)}, trials: 4}}",
    )
    by: Literal["val.accuracy", "val.balanced-accuracy", "val.nll", "diswot"] = key(
        "val.accuracy",
        "The metric that chooses, on the validation split. `diswot` trains nothing: of the models in the space it "
        "takes the one whose untrained network is most like that of the arm's teacher (Dong et al. 2023).",
        "arms:\n  tuned:\n    extends: baseline\n"
        "    search: {space: {recipe.lr: log(0.001, 0.1)}, trials: 4, by: val.balanced-accuracy}\n"
        "  student:\n    extends: baseline\n    distill: {method: kd, teacher: baseline}\n"
        "    search: {space: {model: [tiny-cnn, {method: resnet8, width: 4}]}, trials: 2, by: diswot}",
    )

    @field_validator("space", mode="before")
    @classmethod
    def _ranges_in_braces(cls, value: Any) -> Any:
        """Put ranges together again: within braces YAML reads `a: log(1, 2)` as `a: log(1` and a key `2)`."""
        if not isinstance(value, dict):
            return value
        made: dict[str, Any] = {}
        cut: str | None = None
        for name, item in value.items():
            if cut is not None and item is None and name.endswith(")"):
                made[cut] = f"{made[cut]}, {name}"
                cut = None
                continue
            made[name] = item
            cut = name if isinstance(item, str) and "(" in item and ")" not in item else None
        return made


class Arm(Section):
    """One way to obtain a model. What it does not say is left at its default."""

    extends: str | None = key(
        None,
        "Another arm to start from. Mappings merge by key; a list replaces unless it is `{append: [...]}` or "
        "`{remove: [...]}`; `null` unsets; a changed `method` starts its options afresh.",
        "arms:\n  long: {extends: baseline, recipe: {epochs: 40}}",
    )
    dataset: str = key(
        ...,
        "The dataset it learns from and is judged on.",
        "arms:\n  plain: {dataset: digits, model: linear}",
    )
    model: Annotated[Entry, MethodOf("model")] | None = key(
        None,
        "Its architecture: a method of kind model.",
        "arms:\n  wide: {extends: baseline, model: {method: resnet8, width: 32}}",
    )
    trainable: Annotated[Entry, MethodOf("trainable")] = key(
        "all",
        "Which part of the model is trained; the rest keeps what it starts from: a method of kind trainable. Without "
        "`method`, all.",
        "arms:\n  adapted: {extends: baseline, init: {encoder: turned}, trainable: {method: lora, rank: 2}}",
    )
    recipe: Annotated[Entry, MethodOf("recipe")] = key(
        "sgd",
        "Optimiser, schedule and length of training: a method of kind recipe. Without `method`, sgd.",
        "arms:\n  gentle: {extends: baseline, recipe: {method: adamw, lr: 0.001}}",
    )
    augment: list[Annotated[Entry, MethodOf("augment")]] = key(
        [],
        "How training batches are altered, one after the other: methods of kind augment.",
        "arms:\n  varied: {extends: baseline, augment: [translate, {method: cutout}]}",
    )
    loss: Annotated[Entry, MethodOf("loss")] = key(
        "cross-entropy",
        "What training minimises: a method of kind loss. Without `method`, cross-entropy.",
        "arms:\n  focused: {extends: baseline, loss: focal}",
    )
    rebalance: Annotated[Entry, MethodOf("rebalance")] | None = key(
        None,
        "How rare classes are sampled: a method of kind rebalance.",
        "arms:\n  fair: {extends: baseline, rebalance: oversample}",
    )
    robust: Annotated[Entry, MethodOf("robust")] | None = key(
        None,
        "How training withstands wrong labels or few images of a class, on top of `loss`: a method of kind robust. "
        "Further training by `adjust` or `compress` does without it.",
        "arms:\n  wary: {extends: baseline, robust: {method: co-teaching, rate: 0.2}}",
    )
    dropout: Annotated[Entry, MethodOf("dropout")] | None = key(
        None,
        "How features before the head are dropped in training: a method of kind dropout. Evaluation, and further "
        "training by `adjust` or `compress`, do without it.",
        "arms:\n  dropped: {extends: baseline, dropout: {method: multi-sample-dropout, samples: 4}}",
    )
    sparse: Annotated[Entry, MethodOf("sparse")] | None = key(
        None,
        "Which weights it is trained without from the start, so that no dense training is needed: a method of kind "
        "sparse. Further training by `adjust` or `compress` leaves them at zero.",
        "arms:\n  few: {extends: baseline, sparse: {method: random, sparsity: 0.9}}",
    )
    synthetic: Synthetic | None = key(
        None,
        "Generated images in its train split; a bare generator's name means `balance: true`.",
        "arms:\n  more: {extends: baseline, synthetic: smote}",
    )
    init: Init | None = key(
        None,
        "What its weights start from: random ones as in the paper of its model where it is left out, else random ones "
        "of another kind, an encoder, or a file. A bare name is a method of kind init.",
        "arms:\n  identity: {extends: baseline, init: dirac}",
    )
    mup: Mup | None = key(
        None,
        "Scale initial weights and learning rates with the model's width, so that those of a base width stay good; for "
        "recipes of plain SGD or Adam. Further training by `adjust` or `compress` does without it.",
        "arms:\n  swept:\n    extends: baseline\n    mup: {base-width: 8}\n"
        "    sweep: {grid: {model.width: [8, 16], recipe.lr: [0.01, 0.1]}}",
    )
    distill: Distill | None = key(
        None,
        "How it learns from a teacher: a method of kind distill.",
        "arms:\n  student: {extends: baseline, distill: {method: kd, temperature: 2, teacher: baseline}}",
    )
    adjust: list[Annotated[Entry, MethodOf("adjust")]] = key(
        [],
        "How the trained model is corrected for the class counts of the train split, one after the other and before "
        "`compress`: methods of kind adjust. Arms that differ in this alone share their training.",
        "arms:\n  corrected: {extends: baseline, adjust: [logit-adjustment]}",
    )
    compress: list[Annotated[Entry, MethodOf("compress")]] = key(
        [],
        "What is done to the trained model to make it smaller, one after the other: methods of kind compress.",
        "arms:\n  pruned: {extends: baseline, compress: [magnitude]}",
    )
    precision: Precision = key(
        "auto",
        "Number format of training: `auto` is bf16 autocast where the hardware has it natively (CUDA from capability "
        "8.0, CPUs with AMX or AVX512-BF16) and fp32 elsewhere. Which it was stands in `run.json` and MLflow.",
        "arms:\n  short: {extends: baseline, precision: bf16}",
    )
    deterministic: bool = key(
        False,
        "On a GPU, train with kernels that give the same bits each time, and fail where there is none. They are "
        "slower: `benchmarks/train.py` prints by how much. A CPU repeats itself in any case.",
        "arms:\n  exact: {extends: baseline, deterministic: true}",
    )
    compile: Literal[False, True, "cuda-graphs"] = key(
        False,
        "Fuse the network's layers by `torch.compile` before training. It takes a C++ compiler and a minute or so at "
        "the start of each training, and pays only in long ones; `benchmarks/train.py` prints what it gains. With "
        "`cuda-graphs` a CUDA device also replays each pass as a whole, which helps where small layers leave it idle.",
        "arms:\n  fused: {extends: baseline, compile: true}",
    )
    threads: Count = key(
        1,
        "CPU threads of its training; part of what is computed, since they change bits.",
        "arms:\n  fast: {extends: baseline, threads: 2}",
    )
    devices: Annotated[int, Field(ge=1, le=64)] = key(
        1,
        "How many GPUs share its training: each takes a part of every batch in a process of its own, and the result is "
        "that of one device but for rounding. Where there is no GPU, or with `gpus: 0` under `resources`, so many "
        "processes share it on the CPU. What follows the training runs on one.",
        "arms:\n  wide: {extends: baseline, devices: 2}",
    )
    together: bool = key(
        False,
        "Train all its seeds in one job, side by side on one device. Each becomes what it would alone, but for "
        "rounding. It pays where one network does not keep the device busy; see `benchmarks/seeds.py`.",
        "arms:\n  side-by-side: {extends: baseline, together: true}",
    )
    tta: Literal["none", "mirror", "mirror-translate"] = key(
        "none",
        "Test-time augmentation: over which views of an image its predictions are means. `mirror`: as it is and "
        "mirrored; `mirror-translate`: those two (half of the weight), and both shifted by one pixel up and left, and "
        "down and right. Every set is predicted so; what asks the model itself, such as latency, sees one view.",
        "arms:\n  viewed: {extends: baseline, tta: mirror}",
    )
    weights: str | None = key(
        None,
        "A model trained elsewhere, as a safetensors file of the arm's `model`: nothing is trained.",
        "arms:\n  foreign: {dataset: digits, model: resnet8, weights: model.safetensors}",
    )
    predictions: str | None = key(
        None,
        "Predictions made elsewhere, as a .npz file: only evaluations that read predictions run.",
        "arms:\n  theirs: {dataset: digits, predictions: logits.npz}",
    )
    sweep: Sweep | None = key(
        None,
        "Points that each become an arm, named like `swept[recipe.lr=0.1]`; as a target, `swept` means all of them.",
        "arms:\n  swept: {extends: baseline, sweep: {grid: {recipe.lr: [0.01, 0.1]}}}",
    )
    search: Search | None = key(
        None,
        "Tuning with a declared number of trials.",
        "arms:\n  tuned: {extends: baseline, search: {space: {recipe.lr: log(0.001, 0.1)}, trials: 4}}",
    )
