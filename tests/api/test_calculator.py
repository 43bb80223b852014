"""Expressions from Python give what the commands print, digit for digit."""

import subprocess
import sys
import warnings

import numpy as np
import pytest

import bpcli as package
from bpcli import DataError, ExpressionError, KinkWarning, NotFiniteWarning, UsageError
from bpcli.lecture.inputs import INPUTS
from bpcli.text.notation import number

POINTS = [
    ("x**2+y**2", {"x": 1.5, "y": -2.25}),
    ("sin(x)*exp(y)/3", {"x": 0.1, "y": 2.0}),
    ("bce(y, sigmoid(x@w+b))", {"x": [1.0, 2.0], "w": [0.3, -0.7], "b": 0.1, "y": 1.0}),
    ("sum((A@x)**2)", {"A": [[1.0, 2.0], [3.0, 4.5]], "x": [0.1, 0.7]}),
    ("norm(v)", {"v": [3.0, 4.0, 1e-3]}),
]


def at(point):
    return ", ".join(f"{name}={str(value).replace('], [', '],[')}" for name, value in point.items())


def entries(blocks):
    return [v for block in blocks.values() for v in np.ravel(block)]


@pytest.mark.parametrize(("text", "point"), POINTS)
def test_the_same_digits_as_the_commands(bpcli, text, point):
    (told,) = bpcli("grad", text, "--at", at(point), "--format", "json").json
    assert package.grad(text)(**point).tolist() == entries(told["gradient"])
    assert package.value(text)(point) == told["value"]
    (told,) = bpcli("hessian", text, "--at", at(point), "--format", "json").json
    assert package.hessian(text)(**point).tolist() == told["hessian"]
    assert package.hessian(text).entries(**point) == told["variables"]
    (told,) = bpcli("jacobian", text, "--at", at(point), "--format", "json").json
    expected = np.concatenate([np.array(block) for block in told["jacobian"].values()], axis=1)
    np.testing.assert_array_equal(package.jacobian(text)(**point), expected)


