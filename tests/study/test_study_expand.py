"""`extends` and `sweep`: declarations written out."""

import pytest
from assay.study.errors import ConfigError


def test_an_arm_extends_another_through_any_number_of_steps(arm):
    made = arm(
        "  b: {extends: base, recipe: {epochs: 7}, augment: [cutout]}\n"
        "  c: {extends: b, augment: {append: [translate]}}\n"
        "  a: {extends: c, recipe: {lr: 0.5}, augment: {remove: [cutout]}}\n"
    )
    assert made["dataset"] == "d"
    assert (made["recipe"]["epochs"], made["recipe"]["lr"]) == (7, 0.5)
    assert [entry["method"] for entry in made["augment"]] == ["translate"]


def test_the_order_of_declarations_does_not_matter(load, head):
    later = load(head + "  a: {extends: b, threads: 2}\n  b: {extends: base, precision: bf16}\n")["arms"]["a"]
    assert (later["threads"], later["precision"]) == (2, "bf16")


def test_null_gives_the_default_back(arm):
    made = arm("  b: {extends: base, recipe: adamw, threads: 4, rebalance: oversample}\n"
               "  a: {extends: b, recipe: null, threads: null, rebalance: null}\n")  # fmt: skip
    assert (made["recipe"]["method"], made["threads"], made["rebalance"]) == ("sgd", 1, None)


def test_null_is_a_value_for_an_option_that_allows_it(arm):
    assert (
        arm("  b: {extends: base, recipe: {clip: 1}}\n  a: {extends: b, recipe: {clip: null}}\n")["recipe"]["clip"]
        is None
    )
    assert arm("  b: {extends: base, recipe: {lr: 1}}\n  a: {extends: b, recipe: {lr: null}}\n")["recipe"]["lr"] == 0.1


def test_every_section_can_extend(load, head):
    made = load(
        head.replace("generators:\n", "generators:\n  h: {extends: g, neighbours: 3}\n")
        .replace("encoders:\n", "encoders:\n  f: {extends: e, recipe: {epochs: 2}}\n")
        .replace("datasets:\n", "datasets:\n  rare: {extends: open, imbalance: exponential}\n")
    )
    assert made["generators"]["h"]["method"] == {"method": "smote", "neighbours": 3}
    assert made["encoders"]["f"]["recipe"]["epochs"] == 2
    assert made["datasets"]["rare"]["classes"]["hold-out"] == ["8", "9"]


def test_a_changed_method_drops_options_but_keeps_what_is_none(load, head):
    made = load(
        head.replace("  g: {method: smote", "  h: {extends: g, method: ddpm}\n  g: {method: smote, seeds: 2")
        + "  k: {extends: base, distill: {method: kd, alpha: 0.1, teacher: base}}\n"
        + "  a: {extends: k, distill: {temperature: 1}}\n"
    )
    assert made["generators"]["h"]["method"] == {"method": "ddpm", "steps": 1000, "ratio-steps": 9}
    assert made["generators"]["h"]["seeds"] == 2
    assert made["arms"]["a"]["distill"] == {
        "method": "kd", "alpha": 0.1, "temperature": 1.0,
        "teacher": {"arm": "base", "seed": "same", "assistants": [], "untrained": False},
        "images": "labelled", "repeat": None,
    }  # fmt: skip


def test_a_grid_makes_an_arm_of_every_combination(load, head):
    made = load(head + "  a: {extends: base, sweep: {grid: {recipe.lr: [0.1, 1e-3], model.width: [8, 16]}}}\n")
    names = [
        "a[recipe.lr=0.1,model.width=8]", "a[recipe.lr=0.1,model.width=16]",
        "a[recipe.lr=0.001,model.width=8]", "a[recipe.lr=0.001,model.width=16]",
    ]  # fmt: skip
    assert made["groups"] == {"a": names}
    assert list(made["arms"]) == ["base", *names]
    last = made["arms"][names[-1]]
    assert (last["recipe"]["lr"], last["model"]["width"], last["recipe"]["epochs"]) == (0.001, 16, 30)


def test_zip_takes_values_together_and_grid_beside_it_multiplies(load, head):
    made = load(
        head + "  a:\n    extends: base\n    sweep:\n      zip: {recipe.lr: [1, 2], recipe.epochs: [3, 4]}\n"
        "      grid: {threads: [1, 2]}\n"
    )
    assert made["groups"]["a"] == [
        "a[threads=1,recipe.lr=1,recipe.epochs=3]", "a[threads=1,recipe.lr=2,recipe.epochs=4]",
        "a[threads=2,recipe.lr=1,recipe.epochs=3]", "a[threads=2,recipe.lr=2,recipe.epochs=4]",
    ]  # fmt: skip


