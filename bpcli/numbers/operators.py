"""For kinds of numbers other than doubles: comparisons that may be open, and the operators of a class."""

import operator
from collections.abc import Callable, Mapping
from typing import Any


class UndecidedError(ArithmeticError):
    """An open comparison was used as True or False."""


class _Unknown:
    """The answer to a comparison that is open."""

    def __bool__(self) -> bool:
        raise UndecidedError

    def __and__(self, other: Any) -> Any:
        return self if other is self or other else False

    def __or__(self, other: Any) -> Any:
        return self if other is self or not other else True

    __rand__, __ror__ = __and__, __or__

    def any(self) -> bool:
        """As of an array of answers; it raises UndecidedError."""
        return bool(self)


UNKNOWN: Any = _Unknown()


def negation(x: Any) -> Any:
    """Not x, where a comparison may be open."""
    return x if x is UNKNOWN else not x


OPERATORS = {"add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": operator.truediv}
COMPARISONS = {name: getattr(operator, name) for name in ("lt", "le", "gt", "ge", "eq", "ne")}


def turned(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The function with its operands swapped."""
    return lambda a, b: function(b, a)


def give_operators(
    element: type, functions: Mapping[str, Callable[[Any, Any], Any]], lift: Callable[[Any], Any]
) -> None:
    """Give a class of elements its operators, by names such as `add` and `lt`; an operand that is a float is lifted.

    As `==` is one of them, there is no hash.
    """

    def install(name: str, function: Callable[[Any, Any], Any]) -> None:
        def apply(a: Any, b: Any) -> Any:
            if isinstance(b, element):
                return function(a, b)
            return function(a, lift(b)) if isinstance(b, float | int) else NotImplemented

        setattr(element, f"__{name}__", apply)

    kind: Any = element  # type checkers expect that every class has a hash
    kind.__hash__ = None
    for name, function in functions.items():
        install(name, function)
        if name in OPERATORS:
            install(f"r{name}", turned(function))
