"""Shapes of numbers, vectors and matrices: how they read, how they spread, and what does not fit."""

from collections.abc import Iterator

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
    if a == b or not b:
        return a
    result = []
    for i in range(1, max(len(a), len(b)) + 1):
        m, n = a[-i] if i <= len(a) else 1, b[-i] if i <= len(b) else 1
        if m != n and 1 not in (m, n):
            return None
        result.append(n if m == 1 else m)
    return tuple(reversed(result))


def axes_of(shape: Shape, axis: int | None) -> tuple[int, ...]:
    """The axes that a reduction goes over; ShapeError if there is no such axis."""
    if axis is None:
        return tuple(range(len(shape)))
    if not -len(shape) <= axis < len(shape):
        raise ShapeError(f"{show_shape(shape)} has no axis {axis}", "axis=0 goes down the rows, axis=1 along a row")
    return (axis % len(shape),)


def entry_names(name: str, shape: Shape) -> list[str]:
    """The names of the entries of a variable, row by row: `x`; `x[0]`, `x[1]`; `A[0,0]`, `A[0,1]`, …"""
    return [entry_name(name, index) for index in entry_indices(shape)]


def entry_name(name: str, index: tuple[int, ...]) -> str:
    """The name of an entry: `x[0]`, `A[0,1]`; the name alone without an index."""
    return f"{name}[{','.join(map(str, index))}]" if index else name


def entry_indices(shape: Shape) -> Iterator[tuple[int, ...]]:
    """The index of each entry, row by row."""
    if not shape:
        yield ()
        return
    for first in range(shape[0]):  # one at a time: a column `x[999999999]` names a shape that no memory holds
        for rest in entry_indices(shape[1:]):
            yield first, *rest
