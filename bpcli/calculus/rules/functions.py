"""The table of functions and operators, which the parser, the evaluation, the derivatives and the messages read.

A rule speaks to a `RuleNamespace` xp, of floats, arrays, or duals, which is how second derivatives come out of the same
rules. It states the textbook's formula. `xp.refined` adds a better one for doubles, which numbers that don't round
ignore; `xp.agreed` a value by convention.
"""

import math
from collections.abc import Iterable, Iterator, MutableMapping

from bpcli.calculus.rules.arithmetic import ARITHMETIC
from bpcli.calculus.rules.elementary import COSINE, ELEMENTARY
from bpcli.calculus.rules.function_rows import Function
from bpcli.calculus.rules.network_functions import (
    ACTIVATION_ROWS,
    LOSS_TERMS,
    activation_function,
    loss_function,
    loss_term,
)
from bpcli.calculus.rules.selections import SELECTIONS
from bpcli.formulas.activations import ACTIVATIONS
from bpcli.formulas.losses import LOSSES

OPERATORS: dict[str, Function] = {row.name: row for row in [*ARITHMETIC, *LOSS_TERMS, COSINE]}
"""The operators, the terms of which the losses are sums, and what stable forms compute."""

_ON_ARRAYS = [
    Function("sum", (1, 1), "sum(x) or sum(x, axis=0)", kind="reduction"),
    Function("mean", (1, 1), "mean(x) or mean(x, axis=0)", kind="reduction"),
    Function("prod", (1, 1), "prod(x) or prod(x, axis=0)", kind="reduction"),
    Function("norm", (1, 1), "norm(x) or norm(x, axis=0)", kind="reduction"),
    Function("dot", (2, 2), "dot(u, v)", kind="macro"),
    Function("logsumexp", (1, 1), "logsumexp(x) or logsumexp(x, axis=0)", kind="reduction"),
    Function("softmax", (1, 1), "softmax(l), a row at a time, or softmax(l, axis=0)", kind="reduction"),
    Function("log_softmax", (1, 1), "log_softmax(l), a row at a time, or log_softmax(l, axis=0)", kind="reduction"),
]
"""Functions that are made of other rows, or are operations on whole arrays, see `reductions`."""

_CLIP = Function("clip", (3, 3), "clip(x, low, high)", kind="macro")


class _Functions(MutableMapping[str, Function]):
    """The rows of this table, and one for each activation and loss, which is looked up in their tables each time."""

    def __init__(self, rows: Iterable[Function]) -> None:
        self._own = {row.name: row for row in rows}

    def __getitem__(self, name: str) -> Function:
        if name in self._own:
            return self._own[name]
        if name in ACTIVATIONS:
            return activation_function(name, ACTIVATIONS[name])
        return loss_function(name, LOSSES[name])

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in ACTIVATIONS or name in LOSSES

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys([*self._own, *ACTIVATIONS, *LOSSES])

    def __len__(self) -> int:
        return len({*self._own, *ACTIVATIONS, *LOSSES})

    def __setitem__(self, name: str, row: Function) -> None:
        self._own[name] = row

    def __delitem__(self, name: str) -> None:
        del self._own[name]


FUNCTIONS = _Functions([*ELEMENTARY, *SELECTIONS, _CLIP, *ACTIVATION_ROWS, *_ON_ARRAYS])
"""The functions by name."""


def term_of(loss: str) -> Function:
    """The row of a loss's term J₀."""
    return OPERATORS.get(f"{loss}_term") or loss_term(loss, LOSSES[loss])


CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf}
