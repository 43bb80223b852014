"""A row of the table of functions, and the namespace that its rules work in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypedDict, Unpack

from bpcli.numbers.primitives import Arrays, N, Namespace, Truth

Rule = Callable[..., Any]
"""A value as a function of (xp, *args), or a slope as one of (xp, out, *args)."""
Value = Callable[["RuleNamespace[Any]", Any], Any]
Slope = Callable[["RuleNamespace[Any]", Any, Any], Any]
BinaryValue = Callable[["RuleNamespace[Any]", Any, Any], Any]
BinarySlope = Callable[["RuleNamespace[Any]", Any, Any, Any], Any]

FAINT = -330.0
"""log₂ of the size below which a product with a slope may leave the range of doubles."""

SMALLEST = 2.0**-1022  # of the doubles with all their digits


class RuleNamespace(Namespace[N], Protocol[N]):
    """A namespace of plain numbers, duals or symbols, with the table's functions; `base` is that of the plain numbers.

    `symbolic`: numbers are formulas, of which a rule gives the textbook's form.
    """

    symbolic: bool

    @property
    def base(self) -> Arrays[Any]: ...

    def applied(self, row: Function, args: tuple[Any, ...], /) -> N:
        """The value of a row of the table."""

    def agreed(self, plain: N | float, condition: Truth, value: float, /) -> N:
        """`plain`, but `value` by convention where the condition holds: at a kink, or outside of the domain."""

    def written(self, formula: str, names: Mapping[str, Any], /) -> N:
        """A formula written in the language, at these values of its names; only symbols, and duals of them, have it."""

    def linear(self, function: Callable[[Any], Any], x: Any, /) -> N:
        """A linear map of arrays; of a dual's two parts alike."""

    def sigmoid(self, z: N | float, /) -> N: ...
    def logit(self, p: N | float, /) -> N: ...


class Traits(TypedDict, total=False):
    """Further traits of a row, see `Function`; False, or None, if not given."""

    adds: bool
    amplifies: Rule | None
    defaults: tuple[float, ...]
    exact: bool
    exact_slope: bool
    fades: Rule | None
    homogeneous: bool
    leading: int | None
    neutral: float | None
    never_zero: bool
    periodic: Rule | None
    power: int | None
    root: float | None
    rounds: Rule | None
    selects: bool
    underflows: bool
    well_conditioned: bool


class Function:
    """A row of the table. `partials[i](xp, out, *args)` is ∂out/∂args[i] entry by entry; `domain` is for the tests.

    `edge(xp, *args)` says whether the slope jumps there or is infinite where the value is not: at a kink, a jump, a
    root at 0. `homogeneous` says that there f(h·t) is h·f(t) for h > 0, so that the slope along t is f(t): |t| of
    |x|. `exact`: its value is not rounded; `exact_slope`: nor are its slopes. `underflows`: of operands that are not 0
    it may give 0, where the true value is below the doubles; one that is `never_zero` gives 0 for this reason, or where
    operands are equal. `fades(xp, *args)` is about log₂ of the slope, and of its slope, where these are far smaller
    than the value, as tanh'(400) is; FAINT where no more is known, and above where they aren't. `selects`: an argument
    whose slope is 0 was not selected, so that its own slope does not matter, not even ∞; `neutral` is what such an
    argument may be, and the value is the same: −∞ for max. `power`: it is x to that whole number. `leading`: of a
    share, how many of its terms are above the fraction bar. Four say where the relative error of an argument grows much
    in the value: where terms cancel if it `adds`; at a `root` inside the domain, other than 0; far out where it is
    `periodic`; of several arguments nowhere if it is `well_conditioned`. Of a function that adds terms within,
    `amplifies(xp, *args)` is how many times as large as usual the relative error of its slopes is, and
    `rounds(xp, out, *args)` the error of its value over that of a number near 1. `periodic(xp, out, slope, e)` is how
    far its value may be off at most where its operand is off by e. `defaults` are those of its last arguments.
    """

    __slots__ = (
        "adds",
        "amplifies",
        "arity",
        "defaults",
        "domain",
        "edge",
        "exact",
        "exact_slope",
        "fades",
        "homogeneous",
        "kind",
        "leading",
        "name",
        "neutral",
        "never_zero",
        "partials",
        "periodic",
        "power",
        "root",
        "rounds",
        "selects",
        "signature",
        "underflows",
        "value",
        "well_conditioned",
    )

    def __init__(
        self,
        name: str,
        arity: tuple[int, int],
        signature: str,
        value: Rule | None = None,
        partials: Sequence[Rule] | Callable[[int], Rule] = (),
        domain: tuple[float, float] = (-math.inf, math.inf),
        kind: str = "elementwise",
        edge: Rule | None = None,
        **traits: Unpack[Traits],
    ) -> None:
        self.name, self.arity, self.signature = name, arity, signature
        self.value, self.partials, self.domain, self.kind = value, partials, domain, kind
        self.edge = edge
        self.exact, self.exact_slope = traits.get("exact", False), traits.get("exact_slope", False)
        self.homogeneous, self.fades = traits.get("homogeneous", False), traits.get("fades")
        self.selects, self.underflows = traits.get("selects", False), traits.get("underflows", False)
        self.never_zero = traits.get("never_zero", False)
        self.adds, self.well_conditioned = traits.get("adds", False), traits.get("well_conditioned", False)
        self.periodic, self.root = traits.get("periodic"), traits.get("root")
        self.amplifies, self.rounds = traits.get("amplifies"), traits.get("rounds")
        self.defaults = traits.get("defaults", ())
        self.neutral, self.power, self.leading = traits.get("neutral"), traits.get("power"), traits.get("leading")

    def takes_axis(self, arguments: int) -> bool:
        """Whether `axis=` may stand in a call with so many arguments."""
        return self.kind == "reduction" and arguments == 1

    def partial(self, i: int) -> Rule:
        """The rule of ∂out/∂args[i]."""
        return self.partials(i) if callable(self.partials) else self.partials[i]

    def passes(self, i: int) -> bool:
        """Whether derivatives flow through args[i] at all: not those of a comparison, say, however steep they are."""
        return self.partial(i) is not zero


