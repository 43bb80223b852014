"""Which entries are told to have lost digits; the witness is python-flint's correctly rounded results."""

import math
import warnings
from fractions import Fraction

import numpy as np
import pytest
from calculations import calculation
from hypothesis import given
from hypothesis import strategies as st

import bpcli as bpcli_module
from bpcli import LostDigitsWarning
from bpcli.calculus.checks.checking import check_calculation
from bpcli.calculus.language.parser import parse
from bpcli.calculus.sweeps import lost_digits as module
from bpcli.calculus.sweeps.calculation import Calculation
from bpcli.calculus.sweeps.certified import Certified
from bpcli.calculus.sweeps.lost_digits import lost_digits, lost_in_words, lost_seconds, lost_values
from bpcli.calculus.sweeps.rounding import slope_errors


def slopes(made, point):
    return [[float(v) for block in made.jacobian(point)[1].values() for v in np.ravel(block)]]


CANCELLED = [
    ("(1-cos(x))/x**2", 1e-4),
    ("(1-cos(x))/x**2", 1e-8),
    ("sin(x)/x", 1e-8),
    ("(exp(x)-1)/x", 1e-9),
    ("sin(x)+(1-x)", -5.7e-9),
    ("(0.3-0.1*3)*x", 2.0),
    ("sum(sin(v*x)/x)", 1e-8),
    ("y*(x+(y-y))", 5.1e-50),  # by y: x + 1 − 1, added in this order
    ("sum(w*(x+(w-w)))", 5.1e-50),
    ("atan((exp(x)-1-x-x**2/2-x**3/6)/x**4)", -1.04e-12),  # flat where the operand that is lost happens to be
    ("logsumexp([x,-0.6]-max([0,x]))", 35.0),  # by x: 1 less the sum of two parts
]
SOUND = [
    ("exp(x-sin(x))*x", 1e-9),
    ("sigmoid(x-sin(x))*x", 1e-9),
    ("x-x", 3.0),
    ("x**2-2*x", 1.0),
    ("100*(1-x**2)**2+(1-x)**2", 1.0),
    ("2+(x-2)", 2.3),
    ("sin(x)-sin(x)", 0.7),
    ("mse(0.5,x)", 0.5),
    ("log(1+exp(x))", -1000.0),
    ("sigmoid(x)", 40.0),
    ("1/(1+exp(-x))", -30.0),
    ("x**3-3*x+2", 1.00000001),
    ("norm(v*x)", 0.3),
    ("x/sqrt(x**2+1)", 3.0),
]


@pytest.mark.parametrize(("text", "x"), CANCELLED)
@pytest.mark.parametrize("balls", [True, False])
def test_lost_digits_are_told(monkeypatch, text, x, balls):
    if not balls:
        monkeypatch.setattr(module, "_in_balls", lambda *_: None)
    others = {"v": np.array([1.0, 2.0]), "w": np.array([1.0, -2.0]), "y": 1.0}
    point = {"x": x, **{name: value for name, value in others.items() if name in text}}
    made = calculation(text, point)
    assert lost_digits(made, point, slopes(made, point))


@pytest.mark.parametrize(("text", "x"), SOUND)
def test_no_false_alarm(monkeypatch, text, x):
    monkeypatch.setattr(module, "_in_balls", lambda *_: None)
    point = {"x": x, **({"v": np.array([1.0, 2.0])} if "v" in text else {})}
    made = calculation(text, point)
    assert not lost_digits(made, point, slopes(made, point))


BELOW_THE_DOUBLES = ["1e-400>0", "sqrt(1e-330)", "1-1e-400==1", "atan2(2e-420,-1e-420)", "sum([1,2]*cbrt(1e-401))"]


@pytest.mark.parametrize("text", BELOW_THE_DOUBLES)
@pytest.mark.parametrize("balls", [True, False])
def test_a_constant_below_the_doubles_is_told_where_it_shows(monkeypatch, text, balls):
    if not balls:
        monkeypatch.setattr(module, "_in_balls", lambda *_: None)
    made = calculation(text, {})
    assert lost_values(made, {}, made.value({}))


