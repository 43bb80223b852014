"""Shapes are known before anything is computed, and what does not fit is shown at its place."""

import pytest

from bpcli.calculus.language.parser import parse
from bpcli.calculus.sweeps import builder
from bpcli.calculus.sweeps.program import Program
from bpcli.errors import ExpressionError

SHAPES = {"x": (3,), "y": (2,), "s": (), "A": (2, 3), "B": (3, 2), "C": (2, 2), "big": (9000, 9000)}


def built(*texts):
    return Program([parse(text) for text in texts], texts, SHAPES)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("s", ()),
        ("x", (3,)),
        ("A+x", (2, 3)),
        ("A.T+y", (3, 2)),
        ("A*s-1", (2, 3)),
        ("x<s", (3,)),
        ("where(x>0,A,s)", (2, 3)),
        ("max(x,A,s)", (2, 3)),
        ("hypot(x,s)", (3,)),
        ("A@x", (2,)),
        ("y@A", (3,)),
        ("A@B", (2, 2)),
        ("x@x", ()),
        ("x·x", ()),
        ("s·x", (3,)),
        ("x.T", (3,)),
        ("s.T", ()),
        ("sum(A)", ()),
        ("sum(A,axis=0)", (3,)),
        ("mean(A,axis=-1)", (2,)),
        ("prod(x)+norm(A)+logsumexp(A)", ()),
        ("max(A,axis=1)", (2,)),
        ("softmax(A)", (2, 3)),
        ("log_softmax(x)", (3,)),
        ("A[0]", (3,)),
        ("A[-1,2]", ()),
        ("A[:,1]", (2,)),
        ("A[0:1]", (1, 3)),
        ("x[1:]", (2,)),
        ("x[:-1]", (2,)),
        ("[s,1]", (2,)),
        ("[x,x,A[0]]", (3, 3)),
        ("[[1,2],[3,4]]@y", (2,)),
        ("mse(A,A)", ()),
        ("bce(x,x)+cce(x,x)", ()),
        ("clip(A,0,x)", (2, 3)),
    ],
)
def test_shapes_are_known_beforehand(text, shape):
    one = built(text)
    assert one.shapes[one.outputs[0]] == shape


@pytest.mark.parametrize(
    ("text", "message", "at", "hint"),
    [
        ("1+(x+y)", "x is a vector of 3, y is a vector of 2", "(x+y)", ""),
        ("x+A+y", r"x\+A is a 2×3 matrix, y is a vector of 2", "x+A+y", "x+A transposed fits: .T"),
        ("A*y", "A is a 2×3 matrix, y is a vector of 2", "A*y", "A transposed fits: .T"),
        ("x**y", "x is a vector of 3, y is a vector of 2", "x**y", ""),
        ("x<y", "x is a vector of 3, y is a vector of 2", "x<y", ""),
        ("2*max(s,x,y)", "x is a vector of 3, y is a vector of 2", "max(s,x,y)", ""),
        ("where(x>0,y,1)", "x>0 is a vector of 3, y is a vector of 2", "where(x>0,y,1)", ""),
        ("clip(x,y,1)", "x is a vector of 3, y is a vector of 2", "clip(x,y,1)", ""),
        ("A@y", "a 2×3 matrix @ a vector of 2: 3 columns by 2 rows", "A@y", "the first transposed fits: .T"),
        ("x@A", "a vector of 3 @ a 2×3 matrix", "x@A", "the second transposed fits: .T"),
        ("A@A", "a 2×3 matrix @ a 2×3 matrix", "A@A", "the first transposed fits: .T"),
        ("x@y", "a vector of 3 @ a vector of 2", "x@y", ""),
        ("C@x", "a 2×2 matrix @ a vector of 3", "C@x", ""),
        ("1+s@x", "@ multiplies vectors and matrices, not numbers", "s@x", "write *"),
        ("x@[[[1,2]],[[3,4]],[[5,6]]]", "not stacks of them", "x@[[[1,2]],[[3,4]],[[5,6]]]", ""),
        ("x·y", "two vectors of one length, not a vector of 3 and a vector of 2", "x·y", ""),
        ("dot(A,A)", "two vectors of one length", "dot(A,A)", "for matrices write @"),
        ("[x,y]", "one shape, not a vector of 3 and a vector of 2", "[x,y]", ""),
        ("x[3]*s", "there is no index 3 in a vector of 3", "x[3]", "they count from 0 to 2"),
        ("A[0,-4]", "there is no index -4", "A[0,-4]", "they count from 0 to 2"),
        ("x[0,1]", "a vector of 3 takes one index, not 2", "x[0,1]", ""),
        ("s[0]", "a number has no entries", "s[0]", ""),
        ("x[3:]", "this range takes nothing of a vector of 3", "x[3:]", ""),
        ("sum(x,axis=1)", "a vector of 3 has no axis 1", "sum(x,axis=1)", "axis=0 goes down the rows"),
        ("mean(s,axis=0)", "a number has no axis 0", "mean(s,axis=0)", "axis=0"),
        ("log_softmax(s)", "not of a number", "log_softmax(s)", ""),
        ("mse(x,y)", "mse compares labels and predictions of one shape", "mse(x,y)", ""),
        ("x+nope", "nope has no value", "nope", ""),
    ],
)
def test_what_does_not_fit_is_shown_at_its_place(text, message, at, hint):
    with pytest.raises(ExpressionError, match=message) as caught:
        built(text)
    error = caught.value
    assert error.text == text
    assert text[error.start : error.end] == at
    assert error.hint.startswith(hint) if hint else not error.hint


def test_size_and_work_are_bounded_before_they_begin(monkeypatch):
    with pytest.raises(
        ExpressionError, match="162000002 numbers would be needed at a time; at most 100000000"
    ) as caught:
        built("sum(1+big*2)")
    assert caught.value.text[caught.value.start : caught.value.end] == "big*2"
    monkeypatch.setattr(builder, "MAX_ENTRIES", 10**9)
    with pytest.raises(
        ExpressionError, match="1458000000000 multiplications would be needed; at most 1000000000000"
    ) as caught:
        built("1+big@big@big")
    assert caught.value.text[caught.value.start : caught.value.end] == "big@big@big"
