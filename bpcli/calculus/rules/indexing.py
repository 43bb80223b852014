"""Indexing, transposition, stacking and the product of matrices, each with its v·J and J·v directly below it."""

import math
from typing import Any

from bpcli.calculus.rules.array_operations import ArrayOp, Operands, linear, stacked
from bpcli.calculus.rules.duals import Dual
from bpcli.calculus.rules.function_rows import RuleNamespace
from bpcli.calculus.rules.shapes import Shape, ShapeError, show_shape


class Take(ArrayOp):
    """x[…]: `extra` holds an integer or a (start, stop) pair for each axis that is indexed."""

    selects = True
    exact = True

    def _index(self, extra: Any) -> tuple[Any, ...]:
        return tuple(slice(*i) if isinstance(i, tuple) else i for i in extra)

    def shape(self, on: Operands) -> Shape:
        shape = on.shape
        if not shape:
            raise ShapeError("a number has no entries to pick from")
        if len(on.extra) > len(shape):
            raise ShapeError(f"{show_shape(shape)} takes one index, not {len(on.extra)}")
        result: list[int] = []
        for index, n in zip(on.extra, shape, strict=False):
            if isinstance(index, tuple):
                length = len(range(*slice(*index).indices(n)))
                if not length:
                    raise ShapeError(f"this range takes nothing of {show_shape(shape)}")
                result.append(length)
            elif not -n <= index < n:
                raise ShapeError(f"there is no index {index} in {show_shape(shape)}", f"they count from 0 to {n - 1}")
        return (*result, *shape[len(on.extra) :])

    def value(self, xp: RuleNamespace[Any], args: list[Any], on: Operands) -> Any:
        return args[0][self._index(on.extra)]

    def vjp(self, xp: RuleNamespace[Any], g: Any, i: int, out: Any, args: list[Any], on: Operands) -> Any:
        def scatter(a: Any) -> Any:
            result = xp.base.zeros((*on.shape, a.shape[-1]))
            result[self._index(on.extra)] = a
            return result

        return linear(xp, scatter, g)


class Swap(ArrayOp):
    """A.T, the axes in reverse; a vector is its own transpose."""

    exact = True

    def shape(self, on: Operands) -> Shape:
        return on.shape[::-1]

    def value(self, xp: RuleNamespace[Any], args: list[Any], on: Operands) -> Any:
        return self._turned(args[0])

    def vjp(self, xp: RuleNamespace[Any], g: Any, i: int, out: Any, args: list[Any], on: Operands) -> Any:
        return linear(xp, self._turned, g)

    def _turned(self, a: Any) -> Any:
        points = a.ndim - 1
        return a.transpose(*reversed(range(points)), points)


class StackItems(ArrayOp):
    """A literal […]: its items along a new first axis."""

    exact = True

    def shape(self, on: Operands) -> Shape:
        if any(shape != on.shape for shape in on.shapes):
            other = next(shape for shape in on.shapes if shape != on.shape)
            raise ShapeError(
                f"the entries of a list have one shape, not {show_shape(on.shape)} and {show_shape(other)}"
            )
        return (len(on.shapes), *on.shape)

    def value(self, xp: RuleNamespace[Any], args: list[Any], on: Operands) -> Any:
        return stacked(xp, args, on.shape)

    def vjp(self, xp: RuleNamespace[Any], g: Any, i: int, out: Any, args: list[Any], on: Operands) -> Any:
        return linear(xp, lambda a: a[i], g)

    def jvp(self, xp: RuleNamespace[Any], tangents: list[Any], out: Any, args: list[Any], on: Operands) -> Any:
        return stacked(xp, [0.0 if t is None else t for t in tangents], on.shape)


class MatMul(ArrayOp):
    """A @ B of vectors and matrices: rows of A by columns of B."""

    adds = True

    def shape(self, on: Operands) -> Shape:
        a, b = on.shapes
        if not a or not b:
            raise ShapeError("@ multiplies vectors and matrices, not numbers", "write *")
        if len(a) > 2 or len(b) > 2:
            raise ShapeError("@ multiplies vectors and matrices, not stacks of them")
        if a[-1] != b[0]:
            fits = [which for which, fit in (("first", a[0] == b[0]), ("second", a[-1] == b[-1])) if fit]
            hint = f"the {fits[0]} transposed fits: .T" if fits and len(a) + len(b) > 2 else ""
            raise ShapeError(f"{show_shape(a)} @ {show_shape(b)}: {a[-1]} columns by {b[0]} rows", hint)
        return a[:-1] + b[1:]

    def work(self, on: Operands) -> int:
        return math.prod(on.shape) * math.prod(on.shapes[1][1:])

    def value(self, xp: RuleNamespace[Any], args: list[Any], on: Operands) -> Any:
        return self._product(xp, args[0], args[1], on.shape, on.shapes[1])

    def _product(self, xp: RuleNamespace[Any], a: Any, b: Any, shape_a: Shape, shape_b: Shape) -> Any:
        """The product of (m, n) and (n, p); a vector stands for a row on the left, for a column on the right."""
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

    def _any(self, xp: RuleNamespace[Any], a: Any, b: Any, shape_a: Shape, shape_b: Shape) -> Any:
        """The product of plain arrays or duals."""
        dual = next((x for x in (a, b) if isinstance(x, Dual)), None)
        if dual is None:
            return self._product(xp, a, b, shape_a, shape_b)
        v_a, v_b = (x.v if isinstance(x, Dual) else x for x in (a, b))
        t: Any = 0.0
        if isinstance(a, Dual):
            t = t + self._product(xp, a.t, v_b, shape_a, shape_b)
        if isinstance(b, Dual):
            t = t + self._product(xp, v_a, b.t, shape_a, shape_b)
        return Dual(self._product(xp, v_a, v_b, shape_a, shape_b), t, dual.namespace)

    def vjp(self, xp: RuleNamespace[Any], g: Any, i: int, out: Any, args: list[Any], on: Operands) -> Any:
        a, b = on.shapes
        # As matrices G (m, p), A (m, n), B (n, p): Ā = G Bᵀ, B̄ = Aᵀ G.
        m, p = (1,) if len(a) == 1 else a[:1], (1,) if len(b) == 1 else b[1:]
        g = linear(xp, lambda x: x.reshape(*m, *p, x.shape[-1]), g)
        other = args[1 - i]
        shape = b if i == 0 else a
        full = (shape[0], 1) if i == 0 and len(b) == 1 else (1, shape[0]) if i == 1 and len(a) == 1 else shape
        other = linear(xp, lambda x: x.reshape(*full, x.shape[-1]).swapaxes(0, 1), other)
        turned = full[::-1]
        result = self._any(xp, g, other, (*m, *p), turned) if i == 0 else self._any(xp, other, g, turned, (*m, *p))
        return linear(xp, lambda x: x.reshape(*on.shapes[i], x.shape[-1]), result)

    def jvp(self, xp: RuleNamespace[Any], tangents: list[Any], out: Any, args: list[Any], on: Operands) -> Any:
        parts = []
        if tangents[0] is not None:
            parts.append(self._product(xp, tangents[0], args[1], *on.shapes))
        if tangents[1] is not None:
            parts.append(self._product(xp, args[0], tangents[1], *on.shapes))
        return sum(parts[1:], parts[0])


STRUCTURE: dict[str, ArrayOp] = {
    "take": Take(),
    "transpose": Swap(),
    "stack": StackItems(),
    "@": MatMul(),
}

for _name, _op in STRUCTURE.items():
    _op.name = _name
