"""Reductions, each with its v·J and J·v directly below it: sum, prod, max, min, norm, softmax, logsumexp."""

import math
from typing import Any

from bpcli.calculus.rules.array_operations import (
    ArrayOp,
    Operands,
    like,
    linear,
    put_back,
    spread_over,
    stacked,
    summed,
)
from bpcli.calculus.rules.duals import Dual
from bpcli.calculus.rules.function_rows import RuleNamespace
from bpcli.calculus.rules.shapes import Shape, ShapeError, axes_of
from bpcli.formulas.softmax import log_softmax, log_softmax_jvp, log_softmax_vjp, logsumexp, softmax, softmax_jvp


class Reduction(ArrayOp):
    """An operation that leaves one number of those along an axis, or of all entries."""

    def shape(self, on: Operands) -> Shape:
        axes = on.axes
        return tuple(n for k, n in enumerate(on.shape) if k not in axes)


class Sum(Reduction):
    """Σ x over an axis, or over all entries."""

    adds = True

    def value(self, xp: RuleNamespace[Any], args: list[Any], on: Operands) -> Any:
        return summed(xp, args[0], on.axes)

    def vjp(self, xp: RuleNamespace[Any], g: Any, i: int, out: Any, args: list[Any], on: Operands) -> Any:
        return spread_over(xp, put_back(xp, g, on.axes), on.shape)


def _products_of_others(xp: RuleNamespace[Any], x: Any) -> Any:
    """Π_{j≠i} x_j along the first axis: the product of those before times that of those behind."""
    if isinstance(x, Dual):
        entries = [linear(xp, lambda a, i=i: a[i], x) for i in range(len(x.v))]
        before, behind = [1.0], [1.0]
        for entry in entries[:-1]:
            before.append(before[-1] * entry)
        for entry in reversed(entries[1:]):
            behind.append(behind[-1] * entry)
        others = [a * b for a, b in zip(before, reversed(behind), strict=True)]
        return stacked(xp, others, x.v.shape[1:-1])
    np, one = xp.base, xp.base.ones_like(x[:1])
    left = np.cumprod(np.concatenate([one, x[:-1]]), axis=0)
    right = np.cumprod(np.concatenate([one, x[:0:-1]]), axis=0)[::-1]
    return left * right


class Prod(Reduction):
    """Π x over an axis, or over all entries; its slope is the product of the others, which no zero spoils."""

    def value(self, xp: RuleNamespace[Any], args: list[Any], on: Operands) -> Any:
        return args[0].prod(axis=on.axes)

    def _others(self, xp: RuleNamespace[Any], x: Any, on: Operands) -> Any:
        shape, axes = on.shape, on.axes
        order = [*axes, *(k for k in range(len(shape)) if k not in axes)]  # the axes that are reduced first
        turned = [shape[k] for k in order]

        def flat(a: Any) -> Any:
            return a.transpose(*order, len(shape)).reshape(-1, *turned[len(axes) :], a.shape[-1])

        def back(a: Any) -> Any:
            inverse = [order.index(k) for k in range(len(shape))]
            return a.reshape(*turned, a.shape[-1]).transpose(*inverse, len(shape))

        return linear(xp, back, _products_of_others(xp, linear(xp, flat, x)))

    def vjp(self, xp: RuleNamespace[Any], g: Any, i: int, out: Any, args: list[Any], on: Operands) -> Any:
        return xp.scale(put_back(xp, g, on.axes), self._others(xp, args[0], on))

    def jvp(self, xp: RuleNamespace[Any], tangents: list[Any], out: Any, args: list[Any], on: Operands) -> Any:
        return summed(xp, xp.scale(tangents[0], self._others(xp, args[0], on)), on.axes)


