"""The fuzzer's evaluator beside mpmath, and the program beside the evaluator."""

import itertools
import math

import mpmath
import pytest

from bpcli.calculus.rules.functions import FUNCTIONS
from tests.fuzz.drawing import ELEMENTWISE, Drawing
from tests.fuzz.expressions import Comparison, Finding, Question, explore
from tests.fuzz.jets import truth, wrong
from tests.fuzz.limits import kink, limits

FORMULAS = [
    ("x*exp(-x)", lambda x: x * mpmath.exp(-x), 0.7),
    ("log(1+x)-x", lambda x: mpmath.log(1 + x) - x, 1e-9),
    ("sigmoid(x)*tanh(x)", lambda x: mpmath.tanh(x) / (1 + mpmath.exp(-x)), -1.3),
    ("atan2(x,2)*hypot(x,1)", lambda x: mpmath.atan2(x, 2) * mpmath.hypot(x, 1), 0.4),
    ("x**2.5/cbrt(x)", lambda x: x ** mpmath.mpf(2.5) / mpmath.cbrt(x), 3.0),
    ("asinh(x)+erf(x)*acosh(x)", lambda x: mpmath.asinh(x) + mpmath.erf(x) * mpmath.acosh(x), 1.5),
    ("sqrt(1+x**2)-1", lambda x: mpmath.sqrt(1 + x**2) - 1, 0.0),
    ("softplus(x)-log2(x)", lambda x: mpmath.log(1 + mpmath.exp(x)) - mpmath.log(x, 2), 2.0),
]
FOUND = [
    ("mse(1,sigmoid(x))", {"x": 40.0}),
    ("huber(1,sigmoid(x))", {"x": 291.7471387237873}),
    ("mse(y,sigmoid(x))", {"x": 50.0, "y": 1.0}),
    ("mse(u,sigmoid(v))", {"u": [1.0, 0.0, 1.0], "v": [50.0, -60.0, 36.7]}),
    ("mse(1,tanh(x))", {"x": 30.0}),
    ("1-tanh(x)", {"x": 30.0}),
    ("tanh(x)+1", {"x": -30.0}),
    ("(1-tanh(x))*(1+tanh(x))", {"x": 25.0}),
    ("sigmoid(x)-1", {"x": 50.0}),
    ("1-exp(x)/(exp(x)+exp(y)+exp(z))", {"x": 100.0, "y": 1.0, "z": 2.0}),
    ("x-sin(x)", {"x": 1.5585774169069938e-94}),
    ("(x-sin(x))/x**3", {"x": 1.4215633475388342e-07}),
    ("(z+y)-z", {"y": -4.2141218051345703e99, "z": 1.2513467190540551e307}),
    ("mse(0,(x-y)*(x+y))", {"x": 2.0, "y": 8.84559601218163e-295}),
    ("norm(u)**2", {"u": [2.0, 0.7063327777407302, -3.440177616232791e21]}),
    ("dot(u,u)/(norm(u)*norm(u))", {"u": [-0.09182010386086414, -1.0000000000116036, 0.72]}),
    ("((1-cos(x))/x**2-sin((1-cos(x))/x**2))/((1-cos(x))/x**2)**3", {"x": 5.359815555300688e295}),
    ("(x**z)-sin(x**z)", {"x": 0.9567598969335843, "z": -5504349.594369516}),
    ("asin(z)/z", {"z": 4.1458556485642364e-191}),
    ("where(x==0,1,sin(x)/x)", {"x": -5e-324}),
    ("hinge(1,tanh((exp(-x))))", {"x": -5.465255085567974}),
    ("floor(where(x==0,1,sin(x)/x))", {"x": 1.7291242957524046e-12}),
    ("(exp(x)-1)/x", {"x": -0.00027681909364799147}),
    ("(sqrt(1+x)-1)/x", {"x": 0.0007091174368056268}),
    ("bce(u,sigmoid(u))", {"u": [-7.072747722111129, 4.065972866016267e-05, -0.88]}),
    ("log(1-sigmoid(mse(0,where(x==1,-0.5,(log(x)-x+1)/(x-1)**2))))", {"x": 1.1931614901874373e-308}),
    ("(x-tanh(x))/x**3", {"x": 0.0}),
    ("(x-tanh(x))/x**3", {"x": 1.7110822546505712e-11}),
    ("bce(1,x)", {"x": 0.9999999999999999}),
    ("bce(y,x)", {"x": 1e-12, "y": 1e-20}),
    ("tan(floor(x))", {"x": 3.3701911015551087e65}),
    ("poisson(-1,(x/y))", {"x": -109.07853938619095, "y": -7.640897484730386e-11}),
    ("cce(softmax(v),softmax(v))", {"v": [38.325832124532155, -0.706898394223327, 1.5036976061352882e-144]}),
    (
        "u@(M@u)/(u@u)",
        {
            "M": [[-1.9e-272, 0.0, -math.inf], [-1.0573e-320, -0.25, -682.8], [792.0, -2.0158647020955564e297, -5e256]],
            "u": [0.64, -4.948598046778073e-309, 3.576211162909916e151],
        },
    ),
    ("1+1/((exp(x)-1-x-x**2/2-x**3/6)/x**4)", {"x": -3.403758714241675e-08}),
    ("min(5e-324,x)", {"x": 5e-324}),
    ("acosh(log(exp(x)-exp(x)))", {"x": 1e-320}),
    (
        "min(tan(u-v))",
        {
            "u": [-0.08, 18122019621.606903, -479.14155753325133],
            "v": [1.869454566599593e-17, 0.0, 5.966197577442824e245],
        },
    ),
    ("2*mse([1,0,0],exp([x,0,x]-logsumexp([x,0,x])))", {"x": 40.0}),
    ("max([(x+1e9)-1e9,2*x-0.69999998])", {"x": 0.7}),
    ("sum(atan2(v,u))", {"u": [-5.8e-277, math.inf, 0.35], "v": [-2.9029336875884006e170, 5.0, 4.13437627e256]}),
    (
        "where(((1-exp(-2*y))/(1+exp(-2*y)))>y,max(v),exp(-exp(x)))",
        {"v": [1e-320, -2.2250738585072014e-308, -1e-320], "x": 2.2250738585072014e-308, "y": -1e-320},
    ),
]
"""What the long runs found, and what is told or right since then."""


