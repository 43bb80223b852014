"""The fuzzer's own evaluator: value, gradient and Hessian of an expression in balls, sharing nothing with the program.

The text is read by Python's parser, the rules are written here once more, and the numbers are `arb`s of python-flint.
Its precision rises until every entry is known to 2⁻⁴⁰ of itself.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from flint import arb, ctx

_PRECISIONS = (128, 512, 2048, 5000)
_ENOUGH = 40  # bits of each entry
_NOTHING = arb(2) ** -1200  # what is proven to be smaller is 0 in doubles


class UndecidedError(Exception):
    """The balls do not say which way to go, or the expression has no value there."""


class Jet:
    """A number with its gradient g and its Hessian h; both None where it has no derivative, as at a kink.

    A ball about ∞ with an infinite radius, of which arb's powers overflow the stack, becomes one about 0.
    """

    __slots__ = ("g", "h", "v")

    def __init__(self, v: arb, g: Any, h: Any) -> None:
        known = v.is_finite() or v.is_exact() or v.is_nan()
        self.v, self.g, self.h = v if known else arb(0, "inf"), g, h

    def is_constant(self) -> bool:
        """Whether both its derivatives are 0 for certain; `bool` of a ball is always true."""
        return all(slope == 0 for slope in self.g) and all(slope == 0 for slope in self.h.flat)

    def map(self, v: arb, d: arb, dd: arb) -> Jet:
        """f(self) of which v, d, dd are value and derivatives: g = f′·g, h = f′·h + f″·gᵀg."""
        if self.g is None:
            return Jet(v, None, None)
        if self.is_constant():  # of whatever slope
            return Jet(v, self.g, self.h)
        return Jet(v, d * self.g, d * self.h + dd * np.outer(self.g, self.g))

    def __neg__(self) -> Jet:
        return self.map(-self.v, arb(-1), arb(0))

    def __add__(self, other: Jet) -> Jet:
        if isinstance(other, np.ndarray):
            return NotImplemented  # entry by entry
        if self.g is None or other.g is None:
            return Jet(self.v + other.v, None, None)
        return Jet(self.v + other.v, self.g + other.g, self.h + other.h)

    def __sub__(self, other: Jet) -> Jet:
        if isinstance(other, np.ndarray):
            return NotImplemented  # entry by entry
        return self + -other

    def __mul__(self, other: Jet) -> Jet:
        if isinstance(other, np.ndarray):
            return NotImplemented  # entry by entry
        v = self.v * other.v
        if self.g is None or other.g is None:
            return Jet(v, None, None)
        cross = np.outer(self.g, other.g)
        return Jet(v, self.v * other.g + other.v * self.g, self.v * other.h + other.v * self.h + cross + cross.T)

    def __truediv__(self, other: Jet) -> Jet:
        if isinstance(other, np.ndarray):
            return NotImplemented  # entry by entry
        y = other.v
        if not y.contains(0):
            return self * other.map(1 / y, -1 / y**2, 2 / y**3)
        raise UndecidedError("a quotient by 0")


def _ball(x: Any) -> arb:
    return x if isinstance(x, arb) else arb(float(x))


def _holds(op: Callable[[Any, Any], Any], x: arb, y: arb) -> bool:
    """Whether x op y, if it is certain."""
    difference = x - y
    if difference.is_nan() or (difference.contains(0) and not (x.is_exact() and y.is_exact())):
        raise UndecidedError("a comparison")
    return bool(op(x, y))


def _is_zero(x: arb) -> bool:
    return _holds(operator.eq, x, arb(0))


def _without_slope(v: arb) -> Jet:
    return Jet(v, None, None)


class Evaluator:
    """An expression at a point, in the precision of the moment."""

    def __init__(self, text: str, inputs: Mapping[str, Any], wrt: list[str], decimals: bool = False) -> None:
        self.text, self.decimals = text, decimals
        self.count = sum(np.size(inputs[name]) for name in wrt)
        self.names: dict[str, Any] = {}
        place = 0
        for name in wrt:
            array = np.empty(np.shape(inputs[name]), object)
            for index in np.ndindex(array.shape):
                array[index] = self.constant(_ball(np.asarray(inputs[name])[index]))
                array[index].g[place] = arb(1)
                place += 1
            self.names[name] = array if array.shape else array[()]
        self.names |= {
            "pi": self.constant(arb.pi()),
            "e": self.constant(arb.const_e()),
            "inf": self.constant(arb("inf")),
        }

    def constant(self, v: arb | float) -> Jet:
        zero = arb(0)
        return Jet(arb(v), np.full(self.count, zero, object), np.full((self.count, self.count), zero, object))

    def result(self) -> Any:
        """The Jet of the expression, or an array of them."""
        return self.of(ast.parse(self.text, mode="eval"))

    def of(self, node: ast.AST) -> Any:
        """The Jet of a node, or an array of them."""
        match node:
            case ast.Expression(body=body):
                return self.of(body)
            case ast.Constant(value=value):
                written = ast.get_source_segment(self.text, node)
                return self.constant(arb(written) if self.decimals else float(value))
            case ast.Name(id=name):
                return self.names[name]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.of(operand)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return self.each(self.power, self.of(left), self.of(right))
            case ast.BinOp(left=left, op=op, right=right):
                return _BINARY[type(op)](self.of(left), self.of(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self.each(
                    lambda x, y: self.compared(_COMPARISONS[type(op)], x, y), self.of(left), self.of(right)
                )
            case ast.List(elts=items):
                return np.array([self.of(item) for item in items], object)
            case ast.Subscript(value=base, slice=index):
                return self.of(base)[eval(compile(ast.Expression(index), "", "eval"))]
            case ast.Attribute(value=base, attr="T"):
                return self.of(base).T
            case ast.Call(func=ast.Name(id="where"), args=[condition, *branches]):
                return self.each(self.where, self.of(condition), *map(self.branch, branches))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
                axis = next((ast.literal_eval(k.value) for k in keywords), None)
                return self.call(name, [self.of(a) for a in args], axis)
        raise ValueError(ast.dump(node))

    @staticmethod
    def each(function: Callable[..., Jet], *args: Any) -> Any:
        if not any(isinstance(a, np.ndarray) for a in args):
            return function(*args)
        return np.frompyfunc(function, len(args), 1)(*args)

    def compared(self, op: Callable[[Any, Any], Any], x: Jet, y: Jet) -> Jet:
        found = self.constant(1.0 if _holds(op, x.v, y.v) else 0.0)
        return _without_slope(found.v) if _is_zero(x.v - y.v) else found

    def power(self, x: Jet, y: Jet) -> Jet:
        if not x.v.is_finite() and not x.v.is_exact():
            raise UndecidedError("a power of what may be infinite")  # of a ball about ∞ arb overflows the stack
        whole = y.v.unique_fmpz() if y.g is not None and y.is_constant() and y.v.is_exact() else None
        if whole is not None:
            n = int(whole)
            if n == 0:
                return self.constant(1)
            if n < 0 and x.v.contains(0):
                raise UndecidedError("a negative power of 0")
            second = n * (n - 1) * x.v ** (n - 2) if n not in (1,) else arb(0)
            return x.map(x.v**n, n * x.v ** (n - 1), second)
        if not x.v > 0:
            raise UndecidedError("a power of what may be 0 or less")
        return self.exp(self.log(x) * y)

    def exp(self, x: Jet) -> Jet:
        e = x.v.exp()
        return x.map(e, e, e)

    def log(self, x: Jet) -> Jet:
        if not x.v > 0:
            raise UndecidedError("a logarithm of what may be 0 or less")
        return x.map(x.v.log(), 1 / x.v, -1 / x.v**2)

    def sqrt(self, x: Jet) -> Jet:
        if not x.v > 0:
            if x.v == 0:
                return _without_slope(arb(0))
            raise UndecidedError("a root of what may be 0 or less")
        s = x.v.sqrt()
        return x.map(s, 1 / (2 * s), -1 / (4 * s**3))

    def abs(self, x: Jet) -> Jet:
        if _is_zero(x.v):
            return x if x.g is not None and x.is_constant() else _without_slope(arb(0))
        return x if x.v > 0 else -x

    def select(self, x: Jet, y: Jet, larger: bool) -> Jet:
        if _is_zero(x.v - y.v):
            same = x.g is not None and y.g is not None and (x is y)
            return x if same else _without_slope(x.v)
        return x if (x.v > y.v) == larger else y

    def branch(self, node: ast.AST) -> Any:
        """A branch of a `where`: NaN where it has no value, which does not matter unless it is taken."""
        try:
            return self.of(node)
        except (UndecidedError, ZeroDivisionError):
            return _without_slope(arb("nan"))

    def where(self, c: Jet, x: Jet, y: Jet) -> Jet:
        found = y if _is_zero(c.v) else x
        return found if c.g is not None else _without_slope(found.v)

    def hypot(self, x: Jet, y: Jet) -> Jet:
        return self.sqrt(x * x + y * y)

    def atan2(self, y: Jet, x: Jet) -> Jet:
        square = x.v**2 + y.v**2
        if not square > 0:
            raise UndecidedError("an angle at the origin")
        if y.v.contains(0) and not x.v > 0:
            raise UndecidedError("an angle on the cut")
        v = arb.atan2(y.v, x.v)
        if x.g is None or y.g is None:
            return _without_slope(v)
        dx, dy = -y.v / square, x.v / square
        xx, xy = 2 * x.v * y.v / square**2, (y.v**2 - x.v**2) / square**2
        cross = np.outer(x.g, y.g)
        h = dx * x.h + dy * y.h + xx * np.outer(x.g, x.g) - xx * np.outer(y.g, y.g) + xy * (cross + cross.T)
        return Jet(v, dx * x.g + dy * y.g, h)

    def unary(self, name: str, x: Jet) -> Jet:
        """A function of one number."""
        if name in ("exp", "log", "sqrt", "abs"):
            function: Callable[[Jet], Jet] = getattr(self, name)
            return function(x)
        one = self.constant(1)
        if name == "sign":
            return _without_slope(arb(0)) if _is_zero(x.v) else self.constant(x.v.sgn())
        if name in ("floor", "ceil"):
            whole = getattr(x.v, name)().unique_fmpz()
            if whole is None:
                raise UndecidedError("a jump")
            return _without_slope(arb(whole)) if _is_zero(x.v - arb(whole)) else self.constant(arb(whole))
        if name == "relu":
            return self.select(x, self.constant(0), True)
        if name == "sigmoid":
            return one / (one + self.exp(-x))
        if name == "softplus":
            return self.log(one + self.exp(x))
        if name == "logit":
            return self.log(x) - self.log(one - x)
        if name == "cbrt":
            size = self.abs(x)
            root = self.exp(self.log(size) / self.constant(3)) if size.v > 0 else _without_slope(arb(0))
            return root if x.v >= 0 else -root
        if name == "identity":
            return x
        v, d, dd = _FUNCTIONS[name](x.v)
        if not (v.is_finite() and d.is_finite()):
            raise UndecidedError(name)
        return x.map(v, d, dd)

    def call(self, name: str, args: list[Any], axis: int | None) -> Any:
        """A function by name."""
        if name in ("min", "max") and len(args) == 1:
            flat = args[0].reshape(-1) if axis is None else args[0]
            return np.frompyfunc(lambda x, y: self.select(x, y, name == "max"), 2, 1).reduce(flat, axis=axis or 0)
        if name in ("min", "max"):
            found = args[0]
            for other in args[1:]:
                found = self.each(lambda x, y: self.select(x, y, name == "max"), found, other)
            return found
        if name in _REDUCTIONS:
            return _REDUCTIONS[name](self, args[0], axis)
        if name == "dot":
            return (args[0] * args[1]).sum()
        if name in ("hypot", "atan2"):
            return self.each(getattr(self, name), *args)
        if name == "clip":
            lower = self.each(lambda x, y: self.select(x, y, True), args[0], args[1])
            return self.each(lambda x, y: self.select(x, y, False), lower, args[2])
        if name in _LOSSES:
            terms = self.each(lambda *a: _LOSSES[name](self, *a), *args)
            if not isinstance(terms, np.ndarray):
                return terms
            samples = 1 if name == "cce" and terms.ndim == 1 else len(terms)
            return terms.sum() / self.constant(samples)
        if name in ("leaky_relu", "elu"):
            return self.each(lambda *a: self.piecewise(name, *a), *args)
        return self.each(lambda x: self.unary(name, x), args[0])

    def piecewise(self, name: str, z: Jet, slope: Jet | None = None) -> Jet:
        slope = slope or self.constant(arb("0.01") if name == "leaky_relu" else 1)
        if _is_zero(z.v):
            return _without_slope(arb(0))
        if z.v > 0:
            return z
        return slope * z if name == "leaky_relu" else slope * self.unary("expm1", z)


def _sum(evaluator: Evaluator, x: Any, axis: int | None) -> Any:
    return x.sum(axis=axis)


def _mean(evaluator: Evaluator, x: Any, axis: int | None) -> Any:
    return x.sum(axis=axis) / evaluator.constant(x.size if axis is None else x.shape[axis])


def _norm(evaluator: Evaluator, x: Any, axis: int | None) -> Any:
    return evaluator.each(evaluator.sqrt, (x * x).sum(axis=axis))


def _logsumexp(evaluator: Evaluator, x: Any, axis: int | None) -> Any:
    return evaluator.each(evaluator.log, evaluator.each(evaluator.exp, x).sum(axis=axis))


def _softmax(evaluator: Evaluator, x: Any, axis: int | None) -> Any:
    e = evaluator.each(evaluator.exp, x)
    return e / e.sum(axis=-1 if axis is None else axis, keepdims=True)


_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.MatMult: operator.matmul,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_REDUCTIONS: dict[str, Callable[[Evaluator, Any, int | None], Any]] = {
    "sum": _sum,
    "prod": lambda evaluator, x, axis: x.prod(axis=axis),
    "mean": _mean,
    "norm": _norm,
    "logsumexp": _logsumexp,
    "softmax": _softmax,
    "log_softmax": lambda evaluator, x, axis: evaluator.each(evaluator.log, _softmax(evaluator, x, axis)),
}


def _times_log(evaluator: Evaluator, y: Jet, x: Jet) -> Jet:
    """y·log x, of which nothing is left where y is the number 0; no value where x is no probability or count."""
    if x.v < 0:
        raise UndecidedError("a loss beyond its domain")
    if y.g is not None and y.is_constant() and y.v == 0:
        return y
    return y * evaluator.log(x)


def _bce(evaluator: Evaluator, y: Jet, yhat: Jet) -> Jet:
    one = evaluator.constant(1)
    return -(_times_log(evaluator, y, yhat) + _times_log(evaluator, one - y, one - yhat))


def _huber(evaluator: Evaluator, y: Jet, yhat: Jet, delta: Jet | None = None) -> Jet:
    delta = delta or evaluator.constant(1)
    size, half = evaluator.abs(y - yhat), evaluator.constant(arb("0.5"))
    if _is_zero(size.v - delta.v):
        return _without_slope(half.v * size.v * size.v)
    if size.v < delta.v:
        return half * (y - yhat) * (y - yhat)
    return delta * (size - half * delta)


_LOSSES: dict[str, Callable[..., Jet]] = {
    "mse": lambda evaluator, y, yhat: (y - yhat) * (y - yhat),
    "bce": _bce,
    "cce": lambda evaluator, y, yhat: -_times_log(evaluator, y, yhat),
    "huber": _huber,
    "hinge": lambda evaluator, y, yhat: evaluator.unary("relu", evaluator.constant(1) - y * yhat),
    "poisson": lambda evaluator, y, yhat: yhat - _times_log(evaluator, y, yhat),
}


def _tan(x: arb) -> tuple[arb, arb, arb]:
    t, c = x.tan(), x.cos()
    return t, 1 / c**2, 2 * t / c**2


def _tanh(x: arb) -> tuple[arb, arb, arb]:
    t, d = x.tanh(), x.sech() ** 2
    return t, d, -2 * t * d


def _asin(x: arb) -> tuple[arb, arb, arb]:
    d = 1 / (1 - x**2).sqrt()
    return x.asin(), d, x * d**3


def _atanh(x: arb) -> tuple[arb, arb, arb]:
    d = 1 / (1 - x**2)
    return x.atanh(), d, 2 * x * d**2


def _asinh(x: arb) -> tuple[arb, arb, arb]:
    d = 1 / (1 + x**2).sqrt()
    return x.asinh(), d, -x * d**3


def _acosh(x: arb) -> tuple[arb, arb, arb]:
    d = 1 / (x**2 - 1).sqrt()
    return x.acosh(), d, -x * d**3


def _atan(x: arb) -> tuple[arb, arb, arb]:
    d = 1 / (1 + x**2)
    return x.atan(), d, -2 * x * d**2


def _acos(x: arb) -> tuple[arb, arb, arb]:
    _, d, dd = _asin(x)
    return x.acos(), -d, -dd


def _erf(x: arb) -> tuple[arb, arb, arb]:
    d = 2 / arb.pi().sqrt() * (-(x**2)).exp()
    return x.erf(), d, -2 * x * d


def _exp2(x: arb) -> tuple[arb, arb, arb]:
    k = arb(2).log()
    v = (x * k).exp()
    return v, k * v, k * k * v


def _log_by(base: int) -> Callable[[arb], tuple[arb, arb, arb]]:
    def rule(x: arb) -> tuple[arb, arb, arb]:
        if not x > 0:
            raise UndecidedError("a logarithm of what may be 0 or less")
        k = 1 / arb(base).log()
        return k * x.log(), k / x, -k / x**2

    return rule


_FUNCTIONS: dict[str, Callable[[arb], tuple[arb, arb, arb]]] = {
    "exp2": _exp2,
    "expm1": lambda x: (x.expm1(), x.exp(), x.exp()),
    "log2": _log_by(2),
    "log10": _log_by(10),
    "log1p": lambda x: (x.log1p(), 1 / (1 + x), -1 / (1 + x) ** 2),
    "sin": lambda x: (x.sin(), x.cos(), -x.sin()),
    "cos": lambda x: (x.cos(), -x.sin(), -x.cos()),
    "tan": _tan,
    "sinh": lambda x: (x.sinh(), x.cosh(), x.sinh()),
    "cosh": lambda x: (x.cosh(), x.sinh(), x.cosh()),
    "tanh": _tanh,
    "asin": _asin,
    "acos": _acos,
    "atan": _atan,
    "asinh": _asinh,
    "acosh": _acosh,
    "atanh": _atanh,
    "erf": _erf,
}


class Truth(NamedTuple):
    """What is true at a point: balls around the entries of the value, the gradient and the Hessian, or None."""

    value: list[arb] | None
    gradient: list[arb] | None
    hessian: list[arb] | None
    without_slope: bool = False  # at a kink, or not one number


def truth(text: str, inputs: Mapping[str, Any], wrt: list[str], decimals: bool = False) -> Truth:
    """Value, gradient and Hessian at a point, each None where it is not decided, or is not one number.

    Constants are the doubles that they read as, or with `decimals` what is written.
    """
    found = Truth(None, None, None)
    for bits in _PRECISIONS:
        found = truth_near(text, inputs, wrt, bits, decimals)
        if found.value and found.hessian is not None:
            break
        if found.value and found.without_slope:
            break
    return found


def truth_near(text: str, inputs: Mapping[str, Any], wrt: list[str], bits: int, decimals: bool = False) -> Truth:
    """The same in so many bits; inputs may be balls."""
    before = ctx.prec
    ctx.prec = bits
    try:
        result = Evaluator(text, inputs, wrt, decimals).result()
        jets = result.reshape(-1).tolist() if isinstance(result, np.ndarray) else [result]
        value = [jet.v for jet in jets]
        one = jets[0] if len(jets) == 1 else None
        gradient, hessian = (
            None if one is None or part is None or not _known(part.reshape(-1).tolist()) else part.reshape(-1).tolist()
            for part in ((None, None) if one is None else (one.g, one.h))
        )
        return Truth(value if _known(value) else None, gradient, hessian, one is None or one.g is None)
    except (UndecidedError, ZeroDivisionError, OverflowError):
        return Truth(None, None, None)
    finally:
        ctx.prec = before


def _known(entries: list[arb]) -> bool:
    """Whether each ball is narrow beside its number, or too near 0 for doubles."""
    return all(x.is_finite() and (x.rel_accuracy_bits() >= _ENOUGH or x.abs_upper() < _NOTHING) for x in entries)


def wrong(found: float, true: arb, bits: int) -> bool:
    """Whether a double is off by more than 2^−bits of the true number; beyond the doubles it is ±∞ or the last one."""
    if math.isnan(found):
        return True
    if math.isinf(found):
        limit = arb(float(np.finfo(np.float64).max)) * (1 - arb(2) ** -50)
        return bool((true if found > 0 else -true) < limit)
    error = abs(arb(found) - true)
    return bool(error > abs(true) * arb(2) ** -bits + arb(2) ** -1073)
