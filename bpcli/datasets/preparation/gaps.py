"""Missing cells: what is done with them, by column, and what fills them."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.preparation.options import PreparationOptions
from bpcli.datasets.preparation.statistics import mean, median, most_frequent
from bpcli.datasets.share import Gathering
from bpcli.datasets.table import Table

Array = NDArray[Any]


class Fill(NamedTuple):
    """A row of `FILLS`: what fills the gaps of a column of numbers, of a share of its values and what the other shares
    have; `for_text`: of categories too, by its name; `sums`: see `is_sum`."""

    value: Callable[[Array, Gathering], float]
    for_text: bool = False
    sums: bool = False


FILLS = {"mean": Fill(mean, sums=True), "median": Fill(median), "most_frequent": Fill(most_frequent, for_text=True)}
MISSING_STRATEGIES = ("error", "drop", *FILLS)

_TEXT_FILL = next(name for name, row in FILLS.items() if row.for_text)


def strategy_of(options: PreparationOptions, name: str) -> str:
    """What is to be done with the gaps of a feature's column, a word of `MISSING_STRATEGIES`."""
    strategy = options.missing if isinstance(options.missing, str) else options.missing.get(name, "error")
    # Text has no mean: where one strategy is given for all columns, categories take the most frequent one.
    return _TEXT_FILL if name in options.categorical and strategy in FILLS else strategy


def fits_text(strategy: str) -> bool:
    """Whether a strategy for gaps can be applied to a column of categories."""
    return strategy not in FILLS or FILLS[strategy].for_text


def is_sum(strategy: str) -> bool:
    """Whether what fills gaps is a sum, whose last bits depend on the order in which the rows are added."""
    return strategy in FILLS and FILLS[strategy].sums


def target_strategy(options: PreparationOptions) -> str:
    """What is to be done with a row without a target: `drop`, or anything else for an error."""
    return options.missing if isinstance(options.missing, str) else options.missing.get(options.target, "error")


def dropped(table: Table, strategies: Mapping[str, str], target: str | None) -> Array:
    """Where a column that is to drop its gaps, or the target if given, has one, (N,)."""
    gaps = np.zeros(table.rows, bool) if target is None else table.missing(target)
    for name, strategy in strategies.items():
        if strategy == "drop" and not table.is_whole(name):
            gaps = gaps | table.missing(name)
    return gaps