class Extreme(Reduction):
    """max or min over an axis or all entries; entries that tie share the slope evenly."""

    has_edge = True
    selects = True
    exact = True

    def __init__(self, largest: bool) -> None:
        self.largest = largest

    def value(self, xp: RuleNamespace[Any], args: list[Any], on: Operands) -> Any:
        axes = on.axes
        return args[0].max(axis=axes) if self.largest else args[0].min(axis=axes)

    def of_errors(self, xp: RuleNamespace[Any], errors: list[Any], on: Operands) -> Any:
        """The largest error of an entry: |max x − max y| ≤ max |x − y|, and so for min."""
        return errors[0].max(axis=on.axes)

    def edge(self, xp: RuleNamespace[Any], out: Any, args: list[Any], on: Operands) -> Any:
        axes = on.axes
        return xp.base.where(args[0] == xp.base.expand_dims(out, axes), 1.0, 0.0).sum(axis=axes) > 1.0

    def may_turn(self, xp: RuleNamespace[Any], out: Any, args: list[Any], errors: list[Any], on: Operands) -> Any:
        """Whether another entry may be the largest, or one as large."""
        axes, base = on.axes, xp.base
        apart = abs(args[0] - base.expand_dims(out, axes))
        own = base.expand_dims(base.where(apart == 0.0, errors[0], 0.0).max(axis=axes), axes)
        return base.where(apart <= 2.0 * (errors[0] + own), 1.0, 0.0).sum(axis=axes) > 1.0

    def edge_entries(self, xp: RuleNamespace[Any], edge: Any, out: Any, args: list[Any], on: Operands) -> Any:
        axes, np = on.axes, xp.base
        return np.expand_dims(edge, axes) & (args[0] == np.expand_dims(out, axes))

    def _share(self, xp: RuleNamespace[Any], out: Any, x: Any, axes: tuple[int, ...]) -> Any:
        x, out = (a.v if isinstance(a, Dual) else a for a in (x, out))
        ties = xp.base.where(x == xp.base.expand_dims(out, axes), 1.0, 0.0)
        return ties / ties.sum(axis=axes, keepdims=True)

    def vjp(self, xp: RuleNamespace[Any], g: Any, i: int, out: Any, args: list[Any], on: Operands) -> Any:
        axes = on.axes
        return xp.scale(
            self._share(xp, out, args[0], axes), put_back(xp, g, axes)
        )  # an entry with the share 0 gets 0, even if g is ∞

    def jvp(self, xp: RuleNamespace[Any], tangents: list[Any], out: Any, args: list[Any], on: Operands) -> Any:
        axes = on.axes
        return summed(xp, xp.scale(self._share(xp, out, args[0], axes), tangents[0]), axes)


def _squares_leave(norm: Any) -> Any:
    """Whether the squares on the way to a norm have over- or underflown."""
    return (norm < 1e-140) | (norm > 1e150) | (norm != norm)