def primitive(name: str) -> Rule:
    """The value that the numbers themselves have, by NumPy's name."""
    return lambda xp, *args: getattr(xp.base, name)(*args)


def unary(
    name: str,
    derivative: Slope,
    low: float = -math.inf,
    high: float = math.inf,
    value: Value | str = "",
    edge: Value | None = None,
    signature: str = "",
    **traits: Unpack[Traits],
) -> Function:
    """A function of one argument; `derivative(xp, y, x)` with y the value at x, [low, high] its domain."""
    rule: Rule = primitive(value or name) if isinstance(value, str) else value
    signature = signature or f"{name}(x)"
    return Function(name, (1, 1), signature, rule, (derivative,), (low, high), edge=edge, **traits)


def binary(
    name: str,
    signature: str,
    value: BinaryValue | str,
    slopes: tuple[BinarySlope, BinarySlope],
    edge: BinaryValue | None = None,
    **traits: Unpack[Traits],
) -> Function:
    """A function of two arguments; `slopes` are (xp, out, x, y) → ∂out/∂x and ∂out/∂y."""
    rule: Rule = primitive(value) if isinstance(value, str) else value
    return Function(name, (2, 2), signature, rule, slopes, edge=edge, **traits)


def written_as(formula: Rule, rule: Rule) -> Rule:
    """A slope that is computed by `rule`, and written as `formula`."""
    return lambda xp, *args: (formula if xp.symbolic else rule)(xp, *args)


def zero(xp: RuleNamespace[Any], out: Any, *args: Any) -> float:
    """A slope that is 0 wherever there is one: the argument is no path for derivatives, see `Function.passes`."""
    return 0.0


def faint(xp: RuleNamespace[Any], condition: Any) -> Any:
    """That slopes may be tiny where a condition holds, see `Function.fades`."""
    return xp.where(condition, FAINT, 0.0)


def fading(at: float, argument: int = 0) -> Rule:
    """log₂ of a slope that falls like e^−|x|, or faster, and is 2**FAINT where |x| is `at`."""
    return lambda xp, *args: abs(args[argument]) * (FAINT / at)


def at_zero(xp: RuleNamespace[Any], x: Any, *others: Any) -> Truth:
    """An edge at x = 0."""
    return x == 0


def at_ties(xp: RuleNamespace[Any], x: Any, *others: Any) -> Truth:
    """An edge where arguments are equal."""
    tie: Any = False
    args = (x, *others)
    for i, a in enumerate(args):
        for b in args[i + 1 :]:
            tie = tie | (a == b)
    return tie
