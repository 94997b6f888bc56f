"""Whatever is written, a study is planned or refused with a message; nothing else is ever raised."""

import copy
import json
from pathlib import Path

import pytest
from assay.study.code import Code
from assay.study.errors import ConfigError
from assay.study.load import load_study
from assay.study.model import Study
from assay.study.plan import plan
from assay.study.reference import SECTIONS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

GOOD = {
    "study": "s",
    "seeds": {"plan": 4, "looks": [2, 4]},
    "vary": ["init", "order"],
    "datasets": {
        "d": {"source": "digits", "split": {"val": 0.1, "test": 0.2}},
        "rare": {"from": "d", "classes": {"hold-out": ["8", "9"]}, "imbalance": {"method": "exponential", "ratio": 20}},
        "other": {"extends": "rare", "label-noise": {"method": "symmetric", "rate": 0.1}, "class-map": {"1": "2"}},
        "out": {"source": "noise", "like": "d"},
        "cut": {"source": "digits", "split": {"val": 5, "folds": 3, "by": "group", "fold": 1}, "resolution": 4},
        "bent": {
            "from": "cut",
            "confounder": {"method": "colour", "correlation": 0.9},
            "shift": {"method": "prior", "shares": {"1": 0.5, "2": 1}},
            "poison": {"method": "trigger-patch", "target": "1"},
            "label-noise": {"method": "asymmetric", "rate": 0.1, "map": {"1": "2"}},
            "labels": 20,
        },
    },
    "generators": {"g": {"method": "smote", "dataset": "rare"}, "h": {"extends": "g", "neighbours": 3}},
    "encoders": {"e": {"method": "rotation", "dataset": "rare", "model": "resnet8", "augment": ["cutout"]}},
    "arms": {
        "base": {"dataset": "rare", "model": {"method": "resnet8", "width": 16}, "augment": ["mixup"], "loss": "focal"},
        "made": {"extends": "base", "synthetic": {"generator": "g", "ratio": 2}, "augment": {"append": ["cutout"]}},
        "seen": {
            "extends": "base",
            "synthetic": {"generator": "g", "ratio": 1, "judge": "base", "filter": "agreement"},
        },
        "start": {"extends": "made", "init": {"encoder": "e"}, "synthetic": None},
        "small": {"extends": "base", "model": "linear", "distill": {"method": "kd", "teacher": "base", "alpha": 0.5}},
        "dropped": {"extends": "base", "dropout": {"method": "multi-sample-dropout", "rate": 0.25}},
        "less": {"extends": "base", "compress": [{"method": "magnitude", "sparsity": 0.5}], "rebalance": "oversample"},
        "few": {"extends": "base", "sparse": {"method": "random", "sparsity": 0.5}, "compress": ["wise-ft"]},
        "ticket": {"extends": "base", "compress": ["lottery-ticket"]},
        "mean": {"extends": "base", "compress": [{"method": "soup", "arms": ["few", "swept"], "further": 2}]},
        "even": {
            "extends": "base",
            "init": {"method": "orthogonal", "gain": 2},
            "mup": {"base-width": 8},
            "tta": "mirror",
        },
        "wary": {"extends": "base", "robust": {"method": "co-teaching", "rate": 0.2}, "adjust": ["tau-norm"]},
        "swept": {
            "extends": "base",
            "sweep": {
                "grid": {"recipe.lr": [0.1, 0.2], "augment.mixup.alpha": [1, 2]},
                "zip": {"threads": [1, 2]},
                "exclude": [{"threads": 1}],
            },
        },
        "tuned": {"extends": "base", "search": {"space": {"recipe.lr": "log(0.1, 1)", "loss": ["focal"]}, "trials": 3}},
    },
    "evaluate": {
        "accuracy": {},
        "calibration": {"methods": ["none", "temperature"]},
        "ood": {"detectors": ["msp", {"method": "knn", "k": 3}], "near": ["hold-out"], "far": ["noise", "out"]},
    },
    "claims": [{"claim": "c", "expect": "made.recall[class=rarest] > base.recall[class=0] by 0.1", "alpha": 0.01}],
    "resources": {"train": {"gpus": "auto", "time": "2h", "memory": "8G"}},
    "variants": {"v": {"seeds": 1}},
}


