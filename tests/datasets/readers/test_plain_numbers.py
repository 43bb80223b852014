"""Plain numbers have the bits that `float` gives, and blocks of anything else are refused."""

import math
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.datasets.readers import plain_numbers as module
from bpcli.datasets.readers.plain_numbers import plain_numbers

PLAIN = st.from_regex(r"[-+]?([0-9]{1,20}(\.[0-9]{0,20})?|\.[0-9]{1,20})([eE][-+]?[0-9]{1,3})?", fullmatch=True)
CELLS = st.one_of(PLAIN, st.floats(allow_nan=False, allow_infinity=False).map(repr), st.integers().map(str))
ENDS = st.sampled_from(["\n", "\r\n"])


def bits(rows):
    return np.array([[float(cell) for cell in row] for row in rows]).tobytes()


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=8), st.sampled_from(",;\t| "), ENDS)
def test_the_bits_of_float(rows, delimiter, end):
    block = end.join(delimiter.join(row) for row in rows)
    numbers = [[float(cell) for cell in row] for row in rows]
    found = plain_numbers(block.encode(), delimiter, 3)
    if found is not None:
        assert found.tobytes() == bits(rows)
    else:  # too many cells of other forms
        assert not np.isfinite(numbers).all() or any(
            len(cell) > 16 or "e" in cell.lower() for row in rows for cell in row
        )


@pytest.mark.parametrize("form", ["{!r}", "{:.17g}", "{:.18e}", "{:.3f}", "{:.25f}", "{:+.6e}", "{:.0f}", "{:.1f}."])
@pytest.mark.parametrize("size", [1e-3, 1.0, 3e5, 1e15, 2e18])
def test_numbers_in_many_forms(form, size):
    numbers = (np.random.default_rng(1).normal(size=(500, 4)) * size).tolist()
    rows = [[form.format(x).replace("..", ".") for x in row] for row in numbers]
    if form.endswith("."):
        rows = [[cell.rstrip(".") for cell in row] for row in rows]
    found = plain_numbers("\n".join(map(",".join, rows)).encode(), ",", 4)
    if found is None:
        assert form == "{:.25f}" or max(len(cell) for row in rows for cell in row) > 20 or form == "{:.18e}"
    else:
        assert found.tobytes() == bits(rows)


def test_numbers_next_to_the_middle_of_two_doubles():
    """The middle itself, to 19 digits, and the decimals to its sides: where rounding is decided by the last digit."""
    random, cells = Random(2), []
    while len(cells) < 4000:
        x = random.uniform(1, 9) * 10.0 ** random.randint(-2, 14)
        middle = (Fraction(x) + Fraction(math.nextafter(x, math.inf))) / 2
        digits = 18 - math.floor(math.log10(middle))
        if 0 <= digits <= 22:
            whole = round(middle * 10**digits)
            cells += [f"{w}e-{digits}" for w in (whole - 1, whole, whole + 1)]
    block = "\n".join(cells[:4000])
    found = plain_numbers(block.encode(), ",", 1)
    assert found.tobytes() == bits([[cell] for cell in cells[:4000]])


def test_a_block_of_many_pieces(monkeypatch):
    monkeypatch.setattr(module, "_PIECE", 100)
    numbers = np.random.default_rng(3).normal(size=(400, 5)).round(9).tolist()
    block = "\n".join(",".join(map(repr, row)) for row in numbers) + "\n"
    assert plain_numbers(block.encode(), ",", 5).tolist() == numbers


WRONG = """1,2,3|1,| 1,2|1, 2|1,-|1,+-2|1,1-2|1,1e|1,e5|1,1e5.5|1,1..2|1,.|1,.e1|1,1_0|1,nan|1,inf|1,1e999|1,0x1|1,"2"
1,١|1,2e--3|1,1e5e5"""


@pytest.mark.parametrize(
    "block", [*WRONG.replace("\n", "|").split("|"), "1,2\n3", "1,2\n\n3,4", "1,2\r3,4", "1,2\n3,4,\n5", "\n1,2"]
)
def test_blocks_of_anything_else(block):
    assert plain_numbers((block + "\n" + "1,2\n" * 50).encode(), ",", 2) is None


@pytest.mark.parametrize("delimiter", [".", "-", "e", "0", "\n"])
def test_a_delimiter_that_numbers_have_is_refused(delimiter):
    assert plain_numbers(b"1" + delimiter.encode() + b"2\n", delimiter, 2) is None
