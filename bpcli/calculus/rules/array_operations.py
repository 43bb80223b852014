"""Operations on whole arrays: the methods that each has, and the linear maps that they are made of.

Arrays carry a trailing axis of points or seeds, so that logical axis k is array axis k, and a logical shape (2, 3)
stands for an array (2, 3, B). `vjp` is written so that it works on duals too.
"""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

from bpcli.calculus.rules.duals import Dual
from bpcli.calculus.rules.function_rows import RuleNamespace
from bpcli.calculus.rules.shapes import Shape, axes_of


class Operands(NamedTuple):
    """The shapes of an operation's operands, and `extra`: its axis, its indices or the like."""

    shapes: list[Shape]
    extra: Any

    @property
    def shape(self) -> Shape:
        """The shape of the first operand."""
        return self.shapes[0]

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes that a reduction goes over, `extra` being one, or None for all."""
        return axes_of(self.shapes[0], self.extra)


class ArrayOp(ABC):
    """An operation on whole arrays; linear unless a subclass says how its tangent differs."""

    name = ""  # its key in the table
    has_edge = False
    of_rows = False  # works on a vector or on each row of a matrix, not on a number
    shares = False  # its entries are the shares of classes, or of all others, between 0 and 1,
    of_others = False  # and which of the two
    selects = False  # takes some entries of its operand, and leaves others
    exact = False  # only moves entries or takes some, so that nothing is rounded
    adds = False  # its entries are sums of the operand's entries, or of products of two operands' entries
    of_logits = False  # it takes differences of its operand's entries, so that the error of a large entry shows
    subtracts = False  # its adjoint is g less a share of the sum of all g, which may cancel
    of_number = ""  # the function that it is of a single number; without a name it gives the number itself
    root: float | None = None  # as of a `Function`
    written_whole = False  # a formula writes an entry as `f(x)[i]`, instead of by the formula of that entry

    @abstractmethod
    def shape(self, on: Operands) -> Shape:
        """The shape of the result; ShapeError if the operands do not fit."""

    def work(self, on: Operands) -> int:
        """About how many multiplications it takes, beyond those for each entry."""
        return 0

    @abstractmethod
    def value(self, xp: RuleNamespace[Any], args: list[Any], on: Operands) -> Any:
        """The result for plain arrays."""

    def of_errors(self, xp: RuleNamespace[Any], errors: list[Any], on: Operands) -> Any:
        """How far the result of an exact operation may be off, where the operands' entries may be off by `errors`."""
        return self.value(xp, errors, on)

    @abstractmethod
    def vjp(self, xp: RuleNamespace[Any], g: Any, i: int, out: Any, args: list[Any], on: Operands) -> Any:
        """g·J for argument i, in the shape of that argument; plain arrays or duals."""

    def edge(self, xp: RuleNamespace[Any], out: Any, args: list[Any], on: Operands) -> Any:
        """Whether the slope jumps, as `Function.edge`; a bool, or an array of bools."""
        return False

    def may_turn(self, xp: RuleNamespace[Any], out: Any, args: list[Any], errors: list[Any], on: Operands) -> Any:
        """Whether the slope may jump between the entries as they are and as they may be, off by `errors`."""
        return self.edge(xp, out, args, on)

    def edge_entries(self, xp: RuleNamespace[Any], edge: Any, out: Any, args: list[Any], on: Operands) -> Any:
        """Which entries of its one operand are at fault where the operation is at an edge, which `edge` says."""
        return edge

    def jvp(self, xp: RuleNamespace[Any], tangents: list[Any], out: Any, args: list[Any], on: Operands) -> Any:
        """Σ J_i·t_i, plain arrays; None stands for a tangent of 0."""
        return self.value(xp, [t for t in tangents if t is not None], on)


def linear(xp: RuleNamespace[Any], function: Any, x: Any) -> Any:
    """A linear map of arrays, of a dual's two parts alike."""
    return xp.linear(function, x) if isinstance(x, Dual) else function(x)


def put_back(xp: RuleNamespace[Any], g: Any, axes: tuple[int, ...]) -> Any:
    """g with the reduced axes put back, with length 1."""
    return linear(xp, lambda a: xp.base.expand_dims(a, axes), g)


def spread_over(xp: RuleNamespace[Any], g: Any, shape: Shape) -> Any:
    """g spread to a logical shape."""
    return linear(xp, lambda a: xp.base.broadcast_to(a, (*shape, a.shape[-1])), g)


def summed(xp: RuleNamespace[Any], x: Any, axes: tuple[int, ...], keep: bool = False) -> Any:
    """Σ over axes, pairwise: errors don't grow with the number of terms, as they do where NumPy adds one by one."""
    np = xp.base

    def total(a: Any) -> Any:
        terms = np.moveaxis(a, axes, range(len(axes)))
        terms = terms.reshape(-1, *terms.shape[len(axes) :])
        while len(terms) > 8:
            half, odd = divmod(len(terms), 2)
            pairs = terms[:half] + terms[half : 2 * half]
            if odd:
                pairs[0] += terms[-1]
            terms = pairs
        result = terms.sum(axis=0)
        return np.expand_dims(result, axes) if keep else result

    return linear(xp, total, x)


def like(xp: RuleNamespace[Any], a: Any, p: Any) -> Any:
    """`a` spread over the points of p, so that both can be indexed alike."""
    return xp.base.broadcast_to(a, (*a.shape[:-1], max(a.shape[-1], p.shape[-1])))


def stacked(xp: RuleNamespace[Any], items: list[Any], shape: Shape) -> Any:
    """Items along a new first axis; plain numbers, arrays and duals may stand side by side."""
    np = xp.base

    def stack(parts: list[Any]) -> Any:
        points = max((p.shape[-1] for p in parts if getattr(p, "ndim", 0) > len(shape)), default=1)
        return np.stack([np.broadcast_to(p, (*shape, points)) for p in parts])

    if any(isinstance(item, Dual) for item in items):
        duals = next(item.namespace for item in items if isinstance(item, Dual))
        values = stack([item.v if isinstance(item, Dual) else item for item in items])
        tangents = stack([item.t if isinstance(item, Dual) else 0.0 for item in items])
        return Dual(values, tangents, duals)
    return stack(items)


def unbroadcast(xp: RuleNamespace[Any], g: Any, shape: Shape, spread: Shape) -> Any:
    """g, spread to the logical shape `spread` and summed down to `shape`: the adjoint of spreading an operand."""
    g = spread_over(xp, g, spread)
    outer = len(spread) - len(shape)
    g = summed(xp, g, tuple(range(outer))) if outer else g
    axes = tuple([k for k, n in enumerate(shape) if n == 1 and spread[outer + k] != 1])
    return summed(xp, g, axes, keep=True) if axes else g
