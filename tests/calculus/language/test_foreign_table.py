"""The table of foreign calls: each row can be read, has a use for each of its arguments, and is needed."""

import pytest

from bpcli.calculus.language.foreign_table import CALLS, KEYWORDS, NO_CALLS
from bpcli.calculus.language.parser import parse
from bpcli.calculus.language.tree import names_in
from bpcli.calculus.rules.functions import CONSTANTS, FUNCTIONS

ROWS = [line.split(": ") for line in CALLS.strip().splitlines()]


def signature(call):
    names, arguments = call.removesuffix(")").split("(", 1)
    return names.split(), [argument for argument in arguments.split(", ") if argument]


@pytest.mark.parametrize(("call", "meant"), ROWS, ids=[call for call, _ in ROWS])
def test_a_row_drops_no_argument(call, meant):
    _, arguments = signature(call)
    variables = {name for name in arguments if name.isidentifier() and name not in CONSTANTS}
    assert set(names_in(parse(meant))) - CONSTANTS.keys() == variables


def test_no_row_repeats_one_before_it():
    seen = set()
    for call, _ in ROWS:
        names, arguments = signature(call)
        for name in names:
            assert (name, tuple(arguments)) not in seen
            seen.add((name, tuple(arguments)))


def test_what_does_not_exist_is_not_there():
    called = {name.rpartition(":")[2] for call, _ in ROWS for name in signature(call)[0]}
    assert not {name for name in NO_CALLS if name in FUNCTIONS}
    assert KEYWORDS.keys() <= called | FUNCTIONS.keys()
