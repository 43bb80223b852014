"""Shapes of numbers, vectors and matrices: how they read, how they spread, and what does not fit."""

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
