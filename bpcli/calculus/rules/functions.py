"""The table of functions and operators: value, derivative, domain, each written once for every kind of number.

A rule speaks to `xp`, a `Space` (see `spaces`): the table's own functions by their names, and a few primitives
(`where`, `divide`, `power`). What `xp` works on may be floats, arrays, or duals, which is how second derivatives come
out of the same rules. A rule states the textbook's formula; what doubles need besides goes through `xp.careful`, and a
value that is a convention through `xp.agreed`, so that numbers which don't round can do without the former.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from bpcli.formulas import activations, losses
from bpcli.numbers.namespaces import two_sum

Rule = Callable[..., Any]

_HOMOGENEOUS = ("abs", "relu", "hypot", "max", "min")


class Function:
    """A row of the table. `partials[i](xp, out, *args)` is ∂out/∂args[i] entry by entry; `domain` is for the tests.

    `edge(xp, *args)` says whether the slope jumps there or is infinite where the value is not: at a kink, a jump, a
    root at 0. `homogeneous` says that there f(h·t) is h·f(t) for h > 0, so that the slope along t is f(t): |t| of |x|.
    `selects`: an argument whose slope is 0 was not selected, so that its own slope does not matter, not even ∞.
    """

    __slots__ = ("arity", "domain", "edge", "homogeneous", "kind", "name", "partials", "selects", "signature", "value")

    def __init__(
        self,
        name: str,
        arity: tuple[int, int],
        signature: str,
        value: Rule | None = None,
        partials: Sequence[Rule] | Callable[[int], Rule] = (),
        domain: tuple[float, float] = (-math.inf, math.inf),
        kind: str = "elementwise",
        selects: bool = False,
        edge: Rule | None = None,
    ) -> None:
        self.name, self.arity, self.signature = name, arity, signature
        self.value, self.partials, self.domain, self.kind = value, partials, domain, kind
        self.selects, self.edge = selects, edge
        self.homogeneous = name in _HOMOGENEOUS

    def takes_axis(self, arguments: int) -> bool:
        """Whether `axis=` may stand in a call with so many arguments."""
        return self.kind == "reduction" and arguments == 1

    def partial(self, i: int) -> Rule:
        """The rule of ∂out/∂args[i]."""
        return self.partials(i) if callable(self.partials) else self.partials[i]

    def passes(self, i: int) -> bool:
        """Whether derivatives flow through args[i] at all: not those of a comparison, say, however steep they are."""
        return self.partial(i) is not _zero


def _primitive(name: str) -> Rule:
    return lambda xp, *args: getattr(xp.base, name)(*args)


def _unary(
    name: str,
    derivative: Rule,
    low: float = -math.inf,
    high: float = math.inf,
    value: Any = None,
    edge: Rule | None = None,
) -> Function:
    """A function of one argument; `derivative(xp, y, x)` with y the value at x."""
    rule = value if callable(value) else _primitive(value or name)
    return Function(name, (1, 1), f"{name}(x)", rule, (derivative,), (low, high), edge=edge)


def _textbook(formula: Rule, rule: Rule) -> Rule:
    """A slope that is computed by `rule`, and written as `formula`."""
    return lambda xp, *args: (formula if xp.symbolic else rule)(xp, *args)


def _at_zero(xp: Any, x: Any, *others: Any) -> Any:
    return x == 0


def _at_origin(xp: Any, x: Any, y: Any) -> Any:
    return (x == 0) & (y == 0)


def _on_the_cut(xp: Any, y: Any, x: Any) -> Any:
    return (y == 0) & (x <= 0)


def _where_equal(xp: Any, x: Any, y: Any) -> Any:
    return x == y


def _at_whole(xp: Any, x: Any) -> Any:
    return x == xp.floor(x)


def _at_one(xp: Any, x: Any) -> Any:
    return abs(x) == 1


def _at_ties(xp: Any, x: Any, *others: Any) -> Any:
    tie: Any = False
    args = (x, *others)
    for i, a in enumerate(args):
        for b in args[i + 1 :]:
            tie = tie | (a == b)
    return tie


def _zero(xp: Any, y: Any, *args: Any) -> Any:
    """A slope that is 0 wherever there is one: the argument is no path for derivatives, see `Function.passes`."""
    return 0.0


def _derf(xp: Any, y: Any, x: Any) -> Any:
    """2/√π·e^{−x²}; the rounding error of x² is carried into the exponential, which would magnify it."""
    factor = 2.0 / xp.sqrt(xp.pi)
    plain = factor * xp.exp(-(x * x))

    def careful() -> Any:
        square, error = xp.two_product(x, x)
        e = xp.exp(-square)
        return factor * (e - e * error)

    return xp.careful(plain, (abs(x) > 1.0) & (abs(x) < 30.0), careful)


def _one_less_square(xp: Any, x: Any) -> Any:
    """1 − x²; as (1 − x)(1 + x) where that cancels, but not near 0, where the tangent −2x of that would."""
    return xp.careful(1.0 - x * x, abs(x) > 0.5, lambda: (1.0 - x) * (1.0 + x))


def _datan(xp: Any, y: Any, x: Any) -> Any:
    """1/(1 + x²); far out 1/x², whose square does not overflow."""
    return xp.careful(xp.divide(1.0, 1.0 + x * x), abs(x) > 1e150, lambda: xp.divide(1.0, x) * xp.divide(1.0, x))


def _dhypot(i: int) -> Rule:
    """(x, y)/r, and 0 at the origin; where r overflowed or is subnormal, of x and y times a power of two."""

    def partial(xp: Any, r: Any, x: Any, y: Any) -> Any:
        def careful() -> Any:
            k = xp.where(r < 1.0, 2.0**600, 0.25)
            return xp.divide(k * (x, y)[i], xp.hypot(k * x, k * y))

        if xp.dual:
            return xp.elementwise(OPERATORS["cosine"], (x, y) if i == 0 else (y, x))
        return xp.agreed(xp.careful(xp.divide((x, y)[i], r), (r < 1e-290) | (r > 1e308), careful), r == 0, 0.0)

    return partial


def _dcosine_dx(xp: Any, c: Any, x: Any, y: Any) -> Any:
    """y²/r³, of which r²/r³ − x²/r³ would leave no digit where y is small."""
    r = xp.hypot(x, y)
    s = xp.divide(y, r)
    return xp.agreed(xp.divide(s * s, r), r == 0, 0.0)


def _dcosine_dy(xp: Any, c: Any, x: Any, y: Any) -> Any:
    """−xy/r³."""
    r = xp.hypot(x, y)
    return xp.agreed(-xp.divide(xp.divide(x, r) * xp.divide(y, r), r), r == 0, 0.0)


def _datan2(i: int) -> Rule:
    """∂/∂y = x/(x² + y²), ∂/∂x = −y/(x² + y²), where the squares would over- or underflow divided by r twice."""

    def partial(xp: Any, out: Any, y: Any, x: Any) -> Any:
        square = x * x + y * y

        def careful() -> Any:
            k = xp.where(square < 1.0, 2.0**400, 0.25)
            r = xp.hypot(k * x, k * y)
            return xp.divide(xp.divide(k * (x, -y)[i], r), r) * k

        return xp.careful(xp.divide((x, -y)[i], square), (square < 1e-290) | (square > 1e290), careful)

    return partial


def power_constant(xp: Any, x: Any, c: float) -> Any:
    """x**c for a number c; small whole powers as products, which are fast and right to the last digit."""
    if c == 2.0:
        return x * x
    if c == 3.0:
        return x * x * x
    if c == 4.0:
        return (x * x) * (x * x)
    if c == 1.0:
        return x
    if c == 0.0:
        return xp.ones_like(x)
    if c == -1.0:
        return xp.divide(1.0, x)
    return xp.power(x, xp.constant(c))


def lowered_power(xp: Any, x: Any, y: Any) -> Any:
    """x**(y − 1); the rounding error of y − 1 is carried along, which a power of a tiny or huge x would magnify."""
    plain = xp.power(x, y - 1.0)
    error = two_sum(y, -1.0)[1]

    def careful() -> Any:
        correction = error * xp.log(abs(x))
        better = xp.where((error == 0) | (plain == 0) | (abs(plain) == math.inf), plain, plain + plain * correction)
        # A whole y too large for y − 1 is even, and y − 1 has been rounded from an odd number to an even one.
        return xp.where((error != 0) & (x < 0) & (abs(y) > 1.0), -better, better)

    return xp.careful(plain, error != 0, careful)


def times_lowered(xp: Any, lowered: Any, x: Any, y: Any) -> Any:
    """y·x**(y − 1) from lowered = x**(y − 1); in two halves x**(y/2) where that alone is subnormal or overflows."""

    def careful() -> Any:
        half = xp.power(abs(x), 0.5 * y)
        return xp.where(lowered < 0, -1.0, 1.0) * (xp.divide(y * half, abs(x)) * half)

    size = abs(lowered)
    return xp.careful(y * lowered, ((size < _SMALLEST) | (size == math.inf)) & (x != 0), careful)


def _dpower_dx(xp: Any, out: Any, x: Any, y: Any) -> Any:
    slope = xp.agreed(times_lowered(xp, lowered_power(xp, x, y), x, y), y == 0, 0.0)
    return xp.agreed(slope, out != out, math.nan)


def _dpower_dy(xp: Any, out: Any, x: Any, y: Any) -> Any:
    def careful() -> Any:
        half = xp.power(x, 0.5 * y)  # a subnormal x**y has lost its digits
        return half * xp.log(x) * half

    slope = xp.careful(out * xp.log(x), abs(out) < _SMALLEST, careful)
    # 0**y is 0 for every y > 0 about, so its slope in y is 0, where 0·log 0 would be NaN.
    return xp.agreed(slope, (x == 0) & (y > 0), 0.0)


def _dsigmoid_bce_dz(xp: Any, out: Any, y: Any, z: Any) -> Any:
    """σ(z) − y; the tangents σ(z)σ(−z) and −1 of duals don't cancel, so that the plain form serves."""
    return (1.0 - y) * xp.sigmoid(z) - y * xp.sigmoid(-z) if xp.dual else losses.dsigmoid_bce_term_dz(y, z)


