"""Single numbers of a kind that is no double, without arrays and so without NumPy."""

from collections.abc import Callable, Mapping
from typing import Any


class Singles:
    """The primitives over single numbers of a kind, and `Elements` over arrays of them: equal names mean the same.

    `functions` are by name; `lift` makes a number of the kind of a float, `constant` of a constant in the text.
    """

    rounds, dual, doubles = False, False, False

    def __init__(
        self,
        name: str,
        functions: Mapping[str, Callable[..., Any]],
        *,
        lift: Callable[[Any], Any],
        constant: Callable[[Any], Any],
        select: Callable[[Any, Any, Any], Any],
        pi: Callable[[], Any],
    ) -> None:
        self.name, self.lifted, self.constant, self._select, self._pi = name, lift, constant, select, pi
        for key, function in functions.items():
            setattr(self, key, lambda *args, of=function: self.each(of, *args))

    def __getattr__(self, attribute: str) -> Any:
        raise AttributeError(f"single {self.name} have no {attribute}")

    def each(self, function: Callable[..., Any], *args: Any) -> Any:
        """The function of the numbers."""
        return function(*map(self.lifted, args))

    @property
    def pi(self) -> Any:
        """π."""
        return self._pi()

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        """X where the condition holds, else y."""
        return self._select(condition, self.lifted(x), self.lifted(y))

    def ones_like(self, x: Any) -> Any:
        """1."""
        return self.lifted(1.0)

    # Of numbers that don't round the errors are 0.

    def two_sum(self, x: Any, y: Any) -> tuple[Any, Any]:
        """(x + y, 0)."""
        return x + y, self.lifted(0.0)

    def two_product(self, x: Any, y: Any) -> tuple[Any, Any]:
        """(x·y, 0)."""
        return x * y, self.lifted(0.0)

    def refined(self, plain: Any, condition: Any, better: Callable[[], Any]) -> Any:
        """`plain`."""
        return plain