@pytest.mark.parametrize("text", ["1+1e-400", "exp(1e-400)-1", "1e-400", "2*1e-330", "max(1e-400,0)"])
@pytest.mark.parametrize("balls", [True, False])
def test_a_constant_below_the_doubles_that_does_not_show_is_not(monkeypatch, text, balls):
    if not balls:
        monkeypatch.setattr(module, "_in_balls", lambda *_: None)
    made = calculation(text, {})
    assert not lost_values(made, {}, made.value({}))


@pytest.mark.parametrize(
    ("text", "told"),
    [  # worked by hand: an odd exponent, one that is no whole number, 0 to a power above 0; then even and exact ones
        *[(text, True) for text in ("(-1)**9007199254740993", "x**(2**53+1)", "x**(y*10)", "(y-y)**1e-400")],
        *[(text, False) for text in ("(-1)**9007199254740992", "x**1e23", "x**(0.1*10)", "(-x)**1e-400", "x**(6/2)")],
    ],
)
def test_an_exponent_that_rounding_changes_is_told_where_that_shows(text, told):
    point = {name: value for name, value in (("x", -2.0 if "10)" in text else -1.0), ("y", 0.1)) if name in text}
    made = calculation(text, point)
    assert bool(lost_values(made, point, made.value(point))) == told


HIDDEN = [
    ("norm(u-mean(u))", math.sqrt(2 / 3)),
    ("sqrt(mean((u-mean(u))**2))", math.sqrt(2) / 3),
    ("sum(abs(u-mean(u)))", 4 / 3),
    ("sum(relu(u-mean(u)))", 2 / 3),
    ("norm([u[0]+u[1]+u[2]-3*u[0],0])*2", 4.0),
]


@pytest.mark.parametrize(("text", "slope"), HIDDEN)
@pytest.mark.parametrize("balls", [True, False])
@pytest.mark.parametrize("at", [0.1, 0.7, 1.3])
def test_a_kink_that_rounding_hides_is_told(monkeypatch, text, slope, balls, at):
    """Where all entries are the same number, their mean is it; in doubles it is another one."""
    if not balls:
        monkeypatch.setattr(module, "_in_balls", lambda *_: None)
    point = {"u": np.full(3, at)}
    made = calculation(text, point)
    found, words = slopes(made, point), lost_in_words("gradient", made, point, slopes(made, point))
    if made.kinks or found != [[0.0] * 3]:
        assert made.kinks or words
        return
    assert "has a kink" in words
    assert all(lost.kink.right == pytest.approx(slope) for lost in lost_digits(made, point, found))
    assert "has a kink" in lost_in_words("hessian", made, point, made.hessian(point)[2].tolist())
    checked = check_calculation(made, point, [text])
    assert all(entry.agree is None and entry.why == "at a kink" for entry in checked)


@pytest.mark.parametrize("text", ["[1,2,3]*x**2*1e300", "[1,2,3]*norm([x,x,x]-mean([x,x,x]))"])
@pytest.mark.parametrize("at", [1e-200, 0.1])
def test_a_product_has_an_entry_for_each_output(text, at):
    """As many columns as there are outputs; a kink is told of all of them, or of each input."""
    made, point = calculation(text, x=0.0), {"x": at}
    along = lost_in_words("jvp", made, point, [np.ravel(made.jvp(point, [1.0])[1]).tolist()], [1.0])
    back = lost_in_words("vjp", made, point, [[float(made.vjp(point, [1.0] * 3)[1]["x"])]], [1.0] * 3)
    assert not along or "[0]" in along
    assert not back or "d/dx" in back


LOST_VALUES = [
    ("(1-cos(x))/x**2", 1e-8),
    ("x-sin(x)", 1e-10),
    ("x-sin(x)", 1.5585774169069938e-94),
    ("(x-sin(x))/x**3", 1.4215633475388342e-07),
    ("log(1+x)-x", 7.391851835992526e-09),
    ("[1,x-sin(x)]", 1e-10),
    ("x-tanh(x)", 3.1e-6),
    ("0.5+x-sigmoid(4*x)", 1.1e-5),
]
LOST_VALUES += [("sigmoid((exp(x)-1-x-x**2/2-x**3/6)/x**4)", -1.0370663656171492e-12)]
LOST_VALUES += [  # flat where the operand that is lost happens to be, in functions of two
    (text.format("(sin(x)-x+x**3/6)/x**5"), 8.299002134317845e-06)
    for text in [
        "sigmoid({})-1",
        "mse(1,sigmoid({}))",
        "huber(1,sigmoid({}))",
        "cosh(huber(1,sigmoid({})))",
        "elu({},2)",
    ]
]
LOST_SECONDS = [
    ("huber(0.5,x)*poisson(1,sigmoid(x))", 203.66),  # by more than 50 decimals
    ("tanh(x)/x", 1e-60),
    ("(x+1)**3-x**3", 1e31),
    ("(1-cos(x))/x**2", 1e-4),
    ("norm(v)**2*x", -3.440177616232791e21),
    ("dot(v*x,v)/(norm(v)*norm(v))", 7.3),
    ("1/(1+x)+log(1+x)", 1 - 1e-12),
]
SOUND_SECONDS = ["logit(x)", "exp(x)*sin(x)", "x**3-3*x", "sin(x)**2+cos(x)**2-x", "(x-1)**2*x", "sum(v*x**2)"]


