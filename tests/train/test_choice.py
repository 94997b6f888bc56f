import pytest
from assay.errors import MethodError
from assay.train.choice import choose

SPEC = {
    "recipe": {"method": "sgd", "lr": 0.1},
    "augment": [{"method": "flip", "probability": 0.5}, {"method": "mixup", "alpha": 1.0}],
}


def test_paths_through_mappings_and_lists():
    made = choose(SPEC, {"recipe.lr": 1.0, "augment.mixup.alpha": 0.2, "augment.0.probability": 0.1})
    assert made["recipe"] == {"method": "sgd", "lr": 1.0}
    assert made["augment"] == [{"method": "flip", "probability": 0.1}, {"method": "mixup", "alpha": 0.2}]
    assert SPEC["recipe"]["lr"] == 0.1, "the spec itself stays"
    assert choose(SPEC, None) == SPEC


def test_a_whole_entry_comes_before_its_options():
    made = choose(SPEC, {"recipe.lr": 3.0, "recipe": {"method": "adamw", "lr": 1.0}})
    assert made["recipe"] == {"method": "adamw", "lr": 3.0}


def test_a_path_that_leads_nowhere_is_refused_with_the_nearest():
    with pytest.raises(MethodError, match=r"'recipe.lrr' .* did you mean 'lr'"):
        choose(SPEC, {"recipe.lrr": 1})
    with pytest.raises(MethodError, match=r"no 'cutout' there; there is 0, 1, mixup, flip"):
        choose(SPEC, {"augment.cutout.share": 1})
    with pytest.raises(MethodError, match="there is nothing"):
        choose(SPEC, {"recipe.lr.deep": 1})
