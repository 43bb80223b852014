"""Formatted numbers: each cell's value worked by hand; what one column decides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.datasets.formatted_numbers import Style, UndecidedError, read_cell, read_styled, style_of

POINT = [
    ("12-", -12.0, ""),
    ("1,234.50-", -1234.5, ""),
    ("$3,903.34", 3903.34, "$"),
    ("1.9%", 0.019, "%"),
    ("(12)", -12, ""),
    ("($5.00)", -5, "$"),
    ("$(5.00)", -5, "$"),
    ("$ (5.00)", -5, "$"),
    ("- $5", -5, "$"),
    ("$-5", -5, "$"),
    ("−3", -3, ""),
    ("+5", 5, ""),
    ("US$ 7", 7, "US$"),
    ("EUR 5", 5, "EUR"),
    ("Rs. 500", 500, "Rs."),
    ("1,23,456", 123456, ""),
    ("1'234.50", 1234.5, ""),
    ("12 kg", 12, "kg"),
    ("3.5 m²", 3.5, "m²"),
    ("90 km/h", 90, "km/h"),
    ("1e3", 1000, ""),
    ("1 234", 1234, ""),
    ("1\u202f234.5", 1234.5, ""),
]
COMMA = [
    ("1 234,5", 1234.5, ""),
    ("4,0 %", 0.04, "%"),
    ("0,125", 0.125, ""),
    ("1.234.567", 1234567, ""),
    ("€7", 7, "€"),
]
NONE = [
    "abc",
    "3-4",
    "12-inch",
    "3- kg",
    "5'11\"",
    "km",
    ".",
    "",
    "1,2,3",
    "12:30",
    "2020-01-02",
    "A1",
    "SKU12",
    "INV-0012",
    "AAT3_ECOLI",
    "3_ECOLI",
    "1,234,5",
    "--5",
    "(-5)",
    "$(5",
    "$(-5)",
    "$((5))",
    "1_000",
    "9" * 400,
]


@pytest.mark.parametrize(
    ("mark", "cell", "value", "unit"), [(".", *row) for row in POINT] + [(",", *row) for row in COMMA]
)
def test_a_cell_has_the_number_that_it_means(mark, cell, value, unit):
    assert read_cell(cell, mark) == (value, unit)


@pytest.mark.parametrize("cell", NONE)
def test_what_is_no_number_is_none(cell):
    assert read_cell(cell, ".") is None
    assert read_cell(cell, ",") is None or cell in ("1,2,3", "1,234,5")


@pytest.mark.parametrize(
    ("cells", "style"),
    [
        (["$3,903.34", "$5"], Style(".", "$")),
        (["1,234", "3.5"], Style(".")),
        (["0,125", "1,234"], Style(",")),
        (["4,0 %", "3 %"], Style(",", "%")),
        (["12 kg", "14", ""], Style(".", "kg")),
        (["1 234", "2"], Style(".")),
        (["-", ""], Style(".")),
    ],
)
def test_a_column_decides_its_marks_and_unit(cells, style):
    assert style_of(cells, {"", "-"}) == style


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["1,234", "2,345"], "'1,234' could be 1234 or 1.234"),
        (["5%", "5"], "'5%' and '5' have different units"),
        (["1.2M", "300"], "different units"),
        (["$5", "€5"], "'\\$5' and '€5' have different units"),
        (["12", "x"], "'x' does not read"),
        (["1.234.567", "0.5"], "does not read"),
    ],
)
def test_a_column_that_decides_nothing_says_why(cells, message):
    with pytest.raises(UndecidedError, match=message):
        style_of(cells, ())


def test_where_both_readings_fit_one_can_be_said():
    assert style_of(["1,234"], (), ",") == Style(",")
    assert style_of(["1,234"], (), ".,", ".") == Style(".")


@pytest.mark.parametrize(
    ("cell", "style", "value"),
    [
        ("5", Style(".", "$"), 5),
        ("€5", Style(".", "$"), None),
        ("5", Style(".", "%"), None),
        ("5 %", Style(".", "%"), 0.05),
        ("1,234", Style(","), 1.234),
        ("$5", Style("."), None),
    ],
)
def test_a_style_reads_only_what_is_formatted_so(cell, style, value):
    assert read_styled(cell, style) == value


@given(
    st.integers(-(10**9), 10**9),
    st.integers(0, 99),
    st.sampled_from(["", "$", "€", "US$"]),
    st.booleans(),
    st.sampled_from(".,"),
)
def test_a_number_written_with_thousands_is_read_to_the_bit(whole, cents, money, brackets, mark):
    apart = "," if mark == "." else "."
    text = f"{money}{abs(whole):,}".replace(",", apart) + f"{mark}{cents:02}"
    text = f"({text})" if brackets and whole < 0 else f"-{text}" if whole < 0 else text
    assert read_cell(text, mark) == (float(f"{'-' if whole < 0 else ''}{abs(whole)}.{cents:02}"), money)
