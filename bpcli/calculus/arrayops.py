"""The operations on whole arrays: shape, value, v·J and J·v of each; the elementwise functions are in `functions`.

Arrays carry a trailing axis of points or seeds, so that logical axis k is array axis k, and a logical shape (2, 3)
stands for an array (2, 3, B). `vjp` is written so that it works on duals too.
"""

import math
from typing import Any

from bpcli.calculus.spaces import Dual

Shape = tuple[int, ...]


class ShapeError(Exception):
    """Shapes that don't fit; the message goes behind the place in the expression."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def show_shape(shape: Shape) -> str:
    """A shape in words: a number, a vector of 3, a 2×3 matrix."""
    if not shape:
        return "a number"
    return f"a vector of {shape[0]}" if len(shape) == 1 else "a " + "×".join(map(str, shape)) + " matrix"


def broadcast(a: Shape, b: Shape) -> Shape | None:
    """The shape that both spread to, or None."""
    result = []
    for i in range(1, max(len(a), len(b)) + 1):
        m, n = a[-i] if i <= len(a) else 1, b[-i] if i <= len(b) else 1
        if m != n and 1 not in (m, n):
            return None
        result.append(n if m == 1 else m)
    return tuple(reversed(result))


class ArrayOp:
    """An operation: `extra` is its axis, indices or the like. Linear unless a subclass says how its tangent differs."""

    def shape(self, shapes: list[Shape], extra: Any) -> Shape:
        """The shape of the result; ShapeError if the operands do not fit."""
        raise NotImplementedError

    def work(self, shapes: list[Shape]) -> int:
        """About how many multiplications it takes, beyond those for each entry."""
        return 0

    def value(self, xp: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        """The result for plain arrays."""
        raise NotImplementedError

    def vjp(self, xp: Any, g: Any, i: int, out: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        """g·J for argument i, in the shape of that argument; plain arrays or duals."""
        raise NotImplementedError

    def jvp(self, xp: Any, tangents: list[Any], out: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        """Σ J_i·t_i, plain arrays; None stands for a tangent of 0."""
        return self.value(xp, [t for t in tangents if t is not None], shapes, extra)


def _linear(xp: Any, function: Any, x: Any) -> Any:
    return xp.linear(function, x) if isinstance(x, Dual) else function(x)


def axes_of(shape: Shape, axis: int | None) -> tuple[int, ...]:
    """The axes that a reduction goes over; ShapeError if there is no such axis."""
    if axis is None:
        return tuple(range(len(shape)))
    if not -len(shape) <= axis < len(shape):
        raise ShapeError(f"{show_shape(shape)} has no axis {axis}", "axis=0 goes down the rows, axis=1 along a row")
    return (axis % len(shape),)


def _reduced(shape: Shape, axis: int | None) -> Shape:
    axes = axes_of(shape, axis)
    return tuple(n for k, n in enumerate(shape) if k not in axes)


def _sum(xp: Any, x: Any, axes: tuple[int, ...], keep: bool = False) -> Any:
    def total(a: Any) -> Any:
        # Pairwise whatever the layout: NumPy adds one by one along an axis that is not the last.
        if len(axes) == 1 and a.shape[axes[0]] > 8:
            moved = xp.base.ascontiguousarray(xp.base.moveaxis(a, axes[0], -1)).sum(axis=-1)
            return xp.base.expand_dims(moved, axes[0]) if keep else moved
        return a.sum(axis=axes, keepdims=keep)

    return _linear(xp, total, x)


def _spread(xp: Any, g: Any, axes: tuple[int, ...]) -> Any:
    """g with the reduced axes put back, with length 1."""
    return _linear(xp, lambda a: xp.base.expand_dims(a, axes), g)


def _full(xp: Any, g: Any, shape: Shape) -> Any:
    """g spread to a logical shape."""
    return _linear(xp, lambda a: xp.base.broadcast_to(a, (*shape, a.shape[-1])), g)


class Sum(ArrayOp):
    """Σ x over an axis, or over all entries."""

    def shape(self, shapes: list[Shape], extra: Any) -> Shape:
        return _reduced(shapes[0], extra)

    def value(self, xp: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        return _sum(xp, args[0], axes_of(shapes[0], extra))

    def vjp(self, xp: Any, g: Any, i: int, out: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        return _full(xp, _spread(xp, g, axes_of(shapes[0], extra)), shapes[0])


class Prod(ArrayOp):
    """Π x over an axis, or over all entries; its slope is the product of the others, which no zero spoils."""

    def shape(self, shapes: list[Shape], extra: Any) -> Shape:
        return _reduced(shapes[0], extra)

    def value(self, xp: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        return args[0].prod(axis=axes_of(shapes[0], extra))

    def _others(self, xp: Any, x: Any, shape: Shape, extra: Any) -> Any:
        axes = axes_of(shape, extra)
        kept = [k for k in range(len(shape)) if k not in axes]
        order = [*axes, *kept]
        count = math.prod(shape[k] for k in axes)
        rest = [shape[k] for k in kept]

        def flat(a: Any) -> Any:
            return a.transpose(*order, len(shape)).reshape(count, *rest, a.shape[-1])

        x = _linear(xp, flat, x)
        entries = [_linear(xp, lambda a, i=i: a[i], x) for i in range(count)]
        left, right = [1.0], [1.0]
        for entry in entries[:-1]:
            left.append(left[-1] * entry)
        for entry in reversed(entries[1:]):
            right.append(right[-1] * entry)
        others = [a * b for a, b in zip(left, reversed(right), strict=True)]
        stacked = _stacked(xp, others, tuple(rest))

        def back(a: Any) -> Any:
            inverse = [order.index(k) for k in range(len(shape))]
            shaped = a.reshape(*(shape[k] for k in axes), *rest, a.shape[-1])
            return shaped.transpose(*inverse, len(shape))

        return _linear(xp, back, stacked)

    def vjp(self, xp: Any, g: Any, i: int, out: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        return xp.scale(_spread(xp, g, axes_of(shapes[0], extra)), self._others(xp, args[0], shapes[0], extra))

    def jvp(self, xp: Any, tangents: list[Any], out: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        return _sum(xp, xp.scale(tangents[0], self._others(xp, args[0], shapes[0], extra)), axes_of(shapes[0], extra))


class Extreme(ArrayOp):
    """max or min over an axis or all entries; entries that tie share the slope evenly."""

    def __init__(self, largest: bool) -> None:
        self.largest = largest

    def shape(self, shapes: list[Shape], extra: Any) -> Shape:
        return _reduced(shapes[0], extra)

    def value(self, xp: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        axes = axes_of(shapes[0], extra)
        return args[0].max(axis=axes) if self.largest else args[0].min(axis=axes)

    def _share(self, xp: Any, out: Any, x: Any, axes: tuple[int, ...]) -> Any:
        x, out = (a.v if isinstance(a, Dual) else a for a in (x, out))
        ties = (x == xp.base.expand_dims(out, axes)) * 1.0
        return ties / ties.sum(axis=axes, keepdims=True)

    def vjp(self, xp: Any, g: Any, i: int, out: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        axes = axes_of(shapes[0], extra)
        return _spread(xp, g, axes) * self._share(xp, out, args[0], axes)

    def jvp(self, xp: Any, tangents: list[Any], out: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        axes = axes_of(shapes[0], extra)
        return _sum(xp, self._share(xp, out, args[0], axes) * tangents[0], axes)


class Norm(ArrayOp):
    """√Σx², scaled by the largest entry so that squares neither overflow nor vanish; its slope is x/‖x‖, 0 at 0."""

    def shape(self, shapes: list[Shape], extra: Any) -> Shape:
        return _reduced(shapes[0], extra)

    def _unit(self, xp: Any, x: Any, axes: tuple[int, ...]) -> Any:
        """The power of two just below the largest entry, by which dividing rounds nothing; 1 where there is none."""
        np = xp.base
        size = abs(x.v if isinstance(x, Dual) else x).max(axis=axes, keepdims=True)
        return np.where((size > 0) & np.isfinite(size), np.ldexp(1.0, np.frexp(size)[1] - 1), 1.0)

    def value(self, xp: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        axes, np = axes_of(shapes[0], extra), xp.base
        unit = self._unit(xp, args[0], axes)
        scaled = args[0] / unit
        result = np.sqrt(_sum(xp, scaled * scaled, axes)) * np.squeeze(unit, axes)
        return np.where(np.isinf(args[0]).any(axis=axes), np.inf, result)

    def _direction(self, xp: Any, out: Any, x: Any, axes: tuple[int, ...]) -> Any:
        """x/‖x‖, both in units of the largest entry, as ‖x‖ may be beyond the doubles."""
        unit = self._unit(xp, x, axes)
        scaled = xp.divide(x, unit)
        norm = xp.sqrt(_sum(xp, scaled * scaled, axes, keep=True))
        return xp.agreed(xp.divide(scaled, norm), norm == 0, 0.0)

    def vjp(self, xp: Any, g: Any, i: int, out: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        axes = axes_of(shapes[0], extra)
        return _spread(xp, g, axes) * self._direction(xp, out, args[0], axes)

    def jvp(self, xp: Any, tangents: list[Any], out: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        axes = axes_of(shapes[0], extra)
        return _sum(xp, self._direction(xp, out, args[0], axes) * tangents[0], axes)


class _Softmax(ArrayOp):
    """What softmax, log_softmax and logsumexp share: the axis, a row at a time where none is given."""

    def axis(self, shape: Shape, extra: Any) -> int:
        if not shape:
            raise ShapeError("this needs a vector or a matrix, not a number")
        return axes_of(shape, -1 if extra is None else extra)[0]

    def shape(self, shapes: list[Shape], extra: Any) -> Shape:
        self.axis(shapes[0], extra)
        return shapes[0]


class Softmax(_Softmax):
    """softmax of `formulas`, along an axis."""

    def value(self, xp: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        from bpcli.formulas.softmax import softmax

        return softmax(args[0], self.axis(shapes[0], extra))

    def vjp(self, xp: Any, g: Any, i: int, out: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        # p ⊙ (u − Σ p u) with u = g measured from its entry at the largest class, as in `formulas.softmax_vjp`.
        axis = self.axis(shapes[0], extra)
        p = out.v if isinstance(out, Dual) else out
        top = xp.base.expand_dims(p.argmax(axis=axis), axis)
        u = g - _linear(xp, lambda a: xp.base.take_along_axis(_like(xp, a, p), top, axis), _full(xp, g, shapes[0]))
        return out * (u - _sum(xp, out * u, (axis,), keep=True))

    def jvp(self, xp: Any, tangents: list[Any], out: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        return self.vjp(xp, tangents[0], 0, out, args, shapes, extra)  # J is symmetric


def _like(xp: Any, a: Any, p: Any) -> Any:
    """A spread over the points of p, so that both can be indexed alike."""
    return xp.base.broadcast_to(a, (*a.shape[:-1], max(a.shape[-1], p.shape[-1])))


class LogSoftmax(_Softmax):
    """log_softmax of `formulas`, along an axis."""

    def value(self, xp: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        from bpcli.formulas.softmax import log_softmax

        return log_softmax(args[0], self.axis(shapes[0], extra))

    def vjp(self, xp: Any, g: Any, i: int, out: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        axis = self.axis(shapes[0], extra)
        if not isinstance(out, Dual) and not isinstance(g, Dual):
            from bpcli.formulas.softmax import log_softmax_vjp

            g, logits = (_like(xp, a, b) for a, b in ((_full(xp, g, shapes[0]), args[0]), (args[0], g)))
            return log_softmax_vjp(g, logits, axis)
        # g_k(1 − p_k) − p_k Σ_{j≠k} g_j; −expm1(log p) is 1 − p without cancellation.
        total = _sum(xp, _full(xp, g, shapes[0]), (axis,), keep=True)
        return -(g * xp.expm1(out)) - xp.exp(out) * (total - g)

    def jvp(self, xp: Any, tangents: list[Any], out: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        from bpcli.formulas.softmax import log_softmax_jvp

        logits = _like(xp, args[0], tangents[0])
        return log_softmax_jvp(logits, _like(xp, tangents[0], args[0]), self.axis(shapes[0], extra))


class LogSumExp(ArrayOp):
    """logsumexp of `formulas`, along an axis or over all entries; its slope is the softmax."""

    def shape(self, shapes: list[Shape], extra: Any) -> Shape:
        return _reduced(shapes[0], extra)

    def _flat(self, x: Any, shape: Shape, extra: Any) -> tuple[Any, int]:
        if extra is None:
            return x.reshape(-1, x.shape[-1]), 0
        return x, axes_of(shape, extra)[0]

    def value(self, xp: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        from bpcli.formulas.softmax import logsumexp

        return logsumexp(*self._flat(args[0], shapes[0], extra))

    def _softmax(self, x: Any, shape: Shape, extra: Any) -> Any:
        from bpcli.formulas.softmax import softmax

        flat, axis = self._flat(x, shape, extra)
        return softmax(flat, axis).reshape(x.shape)

    def _p(self, xp: Any, x: Any, shape: Shape, extra: Any) -> Any:
        if not isinstance(x, Dual):
            return self._softmax(x, shape, extra)
        from bpcli.formulas.softmax import softmax_jvp

        logits, t = _like(xp, x.v, x.t), _like(xp, x.t, x.v)
        (flat, axis), (flat_t, _) = self._flat(logits, shape, extra), self._flat(t, shape, extra)
        return Dual(self._softmax(x.v, shape, extra), softmax_jvp(flat, flat_t, axis).reshape(t.shape), x.space)

    def vjp(self, xp: Any, g: Any, i: int, out: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        return _spread(xp, g, axes_of(shapes[0], extra)) * self._p(xp, args[0], shapes[0], extra)

    def jvp(self, xp: Any, tangents: list[Any], out: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        return _sum(xp, self._p(xp, args[0], shapes[0], extra) * tangents[0], axes_of(shapes[0], extra))


class Take(ArrayOp):
    """x[…]: `extra` holds an integer or a (start, stop) pair for each axis that is indexed."""

    def _index(self, extra: Any) -> tuple[Any, ...]:
        return tuple(slice(*i) if isinstance(i, tuple) else i for i in extra)

    def shape(self, shapes: list[Shape], extra: Any) -> Shape:
        shape = shapes[0]
        if len(extra) > len(shape):
            raise ShapeError(f"{len(extra)} indices into {show_shape(shape)}")
        result: list[int] = []
        for index, n in zip(extra, shape, strict=False):
            if isinstance(index, tuple):
                length = len(range(*slice(*index).indices(n)))
                if not length:
                    raise ShapeError(f"this range takes nothing of {show_shape(shape)}")
                result.append(length)
            elif not -n <= index < n:
                raise ShapeError(f"there is no index {index} in {show_shape(shape)}", f"they count from 0 to {n - 1}")
        return (*result, *shape[len(extra) :])

    def value(self, xp: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        return args[0][self._index(extra)]

    def vjp(self, xp: Any, g: Any, i: int, out: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        def scatter(a: Any) -> Any:
            result = xp.base.zeros((*shapes[0], a.shape[-1]))
            result[self._index(extra)] = a
            return result

        return _linear(xp, scatter, g)


class Swap(ArrayOp):
    """A.T; a vector is its own transpose."""

    def shape(self, shapes: list[Shape], extra: Any) -> Shape:
        return shapes[0][::-1]

    def value(self, xp: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        return args[0].swapaxes(0, 1) if len(shapes[0]) == 2 else args[0]

    def vjp(self, xp: Any, g: Any, i: int, out: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        return _linear(xp, lambda a: a.swapaxes(0, 1) if len(shapes[0]) == 2 else a, g)


def _stacked(xp: Any, items: list[Any], shape: Shape) -> Any:
    """Items along a new first axis; plain numbers, arrays and duals may stand side by side."""
    np = xp.base

    def stack(parts: list[Any]) -> Any:
        points = max((p.shape[-1] for p in parts if getattr(p, "ndim", 0) > len(shape)), default=1)
        return np.stack([np.broadcast_to(p, (*shape, points)) for p in parts])

    if any(isinstance(item, Dual) for item in items):
        space = next(item.space for item in items if isinstance(item, Dual))
        values = stack([item.v if isinstance(item, Dual) else item for item in items])
        tangents = stack([item.t if isinstance(item, Dual) else 0.0 for item in items])
        return Dual(values, tangents, space)
    return stack(items)


class StackItems(ArrayOp):
    """A literal […]: its items along a new first axis."""

    def shape(self, shapes: list[Shape], extra: Any) -> Shape:
        if any(shape != shapes[0] for shape in shapes):
            other = next(shape for shape in shapes if shape != shapes[0])
            raise ShapeError(
                f"the entries of a list have one shape, not {show_shape(shapes[0])} and {show_shape(other)}"
            )
        return (len(shapes), *shapes[0])

    def value(self, xp: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        return _stacked(xp, args, shapes[0])

    def vjp(self, xp: Any, g: Any, i: int, out: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        return _linear(xp, lambda a: a[i], g)

    def jvp(self, xp: Any, tangents: list[Any], out: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        return _stacked(xp, [0.0 if t is None else t for t in tangents], shapes[0])


class MatMul(ArrayOp):
    """A @ B of vectors and matrices: rows of A by columns of B."""

    def shape(self, shapes: list[Shape], extra: Any) -> Shape:
        a, b = shapes
        if not a or not b:
            raise ShapeError("@ multiplies vectors and matrices, not numbers", "write *")
        if len(a) > 2 or len(b) > 2:
            raise ShapeError("@ multiplies vectors and matrices, not stacks of them")
        if a[-1] != b[0]:
            hint = "transpose one with .T" if len(a) + len(b) > 2 else ""
            raise ShapeError(f"{show_shape(a)} @ {show_shape(b)}: {a[-1]} columns by {b[0]} rows", hint)
        return a[:-1] + b[1:]

    def work(self, shapes: list[Shape]) -> int:
        return math.prod(shapes[0]) * math.prod(shapes[1][1:])

    def value(self, xp: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        return self._product(xp, args[0], args[1], shapes[0], shapes[1])

    def _product(self, xp: Any, a: Any, b: Any, shape_a: Shape, shape_b: Shape) -> Any:
        """The product of (m, n) by (n, p), either of which may lack its outer axis."""
        a = a[None] if len(shape_a) == 1 else a
        b = b[:, None] if len(shape_b) == 1 else b
        (m, n, points), (p, points_b) = a.shape, b.shape[1:]
        if points == 1:  # the same matrix for all: one product of matrices
            result = (a[..., 0] @ b.reshape(n, p * points_b)).reshape(m, p, points_b)
        elif points_b == 1:
            result = b[..., 0].T @ a
        else:
            result = xp.base.einsum("mnB,npB->mpB", a, b)
        result = result[:, 0] if len(shape_b) == 1 else result
        return result[0] if len(shape_a) == 1 else result

    def _any(self, xp: Any, a: Any, b: Any, shape_a: Shape, shape_b: Shape) -> Any:
        """The product of plain arrays or duals."""
        if not isinstance(a, Dual) and not isinstance(b, Dual):
            return self._product(xp, a, b, shape_a, shape_b)
        v_a, v_b = (x.v if isinstance(x, Dual) else x for x in (a, b))
        t: Any = 0.0
        if isinstance(a, Dual):
            t = t + self._product(xp, a.t, v_b, shape_a, shape_b)
        if isinstance(b, Dual):
            t = t + self._product(xp, v_a, b.t, shape_a, shape_b)
        return Dual(self._product(xp, v_a, v_b, shape_a, shape_b), t, xp)

    def vjp(self, xp: Any, g: Any, i: int, out: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        a, b = shapes
        # As matrices G (m, p), A (m, n), B (n, p): Ā = G Bᵀ, B̄ = Aᵀ G.
        m, p = (1,) if len(a) == 1 else a[:1], (1,) if len(b) == 1 else b[1:]
        g = _linear(xp, lambda x: x.reshape(*m, *p, x.shape[-1]), g)
        other = args[1 - i]
        shape = b if i == 0 else a
        full = (shape[0], 1) if i == 0 and len(b) == 1 else (1, shape[0]) if i == 1 and len(a) == 1 else shape
        other = _linear(xp, lambda x: x.reshape(*full, x.shape[-1]).swapaxes(0, 1), other)
        turned = full[::-1]
        result = self._any(xp, g, other, (*m, *p), turned) if i == 0 else self._any(xp, other, g, turned, (*m, *p))
        return _linear(xp, lambda x: x.reshape(*shapes[i], x.shape[-1]), result)

    def jvp(self, xp: Any, tangents: list[Any], out: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        parts = []
        if tangents[0] is not None:
            parts.append(self._product(xp, tangents[0], args[1], *shapes))
        if tangents[1] is not None:
            parts.append(self._product(xp, args[0], tangents[1], *shapes))
        return sum(parts[1:], parts[0])


class Broadcast(ArrayOp):
    """A number or array spread to the shape `extra`."""

    def shape(self, shapes: list[Shape], extra: Any) -> Shape:
        return tuple(extra)

    def value(self, xp: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        return _full(xp, args[0], extra)

    def vjp(self, xp: Any, g: Any, i: int, out: Any, args: list[Any], shapes: list[Shape], extra: Any) -> Any:
        return unbroadcast(xp, g, shapes[0])


def unbroadcast(xp: Any, g: Any, shape: Shape) -> Any:
    """g summed down to a logical shape from which it was spread."""

    def down(a: Any) -> Any:
        extra = a.ndim - 1 - len(shape)
        if extra:
            a = a.sum(axis=tuple(range(extra)))
        axes = tuple(k for k, n in enumerate(shape) if n == 1 and a.shape[k] != 1)
        return a.sum(axis=axes, keepdims=True) if axes else a

    return _linear(xp, down, g)


ARRAY_OPS: dict[str, ArrayOp] = {
    "sum": Sum(),
    "prod": Prod(),
    "max": Extreme(True),
    "min": Extreme(False),
    "norm": Norm(),
    "softmax": Softmax(),
    "log_softmax": LogSoftmax(),
    "logsumexp": LogSumExp(),
    "take": Take(),
    "transpose": Swap(),
    "stack": StackItems(),
    "@": MatMul(),
    "broadcast": Broadcast(),
}
