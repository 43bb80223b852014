"""J and ∂J/∂z of some rows by each engine: NumPy's step over arrays, and the program that numba compiles, as Python."""

from functools import cache

import numpy as np

from bpcli.formulas.layers import activation_of, loss_of
from bpcli.formulas.steps import make_step
from bpcli.training.descent.compiled import kind_of, program_text
from bpcli.training.descent.update_rule import update_rule_of


def by_numpy(model, activation, loss, z, y):
    """The sum of J₀; z becomes the slopes of its rows."""
    return make_step(model, activation, loss, max(8, len(z)), z.shape[1:], z.dtype)(z, y)  # room for some more


@cache
def program(activation, loss):
    """The functions of a program, which Python runs as they stand."""
    rule = update_rule_of("sgd", "constant", None, 1)
    names = {}
    text = program_text(kind_of(activation_of(activation), loss_of(loss), np.zeros((1, 1)), rule))
    exec("_inner = _outer = lambda function: function\n" + text, names)
    return names


def by_program(model, activation, loss, z, y):
    """The same; its numbers are doubles."""
    rows, total = z.reshape(len(z), -1), 0.0
    for row, of_row in enumerate(rows):
        work = np.concatenate([of_row, np.zeros(rows.shape[1])]).astype(np.float64)
        total += program(activation, loss)["output"](y, row, work)
        rows[row] = work[: rows.shape[1]]
    return total


ENGINES = {"numpy": by_numpy, "numba": by_program}
