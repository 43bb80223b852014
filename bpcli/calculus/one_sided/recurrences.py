"""Series from the differential equation that they solve: coefficient by coefficient, and by ∫."""

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from heapq import heappop, heappush
from typing import Any

from bpcli.calculus.one_sided.coefficients import Coefficient, Real
from bpcli.calculus.one_sided.series import Power, Series, quotient


def recurrence(u: Series, starts: list[Coefficient], factors: list[Callable[[int, int], Any]]) -> Series:
    """The first of several series, each of which follows from the next, and the last from the first.

    With w the next series, the term e of a series v is v_e = Σ factor(e, a)·u_a·w_{e−a}/e.

    The sum is over the powers a of u, all above 0. A factor is of degree 1: powers are counted in their common unit.
    """
    kind = u.kind
    unit = math.lcm(*(a.denominator for a, _ in u.terms))
    powers = [(int(a * unit), c) for a, c in u.terms]
    found: list[dict[int, Coefficient]] = [{0: c} for c in starts]
    waiting = [a for a, _ in powers]

    def terms() -> Iterator[tuple[Power, Coefficient]]:
        yield 0, starts[0]
        while waiting:
            e = heappop(waiting)
            while waiting and waiting[0] == e:
                heappop(waiting)
            new = []
            for k, factor in enumerate(factors):
                before = found[(k + 1) % len(found)]
                pairs = [(c * Fraction(factor(e, a), e), before[e - a]) for a, c in powers if e - a in before]
                new.append(kind.reals.bounded(kind.reals.sum_of_products(pairs)))
            if any(isinstance(c, Real) or c for c in new):
                for a, _ in powers:
                    heappush(waiting, e + a)
                for part, c in zip(found, new, strict=True):
                    part[e] = c
            yield quotient(e, unit), new[0]

    return Series(terms(), u.order, kind)


def integral(slope: Series) -> Series:
    """The series of ∫ from 0, term by term."""
    terms = [(p + 1, c * (1 / Fraction(p + 1))) for p, c in slope.terms]
    return Series(terms, slope.order + 1, slope.kind)
