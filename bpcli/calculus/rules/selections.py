"""Functions that select one of their arguments: min, max, where. The others don't affect value or slope."""

import math
from typing import Any

from bpcli.calculus.rules.function_rows import Function, Rule, RuleNamespace, at_ties, zero


def _extreme(name: str, largest: bool) -> Function:
    """max or min of several arguments; where some are equal they share the slope evenly."""

    def value(xp: RuleNamespace[Any], *args: Any) -> Any:
        result = args[0]
        for arg in args[1:]:
            result = xp.maximum(result, arg) if largest else xp.minimum(result, arg)
        return result

    def partial(i: int) -> Rule:
        def rule(xp: RuleNamespace[Any], out: Any, *args: Any) -> Any:
            if xp.symbolic and len(args) == 2:
                x, y = (args[i], args[1 - i]) if largest else (args[1 - i], args[i])
                return xp.where(x > y, 1.0, xp.where(x < y, 0.0, 0.5))
            ties = 0.0
            for arg in args:
                ties = ties + xp.where(arg == out, 1.0, 0.0)
            return xp.divide(xp.where(args[i] == out, 1.0, 0.0), ties)

        return rule

    forms = f"{name}(x) over all entries, {name}(x, axis=0), or {name}(x, y, …)"
    return Function(
        name,
        (1, 100),
        forms,
        value,
        partial,
        kind="reduction",
        edge=at_ties,
        exact=True,
        homogeneous=True,
        selects=True,
        neutral=-math.inf if largest else math.inf,
    )


SELECTIONS: list[Function] = [
    _extreme("min", largest=False),
    _extreme("max", largest=True),
    Function(
        "where",
        (3, 3),
        "where(condition, x, y)",
        lambda xp, c, x, y: xp.where(c != 0, x, y),
        (
            zero,
            lambda xp, o, c, x, y: xp.where(c != 0, 1.0, 0.0),
            lambda xp, o, c, x, y: xp.where(c != 0, 0.0, 1.0),
        ),
        kind="select",
        exact=True,
        selects=True,
    ),
]
"""Rows of the functions that select."""
