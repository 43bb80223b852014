"""What a match says of the operands of a step: numbers, squares, negatives, and sums of exponentials."""

import math

import pytest

from bpcli.calculus.language.parser import parse
from bpcli.calculus.rules.duals import PlainNamespace
from bpcli.calculus.sweeps.builder import Builder
from bpcli.calculus.sweeps.matching import FEW_ENTRIES, Match
from bpcli.calculus.sweeps.program import Program
from bpcli.numbers.namespaces import FLOATS

NAMES = {"x": (), "y": (), "z": ()}
POINT = {"x": 0.75, "y": -1.25, "z": 2.5}


def match_of(text, shapes=NAMES):
    """A match at the last step of an expression that is built as it is written."""
    program = Program([parse("x")], ["x"], shapes)
    builder = Builder(program, shapes, text, False)
    tree = parse(text)
    slot = builder.build(tree)
    return Match(builder, program.step(slot), tree), slot


@pytest.mark.parametrize(
    ("text", "nonzero"),
    [
        *[("2*3", True), ("1/3", True), ("-sqrt(2)/exp(2)", True), ("exp(-1e-300)", True)],
        *[
            ("2-3", False),
            ("0*3", False),
            ("0.1+0.2-0.3", False),
            ("2*x", False),
            ("1e-400*2", False),
            ("1/inf", False),
        ],
    ],
)
def test_what_is_no_zero(text, nonzero):
    match, slot = match_of(text)
    assert match.is_nonzero(slot) is nonzero


@pytest.mark.parametrize(
    ("text", "number", "same"),
    [
        *[("2", 2, True), ("2.0", 2, True), ("-1", -1, True), ("0", 0, True), ("3", 2, False), ("x", 1, False)],
        *[("2.00000000000000000001", 2, False), ("0.99999999999999999999", 1, False), ("1e-400", 0, False)],
    ],
)
def test_a_number_is_what_is_written_and_not_what_it_rounds_to(text, number, same):
    match, _ = match_of(f"{text}*y")
    assert match.is_number(match.args[0], number) is same


@pytest.mark.parametrize(("text", "of"), [("x**2", "x"), ("x*x", "x"), ("x*y", None), ("x**3", None)])
def test_squares(text, of):
    match, slot = match_of(text)
    found = match.squared(slot)
    assert (None if found is None else match.slots[found]) == of


def test_a_minus_is_taken_off():
    match, slot = match_of("-x")
    (x,) = match.args
    assert match.negative(slot) == x
    assert match.signed(slot) == (-1, x)
    assert match.signed(x) == (1, x)
    assert match.opposite(slot, x)
    assert match.opposite(x, slot)
    assert not match.opposite(x, x)
    assert match.program.args_of(match.negative(x), "negative") == (x,)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("exp(x)+exp(y)", 2),
        ("exp(x)*exp(y)", 1),
        ("exp(x)/exp(y)+2*exp(z)", 2),
        ("(exp(x)+1)*(exp(y)+1)", 4),
        ("(exp(x)+exp(y))*(exp(x)+exp(y))", 3),
        ("exp(x)-exp(x)+exp(y)", 1),
        ("3*exp(x)+4*exp(x)", 1),
        ("y*exp(-x)/z", 1),
    ],
)
def test_a_sum_of_exponentials_is_its_terms(text, count):
    match, slot = match_of(text)
    terms = match.terms(slot)
    assert len(terms) == count
    places = [(match.weight(term), match.exponent(term)) for term in terms]
    values = match.program.forward(PlainNamespace(FLOATS), POINT)
    assert values[slot] == pytest.approx(eval(text, vars(math) | POINT), rel=1e-14)
    assert sum(values[w] * math.exp(values[x]) for w, x in places) == pytest.approx(values[slot], rel=1e-14)


@pytest.mark.parametrize("text", ["x+y", "x*y", "sin(exp(x))", "log(x)"])
def test_what_has_no_exponential_has_no_terms(text):
    match, slot = match_of(text)
    assert match.terms(slot) is None


@pytest.mark.parametrize(("size", "count"), [(2, 2), (FEW_ENTRIES, FEW_ENTRIES), (FEW_ENTRIES + 1, 1)])
def test_a_sum_over_a_short_vector_is_read_entry_by_entry(size, count):
    match, slot = match_of("sum(exp(x))", {"x": (size,)})
    assert len(match.terms(slot)) == count
