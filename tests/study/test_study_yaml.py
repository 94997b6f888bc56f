"""YAML 1.2 with lines; values are those of the core schema (yaml.org/spec/1.2.2, section 10.3.2)."""

import pytest
from assay.study.errors import ConfigError
from assay.study.yaml import Mapping, Mark, parse, read
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-3", 0.001), ("1E3", 1000.0), ("-0.5", -0.5), (".5", 0.5), ("5.", 5.0), ("+12", 12), ("0x1F", 31),
        ("0o17", 15), ("017", 17), ("no", "no"), ("yes", "yes"), ("on", "on"), ("off", "off"), ("y", "y"),
        ("true", True), ("FALSE", False), ("~", None), ("", None), ("null", None), ("nil", "nil"), ("1_000", "1_000"),
        ("12:30", "12:30"), ("2026-01-02", "2026-01-02"), ("'8'", "8"), ('"no"', "no"), ("!!str 8", "8"),
        ("0b11", "0b11"), ("1e", "1e"), (".", "."), ("=", "="),
    ],
)  # fmt: skip
def test_scalars_follow_the_core_schema(written, value):
    found = parse(f"a: {written}", "f")["a"]
    assert found == value
    assert type(found) is type(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_that_python_writes_is_read_back(number):
    assert parse(f"a: {number!r}", "f")["a"] == number


@given(st.integers(-(10**30), 10**30))
def test_every_whole_number_is_read_back(number):
    assert parse(f"a: {number}", "f") == {"a": number}


def test_every_value_knows_its_line():
    text = "a: 1\nb:\n  c: [x,\n    y]\n  # comment\n  d:\n    - {e: 2}\n"
    made = parse(text, "f.yaml")
    assert made.marks == {"a": Mark("f.yaml", 1), "b": Mark("f.yaml", 2)}
    assert made["b"].marks["d"].line == 6
    assert [mark.line for mark in made["b"]["c"].marks] == [3, 4]
    assert made["b"]["d"][0].marks["e"].line == 7


def test_keys_are_words_whatever_they_look_like():
    assert parse("{8: a, no: b, 1.0: c, null: d}", "f") == {"8": "a", "no": "b", "1.0": "c", "null": "d"}


def test_an_alias_is_what_it_refers_to_with_its_own_line():
    made = parse("a: &x {lr: 1}\nb: *x\n", "f")
    assert made["a"] == made["b"] == {"lr": 1}
    assert made.marks["b"].line == 2


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: 2\na: 3", 3, "'a' is given twice, first on line 1"),
        ("a: {x: 1,\n  x: 2}", 2, "'x' is given twice"),
        ("a: &x [1, *x]", 1, "alias"),
        ("a: *x", 1, "alias"),
        ("a: [1\nb: 2", 2, "not valid YAML"),
        ("a: b: c", 1, "not valid YAML"),
        ("\t- a", 1, "not valid YAML"),
        ("a: 1\n---\nb: 1", 2, "not valid YAML"),
        ("a: 'b", 1, "not valid YAML"),
        ("a: 1\nb: \x01", 2, "not valid YAML"),
        ("", 1, "empty"),
        ("# only words\n", 1, "empty"),
        ("--- \n", 1, "empty"),
        ("- a\n- b", 1, "mapping"),
        ("words", 1, "mapping"),
        ("3", 1, "mapping"),
        ("? [a]\n: 1", 1, "word as key"),
        ("a: !!python/object:os.system x", 1, "tag"),
        ("a: !mine x", 1, "tag"),
        ("a: !!int 3", 1, "tag"),
        ("b: 1\na: .nan", 2, "finite"),
        ("a: -.inf", 1, "finite"),
        ("a: 1.0e999", 1, "finite"),
        ("x: &x {a: 1}\ny:\n  <<: *x", 3, "extends"),
    ],
)
def test_what_is_not_a_config_is_refused_with_its_line(text, line, words):
    with pytest.raises(ConfigError) as error:
        parse(text, "f.yaml")
    (problem,) = error.value.problems
    assert problem.line == line
    assert problem.file == "f.yaml"
    assert words in problem.message


@pytest.mark.parametrize("text", ["[" * 5000 + "]" * 5000, "a: " + "{a: " * 200 + "1" + "}" * 200])
def test_deep_nesting_is_refused_rather_than_crashing(text):
    with pytest.raises(ConfigError):
        parse(text, "f")


def test_aliases_that_blow_up_are_refused():
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(ConfigError, match="aliases"):
        parse("\n".join(rows), "f")


def test_a_file_of_other_bytes_is_refused_with_the_line_of_the_first(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_bytes("a: 1\nb: é\n".encode("latin-1"))
    with pytest.raises(ConfigError) as error:
        read(path)
    assert error.value.problems[0].line == 2
    assert "UTF-8" in str(error.value)


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read(path) == {"a": 1}


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(ConfigError, match="cannot read"):
            read(path)


@given(st.text(max_size=200))
def test_any_text_is_a_mapping_or_a_config_error(text):
    try:
        made = parse(text, "f")
    except ConfigError:
        return
    assert isinstance(made, Mapping)
    assert set(made.marks) == set(made)
