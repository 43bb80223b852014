"""Chooses the engine that takes the steps of a training: NumPy, or a program compiled by numba."""

from typing import Any, NamedTuple

import numpy as np

from bpcli import sums
from bpcli.datasets.sparse import is_sparse
from bpcli.errors import ConfigError
from bpcli.text.notation import number
from bpcli.training.config.loading import Config
from bpcli.training.descent.compiler import EXTRA, LIBRARY, cache_folder, check_installed, is_compiled, is_installed
from bpcli.training.descent.update_rule import UpdateRule
from bpcli.training.model import Model

MOST_PRODUCTS = 1 << 15
"""The size of a step, rows × features × outputs, up to which compiled loops are faster than NumPy."""

STEPS, SPARSE_STEPS = 500_000, 100_000
"""The number of steps from which on compiling pays: each saves about 15 µs, with sparse rows 60 µs."""

_EPOCHS = 100
"""The number of epochs that is assumed for `epochs: auto`."""


class Engine(NamedTuple):
    """The engine by name, the text of its program if it is compiled, and notes."""

    name: str = "numpy"
    program: str = ""
    notes: tuple[str, ...] = ()


def chosen_engine(config: Config, model: Model, X: Any, update_rule: UpdateRule) -> Engine:
    """The engine for training on X; it depends on the config and the data alone.

    `auto` is `numba` if compiling pays and numba is installed; if it is not installed, a note says how to. With `numba`
    in the config: MissingExtraError if it is not installed, ConfigError if it can't run this training.
    """
    given = config.training.engine
    work = _work(config, model, X)
    if given == "numpy" or (given == "auto" and not work):
        return Engine()
    program, why_not = _program(model, X, update_rule)
    if why_not and given == "numba":
        place = config.places.get("training.engine", "config")
        raise ConfigError([f"{place}: training.engine: {why_not}: leave the key out"])
    if why_not:
        return Engine(notes=(f"compiling would pay for {work}, but {why_not}",))
    if given == "numba":
        check_installed()
    elif not is_installed():
        how = f"pip install 'bpcli[{EXTRA}]'"
        return Engine(notes=(f"compiling would pay for {work}, and needs {LIBRARY}, which is not installed: {how}",))
    notes = [f"training.engine: numba, as compiling pays for {work}"] if given == "auto" else []
    if not is_compiled(program):
        kept = "once on this machine" if cache_folder() else "at each start, as there is no folder of yours to keep it"
        notes.append(f"the steps of this kind of training are compiled first, which takes some seconds, {kept}")
    return Engine("numba", program, ("; ".join(notes),) if notes else ())


def _work(config: Config, model: Model, X: Any) -> str:
    """The number of steps and their size, in words, if compiling pays; else ""."""
    options, (N, n) = config.training, X.shape
    size = N if options.batch_size == "full" else min(int(options.batch_size), N)
    steps = -(-N // size) * (_EPOCHS if options.epochs == "auto" else int(options.epochs))
    sparse = is_sparse(X)
    entries = X.nnz / N if sparse else n
    # Batches above sums.ROWS are summed in blocks, which the compiled program does not do.
    if size > sums.ROWS or size * entries * model.b.size > MOST_PRODUCTS or steps < (SPARSE_STEPS if sparse else STEPS):
        return ""
    outputs = f" for {model.b.size} outputs" if model.b.size > 1 else ""
    return f"{steps} steps of {size} × {number(round(entries, 1))} numbers{outputs}"


def _program(model: Model, X: Any, update_rule: UpdateRule) -> tuple[str, str]:
    """(text of the program, ""), or ("", the reason why there is none)."""
    if not is_sparse(X) and not isinstance(X, np.ndarray):
        return "", "numba is for rows that are in memory, and these stay in files"
    from bpcli.numbers.traced import UntraceableError
    from bpcli.training.descent.compiled import kind_of, program_text

    try:
        return program_text(kind_of(model.g, model.loss_row, X, update_rule)), ""
    except UntraceableError as error:
        return "", f"numba can't compile a formula of this model or optimizer ({error})"
