"""What is hidden in a text is shown; what is long is cut."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.text.visible import cut, shortened, visible, width


def test_what_is_hidden_is_what_unicode_says():
    """By the database of Python's own version: controls, formats, halves of pairs, separators of lines."""
    hidden = {c for c in map(chr, range(sys.maxunicode + 1)) if visible(c) != c}
    by_category = {
        c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    }
    known = {c for c in hidden if unicodedata.category(c) != "Cn"}  # a later version may have more
    assert by_category - {"\t", "\n"} == known


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("größe 日本\t5\n", "größe 日本\t5\n"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x1b]0;title\a", r"\x1b]0;title\x07"),
        ("a\u202egpj.exe", r"a\u202egpj.exe"),
        ("a\u200bb\rc\x9bd", r"a\u200bb\rc\x9bd"),
        ("\udcff", r"\udcff"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_escapes(text, shown):
    assert visible(text) == shown


def test_long_lines_are_cut_and_others_stay():
    text = "\n".join(["a" * 450, "short", "b" * 120_000 + "c" * 100])
    first, second, third = shortened(text).split("\n")
    assert (first, second) == ("a" * 450, "short")
    assert third == "b" * 300 + " … 119700 characters … " + "c" * 100


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("größe", 5), ("温度", 4), ("e\N{COMBINING ACUTE ACCENT}", 1), ("", 0)]
)
def test_the_columns_of_a_text(text, columns):
    assert width(text) == columns


@given(st.text(alphabet="ab温é ", max_size=40), st.integers(3, 20))
def test_what_is_cut_fits_and_keeps_both_ends(text, most):
    found = cut(text, most)
    assert width(found) <= most
    if width(text) <= most:
        assert found == text
    else:
        head, tail = found.split("…")
        assert text.startswith(head)
        assert text.endswith(tail)
        assert width(found) >= most - 2
