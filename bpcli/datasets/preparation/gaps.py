"""Missing cells: the strategy for each column (error, drop, or a fill), and the values that fill them."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.preparation.options import DROP, ERROR, PreparationOptions
from bpcli.datasets.preparation.statistics import mean, median, most_frequent
from bpcli.datasets.share import Gathering
from bpcli.datasets.table import Table

Array = NDArray[Any]


class Fill(NamedTuple):
    """A row of `FILLS`: the function from a share of a column's values to the value that fills its missing cells.

    `for_text`: it applies to categories as well. `sums`: see `is_sum`.
    """

    value: Callable[[Array, Gathering], float]
    for_text: bool = False
    sums: bool = False


FILLS = {"mean": Fill(mean, sums=True), "median": Fill(median), "most_frequent": Fill(most_frequent, for_text=True)}
MISSING_STRATEGIES = (ERROR, DROP, *FILLS)

_TEXT_FILL = next(name for name, row in FILLS.items() if row.for_text)


def strategy_of(options: PreparationOptions, name: str) -> str:
    """The strategy for the missing cells of a feature's column, one of `MISSING_STRATEGIES`."""
    strategy = options.missing if isinstance(options.missing, str) else options.missing.get(name, ERROR)
    # Text has no mean or median: a fill for all columns is the most frequent value for categories.
    return _TEXT_FILL if name in options.categorical and strategy in FILLS else strategy


def fits_text(strategy: str) -> bool:
    """Whether a strategy can be applied to a column of categories."""
    return strategy not in FILLS or FILLS[strategy].for_text


def is_sum(strategy: str) -> bool:
    """Whether the fill is computed by a sum, whose last bits depend on the order in which the rows are added."""
    return strategy in FILLS and FILLS[strategy].sums


def target_strategy(options: PreparationOptions) -> str:
    """The strategy for a row whose target is missing: `drop`; any other value means an error."""
    return options.missing if isinstance(options.missing, str) else options.missing.get(options.target, ERROR)


def dropped(table: Table, strategies: Mapping[str, str], target: str | None) -> Array:
    """Whether each row is dropped, (N,): a column with the strategy `drop`, or the target if given, is missing."""
    gaps = np.zeros(table.rows, bool) if target is None else table.missing(target)
    for name, strategy in strategies.items():
        if strategy == DROP and not table.is_whole(name):
            gaps = gaps | table.missing(name)
    return gaps
