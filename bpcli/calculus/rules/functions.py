"""The table of functions and operators, which the parser, the evaluation, the derivatives and the messages read.

A rule speaks to a `RuleSpace` xp, of floats, arrays, or duals, which is how second derivatives come out of the same
rules. It states the textbook's formula; what doubles need besides goes through `xp.refined`, and a value that is a
convention through `xp.agreed`, so that numbers which don't round can do without the former.
"""

import math

from bpcli.calculus.rules.arithmetic import ARITHMETIC
from bpcli.calculus.rules.elementary import COSINE, ELEMENTARY
from bpcli.calculus.rules.function_rows import Function
from bpcli.calculus.rules.network_functions import ACTIVATION_ROWS, LOSS_TERMS
from bpcli.calculus.rules.selections import SELECTIONS

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
    Function("mse", (2, 2), "mse(y, yhat)", kind="macro"),
    Function("bce", (2, 2), "bce(y, yhat)", kind="macro"),
    Function("cce", (2, 2), "cce(y, yhat)", kind="macro"),
]
"""What is made of other rows, or an operation on a whole array, see `reductions`."""

_CLIP = Function("clip", (3, 3), "clip(x, low, high)", kind="macro")

FUNCTIONS: dict[str, Function] = {
    row.name: row for row in [*ELEMENTARY, *SELECTIONS, _CLIP, *ACTIVATION_ROWS, *_ON_ARRAYS]
}
"""The functions by name."""

CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf}
