"""Names of methods: what a slash means, and what is meant where none is written."""

import pytest
from assay.study.errors import ConfigError

TIMM = {"method": "timm", "name": "resnet18"}


@pytest.mark.parametrize("written", ["timm/resnet18", "{method: timm, name: resnet18}", "{method: timm/resnet18}"])
def test_a_slash_in_a_model_is_the_name_in_its_library(arm, written):
    assert arm(f"  a: {{extends: base, model: {written}}}\n")["model"] == TIMM


def test_a_slash_in_a_choice_of_a_search_is_the_name_in_its_library(arm):
    made = arm("  a: {extends: base, search: {space: {model: [linear, timm/resnet18]}, trials: 2}}\n")
    assert {"model": TIMM} in made["search"]["points"]


def test_a_slash_in_a_sweep_is_the_name_in_its_library(load, head):
    made = load(head + "  a: {extends: base, sweep: {grid: {model: [linear, timm/resnet18]}}}\n")
    assert [made["arms"][name]["model"] for name in made["groups"]["a"]] == [{"method": "linear"}, TIMM]


def test_a_slash_after_a_method_without_names_is_a_wrong_option(arm):
    with pytest.raises(ConfigError, match="resnet8 has no such option; it has width"):
        arm("  a: {extends: base, model: resnet8/wide}\n")


def test_the_trainable_part_is_all_unless_it_is_said(arm):
    assert arm("  a: {extends: base}\n")["trainable"] == {"method": "all"}
    assert arm("  a: {extends: base, trainable: {method: lora, rank: 2}}\n")["trainable"] == {
        "method": "lora",
        "rank": 2,
    }
