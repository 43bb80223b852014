"""Kinds of values: what each reads, what it says of anything else, and that its JSON Schema agrees."""

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.text.yaml12 import compose, yaml_text
from bpcli.training.config import value_types as kinds
from bpcli.training.config.keys import KEYS
from bpcli.training.config.value_types import RefusedError


def read(kind, text):
    return kind.read(compose(text, "c"))


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (kinds.one_of("a", "b"), "b", "b"),
        (kinds.a_number(above=0), "1e-3", 0.001),
        (kinds.a_whole_number(1), "1e3", 1000),
        (kinds.FLAG, "false", False),
        (kinds.NAME, "010", "010"),
        (kinds.NAMES, "[a, 1.0]", ("a", "1.0")),
        (kinds.CLASS, "1", 1.0),
        (kinds.optional(kinds.FLAG), "null", None),
        (kinds.either(kinds.a_whole_number(1), kinds.one_of("full")), "full", "full"),
        (kinds.mapping_to(kinds.a_number(), "weights"), "{a: 1, 2: 0.5}", {"a": 1.0, "2": 0.5}),
        (kinds.settings({"patience": kinds.a_whole_number(1)}, "patience"), "{patience: 3}", {"patience": 3}),
    ],
)
def test_what_is_read(kind, text, expected):
    assert read(kind, text) == expected
    jsonschema.validate(plain(compose(text, "c")), kind.schema)


def plain(node):
    """A tree as plain JSON types."""
    if hasattr(node, "items"):
        return [plain(item) for item in node.items]
    if hasattr(node, "pairs"):
        return {str(plain(key)): plain(value) for key, value in node.pairs}
    return node.value


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (
            kinds.one_of("sigmoid", "tanh"),
            "sigmod",
            "expected one of sigmoid, tanh, found sigmod; did you mean sigmoid?",
        ),
        (kinds.a_number(above=0), '"1"', 'found "1"; without the quotes it is a number'),
        (kinds.a_number(), "20%", "as a fraction: 0.2"),
        (kinds.a_number(), "1,5", "a number has a point before its decimals"),
        (kinds.a_number(below=1), ".inf", "expected a finite number less than 1, found .inf"),
        (kinds.a_whole_number(1), "1.5", "expected a whole number of at least 1, found 1.5"),
        (kinds.FLAG, "yes", 'found "yes"; did you mean true? In YAML 1.2 yes is a word'),
        (kinds.NAMES, "a", "expected a list of columns, found a; as a list: [a]"),
        (kinds.NAMES, "[a, a]", "a stands twice"),
        (kinds.NAME, "null", 'the word is "null", in quotes'),
        (kinds.FILE, "0,2", "a number has a point"),
        (kinds.FLAG, "!!python/x a", "a tag means nothing here"),
    ],
)
def test_what_is_refused_says_what_was_expected(kind, text, message):
    with pytest.raises(RefusedError) as caught:
        read(kind, text)
    assert message in str(caught.value)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | st.sampled_from(["a", "full", "auto", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "name"]), inner, max_size=2),
    max_leaves=4,
)


@given(st.sampled_from(list(KEYS)), JUNK)
def test_what_a_key_takes_its_schema_takes(path, value):
    try:
        read(KEYS[path].kind, yaml_text(value))
    except RefusedError:
        return
    assert jsonschema.Draft202012Validator(KEYS[path].kind.schema).is_valid(value)


def test_a_long_value_is_cut_in_messages():
    assert len(kinds.shown(compose("[" + "a" * 500 + "]", "c"))) == kinds.MOST_SHOWN
