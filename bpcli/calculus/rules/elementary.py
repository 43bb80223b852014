"""The elementary functions: roots, exponentials, logarithms, trigonometric and hyperbolic functions, erf, rounding."""

import math
from typing import Any

from bpcli.calculus.rules.function_rows import (
    Function,
    Rule,
    RuleNamespace,
    at_zero,
    binary,
    fading,
    faint,
    primitive,
    unary,
    written_as,
    zero,
)
from bpcli.formulas import activations


def _at_origin(xp: RuleNamespace[Any], x: Any, y: Any) -> Any:
    return (x == 0) & (y == 0)


def _on_the_cut(xp: RuleNamespace[Any], y: Any, x: Any) -> Any:
    return (y == 0) & (x <= 0)


def _at_whole(xp: RuleNamespace[Any], x: Any) -> Any:
    return x == xp.floor(x)


def _at_one(xp: RuleNamespace[Any], x: Any) -> Any:
    return abs(x) == 1


def _derf(xp: RuleNamespace[Any], y: Any, x: Any) -> Any:
    """2/√π·e^{−x²}; the rounding error of x² is carried into the exponential, which would magnify it."""
    factor = 2.0 / xp.sqrt(xp.pi)
    plain = factor * xp.exp(-(x * x))

    def refined() -> Any:
        square, error = xp.two_product(x, x)
        e = xp.exp(-square)
        return factor * (e - e * error)

    return xp.refined(plain, (abs(x) > 1.0) & (abs(x) < 30.0), refined)


def _one_less_square(xp: RuleNamespace[Any], x: Any) -> Any:
    """1 − x²; as (1 − x)(1 + x) where that cancels, but not near 0, where the tangent −2x of that would."""
    return xp.refined(1.0 - x * x, abs(x) > 0.5, lambda: (1.0 - x) * (1.0 + x))


def _datan(xp: RuleNamespace[Any], y: Any, x: Any) -> Any:
    """1/(1 + x²); far out 1/x², whose square does not overflow."""
    return xp.refined(xp.divide(1.0, 1.0 + x * x), abs(x) > 1e150, lambda: xp.divide(1.0, x) * xp.divide(1.0, x))


def _dhypot(i: int) -> Rule:
    """(x, y)/r, and 0 at the origin; where r overflowed or is subnormal, of x and y times a power of two."""

    def partial(xp: RuleNamespace[Any], r: Any, x: Any, y: Any) -> Any:
        def refined() -> Any:
            k, alone = xp.where(r < 1.0, 2.0**600, 0.25), (abs(x) == math.inf) != (abs(y) == math.inf)
            scaled = xp.divide(k * (x, y)[i], xp.hypot(k * x, k * y))
            return xp.where(alone, xp.where(abs((x, y)[i]) == math.inf, xp.sign((x, y)[i]), 0.0), scaled)

        if xp.dual:
            return xp.applied(COSINE, (x, y) if i == 0 else (y, x))
        return xp.agreed(xp.refined(xp.divide((x, y)[i], r), (r < 1e-290) | (r > 1e308), refined), r == 0, 0.0)

    return partial


def _dcosine_dx(xp: RuleNamespace[Any], c: Any, x: Any, y: Any) -> Any:
    """y²/r³, of which r²/r³ − x²/r³ would leave no digit where y is small."""
    r = xp.hypot(x, y)
    s = xp.divide(y, r)
    return xp.agreed(xp.divide(s * s, r), r == 0, 0.0)


def _dcosine_dy(xp: RuleNamespace[Any], c: Any, x: Any, y: Any) -> Any:
    """−xy/r³."""
    r = xp.hypot(x, y)
    return xp.agreed(-xp.divide(xp.divide(x, r) * xp.divide(y, r), r), r == 0, 0.0)


def _datan2(i: int) -> Rule:
    """∂/∂y = x/(x² + y²), ∂/∂x = −y/(x² + y²), where the squares would over- or underflow divided by r twice."""

    def partial(xp: RuleNamespace[Any], out: Any, y: Any, x: Any) -> Any:
        square = x * x + y * y

        def refined() -> Any:
            k = xp.where(square < 1.0, 2.0**400, 0.25)
            r = xp.hypot(k * x, k * y)
            return xp.divide(xp.divide(k * (x, -y)[i], r), r) * k

        return xp.refined(xp.divide((x, -y)[i], square), (square < 1e-290) | (square > 1e290), refined)

    return partial


def _far_out(xp: RuleNamespace[Any], x: Any, y: Any) -> Any:
    """Where the powers of r in the second slopes of hypot and atan2 may be tiny, or r⁴ overflows."""
    least = xp.where((x == 0) | (y == 0), 1.0, xp.minimum(abs(x), abs(y)))
    return faint(xp, (least < 1.0 / _FAR) | (xp.maximum(abs(x), abs(y)) > _FAR))


