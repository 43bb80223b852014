"""Grades a derivative that somebody derived: entry by entry against the true one, and with a finding."""

import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.calculus.points.values import parse_value
from bpcli.calculus.rules.shapes import Shape
from bpcli.errors import ExpressionError

if TYPE_CHECKING:
    from bpcli.calculus.one_sided.kink_notes import Kink

Array = NDArray[np.float64]
Truths = NDArray[np.bool_]

_WHOLE = 1e-9  # relative: a number that close to a whole one is it
UNREADABLE = "unreadable"  # an answer that can't be read, or is missing

FINDINGS = (
    "right",
    "transposed",
    "sign",
    "factor",
    "swapped",
    "inner_derivative",
    "outer_derivative",
    "diagonal_only",
    "missing_mean",
    "shape",
    "value",
    "domain",
    "open",
    UNREADABLE,
)
"""The findings, one of which each answer gets."""


class Entry(NamedTuple):
    """An entry of the true derivative, what was given for it, and how far apart they are."""

    name: str
    exact: float
    given: float
    error: float
    right: bool


class Grade(NamedTuple):
    """A finding (one of FINDINGS), the entries at the inputs that were asked for, and in words what is wrong.

    `factor` is given/true where that is one number; `score` the part of the entries that are right, None where that is
    open; `counterexample`: inputs at which a formula is wrong, though it is right at others.
    """

    finding: str
    entries: list[Entry]
    message: str
    factor: float | None = None
    score: float | None = 0.0
    counterexample: Mapping[str, Any] | None = None

    @property
    def agree(self) -> bool | None:
        """Whether the answer is right; None where no witness can tell."""
        return None if self.finding == "open" else self.finding == "right"

    @property
    def max_error(self) -> float | None:
        """The largest distance of an entry, NaN left out; None if the shapes differ."""
        errors = [entry.error for entry in self.entries if entry.error == entry.error]
        return max(errors, default=None)


class Tolerance(NamedTuple):
    """When a number is right: to the digits that were typed, three at least, else to rtol·|exact| + atol."""

    rtol: float = 1e-9
    atol: float = 0.0

    def holds(self, exact: float, given: float, typed: str | None = None) -> bool:
        """Whether `given`, typed so, is right."""
        slack = np.array(half_a_digit(typed) if typed else 0.0)
        return bool(self.right(np.array(exact), np.array(given), slack))

    def right(self, exact: Any, given: Any, slack: Any) -> Truths:
        """Entry by entry whether it is right; `slack` is how far it may be off in addition."""
        with np.errstate(all="ignore"):
            distance = abs(exact - given)
            near = np.isfinite(distance) & (distance <= np.maximum(self.rtol * abs(exact) + self.atol, slack))
        return np.asarray((exact == given) | ((exact != exact) & (given != given)) | near)


_WRITTEN = re.compile(r"(?<![\w.])(?:\d+\.\d*|\.?\d+)(?:[eE][-+]?\d+)?")  # a number within arithmetic
_DECIMAL = re.compile(r"[-−+]?(\d*)\.?(\d*)(?:[eE]([-−+]?\d+))?")


def _digits(typed: str) -> tuple[int, int, int]:
    """Of a decimal: its number of significant digits (0 if it is none), of those behind the point, its power of ten."""
    match = _DECIMAL.fullmatch(typed.strip())
    if match is None:
        return 0, 0, 0
    whole, fraction, exponent = match.groups()
    return len((whole + fraction).lstrip("0")), len(fraction), int((exponent or "0").replace("−", "-"))


def half_a_digit(typed: str, least: int = 3) -> float:
    """Half a unit of the last digit of a decimal fraction with `least` significant digits or more, else 0.

    Of arithmetic, such as 0.574 − 1, how far those of its numbers move the value; 0 if that leaves it fewer digits.
    """
    if not _DECIMAL.fullmatch(typed.strip()):
        return _of_arithmetic(typed, least)
    digits, fraction, exponent = _digits(typed)
    if digits < least or not (fraction or exponent < 0) or abs(exponent) > 400:
        return 0.0
    # A little more, for the half that was rounded either way.
    return 0.5000001 * float(f"1e{exponent - fraction}")


@lru_cache(1000)
def _of_arithmetic(typed: str, least: int) -> float:
    try:
        value, moved = parse_value(typed), 0.0
        for written in set(_WRITTEN.findall(typed)):
            if half := half_a_digit(written, least):
                off = re.sub(rf"(?<![\w.]){re.escape(written)}(?![\w.])", f"({written}+{half!r})", typed)
                moved += abs(parse_value(off) - value)
    except (ExpressionError, TypeError):  # no arithmetic of numbers
        return 0.0
    if not isinstance(value, float) or not value or not math.isfinite(value):  # several numbers have no last digit
        return 0.0
    return moved if moved <= 0.51 * 10.0 ** (math.floor(math.log10(abs(value))) + 1 - least) else 0.0