def words_in(value):
    if isinstance(value, dict):
        return {str(key) for key in value}.union(*map(words_in, value.values()), set())
    if isinstance(value, list):
        return set().union(*map(words_in, value))
    return {value} if isinstance(value, str) else set()


KEYS = sorted({field.alias or name for _, section in SECTIONS for name, field in section.model_fields.items()})
WORDS = sorted(words_in(GOOD) | set(KEYS) | {"method", "append", "remove", "log(1, 2)", "../x", "", "s[x=1]", "8"})
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(WORDS)
    | st.text(max_size=8)
)
names = st.sampled_from(WORDS) | st.text(max_size=5)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=8
)
mappings = st.dictionaries(st.sampled_from(sorted(Study.model_fields)), values, max_size=6)


@pytest.fixture(scope="module")
def outcome(fake, tmp_path_factory):
    """Load and plan bytes or a mapping as a study: `planned` or `refused`."""
    folder = tmp_path_factory.mktemp("any")
    code = Code()

    def load(content, **options):
        path = folder / "config.yaml"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        try:
            study = load_study(path, registry=fake, **options)
        except ConfigError as error:
            said = [problem.message and problem.file for problem in error.problems]
            return "refused" if said and all(said) else "refused without a word"
        json.dumps(study, allow_nan=False)
        plan(study, fake, code)
        return "planned"

    return load


TOKENS = ["made", "base", ".", "ece", "auroc", "[", "]", "class", "=", "<", "~", " ", "1", "within"]
REFUSED_OR_PLANNED = ("refused", "planned")
always = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_the_study_that_is_spoilt_below_is_good(outcome):
    assert outcome(GOOD) == outcome(GOOD, variant="v") == outcome(GOOD, scale="smoke") == "planned"


@always
@given(st.binary(max_size=60) | st.text(max_size=120).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes(outcome, content):
    assert outcome(content) in REFUSED_OR_PLANNED


@always
@given(mappings)
def test_any_mapping(outcome, content):
    assert outcome(content) in REFUSED_OR_PLANNED


@always
@given(st.sampled_from(sorted(GOOD)), values)
def test_any_value_under_a_key_of_a_good_study(outcome, key, value):
    assert outcome({**GOOD, key: value}) in REFUSED_OR_PLANNED


def places(value, path=()):
    """Every path into a nested value."""
    found = [path]
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += places(item, (*path, key))
    return found


PLACES = [path for path in places(GOOD) if path]


@settings(always, max_examples=200)
@given(st.data())
def test_a_good_study_with_anything_changed_anywhere(outcome, data):
    content = copy.deepcopy(GOOD)
    path = data.draw(st.sampled_from(PLACES))
    holder = content
    for part in path[:-1]:
        holder = holder[part]
    kind = data.draw(st.sampled_from(["replace", "drop", "rename", "add"]))
    if kind == "drop":
        del holder[path[-1]]
    elif kind == "replace" or isinstance(holder, list):
        holder[path[-1]] = data.draw(values)
    elif kind == "rename":
        holder[data.draw(st.sampled_from(WORDS))] = holder.pop(path[-1])
    else:
        holder[data.draw(st.sampled_from(WORDS))] = data.draw(values)
    assert (
        outcome(
            content, variant=data.draw(st.sampled_from([None, "v"])), scale=data.draw(st.sampled_from([None, "smoke"]))
        )
        in REFUSED_OR_PLANNED
    )


@always
@given(st.text(max_size=60) | st.lists(st.sampled_from(TOKENS)).map("".join))
def test_any_claim(outcome, text):
    assert outcome({**GOOD, "claims": [{"claim": "c", "expect": text}]}) in REFUSED_OR_PLANNED


def test_a_path_that_is_no_file():
    with pytest.raises(ConfigError):
        load_study(Path("no/such\0file.yaml"))