def _extremes(largest: bool) -> tuple[Rule, Callable[[int], Rule]]:
    """max or min of several arguments; where some are equal they share the slope evenly."""

    def value(xp: Any, *args: Any) -> Any:
        result = args[0]
        for arg in args[1:]:
            result = xp.maximum(result, arg) if largest else xp.minimum(result, arg)
        return result

    def partial(i: int) -> Rule:
        def rule(xp: Any, out: Any, *args: Any) -> Any:
            if xp.symbolic and len(args) == 2:
                x, y = (args[i], args[1 - i]) if largest else (args[1 - i], args[i])
                return xp.where(x > y, 1.0, xp.where(x < y, 0.0, 0.5))
            ties = 0.0
            for arg in args:
                ties = ties + xp.where(arg == out, 1.0, 0.0)
            return xp.divide(xp.where(args[i] == out, 1.0, 0.0), ties)

        return rule

    return value, partial


def _loss(name: str, term: Rule, dy: Rule, dy_hat: Rule, written: Rule | None = None) -> Function:
    """The term of a loss, differentiated by labels and predictions."""
    slope = _textbook(written, lambda xp, out, y, p: dy_hat(y, p)) if written else lambda xp, out, y, p: dy_hat(y, p)
    return Function(name, (2, 2), "", lambda xp, y, p: term(y, p), (dy, slope))