FOUND_IN_CERTIFICATES_AND_CHECKS = [
    ("y/x", {"x": 9.047576438782283e-309, "y": -2.5121052991108887e130}),
    ("sqrt(abs(log(y/x)))", {"x": -3.07698278095078e-309, "y": -2.2250738585072014e-308}),
    ("logit(x)", {"x": 7.000791978972844e-309}),
    ("abs(1e-300-x)/(abs(1e-300)+abs(x))+(x+1)", {"x": 0.0}),
    ("2.00000000000000000001*sigmoid(x)-1", {"x": 1e-20}),
    ("exp(u[0])/sum([0,1,1]*exp(u))", {"u": [1.0, 2.0, 3.0]}),
    ("atan(1/x)", {"x": 0.0}),
    ("log_softmax([x,0])[0]+x*abs(x)", {"x": 0.0}),
    (
        "ceil(min(v)-mean(u))",
        {"u": [4.677837447708597e302, -4.5e-309, -14769350268.3], "v": [2.2e-308, -5e-324, 1e-320]},
    ),
    ("sin(sum(mean(M,axis=0)**2)**2.5)/sum(mean(M,axis=0)**2)**2.5", {"M": [[-2.0, 1e-121], [4e285, -0.86]]}),
    ("abs(0.5*sum([[x,z],[z,x]]@[x,x])*(1+erf(sum([[x,z],[z,x]]@[x,x])/sqrt(2))))", {"x": 0.0, "z": 0.0}),
    ("-(1-sigmoid(-log(softmax(1e300-u)[0])))**2*log(sigmoid(-log(softmax(1e300-u)[0])))", {"u": [0.5, -1.0, -0.001]}),
    ("abs(x*(x+z))", {"x": 0.0, "z": 0.0}),
    ("sinh(huber(sinh(z),log10(x),1e-8))", {"x": 0.0, "z": -0.9999542789542053}),
    ("x**z", {"x": 2.0, "z": 0.0}),
    ("bce(u,sigmoid(v))", {"u": [-5.0, 3.0, 0.0], "v": [-5.0, 2.0, 1.0]}),
    ("cos(sqrt(x+1)-sqrt(x))", {"x": 6.630665948702003e141}),
    ("where(x==0,1/120,(sin(x)-x+x**3/6)/x**5)", {"x": 0.0}),
    ("where(x==0,1/24,(exp(x)-1-x-x**2/2-x**3/6)/x**4)", {"x": 0.0}),
    ("where(x==0,0,x*sin(1/x))", {"x": 0.0}),
    ("z**0", {"z": -math.inf}),
    ("bce(0,x)", {"x": 0.0}),
    ("bce(1,x)", {"x": 1.0}),
    ("atan2(y,x)", {"x": 1.7848440428390114e-273, "y": 0.0}),
    ("log(exp(x)+exp(x))/floor(x**-1e308)", {"x": -0.849638284236072}),
    ("asin(z/hypot(z,x))*where(z==x,y,x)", {"x": 5.0, "y": 5.0, "z": 5.0}),
    ("where(z==x,y,x)*sum(u)+x**2*abs(x)", {"x": 0.0, "y": 0.0, "z": 0.0, "u": [1.0, 2.0, 3.0]}),
    ("norm(u)/max(abs(u))", {"u": [-5.0, -5.0, -5.0]}),
    ("log10(x)*((exp(x)-1-x-x**2/2-x**3/6)/x**4)", {"x": 5e-324}),
    ("asin(max(v)/1e-300/1e300)", {"v": [-0.9999999999999999, -28020497142.856503, -290.5762965756958]}),
    ("where(z==x,y,x)", {"x": 5e-324, "y": 2.2250738585072014e-308, "z": 5e-324}),
    ("log(softmax([x,x,y])[1]*(1-softmax([x,x,y])[1]))", {"x": 1.0, "y": -1.0}),
]
"""The same, of what was said to be proven or to agree."""