def half_a_whole_digit(typed: str, exact: float, least: int = 3) -> float:
    """The same of a whole number, `least` digits or more before the zeros at its end, for one that is not whole."""
    match = _DECIMAL.fullmatch(typed.strip())
    digits = "" if match is None or match[2] or match[3] else match[1].lstrip("0")
    kept = digits.rstrip("0")
    whole = not math.isfinite(exact) or abs(exact - round(exact)) <= _WHOLE * abs(exact)
    return 0.0 if whole or len(kept) < least else 0.5000001 * 10.0 ** (len(digits) - len(kept))


def typed_slack(
    typed: Sequence[Sequence[str | None]], given: Array, truth: Array | None = None, least: int = 3
) -> Array:
    """How far each entry of an answer may be off for the digits that it was typed with, if there are `least` of them.

    Where others have three digits or more, a number may have lost the zeros at its end, as printed ones do: 0.25 beside
    0.3333 is 0.2500, and 0.09 is 0.0900. Large ones are printed as whole numbers: 22030 is right for 22026.47.
    """
    slack = np.array([[half_a_digit(t, least) if t else 0.0 for t in row] for row in typed])
    if truth is not None:
        for place, t in np.ndenumerate(np.array(typed, object)):
            slack[place] = max(slack[place], half_a_whole_digit(t, float(truth[place])) if t else 0.0)
    rounded = [_digits(t) for row in typed for t in row if t and half_a_digit(t)]
    if not rounded:
        return slack
    digits, places = max(d for d, _, _ in rounded), max(0, *(f - e for _, f, e in rounded))
    for place, t in np.ndenumerate(np.array(typed, object)):
        value = float(given[place])
        if t and not slack[place] and math.isfinite(value):
            with_zeros = f"{value:.{digits - 1}e}", f"{value:.{places}f}"
            slack[place] = max(half_a_digit(text) if float(text) == value else 0.0 for text in with_zeros)
    return slack


class Factor(NamedTuple):
    """A factor of the chain that an answer may lack: the finding that this is, its name, a number for each entry.

    Where it is no number for each entry but a matrix, `without` is the derivative that lacks it.
    """

    finding: str
    text: str
    values: Array
    without: Array | None = None

    def at(self, columns: Truths) -> "Factor":
        """Its entries in some of the columns."""
        without = None if self.without is None else self.without[:, columns]
        return self._replace(values=self.values[:, columns], without=without)


class AtKink(NamedTuple):
    """The kinks at which inputs lie, the place in words, and the derivative with the slopes to the left and right."""

    place: str
    kinks: Sequence["Kink"]
    left: Array
    right: Array


class Compared(NamedTuple):
    """An answer and the true derivative at one or more inputs; arrays inputs × outputs × entries.

    `undecided` marks the entries whose digits rounding has eaten. `names` are row by row, `blocks` the variables in
    order; `factors` holds for each name of a factor its values at all inputs; `samples` is the N of a mean, by
    which a formula has `divided`; `sides` are the derivatives on either side, if the one input is at a kink. The first
    inputs are those `at` which it was asked for, or some that were chosen.
    """

    truth: Array
    given: Array
    slack: Array
    undecided: Truths
    tolerance: Tolerance
    names: Sequence[str]
    blocks: Sequence[tuple[str, Shape]]
    factors: Sequence[Factor] = ()
    samples: int = 1
    divided: bool = False
    sides: Sequence[tuple[str, Array]] = ()
    at: bool = True

    def holds(self, candidate: Array) -> Truths:
        """Where the answer would be right if `candidate` were the true derivative."""
        return self.tolerance.right(candidate, self.given, self.slack) | self.undecided

    @property
    def right(self) -> Truths:
        """Where the answer is right, or it can't be told."""
        return self.holds(self.truth)

    @property
    def never_decided(self) -> Truths:
        """The entries of which it can't be told at any input whether they are right."""
        return np.asarray(self.undecided.all(axis=0))

    @property
    def score(self) -> float:
        """The part of the entries that are right at all inputs, and are known to be so."""
        return float((self.right.all(axis=0) & ~self.never_decided).mean()) if self.truth.size else 1.0

    @property
    def of_kink(self) -> Truths:
        """The entries whose slopes differ on the two sides of a kink."""
        unlike = [matrix != self.truth[0] for _, matrix in self.sides]
        return np.asarray(np.any([np.zeros(self.truth.shape[1:], bool), *unlike], axis=0))

    def entries(self, place: int = 0) -> list[Entry]:
        """The entries at one of the inputs."""
        rows = zip(self.names, *(a[place].ravel().tolist() for a in (self.truth, self.given, self.right)), strict=True)
        return [Entry(name, t, g, abs(t - g), bool(r)) for name, t, g, r in rows]