_MAX, _DMAX = _extremes(True)
_MIN, _DMIN = _extremes(False)
_SMALLEST = 2.0**-1022  # of the doubles with all their digits

OPERATORS: dict[str, Function] = {
    row.name: row
    for row in [
        Function("+", (2, 2), "x+y", lambda xp, x, y: x + y, (lambda xp, o, x, y: 1.0, lambda xp, o, x, y: 1.0)),
        Function("-", (2, 2), "x-y", lambda xp, x, y: x - y, (lambda xp, o, x, y: 1.0, lambda xp, o, x, y: -1.0)),
        Function("*", (2, 2), "x*y", lambda xp, x, y: x * y, (lambda xp, o, x, y: y, lambda xp, o, x, y: x)),
        Function(
            "/",
            (2, 2),
            "x/y",
            lambda xp, x, y: xp.divide(x, y),
            (lambda xp, o, x, y: xp.divide(1.0, y), lambda xp, o, x, y: -xp.divide(o, y)),
        ),
        Function("**", (2, 2), "x**y", lambda xp, x, y: xp.power(x, y), (_dpower_dx, _dpower_dy), edge=_at_zero),
        Function("negative", (1, 1), "-x", lambda xp, x: -x, (lambda xp, o, x: -1.0,)),
        Function("<", (2, 2), "x<y", lambda xp, x, y: xp.where(x < y, 1.0, 0.0), (_zero, _zero), edge=_where_equal),
        Function("<=", (2, 2), "x<=y", lambda xp, x, y: xp.where(x <= y, 1.0, 0.0), (_zero, _zero), edge=_where_equal),
        Function(">", (2, 2), "x>y", lambda xp, x, y: xp.where(x > y, 1.0, 0.0), (_zero, _zero), edge=_where_equal),
        Function(">=", (2, 2), "x>=y", lambda xp, x, y: xp.where(x >= y, 1.0, 0.0), (_zero, _zero), edge=_where_equal),
        Function("==", (2, 2), "x==y", lambda xp, x, y: xp.where(x == y, 1.0, 0.0), (_zero, _zero), edge=_where_equal),
        Function("!=", (2, 2), "x!=y", lambda xp, x, y: xp.where(x != y, 1.0, 0.0), (_zero, _zero), edge=_where_equal),
        _loss("mse_term", losses.mse_term, lambda xp, o, y, p: 2.0 * (y - p), losses.dmse_term_dyhat),
        _loss(
            "bce_term",
            losses.bce_term,
            lambda xp, o, y, p: -xp.logit(p),
            losses.dbce_term_dyhat,
            lambda xp, o, y, p: xp.divide(p - y, p * (1.0 - p)),
        ),
        _loss(
            "cce_term",
            losses.cce_term,
            lambda xp, o, y, p: -xp.log(p),
            losses.dcce_term_dyhat,
            lambda xp, o, y, p: -xp.divide(y, p),
        ),
        Function(
            "log_cce_term",
            (2, 2),
            "",
            lambda xp, y, log_p: xp.where(y == 0, 0.0, -y * log_p),
            (lambda xp, o, y, log_p: -log_p, lambda xp, o, y, log_p: -y),
        ),
        Function(
            "sigmoid_bce_term",
            (2, 2),
            "",
            lambda xp, y, z: losses.sigmoid_bce_term(y, z),
            (
                lambda xp, o, y, z: -z,
                _dsigmoid_bce_dz,
            ),
        ),
        Function(
            "sech_squared",  # the slope of tanh
            (1, 1),
            "1-tanh(x)**2",
            lambda xp, x: activations.dtanh_dz(x),
            (lambda xp, out, x: -2.0 * out * xp.tanh(x),),
        ),
        Function(
            "cosine",  # the slope of hypot, whose own slopes are these
            (2, 2),
            "x/hypot(x,y)",
            lambda xp, x, y: _dhypot(0)(xp, xp.hypot(x, y), x, y),
            (_dcosine_dx, _dcosine_dy),
        ),
    ]
}
"""The operators, the terms of which the losses are sums, and what `recognise` finds in composites."""