@pytest.mark.parametrize(("text", "function", "x"), FORMULAS)
def test_the_evaluator_is_right(text, function, x):
    true = truth(text, {"x": x}, ["x"])
    with mpmath.workdps(60):
        for order, found in enumerate((true.value, true.gradient, true.hessian)):
            assert not wrong(float(mpmath.diff(function, mpmath.mpf(x), order)), found[0], 45)


@pytest.mark.parametrize(("text", "inputs"), FOUND)
def test_what_was_found_stays_mended(text, inputs):
    assert list(Comparison().findings([Question(text, inputs)])) == []


@pytest.mark.parametrize(("text", "inputs"), FOUND_IN_CERTIFICATES_AND_CHECKS)
def test_what_was_proven_or_agreed_is_so(text, inputs):
    assert list(Comparison().findings([Question(text, inputs)], thorough=True)) == []


FUNCTIONS_AND_POWERS = [*(f"{name}({{}})" for name in sorted(ELEMENTWISE)), "({})**2", "({})**2.5", "1/({})"]


@pytest.mark.parametrize("function", FUNCTIONS_AND_POWERS)
def test_where_a_comparison_hangs_on_a_subnormal_digit_that_is_told(function):
    """tanh(−1e-320) > −1e-320, of which doubles know nothing; on arrays no underflow is signalled."""
    for y in (-1e-320, 1e-320, -2.2e-308):
        inputs = {"v": [1.0, 2.0], "y": y}
        for text in (f"sum(where({function.format('y')}>y,v,v**2))", f"sum(where({function.format('y')}<y,v,v**2))"):
            assert list(Comparison().findings([Question(text, inputs)])) == []


@pytest.mark.parametrize("function", FUNCTIONS_AND_POWERS)
def test_a_ball_about_infinity_ends_neither_the_witness_nor_the_program(function):
    text = function.format("x*(y-sqrt(y**2-1))")  # ∞ times what is not known to be above 0
    inputs = {"x": math.inf, "y": 6.165020659378191e36}
    assert list(Comparison().findings([Question(text, inputs)], thorough=True)) == []


