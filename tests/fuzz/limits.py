"""Value, gradient and Hessian as limits from many sides: a witness where the rules have no derivative at the point."""

import ast
import itertools
import math
from collections.abc import Mapping
from random import Random
from typing import Any, NamedTuple

import numpy as np
from flint import arb, ctx

from tests.fuzz.drawing import Question
from tests.fuzz.jets import Truth, truth_near

_WAYS = 10  # and their opposites
_NOTHING = arb(2) ** -1100  # what is proven to be smaller is 0 in doubles
_CLOSEST = 1300  # bits, nearer than any double is to another
_NO_SCALE = 200_000  # bits, nearer than any power of a double up to the 150th
_SAME = 30  # bits of what is one from all sides
_FURTHER = 60  # bits closer, once more
_ASIDE = 20  # bits by which one input is moved less than another
_CLOSE = 160  # bits from the point, relative to its least entry


class Limits(NamedTuple):
    """What the gradient and the Hessian come to near a point, by entry; None where sides differ or are not known."""

    gradient: list[arb | None] | None
    hessian: list[arb | None] | None


def limits(text: str, inputs: Mapping[str, Any], wrt: list[str], value: arb, decimals: bool = False) -> Limits:
    """The limits at a point where the expression has this value; nothing is known where it jumps.

    By the mean value theorem a function that is continuous at a point has there the derivative that those around tend
    to. The sides are random ones, some close to an axis, at two distances. What holds around may not hold as one input
    alone moves, as of where(x==y,z,x): an entry from which the difference quotient differs is not known.
    """
    sizes = [abs(v) for v in (*_constants(text), *(v for x in inputs.values() for v in np.ravel(x).tolist())) if v]
    if not all(map(math.isfinite, sizes)):
        return Limits(None, None)
    close = _CLOSE - min(0, math.frexp(min(sizes, default=1.0))[1])
    random, found = Random(1), []
    before = ctx.prec
    for number in range(_WAYS):
        most = _ASIDE * (number % 2)
        way = {
            name: [random.uniform(-1, 1) * 2.0 ** -random.randint(0, most) for _ in range(np.size(x))]
            for name, x in inputs.items()
        }
        for sign, bits in itertools.product((1, -1), (close, close + _FURTHER)):
            ctx.prec = 8 * bits
            moved = {name: _moved(x, way[name], sign * arb(2) ** -bits) for name, x in inputs.items()}
            near = truth_near(text, moved, wrt, 8 * bits, decimals)
            ctx.prec = before
            if near.value is None or near.gradient is None or not _continuous(near.value[0], value, bits):
                return Limits(None, None)
            found.append(near)
    entries = [(name, k) for name in wrt for k in range(np.size(inputs[name]))]
    gradient = [
        slope if slope is None or not _differs_alone(slope, text, inputs, wrt, entry, close, decimals) else None
        for slope, entry in zip(_common([near.gradient for near in found]), entries, strict=True)
    ]
    known = None not in gradient and all(near.hessian for near in found)
    return Limits(gradient, _common([near.hessian for near in found]) if known else None)


def _constants(text: str) -> list[float]:
    """The numbers in an expression: of |1e-300 − x| the kink is that far from 0."""
    numbers = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)]
    return [float(x) for x in numbers if isinstance(x, int | float)]


def _differs_alone(
    slope: arb, text: str, inputs: Mapping[str, Any], wrt: list[str], entry: tuple[str, int], close: int, decimals: bool
) -> bool:
    """Whether the difference quotients by one input are settled, and are not the slope."""
    before = ctx.prec
    way = {name: [float((name, k) == entry) for k in range(np.size(x))] for name, x in inputs.items()}
    for sign in (1, -1):
        quotients = []
        for bits in (close, close + _FURTHER):
            ctx.prec, step = 8 * bits, sign * arb(2) ** -bits
            places = [{name: _moved(x, way[name], h) for name, x in inputs.items()} for h in (arb(0), step)]
            at, near = (truth_near(text, place, wrt, 8 * bits, decimals).value for place in places)
            quotients += [(near[0] - at[0]) / step] if at and near else []
            ctx.prec = before
        if len(quotients) == 2 and _settled(*quotients) and not _settled(quotients[1], slope):
            return True
    return False


def _moved(x: Any, way: list[float], step: arb) -> Any:
    moved = np.array([arb(v) + w * step for v, w in zip(np.ravel(x).tolist(), way, strict=True)], object)
    return moved.reshape(np.shape(x)) if np.ndim(x) else moved[0]


def _continuous(x: arb, value: arb, bits: int) -> bool:
    """Whether x, near the point, is near the value there; a jump of 2e-308 is one, where that is the value."""
    room = arb(2) ** -(bits // 2) if value.contains(0) else arb(0)
    return bool(abs(x - value) <= (abs(x) + abs(value)) * arb(2) ** -_SAME + room)


def _common(found: list[Any]) -> list[arb | None]:
    return [_limit(entry) for entry in zip(*found, strict=True)]


def _limit(near: tuple[arb, ...]) -> arb | None:
    """The number that all come to; of those that fall with the distance 0, or what is less than they are.

    Pairs are from one side.
    """
    first = near[0]
    if all(x.abs_upper() < _NOTHING for x in near):
        return arb(0)
    if all(abs(x - first) <= abs(first) * arb(2) ** -_SAME for x in near):
        return first
    falls = all(abs(b) <= abs(a) * arb(2) ** -(_FURTHER // 3) for a, b in zip(near[::2], near[1::2], strict=True))
    return arb(0, max(float(x.abs_upper()) for x in near[1::2])) if falls else None


def kink(question: Question, true: Truth) -> tuple[float, float] | None:
    """The slopes (f(x ± h) − f(x))/±h on both sides of a number where they differ, as far as quotients settle.

    None where the rules have a derivative. A corner that hypot(c, x) rounds within a tiny c is one until the sides are
    looked at from nearer than c.
    """
    ((name, x), *others) = question.inputs.items()
    one = true.value is not None and len(true.value) == 1 and true.without_slope
    if others or not isinstance(x, float) or not math.isfinite(x) or not one:
        return None
    sides = []
    for sign in (-1, 1):
        places = (_CLOSEST, _CLOSEST + _FURTHER)
        with_bits = [_quotient(question.text, name, x, sign * arb(2) ** -bits, 8 * bits) for bits in places]
        if None in with_bits or not _settled(*with_bits):
            return None
        sides.append(with_bits[1])
    if _settled(*sides):
        return None
    nearer = [_quotient(question.text, name, x, s * arb(2) ** -_NO_SCALE, 3 * _NO_SCALE) for s in (-1, 1)]
    if None not in nearer and _settled(*nearer):
        return None
    return float(sides[0].mid()), float(sides[1].mid())


def _quotient(text: str, name: str, x: float, step: arb, bits: int) -> arb | None:
    before, ctx.prec = ctx.prec, bits
    try:
        at, beside = (truth_near(text, {name: v}, [name], bits).value for v in (arb(x), arb(x) + step))
        return (beside[0] - at[0]) / step if at and beside else None
    finally:
        ctx.prec = before


def _settled(x: arb, y: arb) -> bool:
    return bool(abs(x - y) <= (abs(x) + abs(y)) * arb(2) ** -_SAME + arb(2) ** -_SAME)