def test_excluded_points_are_left_out(load, head):
    made = load(head + "  a:\n    extends: base\n    sweep:\n      grid: {recipe.lr: [1, 2], threads: [1, 2]}\n"
                "      exclude: [{recipe.lr: 1, threads: 2}, {recipe.lr: 2}]\n")  # fmt: skip
    assert made["groups"]["a"] == ["a[recipe.lr=1,threads=1]"]


def test_a_point_sets_methods_options_in_lists_and_whole_sections(load, head):
    made = load(
        head
        + "  a:\n    extends: base\n    augment: [translate, {method: cutout, share: 0.25}]\n    sweep:\n      grid:\n"
        "        model: [tiny-cnn, {method: resnet8, width: 4}]\n        augment.cutout.share: [0.75]\n"
        "        synthetic: [g, null]\n"
    )
    arms = {name: body for name, body in made["arms"].items() if name != "base"}
    names = list(arms)
    assert names[0] == "a[model=tiny-cnn,augment.cutout.share=0.75,synthetic=g]"
    assert names[3] == "a[model=resnet8+width=4,augment.cutout.share=0.75,synthetic=null]"
    first, last = arms[names[0]], arms[names[3]]
    assert first["model"] == {"method": "tiny-cnn", "width": 16}
    assert last["model"] == {"method": "resnet8", "width": 4}
    assert [entry["share"] for entry in last["augment"]] == [0.125, 0.75]
    assert first["synthetic"]["generator"] == "g"
    assert last["synthetic"] is None


def test_a_point_that_changes_the_method_starts_afresh(load, head):
    made = load(head + "  a: {extends: base, model: {width: 4}, sweep: {grid: {model: [resnet8, tiny-cnn]}}}\n")
    assert made["arms"]["a[model=resnet8]"]["model"]["width"] == 4
    assert made["arms"]["a[model=tiny-cnn]"]["model"]["width"] == 16


def test_points_can_be_extended_taught_by_and_claimed(load, head):
    made = load(
        head + "  a: {extends: base, sweep: {grid: {recipe.lr: [0.1, 0.2]}}}\n"
        "  b: {extends: 'a[recipe.lr=0.2]', threads: 2}\n"
        "  c: {extends: base, distill: {method: kd, teacher: 'a[recipe.lr=0.1]'}}\n"
        "claims:\n  - {claim: x, expect: 'a[recipe.lr=0.1].accuracy > b.accuracy'}\n"
    )
    assert made["arms"]["b"]["recipe"]["lr"] == 0.2
    assert made["arms"]["c"]["distill"]["teacher"]["arm"] == "a[recipe.lr=0.1]"
    assert made["claims"][0]["tree"]["left"]["arm"] == "a[recipe.lr=0.1]"


def test_an_arm_that_extends_a_swept_one_is_swept_unless_it_unsets_that(load, head):
    text = head + "  a: {extends: base, sweep: {grid: {threads: [1, 2]}}}\n"
    assert load(text + "  b: {extends: a}\n")["groups"]["b"] == ["b[threads=1]", "b[threads=2]"]
    assert "b" in load(text + "  b: {extends: a, sweep: null}\n")["arms"]


def test_each_value_of_a_point_knows_the_line_of_the_sweep(load, head):
    made = load(head + "  a:\n    extends: base\n    sweep:\n      grid:\n        recipe.lr: [1]\n")
    first = head.count("\n")
    assert made["lines"]["arms.a[recipe.lr=1].recipe.lr"] == ["config.yaml", first + 5]
    assert made["lines"]["arms.a[recipe.lr=1].dataset"] == ["config.yaml", first]


@pytest.mark.parametrize("circle", ["  a: {extends: a}\n", "  a: {extends: b}\n  b: {extends: c}\n  c: {extends: a}\n"])
def test_circles_are_told_once(load, head, circle):
    with pytest.raises(ConfigError) as error:
        load(head + circle)
    assert [p.message for p in error.value.problems if "circle" in p.message] == [
        f"`extends` goes round in a circle: {'a -> a' if 'b' not in circle else 'a -> b -> c -> a'}"
    ]