def _of_wave(xp: RuleNamespace[Any], y: Any, slope: Any, e: Any) -> Any:
    """|sin(x + e) − sin x| ≤ |cos x| e + e²/2, and ≤ 2; so of cos."""
    return xp.minimum((abs(slope) + 0.5 * e) * e, 2.0)


def _of_tangent(xp: RuleNamespace[Any], y: Any, slope: Any, e: Any) -> Any:
    """|tan(x + e) − tan x| = (1 + tan²x) tan e/(1 − tan x tan e), where that is no pole; beyond, any double's tan."""
    return xp.where((e < 0.5) & (abs(y) * e < 0.25), 2.5 * slope * e, 2.0**61)


_FAR = 2.0**160

ELEMENTARY: list[Function] = [
    unary("abs", lambda xp, y, x: xp.sign(x), edge=at_zero, exact=True, homogeneous=True),
    unary("sign", zero, edge=at_zero, exact=True),
    unary("sqrt", lambda xp, y, x: xp.divide(0.5, y), 0.0, edge=at_zero),
    unary(
        "cbrt",
        written_as(
            lambda xp, y, x: xp.divide(1.0, 3.0 * xp.power(y, 2.0)),
            lambda xp, y, x: xp.agreed(xp.divide(y, x) / 3.0, x == 0, math.inf),
        ),
        edge=at_zero,
    ),
    unary("exp", lambda xp, y, x: y, underflows=True),
    unary("exp2", lambda xp, y, x: y * xp.log(2.0), underflows=True),
    unary("expm1", lambda xp, y, x: xp.exp(x), fades=fading(activations.FADES)),
    unary("log", lambda xp, y, x: xp.agreed(xp.divide(1.0, x), x < 0, math.nan), 0.0, root=1.0),
    unary("log2", lambda xp, y, x: xp.agreed(xp.divide(1.0 / xp.log(2.0), x), x < 0, math.nan), 0.0, root=1.0),
    unary("log10", lambda xp, y, x: xp.agreed(xp.divide(1.0 / xp.log(10.0), x), x < 0, math.nan), 0.0, root=1.0),
    unary("log1p", lambda xp, y, x: xp.agreed(xp.divide(1.0, 1.0 + x), x < -1, math.nan), -1.0),
    unary("sin", lambda xp, y, x: xp.cos(x), periodic=_of_wave),
    unary("cos", lambda xp, y, x: -xp.sin(x), periodic=_of_wave),
    unary("tan", lambda xp, y, x: xp.divide(1.0, xp.cos(x) * xp.cos(x)), periodic=_of_tangent),
    unary("asin", lambda xp, y, x: xp.divide(1.0, xp.sqrt(_one_less_square(xp, x))), -1.0, 1.0, "arcsin", _at_one),
    unary("acos", lambda xp, y, x: -xp.divide(1.0, xp.sqrt(_one_less_square(xp, x))), -1.0, 1.0, "arccos", _at_one),
    unary("atan", _datan, value="arctan", fades=lambda xp, x: faint(xp, abs(x) > _FAR)),
    Function(
        "atan2",
        (2, 2),
        "atan2(y, x)",
        primitive("arctan2"),
        (_datan2(0), _datan2(1)),
        edge=_on_the_cut,
        fades=_far_out,
        well_conditioned=True,
    ),
    unary("sinh", lambda xp, y, x: xp.cosh(x)),
    unary("cosh", lambda xp, y, x: xp.sinh(x)),
    unary(
        "tanh",
        written_as(lambda xp, a, z: (1.0 + a) * (1.0 - a), lambda xp, y, x: activations.dtanh_dz(x)),
        fades=fading(0.5 * activations.FADES),
    ),
    unary("asinh", lambda xp, y, x: xp.divide(1.0, xp.hypot(1.0, x)), value="arcsinh"),
    unary(
        "acosh",
        lambda xp, y, x: xp.divide(1.0, xp.sqrt(x - 1.0) * xp.sqrt(x + 1.0)),
        1.0,
        value="arccosh",
    ),
    unary(
        "atanh",
        lambda xp, y, x: xp.agreed(xp.divide(1.0, _one_less_square(xp, x)), abs(x) > 1, math.nan),
        -1.0,
        1.0,
        "arctanh",
    ),
    binary(
        "hypot",
        "hypot(x, y)",
        "hypot",
        (_dhypot(0), _dhypot(1)),
        _at_origin,
        homogeneous=True,
        well_conditioned=True,
        fades=_far_out,
    ),
    unary("erf", _derf, fades=fading(activations.FADES**0.5)),
    unary("floor", zero, edge=_at_whole, exact=True),
    unary("ceil", zero, edge=_at_whole, exact=True),
]
"""Rows in the order of a textbook."""

COSINE = binary(
    "cosine",
    "x/hypot(x,y)",
    lambda xp, x, y: _dhypot(0)(xp, xp.hypot(x, y), x, y),
    (_dcosine_dx, _dcosine_dy),
    fades=_far_out,
)
"""The slope of hypot, whose own slopes are these."""
