"""A number that writes down what is done with it: a formula called with such numbers becomes the text of a function.

So the compiled training loop runs the very functions of the tables. A formula is followed through both sides of each
`if` that depends on a number. What can't be written down, such as a sum over an array, raises `UntraceableError`.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from numpy.lib.mixins import NDArrayOperatorsMixin

from bpcli.numbers import pairs

_MATH = (
    "exp expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh sqrt floor "
    "ceil erf hypot arctan2 isnan isfinite frexp"
)
CALLS: dict[str, str] = {
    **{name: f"math.{name.replace('arc', 'a')}" for name in _MATH.split()},
    "abs": "math.fabs",
    "absolute": "math.fabs",
    "fabs": "math.fabs",
    "power": "math.pow",
    "sign": "_sign",
    "minimum": "_minimum",
    "maximum": "_maximum",
}
"""The functions that a formula may call, and their names in the text."""
_OPERATORS = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "true_divide": "/",
    "less": "<",
    "greater": ">",
    "less_equal": "<=",
    "greater_equal": ">=",
    "equal": "==",
    "not_equal": "!=",
    "logical_and": "&",
    "logical_or": "|",
    "bitwise_and": "&",
    "bitwise_or": "|",
}
_MOST_PATHS = 64


class UntraceableError(Exception):
    """A formula that does something else with its arguments than arithmetic."""


class _UndecidedError(Exception):
    """An `if` on a number, of which neither side has been followed yet."""


class Traced(NDArrayOperatorsMixin):
    """The name of a variable in place of a number; each operator or function of NumPy on it writes a line of code.

    `entry`: it stands for an entry of an array; `out=` or `+=` assigns to that entry.
    """

    def __init__(self, tracer: "_Tracer", name: str, entry: bool) -> None:
        self.namespace, self.name, self.entry = tracer, name, entry

    def __bool__(self) -> bool:
        return self.namespace.decide(self)

    def __hash__(self) -> int:
        return id(self)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = (), **more: Any) -> Any:
        if method != "__call__" or more:
            raise UntraceableError(f"{ufunc.__name__} with further arguments")
        result = getattr(self.namespace, ufunc.__name__)(*inputs[: ufunc.nin])
        return self.namespace.put(result, *out) if out else result

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function.__name__ == "clip" and not set(kwargs) - {"out"}:
            x, low, high, *out = args
            result = self.namespace.minimum(self.namespace.maximum(x, low), high)
            out += [kwargs["out"]] if kwargs.get("out") is not None else []
            return self.namespace.put(result, *out) if out else result
        if function.__name__ == "where" and len(args) == 3 and not kwargs:
            return self.namespace.where(*args)
        raise UntraceableError(f"{function.__name__} of arrays")

    def _refused(self, *_: Any) -> Any:
        raise UntraceableError("a conversion to a plain number, or a part of an array")

    __float__ = __int__ = __index__ = __len__ = __iter__ = __getitem__ = __setitem__ = _refused


class _Tracer:
    """The namespace of traced numbers, and the lines written so far: those of the whole call, and those of an entry."""

    name, rounds, doubles, dual, pi = "traced", True, True, False, math.pi

    def __init__(self, decisions: tuple[bool, ...]) -> None:
        self.lines: dict[bool, list[str]] = {False: [], True: []}
        self.condition = ""
        self._decisions, self._met, self._count = decisions, 0, 0
        self._branches: list[bool] = []  # for each open branch, whether its lines run for every entry
        self._known: dict[str, str] = {}

    def __getattr__(self, name: str) -> Callable[..., Traced]:
        if name in CALLS:
            return lambda *values: self._written(f"{CALLS[name]}({', '.join(map(self._text, values))})", *values)
        if name in _OPERATORS:
            return lambda x, y: self._written(f"({self._text(x)} {_OPERATORS[name]} {self._text(y)})", x, y)
        raise UntraceableError(f"{name}, which is not among what can be compiled")

    def decide(self, condition: Traced) -> bool:
        """Which side of an `if` is followed."""
        if condition.entry or self._branches:
            raise UntraceableError("an if on the entries of an array")
        if self._met == len(self._decisions):
            self.condition = condition.name
            raise _UndecidedError
        self._met += 1
        return self._decisions[self._met - 1]

    def put(self, value: Any, out: Traced) -> Any:
        """Give an entry a new value; `x += 1` of a number is another number."""
        if not out.entry:
            return value
        if self._branches:
            raise UntraceableError("an entry that takes a new value in a branch")
        out.name = self._text(value)
        return out

    def _text(self, value: Any) -> str:
        """A number as text."""
        if isinstance(value, Traced):
            return value.name
        try:
            return repr(float(value))
        except (TypeError, ValueError) as error:
            raise UntraceableError(f"arithmetic with {type(value).__name__}") from error

    def _written(self, text: str, *values: Any) -> Traced:
        """The variable of what `text` computes from `values`: written once."""
        entry = self._block(*values)
        if text not in self._known:
            self._count += 1
            name = f"t{self._count}"
            self._add(entry, f"{name} = {text}")
            if self._branches:  # known within this branch alone
                return Traced(self, name, entry)
            self._known[text] = name
        return Traced(self, self._known[text], entry)

    def _block(self, *values: Any) -> bool:
        """Whether a line that uses `values` runs for each entry: if one of them differs by entry, or the branch around
        it runs so."""
        entry = any(isinstance(value, Traced) and value.entry for value in values)
        if entry and False in self._branches:
            raise UntraceableError("a branch on a number over the entries of an array")
        return entry or bool(self._branches and self._branches[-1])

    def _add(self, entry: bool, line: str) -> None:
        self.lines[entry].append("    " * len(self._branches) + line)

    def constant(self, x: float) -> float:
        return float(x)

    def negative(self, x: Any) -> Traced:
        return self._written(f"(-{self._text(x)})", x)

    def logical_not(self, x: Any) -> Traced:
        return self._written(f"({self._text(x)} == False)", x)

    invert = logical_not

    def square(self, x: Any) -> Traced:
        return self.multiply(x, x)

    def rint(self, x: Any) -> Any:
        """The nearest whole number, of two the even one: adding 1.5·2⁵² rounds to it."""
        big = 1.5 * 2.0**52
        return self.where(self.less(self.fabs(x), 2.0**51), self.subtract(self.add(x, big), big), x)

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        """X where the condition holds, else y."""
        if not isinstance(condition, Traced):
            return x if condition else y
        return self._written(f"({self._text(x)} if {condition.name} else {self._text(y)})", condition, x, y)

    def scale(self, g: Any, p: Any) -> Any:
        """g·p, where a g of exactly 0 stays 0 whatever p."""
        return self.where(self.equal(g, 0.0), g, self.multiply(g, p))

    def ones_like(self, x: Any) -> float:
        return 1.0

    def ldexp(self, x: Any, k: Any) -> Traced:
        """x·2^k; k may be a whole number as a float."""
        return self._written(f"math.ldexp({self._text(x)}, int({self._text(k)}))", x, k)

    def frexp(self, x: Any) -> tuple[Traced, Traced]:
        """(m, k) with x = m·2^k."""
        m, k = self._several("math.frexp", 2, x)
        return m, self._written(f"float({k.name})", k)

    def two_sum(self, x: Any, y: Any) -> tuple[Traced, ...]:
        """(s, e) with s + e = x + y."""
        return self._several("_two_sum", 2, x, y)

    def two_product(self, x: Any, y: Any) -> tuple[Traced, ...]:
        """(p, e) with p + e = x·y."""
        return self._several("_two_product", 2, x, y)

    def exp_pair(self, x: Any, low: Any = 0.0) -> tuple[pairs.Pair[Any], Traced]:
        """(m, k) with e^(x + low) = m·2^k."""
        high, rest, k = self._several("_exp_pair", 3, x, low)
        return (high, rest), k

    def _several(self, function: str, count: int, *values: Any) -> tuple[Traced, ...]:
        """The parts of what a function returns."""
        whole = self._written(f"{function}({', '.join(map(self._text, values))})", *values)
        return tuple(self._written(f"{whole.name}[{part}]", whole) for part in range(count))

    def refined(self, plain: Any, condition: Any, better: Callable[[], Any]) -> Any:
        """`plain`, but `better()` where the condition holds: a branch, since it is rare and long."""
        if not isinstance(condition, Traced):
            return better() if condition else plain
        entry = self._block(condition, plain)
        self._count += 1
        name = f"t{self._count}"
        self._add(entry, f"{name} = {self._text(plain)}")
        self._add(entry, f"if {condition.name}:")
        self._branches.append(entry)
        self._add(entry, f"{name} = {self._text(better())}")
        self._branches.pop()
        return Traced(self, name, entry)


def _paths(
    follow: Callable[[_Tracer], Iterator[str]], decisions: tuple[bool, ...] = (), written: int = 0
) -> Iterator[str]:
    """The lines of all paths through what `follow` calls; it gives the last lines of a path."""
    if len(decisions) > math.log2(_MOST_PATHS):
        raise UntraceableError("too many branches")
    tracer = _Tracer(decisions)
    try:
        last = [*follow(tracer)]
    except _UndecidedError:
        lines = tracer.lines[False]
        yield from lines[written:]
        for word, side in ((f"if {tracer.condition}:", True), ("else:", False)):
            yield word
            yield from ("    " + line for line in _paths(follow, (*decisions, side), len(lines)))
        return
    yield from (*tracer.lines[False][written:], *last)


def _guarded(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except (UntraceableError, _UndecidedError):
        raise
    except Exception as error:  # a formula may do whatever Python can
        raise UntraceableError(f"{type(error).__name__}: {error}") from error


def function_text(name: str, arguments: tuple[str, ...], formula: Callable[..., Any]) -> str:
    """The text of a Python function of numbers that computes what `formula` does, one number or a tuple of them."""

    def follow(tracer: _Tracer) -> Iterator[str]:
        result = _guarded(lambda: formula(*(Traced(tracer, argument, False) for argument in arguments)))
        values = result if isinstance(result, tuple) else (result,)
        yield f"return {', '.join(map(tracer._text, values))}"

    return _lines_of(name, arguments, _paths(follow))


def entries_text(
    name: str,
    arrays: Mapping[str, str],
    arguments: tuple[str, ...],
    step: Callable[[Mapping[str, Traced], Mapping[str, Traced]], object],
) -> str:
    """The text of a function that goes over the entries `i` of arrays, and gives each of them its new value.

    `arrays`: how an entry of each is written, by name, `p[i]`; of the first the length counts. `step(entries, numbers)`
    changes the entries in place, as a function of whole arrays does.
    """

    def follow(tracer: _Tracer) -> Iterator[str]:
        entries = {array: Traced(tracer, f"{array}_i", True) for array in arrays}
        _guarded(lambda: step(entries, {argument: Traced(tracer, argument, False) for argument in arguments}))
        yield f"for i in range(len({next(iter(arrays))})):"
        yield from (f"    {array}_i = {text}" for array, text in arrays.items())
        yield from ("    " + line for line in tracer.lines[True])
        yield from (f"    {text} = {entries[array].name}" for array, text in arrays.items())

    names = dict.fromkeys(text.partition("[")[0] for text in arrays.values())
    return _lines_of(name, (*names, *arguments), _paths(follow))


def _lines_of(name: str, arguments: tuple[str, ...], body: Iterator[str]) -> str:
    return "\n".join([f"def {name}({', '.join(arguments)}):", *("    " + line for line in body), ""])


def _exp(xp: Any, x: Any, low: Any) -> tuple[Any, ...]:
    (high, rest), k = pairs.exp(xp, x, low)
    return high, rest, k


def header() -> str:
    """The functions that the text of a traced function calls, by name."""
    return "\n".join(
        [
            "import math",
            "from math import inf, nan",
            "",
            "def _sign(x): return nan if x != x else 1.0 if x > 0 else -1.0 if x < 0 else 0.0",
            "def _minimum(x, y): return x if x != x or x < y else y",
            "def _maximum(x, y): return x if x != x or x > y else y",
            function_text("_two_sum", ("x", "y"), pairs.two_sum),
            function_text("_two_product", ("x", "y"), pairs.two_product),
            function_text("_exp_pair", ("x", "low"), lambda x, low: _exp(x.namespace, x, low)),
        ]
    )
