"""The names, shapes and sizes of expressions as functions, and what is refused before anything is computed."""

import pytest

from bpcli.calculus.language.parser import parse
from bpcli.calculus.sweeps.program import Program
from bpcli.calculus.sweeps.signature import MAX_DENSE_BYTES, Signature
from bpcli.errors import ExpressionError, InputError

SHAPES = {"x": (3,), "A": (2, 3), "s": ()}


def signature(*texts, wrt=("x", "A")):
    trees = [parse(text) for text in texts]
    return Signature(trees, texts, wrt, Program(trees, texts, SHAPES))


def test_rows_and_columns_are_counted_by_entries():
    of_three = signature("A@x", "s*x", "sum(x)")
    assert of_three.output_shapes == [(2,), (3,), ()]
    assert of_three.input_shapes == {"x": (3,), "A": (2, 3)}  # in the order of `wrt`, without s
    assert (of_three.outputs, of_three.inputs) == (6, 9)


def test_each_entry_of_a_vector_is_a_row_of_its_own_name():
    names = signature("A@x", "x", "sum(x)").output_names
    assert names == ["(A@x)[0]", "(A@x)[1]", "x[0]", "x[1]", "x[2]", "sum(x)"]


def test_a_vector_has_no_gradient():
    signature("sum(x)").require_scalar()
    with pytest.raises(ExpressionError) as raised:
        signature("s*x").require_scalar()
    assert "a gradient is of one number, and this is a vector of 3" in str(raised.value)
    assert "jacobian" in raised.value.hint


def test_a_matrix_beyond_memory_is_refused_by_its_size():
    side = int((MAX_DENSE_BYTES / 8) ** 0.5)
    signature("x").check_dense(side, side)
    with pytest.raises(InputError) as raised:
        signature("x").check_dense(side + 1, side + 1)
    assert f"{side + 1} × {side + 1} entries" in str(raised.value)
