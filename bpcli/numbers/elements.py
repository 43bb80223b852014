"""Arrays of numbers that NumPy does not have: balls, truncated series, symbols, complex numbers.

`Elements` is the namespace of such arrays: it applies the functions of one kind of number entry by entry. Unless a
subclass says else, these numbers do not round as doubles do, and their rounding errors are 0. A comparison may be
`UNKNOWN`.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from bpcli.numbers.operators import COMPARISONS, OPERATORS, negation, turned

_NOT = np.frompyfunc(negation, 1, 1)
_IS_NAN = np.frompyfunc(lambda x: (x != x) is True, 1, 1)
_CERTAIN = np.frompyfunc(lambda x: x is True, 1, 1)
_POSSIBLE = np.frompyfunc(lambda x: x is not False, 1, 1)


class ElementArray(np.ndarray[Any, Any]):
    """An array of numbers of one kind, or of the answers to comparisons of such."""

    namespace: Any
    """The namespace of the kind."""
    __hash__ = None

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, self.namespace.lifted(value))

    def __invert__(self) -> Any:
        return self.namespace.kept(_NOT(self))

    # The arguments are NumPy's, of which formulas give `axis` and `keepdims`.

    def max(self, *args: Any, **options: Any) -> Any:
        """The largest along axes."""
        return self._reduced("maximum", *args, **options)

    def min(self, *args: Any, **options: Any) -> Any:
        """The smallest along axes."""
        return self._reduced("minimum", *args, **options)

    def _reduced(self, name: str, axis: Any = None, keepdims: bool = False) -> Any:
        axes = range(self.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        axes = tuple(a % self.ndim for a in axes)
        front = np.moveaxis(np.asarray(self), axes, range(len(axes)))
        function = np.frompyfunc(self.namespace.functions[name], 2, 1)
        result = function.reduce(front.reshape(-1, *front.shape[len(axes) :]), axis=0)
        if keepdims:
            shape = [1 if k in axes else n for k, n in enumerate(self.shape)]
            result = np.asarray(result, object).reshape(shape)
        return self.namespace.kept(result)

    def argmax(self, *args: Any, **options: Any) -> Any:
        """The place of an entry that is the largest or near it, for formulas whose value is the same with either."""
        key = np.frompyfunc(self.namespace.rank, 1, 1)(self)
        return np.asarray(key, object).argmax(*args, **options)

    def all(self, *args: Any, **options: Any) -> Any:
        """Whether each holds for certain."""
        return np.asarray(_CERTAIN(self), bool).all(*args, **options)

    def any(self, *args: Any, **options: Any) -> Any:
        """Whether one may hold."""
        return np.asarray(_POSSIBLE(self), bool).any(*args, **options)


def _of_arrays(array: type, kind: "Elements") -> None:
    """Give a class of arrays the operators of its elements."""

    def install(name: str, function: Callable[[Any, Any], Any]) -> None:
        each = np.frompyfunc(function, 2, 1)

        def apply(a: Any, b: Any) -> Any:
            if isinstance(b, kind.element | np.ndarray | float | int | np.number):
                return kind.kept(each(a, kind.lifted(b)))
            return NotImplemented

        setattr(array, f"__{name}__", apply)

    for name, function in (OPERATORS | COMPARISONS).items():
        install(name, function)
    for name, function in OPERATORS.items():
        install(f"r{name}", turned(function))


class Elements:
    """The primitives over arrays of one kind of number.

    `functions` are those of single numbers, by name. `lift` makes an element of a float, `constant` of a constant in
    the text, `power_of_two` of 2^k for a whole k, itself perhaps an element. `select` is `where` for a condition that
    may be open, `rank` gives a number to order by, and `fraction` the fraction that an element is for certain, or None.
    """

    rounds, dual, doubles = False, False, False

    def __init__(
        self,
        name: str,
        element: type,
        functions: Mapping[str, Callable[..., Any]],
        *,
        lift: Callable[[Any], Any],
        constant: Callable[[Any], Any],
        select: Callable[[Any, Any, Any], Any],
        is_finite: Callable[[Any], bool],
        rank: Callable[[Any], Any],
        power_of_two: Callable[[Any], Any],
        pi: Callable[[], Any],
        fraction: Callable[[Any], Fraction | None] = lambda x: None,
    ) -> None:
        self.name, self.element, self.functions, self.rank, self._pi = name, element, functions, rank, pi
        self._constant, self._lift, self.fraction = constant, lift, fraction
        self._each_power_of_two: Any = np.frompyfunc(power_of_two, 1, 1)
        self._each_lift: Any = np.frompyfunc(lift, 1, 1)
        self._each_select: Any = np.frompyfunc(select, 3, 1)
        self._each_finite: Any = np.frompyfunc(is_finite, 1, 1)
        self.array = type(f"{name}_array", (ElementArray,), {"namespace": self})
        _of_arrays(self.array, self)
        for key, function in functions.items():
            setattr(self, key, self._vectorized(function, 2 if key in BINARY else 1))

    def _vectorized(self, function: Callable[..., Any], arity: int) -> Callable[..., Any]:
        ufunc = np.frompyfunc(function, arity, 1)
        return lambda *args: self.kept(ufunc(*map(self.lifted, args)))

    def each(self, function: Callable[..., Any], *args: Any) -> Any:
        """A function of elements at each place of arrays."""
        return self.kept(np.frompyfunc(function, len(args), 1)(*map(self.lifted, args)))

    def kept(self, x: Any) -> Any:
        """An array of objects as one of this kind."""
        return x.view(self.array) if isinstance(x, np.ndarray) and x.dtype == object else x

    def lifted(self, x: Any) -> Any:
        """Numbers of any kind as elements; elements, and arrays of them, as they are."""
        if isinstance(x, self.element | self.array):
            return x
        return self._each_lift(x) if isinstance(x, np.ndarray) else self._lift(x)

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(np, attribute)
        if not callable(found) or isinstance(found, type):
            return found

        def of_elements(*args: Any, **keywords: Any) -> Any:
            return self.kept(found(*args, **keywords))

        setattr(self, attribute, of_elements)
        return of_elements

    @property
    def pi(self) -> Any:
        """π."""
        return self._pi()

    def constant(self, c: Any) -> Any:
        """A constant of the text as an array with an axis of one point."""
        return self.asarray([self._constant(c)])

    def asarray(self, x: Any, dtype: Any = None) -> Any:
        """Numbers as an array of elements."""
        return self.kept(np.asarray(self._each_lift(np.asarray(x)), object))

    def zeros(self, shape: Any) -> Any:
        """Exact zeros."""
        return self.kept(np.full(shape, self._lift(0.0), object))

    def ones(self, shape: Any) -> Any:
        """Exact ones."""
        return self.kept(np.full(shape, self._lift(1.0), object))

    def empty(self, shape: Any) -> Any:
        """Zeros, to be overwritten."""
        return self.zeros(shape)

    def ones_like(self, x: Any) -> Any:
        """1 in the shape of x."""
        return self.ones(np.shape(x))

    def eye(self, n: int) -> Any:
        """The identity."""
        return self.asarray(np.eye(n))

    def broadcast_to(self, x: Any, shape: Any) -> Any:
        """The array spread."""
        return self.kept(np.broadcast_to(self.lifted(x), shape))

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        """X where the condition holds, else y."""
        return self.kept(self._each_select(condition, self.lifted(x), self.lifted(y)))

    def isfinite(self, x: Any) -> Any:
        """Not infinite and not NaN, as far as is known."""
        return np.asarray(self._each_finite(self.lifted(x)), bool)

    def isinf(self, x: Any) -> Any:
        """Whether it is infinite."""
        return ~(self.isfinite(x) | self.isnan(x))

    def isnan(self, x: Any) -> Any:
        """Whether it is not a number, for certain."""
        return np.asarray(_IS_NAN(self.lifted(x)), bool)

    # Of numbers that don't round the errors are 0.

    def two_sum(self, x: Any, y: Any) -> tuple[Any, Any]:
        """(x + y, 0)."""
        return x + y, self.zeros(np.shape(x + y))

    def two_product(self, x: Any, y: Any) -> tuple[Any, Any]:
        """(x·y, 0)."""
        return x * y, self.zeros(np.shape(x * y))

    def exp_pair(self, x: Any, low: Any = 0.0) -> tuple[Any, Any]:
        """((e^(x + low), 0), 0)."""
        return (self.exp(x + low), self.zeros(np.shape(x))), np.zeros(np.shape(x), int)

    def frexp(self, x: Any) -> tuple[Any, Any]:
        """(x, 0)."""
        return x, np.zeros(np.shape(x), int)

    def ldexp(self, x: Any, k: Any) -> Any:
        """x·2^k."""
        return x * self.kept(self._each_power_of_two(k))

    def total(self, x: Any, axis: int, folds: int = 1) -> tuple[Any, Any]:
        """(Σ x, 0) along an axis, which is kept with length 1."""
        s = self.kept(np.asarray(x.sum(axis=axis, keepdims=True)))
        return s, self.zeros(np.shape(s))

    def refined(self, plain: Any, condition: Any, better: Callable[[], Any]) -> Any:
        """`plain`."""
        return plain


BINARY = {"divide", "power", "hypot", "arctan2", "maximum", "minimum", "scale"}
"""The functions of two arguments."""