class Norm(Reduction):
    """√Σx², scaled by the largest entry so that squares neither overflow nor vanish; its slope is x/‖x‖, 0 at 0."""

    has_edge = True
    written_whole = True
    of_number = "abs"

    def edge(self, xp: RuleNamespace[Any], out: Any, args: list[Any], on: Operands) -> Any:
        return out == 0

    def edge_entries(self, xp: RuleNamespace[Any], edge: Any, out: Any, args: list[Any], on: Operands) -> Any:
        return xp.base.expand_dims(edge, on.axes)

    def _unit(self, xp: RuleNamespace[Any], x: Any, axes: tuple[int, ...]) -> Any:
        """The power of two just below the largest entry, by which a division is exact; 1 where all are 0."""
        np = xp.base
        size = abs(x.v if isinstance(x, Dual) else x).max(axis=axes, keepdims=True)
        return np.where((size > 0) & np.isfinite(size), np.ldexp(1.0, np.frexp(size)[1] - 1), 1.0)

    def value(self, xp: RuleNamespace[Any], args: list[Any], on: Operands) -> Any:
        axes, np, x = on.axes, xp.base, args[0]

        def in_units() -> Any:
            unit = self._unit(xp, x, axes)
            scaled = x / unit
            result = np.sqrt(summed(xp, scaled * scaled, axes)) * np.squeeze(unit, axes)
            return np.where(np.isinf(x).any(axis=axes), math.inf, result)

        plain = np.sqrt(summed(xp, x * x, axes))
        return xp.refined(plain, _squares_leave(plain), in_units)

    def _direction(self, xp: RuleNamespace[Any], out: Any, x: Any, axes: tuple[int, ...]) -> Any:
        """x/‖x‖; both in units of the largest entry where ‖x‖ or its square may be beyond the doubles."""

        def in_units() -> Any:
            scaled = xp.divide(x, self._unit(xp, x, axes))
            return xp.divide(scaled, xp.sqrt(summed(xp, scaled * scaled, axes, keep=True)))

        def at_infinity() -> Any:
            infinite = xp.base.isinf(x.v if isinstance(x, Dual) else x)
            alone = infinite.sum(axis=axes, keepdims=True) == 1  # of several none says which outgrows the others
            return xp.where(infinite, xp.where(alone, xp.sign(x), math.nan), 0.0)

        norm = put_back(xp, out, axes)
        finite = xp.refined(xp.divide(x, norm), _squares_leave(norm), in_units)
        return xp.agreed(xp.refined(finite, norm == math.inf, at_infinity), norm == 0, 0.0)

    def vjp(self, xp: RuleNamespace[Any], g: Any, i: int, out: Any, args: list[Any], on: Operands) -> Any:
        axes = on.axes
        return put_back(xp, g, axes) * self._direction(xp, out, args[0], axes)

    def jvp(self, xp: RuleNamespace[Any], tangents: list[Any], out: Any, args: list[Any], on: Operands) -> Any:
        axes = on.axes
        return summed(xp, self._direction(xp, out, args[0], axes) * tangents[0], axes)


class _Softmax(ArrayOp):
    """The base of softmax, log_softmax and logsumexp: they work along an axis, by default on each row."""

    of_rows = True
    of_logits = True
    written_whole = True

    def axis(self, on: Operands) -> int:
        if not on.shape:
            raise ShapeError("softmax is of a vector or a matrix, not of a number")
        return axes_of(on.shape, -1 if on.extra is None else on.extra)[0]

    def shape(self, on: Operands) -> Shape:
        self.axis(on)
        return on.shape


class Softmax(_Softmax):
    """softmax of `formulas`, along an axis."""

    shares = True

    def value(self, xp: RuleNamespace[Any], args: list[Any], on: Operands) -> Any:
        return softmax(args[0], self.axis(on))

    def vjp(self, xp: RuleNamespace[Any], g: Any, i: int, out: Any, args: list[Any], on: Operands) -> Any:
        # p ⊙ (u − Σ p u) with u = g measured from its entry at the largest class, as in `formulas.softmax_vjp`.
        axis = self.axis(on)
        if xp.symbolic:
            return out * (g - summed(xp, out * g, (axis,), keep=True))
        p = out.v if isinstance(out, Dual) else out
        top = xp.base.expand_dims(p.argmax(axis=axis), axis)
        u = g - linear(xp, lambda a: xp.base.take_along_axis(like(xp, a, p), top, axis), spread_over(xp, g, on.shape))
        return out * (u - summed(xp, out * u, (axis,), keep=True))

    def jvp(self, xp: RuleNamespace[Any], tangents: list[Any], out: Any, args: list[Any], on: Operands) -> Any:
        return self.vjp(xp, tangents[0], 0, out, args, on)  # J is symmetric


_MAJORITY = 0.6  # so far above a half that no rounding puts two classes above it


