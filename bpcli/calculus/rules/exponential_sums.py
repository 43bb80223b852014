"""Sums of exponentials Σ w·eˣ that users write out: their logarithm, and the share of some terms, without overflow.

A row takes its terms as pairs: weight, exponent, weight, exponent, … Everything is measured from the largest exponent,
and the rounding error of each difference is carried into its exponential, which would magnify it.
"""

import math
from functools import lru_cache
from typing import Any, NamedTuple

from bpcli.calculus.rules.function_rows import Function, Rule, RuleNamespace, Traits, faint
from bpcli.formulas.activations import FADES

LOG_OF_SUM = "log of sum"
"""The name of the row; those of shares end with the number of their terms."""


class _Parts(NamedTuple):
    """m = max x, e_i = e^(x_i − m), S = Σ w_i·e_i, and `rest` = S − 1, to all digits where S is about 1.

    `unknown`: where several exponents are the same infinity, so that their shares are anything.
    """

    m: Any
    weights: tuple[Any, ...]
    e: list[Any]
    S: Any
    rest: Any
    unknown: Any


def _parts(xp: RuleNamespace[Any], args: tuple[Any, ...]) -> _Parts:
    weights, exponents = args[0::2], args[1::2]
    m: Any = None
    for w, x in zip(weights, exponents, strict=True):  # a term of weight 0 is none, however large its exponent
        counted = xp.refined(x, w == 0, lambda: -math.inf)
        m = counted if m is None else xp.maximum(m, counted)
    differences = [_difference(xp, x, m) for x in exponents]
    e = [_exponential(xp, *difference) for difference in differences]
    S, size, rest, ties = 0.0, 0.0, 0.0, 0.0
    for w, x, part in zip(weights, exponents, e, strict=True):
        first_top, term = xp.where((x == m) & (ties == 0.0), 1.0, 0.0), xp.scale(w, part)
        S, size = S + term, size + abs(term)
        rest = rest + (term - first_top)
        ties = ties + xp.where(x == m, 1.0, 0.0)

    def of_small_differences() -> Any:  # Σ w + Σ w·(eᵈ − 1): of 1 − eᵈ the first sum is exactly 0
        total = sum(weights, 0.0)
        terms = [xp.scale(w, xp.expm1(d)) for w, (d, _) in zip(weights, differences, strict=True)]
        better = abs(total) + sum(map(abs, terms), 0.0) < size
        return xp.where(better, total + sum(terms, 0.0), S)

    S = xp.refined(S, abs(S) < 0.5 * size, of_small_differences)
    return _Parts(m, weights, e, S, rest, (abs(m) == math.inf) & (ties > 1.0))


def _difference(xp: RuleNamespace[Any], x: Any, m: Any) -> tuple[Any, Any]:
    """x − m and its rounding error; 0 where both are the same infinity."""
    d, error = xp.two_sum(x, -m)
    return xp.agreed(d, (x == m) & (abs(m) == math.inf), 0.0), error


def _exponential(xp: RuleNamespace[Any], d: Any, error: Any) -> Any:
    """e^(d + error); the error of infinities is NaN, and is left out."""
    e = xp.exp(d)
    return xp.refined(e, (error != 0) & (error == error) & (e > 0.0), lambda: e + e * error)


def _log(xp: RuleNamespace[Any], parts: _Parts) -> Any:
    """log S."""
    return xp.refined(xp.log(parts.S), abs(parts.rest) < 0.5, lambda: xp.log1p(parts.rest))


def _log_of_sum(xp: RuleNamespace[Any], *args: Any) -> Any:
    parts = _parts(xp, args)
    return parts.m + _log(xp, parts)


def _where_known(xp: RuleNamespace[Any], parts: _Parts, slope: Any) -> Any:
    """A slope, and NaN where there is none: of the logarithm of a negative sum, of a share of infinities."""
    return xp.agreed(slope, parts.unknown | (parts.S < 0.0), math.nan)


def _own_term(xp: RuleNamespace[Any], parts: _Parts, i: int) -> Any:
    """∂(Σ w·e)/∂args[i], measured from the largest exponent: eˣ by a weight, w·eˣ by an exponent."""
    j, of_exponent = divmod(i, 2)
    return xp.scale(parts.weights[j], parts.e[j]) if of_exponent else parts.e[j]


def _dlog_of_sum(i: int) -> Rule:
    def partial(xp: RuleNamespace[Any], out: Any, *args: Any) -> Any:
        parts = _parts(xp, args)
        return _where_known(xp, parts, xp.divide(_own_term(xp, parts, i), parts.S))

    return partial


def _sum_of(xp: RuleNamespace[Any], parts: _Parts, start: int, stop: int) -> Any:
    return sum([xp.scale(w, e) for w, e in zip(parts.weights[start:stop], parts.e[start:stop], strict=True)], 0.0)


def _share(k: int) -> tuple[Rule, Any]:
    def value(xp: RuleNamespace[Any], *args: Any) -> Any:
        parts = _parts(xp, args)
        return xp.agreed(xp.divide(_sum_of(xp, parts, 0, k), parts.S), parts.unknown, math.nan)

    def slope(i: int) -> Rule:
        def partial(xp: RuleNamespace[Any], out: Any, *args: Any) -> Any:
            parts = _parts(xp, args)
            own = xp.divide(_own_term(xp, parts, i), parts.S)
            others = _sum_of(xp, parts, k, len(args)) if i < 2 * k else -_sum_of(xp, parts, 0, k)
            return xp.agreed(own * xp.divide(others, parts.S), parts.unknown, math.nan)

        return partial

    return value, slope