def test_values_by_hand_and_every_way_to_give_a_point():
    f = package.grad("x**2+y**2")
    assert f.variables == ("x", "y")
    for row in (f(1, 2), f(x=1, y=2), f(y=2, x=1), f({"x": 1, "y": 2}), f(np.float32(1), np.int64(2))):
        assert isinstance(row, np.ndarray)
        assert row.tolist() == [2.0, 4.0]
    assert package.grad("sum(v**2)")(1, 2, 3).tolist() == [2.0, 4.0, 6.0]
    assert package.grad("sum(v**2)")([1, 2, 3]).tolist() == [2.0, 4.0, 6.0]
    assert package.jacobian("x*y", "x+y")(1, 2).tolist() == [[2.0, 1.0], [1.0, 1.0]]
    assert package.hessian("x**2*y")(1, 2).tolist() == [[4.0, 2.0], [2.0, 0.0]]
    assert package.value("x+1")(2) == 3.0
    assert package.value("2*3")() == 6.0
    assert package.value("softmax(l)")(l=[0, 0]).tolist() == [0.5, 0.5]
    assert package.grad("y*x", order="y,x")(1, 2).tolist() == [2.0, 1.0]
    assert package.grad("y*x", order=["y", "x"])(1, 2).tolist() == [2.0, 1.0]
    assert package.grad("a*x+b", wrt="x", let={"a": 3})(x=1, b=0).tolist() == [3.0]
    assert package.grad("a*x+b", wrt=["b", "x"], let={"a": 3})(x=1, b=0).tolist() == [1.0, 3.0]
    with pytest.warns(KinkWarning, match="0 is used"):
        assert package.grad("relu(x)", kink="left")(0.0).tolist() == [0.0]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: package.grad("sine(x)"), ExpressionError, r"did you mean sin\(x\)"),
        (lambda: package.grad("[x, 1]")(1), ExpressionError, "a gradient is of one number"),
        (lambda: package.grad("x*y")(1), UsageError, r"1 value without a name(.|\n)*f\(x=…, y=…\)"),
        (lambda: package.grad("y*x")(1, 2), UsageError, "which value is whose"),
        (lambda: package.grad("x*y")(x=1), UsageError, "no value is given for y"),
        (lambda: package.grad("alpha*y")(alpa=1, y=2), UsageError, "did you mean alpha"),
        (lambda: package.grad("x", let={"q": 1}), UsageError, "let gives q"),
        (lambda: package.grad("x*y", wrt="x", let={"x": 1}), UsageError, "wrt gives x"),
        (lambda: package.grad("x")("text"), UsageError, "expected a number, a vector or a matrix, found 'text'"),
        (lambda: package.grad("x")(np.zeros((2, 2, 2))), UsageError, r"shape \(2, 2, 2\)"),
        (lambda: package.grad("x")(np.zeros(0)), UsageError, r"shape \(0,\)"),
        (lambda: package.grad("x", kink="up"), UsageError, "kink: expected one of lecture, left, right"),
        (lambda: package.jacobian(), UsageError, "one expression or more"),
    ],
)
def test_what_does_not_fit_is_told(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_kinks_and_what_is_not_finite_are_warnings_in_the_commands_words(bpcli):
    with pytest.warns(KinkWarning, match="has a kink: d/dx is -1 on the left, 1 on the right; 0 is used") as caught:
        assert package.grad("abs(x)")(0).tolist() == [0.0]
    assert caught[0].filename == __file__
    assert str(caught[0].message).partition(";")[0] in bpcli("grad", "abs(x)", "--at", "0").err
    with pytest.warns(NotFiniteWarning, match=r"log\(x\) at x = 0"):
        assert package.value("1+log(x)")(0) == -np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        package.grad("log(x)")(1)


def test_importing_is_quick_and_the_names_are_all_there():
    code = (
        "import sys, bpcli; assert 'numpy' not in sys.modules and 'click' not in sys.modules;"
        "assert set(bpcli.__all__) <= set(dir(bpcli));"
        "print([n for n in bpcli.__all__ if not hasattr(bpcli, n)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    unknown = "gard"
    with pytest.raises(AttributeError, match=f"no attribute '{unknown}'"):
        getattr(package, unknown)


def test_digits_print_as_the_command_prints_them(bpcli):
    row = package.grad("exp(x)*y")(0.1, 0.7)
    assert " ".join(map(number, row.tolist())) == bpcli("grad", "exp(x)*y", "--at", "0.1,0.7").lines[0]


ROSENBROCK = "(1-x)**2+100*(y-x**2)**2"


def test_a_point_is_an_array_as_scipy_gives_it():
    optimize = pytest.importorskip("scipy.optimize")
    f, g, h = package.value(ROSENBROCK), package.grad(ROSENBROCK), package.hessian(ROSENBROCK)
    found = optimize.minimize(f, np.array([-1.0, 2.0]), jac=g, hess=h, method="trust-exact", options={"gtol": 1e-9})
    np.testing.assert_allclose(found.x, [1, 1], atol=1e-8)
    one = optimize.minimize(package.value("(t-3)**2+1"), [1.0], jac=package.grad("(t-3)**2+1"))
    np.testing.assert_allclose(one.x, [3], atol=1e-6)
    whole = optimize.minimize(package.value("sum((t-3)**2)"), [1.0, 2.0], jac=package.grad("sum((t-3)**2)"))
    np.testing.assert_allclose(whole.x, [3, 3], atol=1e-6)
    root = optimize.root(
        lambda p: [p[0] + p[1] - 3, p[0] * p[1] - 2], [0.0, 5.0], jac=package.jacobian("x+y-3", "x*y-2")
    )
    np.testing.assert_allclose(root.x, [1, 2], atol=1e-9)


@pytest.mark.parametrize("make", [package.value, package.grad, package.hessian, package.jacobian])
def test_a_table_of_points_is_each_of_its_rows(make):
    f, points = make(ROSENBROCK), [[1.0, 2.0], [3.0, 4.0], [-1.5, 0.25]]
    assert f(points).tolist() == [np.asarray(f(x, y)).tolist() for x, y in points]
    assert f(np.array(points)).tolist() == [np.asarray(f(row)).tolist() for row in points]


def test_an_array_that_is_no_point():
    g = package.grad("x*y")
    for array in ([1, 2, 3], [[1, 2, 3]], 3, "a", [1, None], [1, [2, 3]]):
        with pytest.raises(UsageError, match=r"x, y|[xy]: expected a number"):
            g(array)
    with pytest.raises(UsageError, match="which value is whose"):
        package.grad("y*x")([[1, 2]])
    with pytest.raises(ExpressionError, match="a gradient is of one number"):
        package.grad("x**2")([1, 2])
    assert package.grad("x**2")([[1], [2]]).tolist() == [[2], [4]]


@pytest.mark.parametrize("function", [package.grad, package.jacobian, package.hessian])
def test_a_point_in_the_wrong_place_is_told(function):
    name = function.__name__
    with pytest.raises(TypeError, match=rf'{name} has no keyword x: they are wrt, .*: {name}\("x\*y"\)\(x=1, y=2\)'):
        function("x*y", x=1, y=2)


@pytest.mark.parametrize("certify", [False, True])
def test_no_points_have_results_of_the_same_shape(certify):
    if certify:
        pytest.importorskip("flint")
    none, some = {"x": np.empty((0, 3)), "y": []}, {"x": np.ones((1, 3)), "y": [1.0]}
    for function, text in (
        (package.value, "x*y"), (package.grad, "sum(x)*y"), (package.jacobian, "x*y"), (package.hessian, "sum(x)*y"),
    ):  # fmt: skip
        f = function(text, certify=certify)
        assert f.many(none).shape == (0, *f.many(some).shape[1:])


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_the_columns_of_a_frame_are_taken_by_name(library):
    module = pytest.importorskip(library)
    columns = {"y": [2.0, 4.0], "x": [1.0, 3.0]}  # not in the order of the variables
    frame = module.table(columns) if library == "pyarrow" else module.DataFrame(columns)
    f = package.grad("x**2*y")
    assert f(frame).tolist() == f.many(frame).tolist() == [[4.0, 1.0], [24.0, 9.0]]
    with pytest.raises(UsageError, match="gives y, which is not among the variables"):
        package.grad("x*z")(frame)


def test_the_cells_of_a_series_are_taken_by_name_and_a_lazy_frame_is_refused():
    f, pandas = package.grad("x**2*y"), pytest.importorskip("pandas")
    assert f(pandas.Series({"y": 2.0, "x": 1.0})).tolist() == f(pandas.Series([1.0, 2.0])).tolist() == [4.0, 1.0]
    with pytest.raises(DataError, match="whose rows are not computed yet"):
        f(pytest.importorskip("polars").LazyFrame({"y": [2.0], "x": [1.0]}))


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda: package.grad("x**2")([1, 2]), r'bpcli\.jacobian\("x\*\*2"\) gives a row'),
        (lambda: package.grad("d/dx x^2"), r'bpcli\.grad\("x\^2"\)'),
        (lambda: package.grad("y*x")([1, 2]), r"order=\['x', 'y'\]"),
    ],
)
def test_hints_are_words_of_python(call, hint):
    with pytest.raises(UsageError, match=hint):
        call()


@pytest.mark.parametrize("function", [package.grad, package.jacobian, package.hessian])
@pytest.mark.parametrize("name", sorted(INPUTS))
def test_a_function_of_the_lecture_leads_to_its_name(function, name):
    """`jacobian NAME` of the command line is `named_jacobian` here."""
    with pytest.raises(package.UsageError) as error:
        function(name, **{INPUTS[name][0]: [1, 2, 3]})
    assert isinstance(error.value, TypeError)
    assert error.value.hint == f'named_jacobian("{name}", {", ".join(f"{each}=…" for each in INPUTS[name])})'
