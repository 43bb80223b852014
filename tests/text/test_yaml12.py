"""YAML by another reader (PyYAML's own values where 1.1 and 1.2 agree), by the specification's tables, and by hand."""

import math

import pytest
import yaml
import yaml.scanner
from hypothesis import given
from hypothesis import strategies as st

from bpcli.text.yaml12 import (
    MAX_DEPTH,
    MAX_NODES,
    Items,
    Pairs,
    Scalar,
    UnknownTag,
    YamlError,
    compose,
    plain_value,
    yaml_text,
)


def value(node):
    """A tree as plain Python."""
    if isinstance(node, Items):
        return [value(item) for item in node.items]
    if isinstance(node, Pairs):
        return {value(k): value(v) for k, v in node.pairs}
    return node.value


def read(text):
    return value(compose(text, "c.yaml"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The table of YAML 1.2.2, 10.3.2, and its examples
        *[(t, None) for t in ("null", "Null", "NULL", "~", "")],
        *[(t, True) for t in ("true", "True", "TRUE")],
        *[(t, False) for t in ("false", "False", "FALSE")],
        *[(t, n) for t, n in [("0", 0), ("0o7", 7), ("0x3A", 58), ("-19", -19), ("+2", 2), ("010", 10), ("0o17", 15)]],
        *[(t, x) for t, x in [("0.", 0.0), ("-0.0", -0.0), (".5", 0.5), ("+12e03", 12000.0), ("-2E+05", -2e5)]],
        *[(t, x) for t, x in [("1e-1", 0.1), ("1e-3", 0.001), ("1E5", 1e5), ("1.", 1.0), ("1.5e3", 1500.0)]],
        *[(t, math.inf) for t in (".inf", ".Inf", "+.INF", "1e999")],
        ("-.inf", -math.inf),
        # Words, though YAML 1.1 or Python or C would have it otherwise
        *[(t, t) for t in ("yes", "No", "on", "OFF", "y", "nULL", "tRUE", "nan", "inf", ".iNf", "+.nan")],
        *[
            (t, t)
            for t in ("2020-01-01", "12:30:45", "1_000", "0b1", "1e", "e1", ".", "-", "+", "0o8", "0xg", "-0x1", "=")
        ],
        *[(t, t) for t in ("1 2", "٣", "１", "1.2.3", "1e1.5", "<<")],
    ],
)
def test_plain_scalars_are_those_of_the_core_schema(text, expected):
    for found in (plain_value(text), read(f"a: {text}")["a"] if text != "-" else "-"):
        assert type(found) is type(expected)
        assert found == expected
        assert math.copysign(1, found) == math.copysign(1, expected) if isinstance(expected, float) else True


@pytest.mark.parametrize("text", [".nan", ".NaN", ".NAN"])
def test_not_a_number(text):
    assert math.isnan(plain_value(text))


def test_a_number_of_any_length_is_read():
    assert plain_value("9" * 399) == 10**399 - 1
    assert plain_value("9" * 5000) == math.inf


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"1"', "1"),
        ("'null'", "null"),
        ('"\\u00e9\\x41"', "éA"),
        ("!!str 5", "5"),
        ("! 5", "5"),
        ("!!int '5'", 5),
        ("!!float 5", 5.0),
        ("!!null ''", None),
        ("!!seq [1]", [1]),
        ("!!map {a: 1}", {"a": 1}),
        ("|\n  a\n  b\n", "a\nb\n"),
        (">\n  a\n  b\n", "a b\n"),
        ("[1, [2, 3], {b: no}]", [1, [2, 3], {"b": "no"}]),
        ("&x [1, 2]", [1, 2]),
    ],
)
def test_other_nodes(text, expected):
    assert read(f"a: {text}") == {"a": expected}


def test_aliases_stand_for_their_anchors_and_the_last_anchor_counts():
    assert read("a: &x 1\nb: *x\nc: &x [2]\nd: [*x, *x]") == {"a": 1, "b": 1, "c": [2], "d": [[2], [2]]}


def test_unknown_tags_are_values_of_their_own():
    for text, shown in [
        ("!!python/object:os.system x", "!!python/object:os.system x"),
        ("!!set {a}", "!!set …"),
        ("!!seq {a}", "!!seq …"),
    ]:
        node = compose(f"a: {text}", "c").pairs[0][1]
        assert isinstance(node, Scalar)
        assert isinstance(node.value, UnknownTag)
        assert node.text == shown
    assert isinstance(compose("!!int x", "c").value, UnknownTag)


def test_every_node_knows_its_place():
    root = compose("a: 1\nb:\n  - x\n  - {c: 'd'}\n", "c.yaml")
    (_, b) = root.pairs[1]
    c, d = b.items[1].pairs[0]
    assert [str(n.place) for n in (root, root.pairs[0][1], b, b.items[0], b.items[1], c, d)] == [
        "c.yaml:1:1",
        "c.yaml:1:4",
        "c.yaml:3:3",
        "c.yaml:3:5",
        "c.yaml:4:5",
        "c.yaml:4:6",
        "c.yaml:4:9",
    ]


@pytest.fixture
def tokens(monkeypatch):
    """Counts the tokens that PyYAML's scanner makes."""
    count, fetch = [], yaml.scanner.Scanner.fetch_more_tokens
    monkeypatch.setattr(yaml.scanner.Scanner, "fetch_more_tokens", lambda self: (count.append(1), fetch(self))[1])
    return count