@pytest.mark.parametrize(("text", "x"), [*LOST_VALUES, *SOUND])
def test_lost_digits_of_a_value_are_told(text, x):
    """The witness is the certified value: told is what is off by more than 2⁻²⁰, and nothing else."""
    point = {"x": x, **({"v": np.array([1.0, 2.0])} if "v" in text else {})}
    made = calculation(text, point)
    values = np.ravel(made.value(point)[0])
    true = np.ravel(Certified(made).value(point)[0]).astype(np.float64)
    off = ~(np.abs(values - true) <= 2.0**-20 * np.abs(values))
    assert off.any() or (text, x) not in LOST_VALUES
    assert [lost.row for lost in lost_values(made, point, values.tolist())] == np.flatnonzero(off).tolist()


_SECONDS = [*LOST_SECONDS, ("logit(x)", 0.4999999999986588), *((text, 0.7) for text in SOUND_SECONDS)]


@pytest.mark.parametrize(("text", "x", "balls"), [(*case, how) for case in _SECONDS for how in (True, False)])
def test_lost_digits_of_a_hessian_are_told(monkeypatch, text, x, balls):
    """The witness is the certified Hessian, by the entry: told is what is off by more than 2⁻²⁰, and nothing else."""
    if not balls:
        monkeypatch.setattr(module, "_in_balls", lambda *_: None)
    point = {"x": x, **({"v": np.array([2.0, 0.7])} if "v" in text else {})}
    if text.startswith("norm"):
        point = {"v": np.array([2.0, 0.7063327777407302, x]), "x": 1.0}
    made = calculation(text, point)
    rows = np.array(made.hessian(point)[2]).tolist()
    true = np.array(Certified(made).hessian(point)[2], np.float64)
    off = ~(np.abs(rows - true) <= 2.0**-20 * np.abs(rows))
    assert bool(off.any()) == ((text, x) in LOST_SECONDS)
    assert [[lost.row, lost.column] for lost in lost_seconds(made, point, rows)] == np.argwhere(off).tolist()


def test_balls_dismiss_what_is_right_by_chance():
    point = {"x": 0.5}
    made = calculation("sin(x)**2+cos(x)**2", point)
    assert slope_errors(made, point)[0][0] > 0
    assert not lost_digits(made, point, slopes(made, point))


PRODUCTS = [
    (["x-sin(x)", "x"], 1e-9, [1, 0], True),
    (["x-sin(x)", "x"], 1e-9, [1, 1], False),
    (["x", "x"], 3.0, [1, -1], False),
]


@pytest.mark.parametrize(("texts", "x", "v", "lost"), PRODUCTS)
def test_lost_digits_of_a_product_with_the_jacobian_are_told(texts, x, v, lost):
    made = Calculation([parse(text) for text in texts], texts, {"x": ()}, ["x"])
    product = [made.vjp({"x": x}, v)[1]["x"]]
    true = Certified(made).vjp({"x": x}, v)[1]["x"]
    assert (abs(product[0] - true) > 2.0**-20 * abs(product[0])) == lost
    assert bool(lost_in_words("vjp", made, {"x": x}, [product], v)) == lost
    forward = [float(part) for part in made.jvp({"x": x}, [2.0])[1]]
    assert ("x-sin(x)" in lost_in_words("jvp", made, {"x": x}, [forward], [2.0])) == (texts[0] != "x")