def test_every_function_of_the_language_is_drawn():
    drawn = " ".join(question.text for seed in range(3) for question in _drawn(seed))
    names = {name for name in FUNCTIONS if f"{name}(" not in drawn}
    assert names == set()


def _drawn(seed):
    drawing = Drawing(seed)
    return [drawing.question() for _ in range(1500)]


@pytest.mark.parametrize(
    ("text", "x", "gradient", "hessian"),
    [
        ("where(x==0,1/6,(x-sin(x))/x**3)", 0.0, 0, -1 / 60),
        ("where(x==0,1,sin(x)/x)", 0.0, 0, -1 / 3),
        ("where(x==0,1/24,(exp(x)-1-x-x**2/2-x**3/6)/x**4)", 0.0, 1 / 120, 1 / 360),
        ("where(x==1,-0.5,(log(x)-x+1)/(x-1)**2)", 1.0, 1 / 3, -1 / 2),
        ("x**3*abs(x)", 0.0, 0, 0),
        ("abs(x)", 0.0, None, None),
    ],
)
def test_limits_are_the_derivatives(text, x, gradient, hessian):
    value = truth(text, {"x": x}, ["x"]).value[0]
    found = limits(text, {"x": x}, ["x"], value)
    for (entry,), true in zip(found, (gradient, hessian), strict=False) if found.hessian else []:
        assert not wrong(true, entry, 45)
    assert (found.hessian is None) == (hessian is None)


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        *(("abs(x)", (-1, 1)), ("relu(x)-x", (-1, 0)), ("x**2", None), ("where(x==0,0,x**2*sin(1/x))", None)),
        ("hypot(1e-300**9,abs(x))", None),
    ],
)
def test_kinks_are_seen(text, sides):
    assert kink(Question(text, {"x": 0.0}), truth(text, {"x": 0.0}, ["x"])) == sides


SPECIAL = [0.0, 1.0, -1.0, 0.5, -2.0, math.inf, -math.inf, 5e-324, -1e308, math.nextafter(1, 2), math.nextafter(1, 0)]
OF_TWO = [
    *("x**z", "x/z", "x*abs(z)", "x*log(z)", "atan2(x,z)", "hypot(x,z)", "max(x,z)", "where(x>z,x,z)", "clip(x,-z,z)"),
    *("mse(x,z)", "bce(x,z)", "bce(x,sigmoid(z))", "poisson(x,z)", "hinge(x,z)", "huber(x,z)", "cce(x,z)"),
    *("logsumexp([x,z])", "softmax([x,z])[0]", "norm([x,z])", "prod([x,z])", "elu(x,z)", "leaky_relu(x,z)"),
]


@pytest.mark.slow
@pytest.mark.parametrize("text", [*(f"{name}(x)" for name in ELEMENTWISE), *OF_TWO])
def test_at_special_points_all_that_is_said_is_so(text):
    points = itertools.product(SPECIAL[:5], SPECIAL[:5]) if "z" in text else [(x,) for x in SPECIAL]
    questions = [Question(text, dict(zip("xz", point, strict=False))) for point in points]
    assert list(Comparison().findings(questions, certify=True)) == []


def test_a_wrong_digit_is_seen():
    true = truth("x**3", {"x": 2.0}, ["x"])
    assert wrong(12.0001, true.gradient[0], 20)
    assert not wrong(12.000001, true.gradient[0], 20)


def test_a_short_run_finds_nothing():
    findings = [found for found in explore(seed=12, expressions=60) if isinstance(found, Finding)]
    assert findings == []


def test_what_falls_with_the_distance_may_be_less_and_not_0():
    text, u = "cce(softmax(u),softmax(u))", [-1.0, -1.0, -499.5]
    value = truth(text, {"u": u}, ["u"]).value[0]
    found = limits(text, {"u": u}, ["u"], value).gradient[0]
    # H = −Σ pᵢ log pᵢ at (½, ½, ε): ∂H/∂u₀ = −p₀(log p₀ + H) = −½ε(log ½ − log ε) to first order, ε = e^−498.5/2.
    eps = math.exp(-498.5) / 2
    true = -0.5 * eps * (math.log(0.5) - math.log(eps))
    assert not wrong(true, found, 20)