FUNCTIONS: dict[str, Function] = {
    row.name: row
    for row in [
        _unary("abs", lambda xp, y, x: xp.sign(x), edge=_at_zero),
        _unary("sign", _zero, edge=_at_zero),
        _unary("sqrt", lambda xp, y, x: xp.divide(0.5, y), 0.0, edge=_at_zero),
        _unary(
            "cbrt",
            _textbook(
                lambda xp, y, x: xp.divide(1.0, 3.0 * xp.power(y, 2.0)),
                lambda xp, y, x: xp.agreed(xp.divide(y, x) / 3.0, x == 0, math.inf),
            ),
            edge=_at_zero,
        ),
        _unary("exp", lambda xp, y, x: y),
        _unary("exp2", lambda xp, y, x: y * xp.log(2.0)),
        _unary("expm1", lambda xp, y, x: xp.exp(x)),
        _unary("log", lambda xp, y, x: xp.agreed(xp.divide(1.0, x), x < 0, math.nan), 0.0),
        _unary("log2", lambda xp, y, x: xp.agreed(xp.divide(1.0 / xp.log(2.0), x), x < 0, math.nan), 0.0),
        _unary("log10", lambda xp, y, x: xp.agreed(xp.divide(1.0 / xp.log(10.0), x), x < 0, math.nan), 0.0),
        _unary("log1p", lambda xp, y, x: xp.agreed(xp.divide(1.0, 1.0 + x), x < -1, math.nan), -1.0),
        _unary("sin", lambda xp, y, x: xp.cos(x)),
        _unary("cos", lambda xp, y, x: -xp.sin(x)),
        _unary("tan", lambda xp, y, x: xp.divide(1.0, xp.cos(x) * xp.cos(x))),
        _unary("asin", lambda xp, y, x: xp.divide(1.0, xp.sqrt(_one_less_square(xp, x))), -1.0, 1.0, "arcsin", _at_one),
        _unary(
            "acos", lambda xp, y, x: -xp.divide(1.0, xp.sqrt(_one_less_square(xp, x))), -1.0, 1.0, "arccos", _at_one
        ),
        _unary("atan", _datan, value="arctan"),
        Function("atan2", (2, 2), "atan2(y, x)", _primitive("arctan2"), (_datan2(0), _datan2(1)), edge=_on_the_cut),
        _unary("sinh", lambda xp, y, x: xp.cosh(x)),
        _unary("cosh", lambda xp, y, x: xp.sinh(x)),
        _unary("tanh", _textbook(lambda xp, a, z: (1.0 + a) * (1.0 - a), lambda xp, y, x: activations.dtanh_dz(x))),
        _unary("asinh", lambda xp, y, x: xp.divide(1.0, xp.hypot(1.0, x)), value="arcsinh"),
        _unary(
            "acosh",
            lambda xp, y, x: xp.divide(1.0, xp.sqrt(x - 1.0) * xp.sqrt(x + 1.0)),
            1.0,
            value="arccosh",
        ),
        _unary(
            "atanh",
            lambda xp, y, x: xp.agreed(xp.divide(1.0, _one_less_square(xp, x)), abs(x) > 1, math.nan),
            -1.0,
            1.0,
            "arctanh",
        ),
        Function("hypot", (2, 2), "hypot(x, y)", _primitive("hypot"), (_dhypot(0), _dhypot(1)), edge=_at_origin),
        _unary("erf", _derf),
        _unary("floor", _zero, edge=_at_whole),
        _unary("ceil", _zero, edge=_at_whole),
        Function(
            "min",
            (1, 100),
            "min(x) over all entries, min(x, axis=0), or min(x, y, …)",
            _MIN,
            _DMIN,
            kind="reduction",
            selects=True,
            edge=_at_ties,
        ),
        Function(
            "max",
            (1, 100),
            "max(x) over all entries, max(x, axis=0), or max(x, y, …)",
            _MAX,
            _DMAX,
            kind="reduction",
            selects=True,
            edge=_at_ties,
        ),
        Function(
            "where",
            (3, 3),
            "where(condition, x, y)",
            lambda xp, c, x, y: xp.where(c != 0, x, y),
            (
                _zero,
                lambda xp, o, c, x, y: xp.where(c != 0, 1.0, 0.0),
                lambda xp, o, c, x, y: xp.where(c != 0, 0.0, 1.0),
            ),
            kind="select",
            selects=True,
        ),
        Function("clip", (3, 3), "clip(x, low, high)", kind="macro"),
        _unary(
            "sigmoid",
            _textbook(lambda xp, a, z: a * (1.0 - a), lambda xp, y, z: activations.dsigmoid_dz(z)),
            value=lambda xp, z: activations.sigmoid(z),
        ),
        _unary(
            "logit",
            lambda xp, y, p: xp.agreed(activations.dlogit_dp(p), (p < 0) | (p > 1), math.nan),
            0.0,
            1.0,
            lambda xp, p: activations.logit(p),
        ),
        Function(
            "relu",
            (1, 1),
            "relu(z)",
            lambda xp, z: activations.relu(z),
            (_textbook(lambda xp, a, z: xp.where(z >= 0.0, 1.0, 0.0), lambda xp, y, z: activations.drelu_dz(z)),),
            selects=True,
            edge=_at_zero,
        ),
        _unary("softplus", lambda xp, y, z: xp.sigmoid(z), value=lambda xp, z: activations.softplus(z)),
        Function("sum", (1, 1), "sum(x) or sum(x, axis=0)", kind="reduction"),
        Function("mean", (1, 1), "mean(x) or mean(x, axis=0)", kind="reduction"),
        Function("prod", (1, 1), "prod(x) or prod(x, axis=0)", kind="reduction"),
        Function("norm", (1, 1), "norm(x) or norm(x, axis=0)", kind="reduction"),
        Function("dot", (2, 2), "dot(u, v)", kind="macro"),
        Function("logsumexp", (1, 1), "logsumexp(x) or logsumexp(x, axis=0)", kind="reduction"),
        Function("softmax", (1, 1), "softmax(l), a row at a time, or softmax(l, axis=0)", kind="reduction"),
        Function("log_softmax", (1, 1), "log_softmax(l), a row at a time, or log_softmax(l, axis=0)", kind="reduction"),
        Function("mse", (2, 2), "mse(y, yhat)", kind="macro"),
        Function("bce", (2, 2), "bce(y, yhat)", kind="macro"),
        Function("cce", (2, 2), "cce(y, yhat)", kind="macro"),
    ]
}
"""The functions by name; the parser, the evaluation, the derivatives, the messages and the tests read this table."""

ALIASES = {
    "ln": "log",
    "lg": "log10",
    "lb": "log2",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "sgn": "sign",
    "logistic": "sigmoid",
    "expit": "sigmoid",
    "average": "mean",
    "product": "prod",
    "tg": "tan",
    "fabs": "abs",
    "maximum": "max",
    "minimum": "min",
}
"""What other languages call a function of the table, for the advice in errors."""

CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf}