@pytest.mark.parametrize("balls", [True, False])
def test_what_a_product_multiplies_up_is_told(monkeypatch, balls):
    if not balls:
        monkeypatch.setattr(module, "_in_balls", lambda *_: None)
    point = {"M": np.array([[-500.0, 1.0], [-0.5, -566.0], [4.0 + 2e-11, -4.0]])}
    made = calculation("prod(sum(M-1e-13,axis=1))", point)
    (exact,) = Certified(made).value(point)
    (value,) = made.value(point)
    assert abs(value - exact) > 2.0**-20 * abs(exact)
    assert lost_values(made, point, [float(value)])


@pytest.mark.parametrize(
    ("text", "x"), [("hinge(1,tanh(x))", 264.678), ("(log(1+x)-x)/x**2", -2.3e-308), ("asin(x)/x-1", 5e-310)]
)
def test_what_bounds_do_not_see_is_told_without_balls(monkeypatch, text, x):
    monkeypatch.setattr(module, "_in_balls", lambda *_: None)
    made = calculation(text, {"x": x})
    (value,) = made.value({"x": x})
    true = float(Certified(made).value({"x": x})[0])
    if abs(value - true) > 2.0**-20 * abs(true):
        assert lost_values(made, {"x": x}, [float(value)])


@given(units=st.integers(-9, 9), off=st.fractions(-4, 4))
def test_a_subnormal_result_may_be_off_by_one_unit(units, off):
    """numerics.md: subnormal results are right to one unit; 2⁻²⁰ of so few units is nothing."""
    unit = Fraction(1, 1 << 1074)
    true = (units + off) * unit
    assert module._near(units * 2.0**-1074, true, true) == (abs(off) <= 1 or units == 0 == true)


@pytest.mark.parametrize("y", [2.6e-199, 1.3e-170, 211.0, 437.0, 690.0])
@pytest.mark.parametrize("function", ["exp", "erf", "atan", "sigmoid", "cos", "cbrt", "log1p"])
@pytest.mark.parametrize("inner", ["2*sin(y)/y", "1.5+cosh(y)-sinh(y)", "1.5+exp(-y)*cosh(y)-exp(-y)*sinh(y)"])
def test_a_slope_of_a_tiny_difference_of_large_numbers_is_right_or_told(inner, function, y):
    made = calculation(f"{function}({inner})", {"y": y})
    slope = float(made.gradient({"y": y})[1]["y"])
    true = float(Certified(made).gradient({"y": y})[1]["y"])
    assert not math.isnan(true)
    if math.isnan(slope) or abs(slope - true) <= 2.0**-20 * abs(true):
        return
    assert lost_digits(made, {"y": y}, [[slope]])


@pytest.mark.parametrize("x", [20.0, 30.0, 40.0, 300.0])
@pytest.mark.parametrize(
    "text",
    [
        "mse([1,0,0],exp([x,0,x]-logsumexp([x,0,x])))",
        "(1-exp(x-logsumexp([x,0,x])))**2+exp(x-logsumexp([x,0,x]))**2",
        "mse([1,0,0],softmax([x,0,x]))",
        "(1-2*exp(x-logsumexp([x,x,0])))**2",
    ],
)
def test_a_slope_of_two_factors_that_both_cancel_is_told(text, x):
    """∂/∂x = 4·(p − ½)·p′ at p = ½, p′ = 0 but for e^−x: each is 0 in doubles, and to first order so is its error."""
    made = calculation(text, {"x": x})
    found = float(made.gradient({"x": x})[1]["x"])
    ((true,),) = slopes(Certified(made), {"x": x})
    assert abs(found - true) <= 2.0**-20 * abs(true) or lost_digits(made, {"x": x}, [[found]])


