"""Names and their values: the order of variables, every way to give a point, and each mistake with its own message."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.calculus.language.parser import parse
from bpcli.calculus.points.values import parse_value
from bpcli.calculus.points.variables import Variables, shape_of, split_name
from bpcli.calculus.rules.shapes import entry_names
from bpcli.errors import DataError, ExpressionError


def variables(*texts, declared=None, let=()):
    return Variables([parse(text) for text in texts], texts, declared, let)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("y*x", ["x", "y"]),
        ("w*x10+x2*b", ["b", "w", "x2", "x10"]),
        ("x_10+x₂", ["x2", "x10"]),
        ("2*pi*e*inf", []),
        ("pi*x+e", ["x"]),
        ("α+β", ["α", "β"]),
        ("sum(A@x)+|v|", ["A", "v", "x"]),
        ("σ(σ)", ["σ"]),
        ("1+1", []),
    ],
)
def test_the_natural_order(text, names):
    assert variables(text).names == names


def test_the_order_over_several_expressions():
    found = variables("x*y", "z+b")
    assert found.names == ["b", "x", "y", "z"]
    assert variables("x*y", "z+x").point("1,2,3") == {"x": 1.0, "y": 2.0, "z": 3.0}


@pytest.mark.parametrize(
    ("declared", "names"),
    [("y,x", ["y", "x"]), (" y  x ", ["y", "x"]), ("x,y,z", ["x", "y", "z"]), ("e,y,x", ["e", "y", "x"])],
)
def test_the_declared_order(declared, names):
    assert variables("x+y*e", declared=declared).names == names


POINTS = [  # expression, options, at, the point
    ("x**2+y**2", {}, "1,2", {"x": 1.0, "y": 2.0}),
    ("x**2+y**2", {}, "1 -2", {"x": 1.0, "y": -2.0}),
    ("x**2+y**2", {}, "-1,pi/2", {"x": -1.0, "y": np.pi / 2}),
    ("x+y", {}, "[1,2]", {"x": 1.0, "y": 2.0}),
    ("x+y", {}, "y=1,x=2", {"x": 2.0, "y": 1.0}),
    ("x_1+y", {}, "y=1,x₁=2", {"x1": 2.0, "y": 1.0}),
    ("sum(x)+b", {}, "x=[1,2,3], b=0.5", {"b": 0.5, "x": [1, 2, 3]}),
    ("sum(x)+b", {}, "x=1,2,3,b=0.5", {"b": 0.5, "x": [1, 2, 3]}),
    ("A@x", {}, "A=[[1,2],[3,4]] x=5,6", {"A": [[1, 2], [3, 4]], "x": [5, 6]}),
    ("A@x", {}, "A=1,2;3,4, x=[5,6]", {"A": [[1, 2], [3, 4]], "x": [5, 6]}),
    ("norm(x)", {}, "1,2,3", {"x": [1, 2, 3]}),
    ("norm(x)", {}, "1,2;3,4", {"x": [[1, 2], [3, 4]]}),
    ("x**2", {}, "3", {"x": 3.0}),
    ("x**2", {}, "[3]", {"x": [3]}),
    ("w*x+b", {"declared": "w,x,b"}, "1,2,3", {"w": 1.0, "x": 2.0, "b": 3.0}),
    ("e*x", {"declared": "e,x"}, "1,2", {"e": 1.0, "x": 2.0}),
    ("e*x", {"declared": "x,e"}, "e=1,x=2", {"x": 2.0, "e": 1.0}),
    ("x", {"declared": "x,y"}, "1,2", {"x": 1.0, "y": 2.0}),
    ("k*x", {"let": ["k=2"]}, "3", {"x": 3.0}),
    ("a*k*x", {"let": ["a=[1,2] k=2"]}, "3", {"x": 3.0}),
    ("1+1", {}, None, {}),
    ("k", {"let": ["k=2"]}, None, {}),
]


@pytest.mark.parametrize(("text", "options", "at", "expected"), POINTS)
def test_points(text, options, at, expected):
    point = variables(text, **options).point(at)
    assert list(point) == list(expected)
    for name, value in expected.items():
        assert type(point[name]) is (float if isinstance(value, float) else np.ndarray)
        np.testing.assert_array_equal(point[name], value)


def test_constants():
    found = variables("k*c@x", let=["k=1/2", "c=1,2"])
    assert found.names == ["x"]
    assert found.constants["k"] == 0.5
    assert found.constants["c"].tolist() == [1, 2]
    # a constant's name, claimed by order, can then be given by let too
    assert variables("e*x", declared="e,x", let=["e=2"]).names == ["x"]


def test_a_point_from_a_file():
    files = {"two": iter(["1 2\n"]), "array": np.array([3.0, 4.0])}
    assert variables("x*y").point("@two", files.get) == {"x": 1.0, "y": 2.0}
    assert variables("x*y").point("@array", files.get) == {"x": 3.0, "y": 4.0}
    assert variables("x*y").point("x=@array,y=1", files.get)["x"].tolist() == [3, 4]
    assert variables("sum(x)", let=[]).point("@array", files.get)["x"].tolist() == [3, 4]


ERRORS = [  # expression, options, at, the text shown, what the caret marks, part of the message, part of the advice
    # no value
    ("x*y", {}, "x=1", "x*y", "y", "y has no value", 'at "x=…,y=…"'),
    ("x*y", {}, None, "x*y", "x", "x has no value", 'at "x=…,y=…"'),
    ("k*x", {"let": ["k=2"]}, None, "k*x", "x", "x has no value", 'at "x=…"'),
    ("2+xy", {}, "x=1,y=2", "2+xy", "xy", "xy has no value", "for a product write x*y"),
    ("w1x+b", {}, "w1=1,x=2,b=3", "w1x+b", "w1x", "no value", "write w1*x"),
    ("w^T*x", {}, "w=[1,2],x=[3,4]", "w^T*x", "T", "T has no value", "write w.T"),
    ("x**T", {}, "x=1", "x**T", "T", "T has no value", "write x.T"),
    ("x/T", {}, "x=1", "x/T", "T", "T has no value", 'at "T=…,x=…"'),
    ("2pix", {}, "x=1", "2pix", "pix", "pix has no value", "write pi*x"),
    ("kx", {"let": ["k=1"]}, "x=1", "k=1", "k", "let gives k, which does not occur", "for a product write k*x"),
    ("sinx", {}, "x=1", "sinx", "sinx", "sinx has no value", "write sin(x)"),
    ("a*yhat", {}, "a=1,yhatt=2", "a=1,yhatt=2", "yhatt", "does not occur", "did you mean yhat?"),
    # a value too many
    ("x*y", {}, "x=1,y=2,z=3", "x=1,y=2,z=3", "z", "at gives z, which does not occur", "its variables are x, y"),
    ("1+1", {}, "x=1", "x=1", "x", "does not occur", "its variables are none"),
    ("1+1", {}, "1", "1", "1", "has no variables", ""),
    ("x", {}, "x=1,x=2", "x=1,x=2", "x", "x is given twice by at", ""),
    ("x1", {}, "x1=1,x_1=2", "x1=1,x_1=2", "x_1", "x1 is given twice by at", ""),
    ("k*x", {"let": ["k=1"]}, "x=1,k=2", "x=1,k=2", "k", "k is given by let already", ""),
    ("x", {}, "x=1,sin=2", "x=1,sin=2", "sin", "sin is a function", "another name"),
    ("e*x", {}, "e=1,x=2", "e=1,x=2", "e", "e is the constant 2.718281828459045", 'order "e,x" makes it a variable'),
    ("x", {"declared": "x", "let": []}, "pi=1", "pi=1", "pi", "pi is the constant 3.14", 'order "pi,x"'),
    # counts
    ("x*y", {}, "1,2,3", "1,2,3", "1,2,3", "at has 3 values for the 2 variables x, y", 'at "x=…,y=…"'),
    ("x*y", {}, "1", "1", "1", "at has 1 value for the 2 variables x, y", ""),
    ("x*y+xy", {}, "1,2", "1,2", "1,2", "2 values for the 3 variables x, xy, y", "for a product write x*y"),
    ("x*y", {}, "1,2;3,4", "1,2;3,4", "1,2;3,4", "at takes one point", "at 1,2 at 3,4"),
    # order
    ("w*x+b", {}, "1,2,3", "1,2,3", "1,2,3", "w, x, b, and sorted they are b, w, x", 'at "w=1,x=2,b=3"'),
    ("x10*x2", {}, "1,2", "1,2", "1,2", "x10, x2, and sorted they are x2, x10", '"x10=1,x2=2" or at "x2=1,x10=2"'),
    # values
    ("x*y", {}, "x=1,y=z", "x=1,y=z", "z", "z is none of its constants", ""),
    ("x*y", {}, "1,", "1,", "", "an entry is missing", ""),
    ("x*y", {}, "x[0]=1", "x[0]=1", "x[0]", "an entry of x can't be given alone", "x=[1,2,3]"),
    ("x*y", {}, "1,y=2", "1,y=2", "1,", "a value without a name", "name all, or none"),
    ("x*y", {}, "", "", "", "a value is missing", ""),
    # let
    ("x", {"let": ["3"]}, "1", "3", "3", "let takes NAME=VALUE", "let k=2"),
    ("x", {"let": ["q=1"]}, "1", "q=1", "q", "let gives q, which does not occur", "its variables are x"),
    ("rate*x", {"let": ["rat=1"]}, "1", "rat=1", "rat", "does not occur", "did you mean rate?"),
    ("k*x", {"let": ["k=1", "k=2"]}, "1", "k=2", "k", "k is given twice by let", ""),
    ("k*x", {"let": ["log=1"]}, "1", "log=1", "log", "log is a function", ""),
    ("k*x", {"let": ["e=1"]}, "1", "e=1", "e", "e is the constant", 'order "e,k,x"'),
    # order
    ("x*y", {"declared": "x"}, "1", "x*y", "y", "y is not among order", 'order "x,y", or let y=…'),
    ("x*yy", {"declared": "x,y"}, "1,2", "x*yy", "yy", "yy is not among order", "y*y"),
    ("x*yhat", {"declared": "x,yhatt"}, "1,2", "x*yhat", "yhat", "not among order", "did you mean yhatt?"),
    ("x", {"declared": "x,x"}, "1", "x,x", "x", "order has x twice", ""),
    ("x", {"declared": "x,sin"}, "1", "x,sin", "sin", "sin is a function", ""),
    ("x", {"declared": "x;y"}, "1", "x;y", ";", "order takes names", 'order "x,y"'),
    ("x", {"declared": "1"}, "1", "1", "1", "order takes names", ""),
    ("x", {"declared": " "}, "1", " ", " ", "order takes names", ""),
]


@pytest.mark.parametrize(("text", "options", "at", "shown", "marked", "message", "advice"), ERRORS)
def test_errors(text, options, at, shown, marked, message, advice):
    with pytest.raises(ExpressionError) as caught:
        variables(text, **options).point(at)
    error = caught.value
    assert message in error.message
    assert advice in error.hint
    assert error.text == shown
    assert shown[error.start : error.end] == marked


def test_the_named_form_that_is_offered_can_be_copied():
    found = variables("w*x+b")
    with pytest.raises(ExpressionError) as caught:
        found.point("1,1/3,-3")
    first, second = caught.value.hint.removeprefix("write at ").split(" or at ")
    assert found.point(first.strip('"')) == {"w": 1.0, "x": 1 / 3, "b": -3.0}
    assert found.point(second.strip('"')) == {"b": 1.0, "w": 1 / 3, "x": -3.0}


# wrt


@pytest.mark.parametrize(("wrt", "names"), [("y", ["y"]), ("y,x", ["x", "y"]), ("b x", ["b", "x"])])
def test_what_to_differentiate_by(wrt, names):
    assert variables("x*y+b").select(wrt) == names


@pytest.mark.parametrize(
    ("wrt", "marked", "message", "advice"),
    [
        ("z", "z", "z is not a variable of the expression", "its variables are x, yhat"),
        ("x,yhta", "yhta", "not a variable", "did you mean yhat?"),
        ("x,k", "k", "k is given by let", ""),
        ("x x", "x", "wrt has x twice", ""),
        ("", "", "wrt takes names", ""),
        ("x=1", "=", "wrt takes names", ""),
    ],
)
def test_errors_of_what_to_differentiate_by(wrt, marked, message, advice):
    with pytest.raises(ExpressionError) as caught:
        variables("k*x*yhat", let=["k=1"]).select(wrt)
    assert message in caught.value.message
    assert advice in caught.value.hint
    assert wrt[caught.value.start : caught.value.end] == marked


# Entries and columns


@pytest.mark.parametrize(
    ("name", "shape", "names"),
    [
        ("x", (), ["x"]),
        ("x", (3,), ["x[0]", "x[1]", "x[2]"]),
        ("A", (2, 2), ["A[0,0]", "A[0,1]", "A[1,0]", "A[1,1]"]),
        ("A", (1, 2), ["A[0,0]", "A[0,1]"]),
    ],
)
def test_entry_names(name, shape, names):
    assert entry_names(name, shape) == names


@given(st.sampled_from([(), (1,), (4,), (2, 3), (3, 1)]), st.sampled_from([(), (2,), (2, 2)]), st.randoms())
def test_columns_are_found_wherever_they_stand(shape, other, random):
    header = entry_names("x", shape) + entry_names("A", other) + ["value", "d/dx", "z[0]"]
    random.shuffle(header)
    found, ignored = variables("x*A").columns(header, "points.csv")
    assert list(found) == ["A", "x"]
    for name, expected in (("x", shape), ("A", other)):
        assert found[name].shape == expected
        assert [header[position] for position in found[name].positions] == entry_names(name, expected)
    assert sorted(ignored) == ["d/dx", "value", "z[0]"]


def test_titles_may_have_room_and_other_forms_of_a_name():
    found, ignored = variables("x1*A").columns([" x_1 ", "A[0, 1]", "A[ 0,0 ]", "A[x]", "A[-1]", "A[0"], "f")
    assert found["x1"].positions == [0]
    assert found["A"].positions == [2, 1]
    assert ignored == ["A[x]", "A[-1]", "A[0"]


@pytest.mark.parametrize(
    ("header", "message", "advice"),
    [
        (["x"], "points.csv has no column for the variable yhat", "its columns are x"),
        (["x", "y_hat"], "no column for the variable yhat", "did you mean y_hat?"),
        (["x", "yhat", "x"], "points.csv has two columns x", ""),
        (["x[0]", "yhat", "x[0]"], "two columns x[0]", ""),
        (["x", "yhat", "x[0]"], "columns x and x[0], which don't fit together", ""),
        (["x[0]", "yhat", "x[0,1]"], "columns x[0] and x[0,1], which don't fit", ""),
        (["x[0]", "x[2]", "yhat"], "a column x[2], but none x[1]", ""),
        (["x[1]", "yhat"], "a column x[1], but none x[0]", ""),
        (["x[0,0]", "x[1,1]", "x[0,1]", "yhat"], "a column x[1,1], but none x[1,0]", ""),
        (["x[999999999]", "yhat"], "none x[0]", ""),
        ([], "no column for the variable x", ""),
    ],
)
def test_errors_of_columns(header, message, advice):
    with pytest.raises(DataError) as caught:
        variables("x*yhat").columns(header, "points.csv")
    assert message in caught.value.message
    assert advice in caught.value.hint


def test_columns_without_names():
    two = variables("w*x").columns_in_order(2, "p.npy")
    assert {name: (c.shape, c.positions) for name, c in two.items()} == {"w": ((), [0]), "x": ((), [1])}
    lone = variables("sum(x)").columns_in_order(3, "p.npy")
    assert (lone["x"].shape, lone["x"].positions) == ((3,), [0, 1, 2])
    assert variables("x").columns_in_order(1, "p.npy")["x"].shape == ()
    # the order is the variables', also where positional points would be refused
    assert list(variables("w*x+b").columns_in_order(3, "p.npy")) == ["b", "w", "x"]
    with pytest.raises(DataError, match=r"p\.npy has 3 columns for the 2 variables w, x"):
        variables("w*x").columns_in_order(3, "p.npy")


@pytest.mark.parametrize(
    ("name", "known", "parts"),
    [
        ("xy", ["x", "y"], ["x", "y"]),
        ("xyz", ["x", "yz"], ["x", "yz"]),
        ("xxy", ["x", "y"], ["x", "x", "y"]),
        ("abc", ["a", "ab", "bc"], ["a", "bc"]),
        ("xy", ["x"], []),
        ("xy", ["xy"], []),
        ("xy", [], []),
        ("a" * 5_000, ["a", "aa"], None),
    ],
)
def test_names_that_are_products(name, known, parts):
    found = split_name(name, known)
    assert found == parts if parts is not None else "".join(found) == name


@pytest.mark.parametrize(("text", "shape"), [("1", ()), ("[1]", (1,)), ("1,2", (2,)), ("1,2;3,4", (2, 2))])
def test_shapes(text, shape):
    assert shape_of(parse_value(text)) == shape
