"""Reductions, each with its v·J and J·v directly below it: sum, prod, max, min, norm, softmax, logsumexp."""

import math
from typing import Any

from bpcli.calculus.rules.array_operations import ArrayOp, full, like, linear, put_back, stacked, summed
from bpcli.calculus.rules.duals import Dual
from bpcli.calculus.rules.function_rows import RuleNamespace
from bpcli.calculus.rules.shapes import Shape, ShapeError, axes_of


def _reduced(shape: Shape, axis: int | None) -> Shape:
    axes = axes_of(shape, axis)
    return tuple(n for k, n in enumerate(shape) if k not in axes)


class Sum(ArrayOp):
    """Σ x over an axis, or over all entries."""

    def shape(self, shapes: list[Shape], extra: Any) -> Shape:
        return _reduced(shapes[0], extra)

    def value(self, xp: RuleNamespace[Any], args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        return summed(xp, args[0], axes_of(shapes[0], extra))

    def vjp(
        self, xp: RuleNamespace[Any], g: Any, i: int, out: Any, args: list[Any], shapes: list[Shape], extra: Any
    ) -> Any:
        return full(xp, put_back(xp, g, axes_of(shapes[0], extra)), shapes[0])


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


class Prod(ArrayOp):
    """Π x over an axis, or over all entries; its slope is the product of the others, which no zero spoils."""

    def shape(self, shapes: list[Shape], extra: Any) -> Shape:
        return _reduced(shapes[0], extra)

    def value(self, xp: RuleNamespace[Any], args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        return args[0].prod(axis=axes_of(shapes[0], extra))

    def _others(self, xp: RuleNamespace[Any], x: Any, shape: Shape, extra: Any) -> Any:
        axes = axes_of(shape, extra)
        kept = [k for k in range(len(shape)) if k not in axes]
        order = [*axes, *kept]
        count = math.prod(shape[k] for k in axes)
        rest = [shape[k] for k in kept]

        def flat(a: Any) -> Any:
            return a.transpose(*order, len(shape)).reshape(count, *rest, a.shape[-1])

        together = _products_of_others(xp, linear(xp, flat, x))

        def back(a: Any) -> Any:
            inverse = [order.index(k) for k in range(len(shape))]
            shaped = a.reshape(*(shape[k] for k in axes), *rest, a.shape[-1])
            return shaped.transpose(*inverse, len(shape))

        return linear(xp, back, together)

    def vjp(
        self, xp: RuleNamespace[Any], g: Any, i: int, out: Any, args: list[Any], shapes: list[Shape], extra: Any
    ) -> Any:
        return xp.scale(put_back(xp, g, axes_of(shapes[0], extra)), self._others(xp, args[0], shapes[0], extra))

    def jvp(
        self, xp: RuleNamespace[Any], tangents: list[Any], out: Any, args: list[Any], shapes: list[Shape], extra: Any
    ) -> Any:
        return summed(xp, xp.scale(tangents[0], self._others(xp, args[0], shapes[0], extra)), axes_of(shapes[0], extra))


class Extreme(ArrayOp):
    """max or min over an axis or all entries; entries that tie share the slope evenly."""

    has_edge = True
    selects = True

    def __init__(self, largest: bool) -> None:
        self.largest = largest

    def shape(self, shapes: list[Shape], extra: Any) -> Shape:
        return _reduced(shapes[0], extra)

    def value(self, xp: RuleNamespace[Any], args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        axes = axes_of(shapes[0], extra)
        return args[0].max(axis=axes) if self.largest else args[0].min(axis=axes)

    def edge(self, xp: RuleNamespace[Any], out: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        axes = axes_of(shapes[0], extra)
        return xp.base.where(args[0] == xp.base.expand_dims(out, axes), 1.0, 0.0).sum(axis=axes) > 1.0

    def edge_entries(
        self, xp: RuleNamespace[Any], edge: Any, out: Any, args: list[Any], shapes: list[Shape], extra: Any
    ) -> Any:
        axes, np = axes_of(shapes[0], extra), xp.base
        return np.expand_dims(edge, axes) & (args[0] == np.expand_dims(out, axes))

    def _share(self, xp: RuleNamespace[Any], out: Any, x: Any, axes: tuple[int, ...]) -> Any:
        x, out = (a.v if isinstance(a, Dual) else a for a in (x, out))
        ties = xp.base.where(x == xp.base.expand_dims(out, axes), 1.0, 0.0)
        return ties / ties.sum(axis=axes, keepdims=True)

    def vjp(
        self, xp: RuleNamespace[Any], g: Any, i: int, out: Any, args: list[Any], shapes: list[Shape], extra: Any
    ) -> Any:
        axes = axes_of(shapes[0], extra)
        return xp.scale(self._share(xp, out, args[0], axes), put_back(xp, g, axes))  # a share of 0 is not taken

    def jvp(
        self, xp: RuleNamespace[Any], tangents: list[Any], out: Any, args: list[Any], shapes: list[Shape], extra: Any
    ) -> Any:
        axes = axes_of(shapes[0], extra)
        return summed(xp, xp.scale(self._share(xp, out, args[0], axes), tangents[0]), axes)


def _squares_leave(norm: Any) -> Any:
    """Whether the squares on the way to a norm have over- or underflown."""
    return (norm < 1e-140) | (norm > 1e150) | (norm != norm)


class Norm(ArrayOp):
    """√Σx², scaled by the largest entry so that squares neither overflow nor vanish; its slope is x/‖x‖, 0 at 0."""

    has_edge = True

    def shape(self, shapes: list[Shape], extra: Any) -> Shape:
        return _reduced(shapes[0], extra)

    def edge(self, xp: RuleNamespace[Any], out: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        return out == 0

    def edge_entries(
        self, xp: RuleNamespace[Any], edge: Any, out: Any, args: list[Any], shapes: list[Shape], extra: Any
    ) -> Any:
        return xp.base.expand_dims(edge, axes_of(shapes[0], extra))

    def _unit(self, xp: RuleNamespace[Any], x: Any, axes: tuple[int, ...]) -> Any:
        """The power of two just below the largest entry, by which a division is exact; 1 where all are 0."""
        np = xp.base
        size = abs(x.v if isinstance(x, Dual) else x).max(axis=axes, keepdims=True)
        return np.where((size > 0) & np.isfinite(size), np.ldexp(1.0, np.frexp(size)[1] - 1), 1.0)

    def value(self, xp: RuleNamespace[Any], args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        axes, np, x = axes_of(shapes[0], extra), xp.base, args[0]

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

        norm = put_back(xp, out, axes)
        return xp.agreed(xp.refined(xp.divide(x, norm), _squares_leave(norm), in_units), norm == 0, 0.0)

    def vjp(
        self, xp: RuleNamespace[Any], g: Any, i: int, out: Any, args: list[Any], shapes: list[Shape], extra: Any
    ) -> Any:
        axes = axes_of(shapes[0], extra)
        return put_back(xp, g, axes) * self._direction(xp, out, args[0], axes)

    def jvp(
        self, xp: RuleNamespace[Any], tangents: list[Any], out: Any, args: list[Any], shapes: list[Shape], extra: Any
    ) -> Any:
        axes = axes_of(shapes[0], extra)
        return summed(xp, self._direction(xp, out, args[0], axes) * tangents[0], axes)


class _Softmax(ArrayOp):
    """What softmax, log_softmax and logsumexp share: the axis, a row at a time where none is given."""

    of_rows = True

    def axis(self, shape: Shape, extra: Any) -> int:
        if not shape:
            raise ShapeError("softmax is of a vector or a matrix, not of a number")
        return axes_of(shape, -1 if extra is None else extra)[0]

    def shape(self, shapes: list[Shape], extra: Any) -> Shape:
        self.axis(shapes[0], extra)
        return shapes[0]


class Softmax(_Softmax):
    """softmax of `formulas`, along an axis."""

    def value(self, xp: RuleNamespace[Any], args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        from bpcli.formulas.softmax import softmax

        return softmax(args[0], self.axis(shapes[0], extra))

    def vjp(
        self, xp: RuleNamespace[Any], g: Any, i: int, out: Any, args: list[Any], shapes: list[Shape], extra: Any
    ) -> Any:
        # p ⊙ (u − Σ p u) with u = g measured from its entry at the largest class, as in `formulas.softmax_vjp`.
        axis = self.axis(shapes[0], extra)
        if xp.symbolic:
            return out * (g - summed(xp, out * g, (axis,), keep=True))
        p = out.v if isinstance(out, Dual) else out
        top = xp.base.expand_dims(p.argmax(axis=axis), axis)
        u = g - linear(xp, lambda a: xp.base.take_along_axis(like(xp, a, p), top, axis), full(xp, g, shapes[0]))
        return out * (u - summed(xp, out * u, (axis,), keep=True))

    def jvp(
        self, xp: RuleNamespace[Any], tangents: list[Any], out: Any, args: list[Any], shapes: list[Shape], extra: Any
    ) -> Any:
        return self.vjp(xp, tangents[0], 0, out, args, shapes, extra)  # J is symmetric


class LogSoftmax(_Softmax):
    """log_softmax of `formulas`, along an axis."""

    def value(self, xp: RuleNamespace[Any], args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        from bpcli.formulas.softmax import log_softmax

        return log_softmax(args[0], self.axis(shapes[0], extra))

    def vjp(
        self, xp: RuleNamespace[Any], g: Any, i: int, out: Any, args: list[Any], shapes: list[Shape], extra: Any
    ) -> Any:
        axis = self.axis(shapes[0], extra)
        if not isinstance(out, Dual) and not isinstance(g, Dual) and not xp.symbolic:
            from bpcli.formulas.softmax import log_softmax_vjp

            g, logits = (like(xp, a, b) for a, b in ((full(xp, g, shapes[0]), args[0]), (args[0], g)))
            return log_softmax_vjp(g, logits, axis)
        # g_k(1 − p_k) − p_k Σ_{j≠k} g_j; −expm1(log p) is 1 − p without cancellation.
        total = summed(xp, full(xp, g, shapes[0]), (axis,), keep=True)
        return -(g * xp.expm1(out)) - xp.exp(out) * (total - g)

    def jvp(
        self, xp: RuleNamespace[Any], tangents: list[Any], out: Any, args: list[Any], shapes: list[Shape], extra: Any
    ) -> Any:
        if xp.symbolic:
            t = tangents[0]
            return t - summed(xp, xp.exp(out) * t, (self.axis(shapes[0], extra),), keep=True)
        from bpcli.formulas.softmax import log_softmax_jvp

        logits = like(xp, args[0], tangents[0])
        return log_softmax_jvp(logits, like(xp, tangents[0], args[0]), self.axis(shapes[0], extra))


class LogSumExp(ArrayOp):
    """logsumexp of `formulas`, along an axis or over all entries; its slope is the softmax."""

    def shape(self, shapes: list[Shape], extra: Any) -> Shape:
        return _reduced(shapes[0], extra)

    def _flat(self, x: Any, shape: Shape, extra: Any) -> tuple[Any, int]:
        if extra is None:
            return x.reshape(-1, x.shape[-1]), 0
        return x, axes_of(shape, extra)[0]

    def value(self, xp: RuleNamespace[Any], args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        from bpcli.formulas.softmax import logsumexp

        return logsumexp(*self._flat(args[0], shapes[0], extra))

    def _softmax(self, x: Any, shape: Shape, extra: Any) -> Any:
        from bpcli.formulas.softmax import softmax

        flat, axis = self._flat(x, shape, extra)
        return softmax(flat, axis).reshape(x.shape)

    def _p(self, xp: RuleNamespace[Any], x: Any, shape: Shape, extra: Any) -> Any:
        if not isinstance(x, Dual):
            return self._softmax(x, shape, extra)
        from bpcli.formulas.softmax import softmax_jvp

        logits, t = like(xp, x.v, x.t), like(xp, x.t, x.v)
        (flat, axis), (flat_t, _) = self._flat(logits, shape, extra), self._flat(t, shape, extra)
        return Dual(self._softmax(x.v, shape, extra), softmax_jvp(flat, flat_t, axis).reshape(t.shape), x.namespace)

    def vjp(
        self, xp: RuleNamespace[Any], g: Any, i: int, out: Any, args: list[Any], shapes: list[Shape], extra: Any
    ) -> Any:
        if xp.symbolic:  # e^(x − out)
            return put_back(xp, g, axes_of(shapes[0], extra)) * xp.exp(
                args[0] - put_back(xp, out, axes_of(shapes[0], extra))
            )
        return put_back(xp, g, axes_of(shapes[0], extra)) * self._p(xp, args[0], shapes[0], extra)

    def jvp(
        self, xp: RuleNamespace[Any], tangents: list[Any], out: Any, args: list[Any], shapes: list[Shape], extra: Any
    ) -> Any:
        if xp.symbolic:
            return summed(
                xp,
                xp.exp(args[0] - put_back(xp, out, axes_of(shapes[0], extra))) * tangents[0],
                axes_of(shapes[0], extra),
            )
        return summed(xp, self._p(xp, args[0], shapes[0], extra) * tangents[0], axes_of(shapes[0], extra))


REDUCTIONS: dict[str, ArrayOp] = {
    "sum": Sum(),
    "prod": Prod(),
    "max": Extreme(True),
    "min": Extreme(False),
    "norm": Norm(),
    "softmax": Softmax(),
    "log_softmax": LogSoftmax(),
    "logsumexp": LogSumExp(),
}

for _name, _op in REDUCTIONS.items():
    _op.name = _name