@pytest.mark.parametrize("kink", ["abs(x)", "relu(x)*y", "floor(x)", "max(x,0)**2"])
@pytest.mark.parametrize(
    ("lost", "slope", "second"),
    [
        ("((1e17+y)-1e17)**2", True, False),
        ("(1e17+y**3)-1e17", False, False),
        ("where((y+1e9)-1e9>0.70000002,y**2,5*y)", True, True),
        ("max([(y+1e9)-1e9,2*y-0.69999998])", True, False),
        ("y-sin(y)", False, False),
    ],
)
def test_digits_that_are_lost_beside_a_kink_are_told(bpcli, kink, lost, slope, second, tmp_path):
    """The note on a kink says nothing on the other slopes."""
    (tmp_path / "points.csv").write_text("x,y\n0,0.7\n1,0.7\n")
    for command, told in (("grad", slope), ("hessian", second)):
        shown = bpcli(command, f"{kink}+{lost}", "--at", "x=0,y=0.7")
        assert ("digits" in shown.err and "lost to rounding" in shown.err) is told, (command, shown.err)
        assert "abs(x)" not in kink or "abs(x) at x = 0 has a kink" in shown.err
    for product in (["--vjp", "1"], ["--jvp", "0,1"], ["--jvp", "1,1"]):
        shown = bpcli("jacobian", f"{kink}+{lost}", "--at", "x=0,y=0.7", *product)
        assert ("lost to rounding" in shown.err) is slope, (product, shown.err)
    shown = bpcli("grad", f"{kink}+{lost}", "--points", str(tmp_path / "points.csv"))
    assert ("lost to rounding" in shown.err) >= slope, shown.err
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        bpcli_module.grad(f"{kink}+{lost}").many({"x": np.array([0.0, 0.0, 1.0]), "y": np.full(3, 0.7)})
    words = [str(one.message) for one in told if issubclass(one.category, LostDigitsWarning)]
    assert bool(words) >= slope
    assert all("kink" not in word for word in words)


def test_a_zero_is_borne_out_by_what_is_no_double_alone():
    for end, said in ((1e-100, False), (1e-200, False), (5e-324, True), (Fraction(1, 10**400), True)):
        assert module._near(0.0, -Fraction(end), Fraction(end)) is said


def test_a_second_derivative_of_three_subnormal_units_that_cancels_is_told():
    point = {"x": 5e-324, "z": -0.74}
    made = calculation("sum([z,x,z])/z+log(z/sum([z,x,z]))-1", point)
    matrix = made.hessian(point)[2]
    assert [(lost.row, lost.column) for lost in lost_seconds(made, point, matrix)] == [(1, 1)]


RIGHT_FAR_OUT = [
    ("sigmoid(x)", -1e4),
    ("3*sigmoid(x)", -1e5),
    ("1/(1+exp(-x))", -1e4),
    ("softmax([x,0])[0]", -2000.0),
    ("softmax([x,1,0])[2]", 3000.0),
    ("mse(1,sigmoid(x))", 4000.0),
    ("tanh(x)", 1e150),
    ("tanh(x)", 1e5),
    ("erf(x)", 1e150),
    ("x/sqrt(x**2+1)", 1e200),
    ("x/hypot(x,1)", -1e250),
    ("norm([x**2,2*x**2])", 1e-170),
    ("softplus(x)*exp(x)", -900.0),
    ("logsumexp([x,0,1])", -3000.0),
    ("exp(x)/(exp(x)+exp(1))", -1e4),
    ("log(1+exp(x))", -800.0),
    ("atan(x)", 1e300),
    ("x**3/(1+x**2)", 1e-150),
]


@pytest.mark.parametrize("kind", ["value", "gradient", "hessian"])
@pytest.mark.parametrize(("text", "x"), RIGHT_FAR_OUT)
def test_without_balls_the_error_bounds_of_decimals_dismiss_what_is_right(monkeypatch, text, x, kind):
    """The witness that it is right is the certified result."""
    point = {"x": x}
    made = calculation(text, point)
    part = {"value": lambda found: found[0], "gradient": lambda found: found[1]["x"], "hessian": lambda found: found[2]}
    rows = [[float(v)] for v in np.ravel(part[kind](getattr(made, kind)(point)))]
    true = np.ravel(part[kind](getattr(Certified(made), kind)(point))).astype(float)
    np.testing.assert_allclose(np.ravel(rows), true, rtol=1e-13)
    monkeypatch.setattr(module, "_in_balls", lambda *_: None)
    assert lost_in_words(kind, made, point, rows) == ""


FADING = [
    ("acosh(1+x**2)", 1.7e-308),
    ("tan(acosh(1+x**2))", -1.9e-308),
    ("1/x-1/sin(x)", 8.9e-235),
    ("(atan(-1e-6/x)+pi/2)*x", 5e-267),
    ("(sqrt(1+x)-1)**2/x", 1e-290),
]