@pytest.mark.parametrize("text", ["", "# only a comment\n", "\n\n", "%YAML 1.2\n"])
def test_no_document(text):
    if text.startswith("%"):
        with pytest.raises(YamlError):
            compose(text, "c")
    else:
        assert compose(text, "c") is None


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("a: [1, 2\nb: 3\n", "2:2", "expected , or ] in the list that opens in line 1"),
        ("b: 3\na: [1, 2\n", "2:4", "expected , or ] in the list that opens in line 2"),
        ("a: {b: 1\nc: 2", "2:2", "expected , or } in the mapping that opens in line 1"),
        ("a: [1]]", "1:7", "nothing can stand behind this value"),
        ("a: 'b' c", "1:8", "nothing can stand behind this value"),
        ("a: }", "1:4", "expected a value here"),
        ("a:\n\tb: 1\n", "2:1", "a tab; YAML is indented with spaces"),
        ("a: 'x\n", "1:4", "the quote that opens in line 1 is not closed"),
        ('a: "C:\\data"', "1:8", "in single quotes \\ is itself"),
        ("m:\n  a: b\n   c: d\n", "3:5", "no ': ' can stand here"),
        ("m:\n  a 1\n  b: 2\n", "3:4", "does the line above lack one"),
        ("m:\n    a: 1\n  b: 2\n", "3:3", "the indentation fits neither the block that begins in line 1 nor"),
        ("a: 1\nb\n", "2:1", "a key without ': ' behind it"),
        ("a: - b", "1:4", "a list can't begin here"),
        ("a: @x", "1:4", "needs quotes"),
        ("a: *x", "1:4", "*x refers to an anchor &x that is not there"),
        ("a: &x [1, *x]", "1:11", "*x refers to what it stands in itself"),
        ("a: 1\n---\nb: 2\n", "2:1", "a second document begins here"),
        ("a: \x07", "1:4", "the character U+0007 can't stand in YAML"),
        ("a: b\nc: d\x1be", "2:5", "the character U+001B can't stand in YAML"),
        ('a: "\\Uffffffff"', "1:7", "a number beyond all bounds"),
        (f"%YAML {'9' * 5000}.1\n---\na", "1:7", "a number beyond all bounds"),
        ("[" * 100_000, f"1:{MAX_DEPTH + 1}", "nested too deeply"),
        ("- " * 100_000, f"1:{2 * MAX_DEPTH + 1}", "nested too deeply"),
        ("x: [" + "1," * 100_000, None, "too many values"),
    ],
)
def test_what_is_not_yaml_has_its_place_and_words_at_once(tokens, text, place, problem):
    with pytest.raises(YamlError) as caught:
        compose(text, "c.yaml")
    assert len(tokens) < 3 * MAX_NODES  # of the 100,000 that some have
    assert problem in caught.value.problem
    if place:
        assert str(caught.value.place) == f"c.yaml:{place}"


def test_the_caret_stands_under_the_place():
    with pytest.raises(YamlError) as caught:
        compose("a: 1\nb: [1 2], 3\n", "c")
    line, caret = caught.value.caret
    assert (line, caret.index("^") - 2) == ("  b: [1 2], 3", caught.value.place.column - 1)


def test_a_bomb_of_aliases_is_refused_at_once_and_a_few_are_not(tokens):
    levels = ["a0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]" for i in range(1, 40)]
    with pytest.raises(YamlError, match="too many values"):
        compose("\n".join(levels), "c")
    assert len(tokens) < 200  # four levels of forty
    assert compose("\n".join(levels[:3]), "c") is not None  # 11 + 111 + 1111 values
    assert MAX_NODES < 11111


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(PLAIN)
def test_what_is_written_reads_back_here_and_by_yaml_1_1(given_value):
    text = yaml_text({"a": given_value})
    assert "\n" not in text
    assert read(text) == yaml.safe_load(text) == {"a": given_value}


@pytest.mark.parametrize(
    ("given_value", "text"),
    [
        *[(word, word) for word in ("a", "mean radius", "x_1.csv", "../data/iris.csv", "/tmp/x", "./x", "é", "a-b/c")],
        *[
            (word, f'"{word}"')
            for word in ("", "no", "Yes", "n", "null", "true", "~", "1e3", "1", ".5", "0x1F", " a", "a ")
        ],
        *[
            (word, f'"{word}"')
            for word in ("a: b", "a #b", "#", "-", "[a", "a,b", "&a", "*a", "!a", "2020-01-01", "1_0")
        ],
        ("a\nb", '"a\\nb"'),
        ('"', '"\\""'),
        ("\x85\u2028\ufeff\x00\udcff\U000e0001", '"\\u0085\\u2028\\uFEFF\\u0000\\uDCFF\\U000E0001"'),
        (1e300, "1.0e+300"),
        (1e-5, "1.0e-5"),
        (1.5e-7, "1.5e-7"),
        (0.1, "0.1"),
        (5.0, "5"),
        (math.inf, ".inf"),
        (True, "true"),
        ((), "[]"),
        ({"no": "drop"}, '{"no": drop}'),
    ],
)
def test_how_values_are_written(given_value, text):
    assert yaml_text(given_value) == text