class OtherClasses(Softmax):
    """1 − p of a softmax: the sum of the other classes, which does not cancel where p is about 1."""

    of_others = True

    def value(self, xp: RuleNamespace[Any], args: list[Any], on: Operands) -> Any:
        p = super().value(xp, args, on)
        top = p > _MAJORITY
        return xp.where(top, summed(xp, xp.where(top, 0.0, p), (self.axis(on),), keep=True), 1.0 - p)

    def vjp(self, xp: RuleNamespace[Any], g: Any, i: int, out: Any, args: list[Any], on: Operands) -> Any:
        logits = args[0].v if isinstance(args[0], Dual) else args[0]
        p = super().value(xp, [logits], on)
        return -super().vjp(xp, g, i, Dual(p, -out.t, out.namespace) if isinstance(out, Dual) else p, args, on)


class LogSoftmax(_Softmax):
    """log_softmax of `formulas`, along an axis."""

    subtracts = True

    def value(self, xp: RuleNamespace[Any], args: list[Any], on: Operands) -> Any:
        return log_softmax(args[0], self.axis(on))

    def vjp(self, xp: RuleNamespace[Any], g: Any, i: int, out: Any, args: list[Any], on: Operands) -> Any:
        axis = self.axis(on)
        if not isinstance(out, Dual) and not isinstance(g, Dual) and not xp.symbolic:
            g, logits = (like(xp, a, b) for a, b in ((spread_over(xp, g, on.shape), args[0]), (args[0], g)))
            return log_softmax_vjp(g, logits, axis)
        # g_k(1 − p_k) − p_k Σ_{j≠k} g_j; −expm1(log p) is 1 − p without cancellation.
        total = summed(xp, spread_over(xp, g, on.shape), (axis,), keep=True)
        return -(g * xp.expm1(out)) - xp.exp(out) * (total - g)

    def jvp(self, xp: RuleNamespace[Any], tangents: list[Any], out: Any, args: list[Any], on: Operands) -> Any:
        if xp.symbolic:
            t = tangents[0]
            return t - summed(xp, xp.exp(out) * t, (self.axis(on),), keep=True)
        logits = like(xp, args[0], tangents[0])
        return log_softmax_jvp(logits, like(xp, tangents[0], args[0]), self.axis(on))


class LogSumExp(Reduction):
    """logsumexp of `formulas`, along an axis or over all entries; its slope is the softmax."""

    of_logits = True
    root = 1.0  # of the sum
    written_whole = True

    def _flat(self, x: Any, on: Operands) -> tuple[Any, int]:
        return (x.reshape(-1, x.shape[-1]), 0) if on.extra is None else (x, on.axes[0])

    def value(self, xp: RuleNamespace[Any], args: list[Any], on: Operands) -> Any:
        return logsumexp(*self._flat(args[0], on))

    def _softmax(self, xp: RuleNamespace[Any], out: Any, x: Any, on: Operands) -> Any:
        if xp.symbolic:
            return xp.exp(x - put_back(xp, out, on.axes))
        if isinstance(x, Dual):
            logits, t = like(xp, x.v, x.t), like(xp, x.t, x.v)
            (flat, axis), (flat_t, _) = self._flat(logits, on), self._flat(t, on)
            tangent = softmax_jvp(flat, flat_t, axis).reshape(t.shape)
            return Dual(self._softmax(xp, out, x.v, on), tangent, x.namespace)
        return softmax(*self._flat(x, on)).reshape(x.shape)

    def vjp(self, xp: RuleNamespace[Any], g: Any, i: int, out: Any, args: list[Any], on: Operands) -> Any:
        return put_back(xp, g, on.axes) * self._softmax(xp, out, args[0], on)

    def jvp(self, xp: RuleNamespace[Any], tangents: list[Any], out: Any, args: list[Any], on: Operands) -> Any:
        return summed(xp, self._softmax(xp, out, args[0], on) * tangents[0], on.axes)


REDUCTIONS: dict[str, ArrayOp] = {
    "sum": Sum(),
    "prod": Prod(),
    "max": Extreme(True),
    "min": Extreme(False),
    "norm": Norm(),
    "softmax": Softmax(),
    "other_classes": OtherClasses(),
    "log_softmax": LogSoftmax(),
    "logsumexp": LogSumExp(),
}

for _name, _op in REDUCTIONS.items():
    _op.name = _name