def _log_of_share(k: int) -> tuple[Rule, Any]:
    def of_positive(xp: RuleNamespace[Any], whole: _Parts, args: tuple[Any, ...]) -> Any:
        some = _parts(xp, args[: 2 * k])
        apart = _difference(xp, some.m, whole.m)[0] + (_log(xp, some) - _log(xp, whole))
        chosen, others = _sum_of(xp, whole, 0, k), _sum_of(xp, whole, k, len(args))
        return xp.refined(apart, abs(others) < chosen, lambda: -xp.log1p(xp.divide(others, chosen)))

    def value(xp: RuleNamespace[Any], *args: Any) -> Any:
        whole = _parts(xp, args)

        def in_doubles() -> Any:
            return xp.refined(of_positive(xp, whole, args), whole.S < 0.0, of_negative)

        def of_negative() -> Any:
            turned = tuple(-a if n % 2 == 0 else a for n, a in enumerate(args))
            return of_positive(xp, _parts(xp, turned), turned)

        known = xp.refined(xp.log(xp.divide(_sum_of(xp, whole, 0, k), whole.S)), True, in_doubles)
        return xp.agreed(known, whole.unknown, math.nan)

    def slope(i: int) -> Rule:
        def partial(xp: RuleNamespace[Any], out: Any, *args: Any) -> Any:
            whole, some = _parts(xp, args), _parts(xp, args[: 2 * k])
            if i >= 2 * k:
                found = -xp.divide(_own_term(xp, whole, i), whole.S)
            else:
                others = xp.divide(_sum_of(xp, whole, k, len(args)), whole.S)
                found = xp.divide(_own_term(xp, some, i), some.S) * others
            return xp.agreed(found, whole.unknown | ((whole.S < 0.0) != (some.S < 0.0)), math.nan)

        return partial

    return value, slope


def _amplified(*parts: tuple[int, int | None]) -> Rule:
    """How many times the terms of a sum, or of some parts of it, are as large as it: 1 where none is negative."""

    def found(xp: RuleNamespace[Any], *args: Any) -> Any:
        whole = _parts(xp, args)
        terms = [xp.scale(w, e) for w, e in zip(whole.weights, whole.e, strict=True)]
        size, near = sum(map(abs, terms), 0.0), abs(sum(whole.weights, 0.0))
        for w, x in zip(whole.weights, args[1::2], strict=True):
            near = near + abs(xp.scale(w, xp.expm1(_difference(xp, x, whole.m)[0])))
        most = xp.divide(xp.minimum(size, near), abs(whole.S))
        for start, stop in parts:
            some = terms[start:stop]
            most = xp.maximum(most, xp.divide(sum(map(abs, some), 0.0), abs(sum(some, 0.0))))
        return xp.maximum(most, 1.0)

    return found


_of_whole = _amplified()


def _rounds_log_of_sum(xp: RuleNamespace[Any], out: Any, *args: Any) -> Any:
    """Those of the sum, relative, and of its logarithm, which is added to the largest exponent."""
    return (_of_whole(xp, *args) - 1.0) + abs(out - _parts(xp, args).m) + 0.25 * abs(out)


def _amplified_share(k: int) -> Rule:
    return _amplified((0, k), (k, None))


def _rounds_share(k: int) -> Rule:
    return lambda xp, out, *args: abs(out) * _amplified_share(k)(xp, *args)


def _rounds_log_of_share(k: int) -> Rule:
    amplified = _amplified((0, k), (k, None), (0, None))

    def rounds(xp: RuleNamespace[Any], out: Any, *args: Any) -> Any:
        most = amplified(xp, *args)
        return (most - 1.0) + abs(out) * most

    return rounds


def _apart(xp: RuleNamespace[Any], *args: Any) -> Any:
    """Where two exponents are so far apart that the smaller term's share of the sum, which is a slope, is tiny."""
    exponents, apart = args[1::2], False
    for i, x in enumerate(exponents):
        for other in exponents[:i]:
            apart = apart | (abs(x - other) > FADES)
    return faint(xp, apart)


def _row(name: str, terms: int, rules: tuple[Rule, Any], amplifies: Rule, rounds: Rule, leading: int = 0) -> Function:
    """A row whose arguments are the weights and exponents of so many terms, in turn."""
    traits = Traits(never_zero=True, fades=_apart, amplifies=amplifies, rounds=rounds, leading=leading or None)
    return Function(name, (2 * terms, 2 * terms), "", *rules, **traits)


@lru_cache(256)
def log_of_sum(terms: int) -> Function:
    """log Σ wᵢ·e^xᵢ over all terms; its slope by xᵢ is the share wᵢ·e^xᵢ/Σ."""
    return _row(LOG_OF_SUM, terms, (_log_of_sum, _dlog_of_sum), _of_whole, _rounds_log_of_sum)


@lru_cache(256)
def share(k: int, terms: int) -> Function:
    """p = (Σ of the first k terms)/(Σ of all); its slopes are p's share of the others, ∂p/∂xᵢ = pᵢ·(1 − p)."""
    return _row(f"share of {k}", terms, _share(k), _amplified_share(k), _rounds_share(k), k)


@lru_cache(256)
def log_of_share(k: int, terms: int) -> Function:
    """log p of `share`: near p = 1 from the others, which 1 − p would have rounded away."""
    return _row(f"log of share of {k}", terms, _log_of_share(k), _amplified_share(k), _rounds_log_of_share(k))