@pytest.mark.parametrize(("text", "x"), FADING)
def test_without_balls_what_450_digits_do_not_tell_from_0_is_not_taken_for_0(monkeypatch, text, x):
    point = {"x": x}
    made = calculation(text, point)
    rows = [[float(v)] for v in made.value(point)]
    (true,) = np.ravel(Certified(made).value(point)[0]).astype(float)
    monkeypatch.setattr(module, "_in_balls", lambda *_: None)
    assert rows == [[pytest.approx(true, rel=2.0**-20, abs=0)]] or lost_in_words("value", made, point, rows)


TURNED_CONSTANTS = [
    "floor((cos(1e-6)-1+1e-12/2)/1e-24)+x",  # 0 of 1/24
    "x*ceil(sin(pi)*1e10)",
    "where((cos(1e-6)-1+1e-12/2)/1e-24>-1, x, 2*x)",
]


@pytest.mark.parametrize("text", TURNED_CONSTANTS)
def test_a_constant_that_rounding_turns_is_told(text):
    made = calculation(text, {"x": 2.5})
    values = [float(v) for v in made.value({"x": 2.5})]
    (true,) = np.ravel(Certified(made).value({"x": 2.5})[0]).astype(float)
    assert values == [pytest.approx(true, rel=2.0**-20)] or lost_values(made, {"x": 2.5}, values)


@pytest.mark.parametrize(
    "text", ["sum(M@v)", "sum(v@transpose(M))", "sum([v,v]@transpose(M))", "sum(M@v)**2", "sum(exp(M@v))"]
)
@pytest.mark.parametrize("small", [1e-9, 1.14e-11, 3e-13])
def test_a_product_with_a_matrix_whose_entries_cancel_is_told(text, small):
    """The witness is the certified gradient, as of values."""
    point = {"M": np.array([[small, 2.0], [1.0, 0.5], [-1.0, 0.25]]), "v": np.array([1e-3, 0.7])}
    text = text.replace("transpose(M)", "M.T")
    made = Calculation([parse(text)], [text], {"M": (3, 2), "v": (2,)}, ["v"])
    slopes = np.ravel(made.gradient(point)[1]["v"])
    true = np.ravel(Certified(made).gradient(point)[1]["v"]).astype(float)
    off = np.flatnonzero(~(np.abs(slopes - true) <= 2.0**-20 * np.abs(slopes))).tolist()
    assert [lost.column for lost in lost_digits(made, point, [slopes.tolist()])] == off


@pytest.mark.parametrize(
    ("text", "slope"),
    [
        ("where(x==0,1,x/(exp(x)-1))", -0.5),
        ("where(x==0,0,1/sin(x)-1/sinh(x))", 1 / 3),
        ("where(x==0,1,sin(x)/x)", 0.0),
        ("where(x==0,1/6,(x-sin(x))/x**3)", 0.0),
        ("where(x==0,1/24,(exp(x)-1-x-x**2/2-x**3/6)/x**4)", 1 / 120),
        ("where(x==0,1/2,(1-cos(x))/x**2)", 0.0),
    ],
)
@pytest.mark.parametrize("balls", [True, False])
def test_a_slope_that_series_have_found_has_its_digits(monkeypatch, text, slope, balls):
    if not balls:
        monkeypatch.setattr("bpcli.calculus.sweeps.lost_digits._in_balls", lambda *_: None)
    made = calculation(text, {"x": 0.0})
    found = made.gradient({"x": 0.0})[1]["x"]
    assert found == pytest.approx(slope, rel=1e-15)
    assert lost_digits(made, {"x": 0.0}, [[found]]) == []


CONSTANTS = [
    "1/inf",
    "exp(-1e400)",
    "floor(0.1*3*10)",
    "ceil(0.1*3*10)",
    "sign(0.1+0.2-0.3)",
    "1e-200*1e-200",
    "max(1/inf, 2)",
]


@pytest.mark.parametrize("text", CONSTANTS)
def test_an_expression_without_variables_may_turn_or_leave_the_range(bpcli, text):
    """It has no column of an input in which to look for a kink."""
    by_python = {"inf": math.inf, "exp": math.exp, "floor": math.floor, "ceil": math.ceil, "max": max}
    by_python["sign"] = lambda v: math.copysign(1, v)
    result = bpcli("eval", text)
    assert result.code == 0
    assert float(result.out) == eval(text, by_python)
    assert "internal error" not in result.err
    assert bpcli("eval", f"{text} + 0*x", "--at", "1").err.replace(f"{text} + 0*x", text) == result.err
