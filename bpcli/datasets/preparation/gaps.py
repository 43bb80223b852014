"""Missing cells: what is done with them, by column, and what fills them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.preparation.options import PreparationOptions
from bpcli.datasets.preparation.statistics import mean, median, most_frequent
from bpcli.datasets.table import Table

Array = NDArray[Any]

FILLS = {"mean": mean, "median": median, "most_frequent": most_frequent}
MISSING_STRATEGIES = ("error", "drop", *FILLS)


def strategy_of(options: PreparationOptions, name: str) -> str:
    """What is to be done with the gaps of a feature's column, a word of `MISSING_STRATEGIES`."""
    strategy = options.missing if isinstance(options.missing, str) else options.missing.get(name, "error")
    # Text has no mean: where one strategy is given for all columns, categories take the most frequent one.
    return "most_frequent" if name in options.categorical and strategy in FILLS else strategy


def target_strategy(options: PreparationOptions) -> str:
    """What is to be done with a row without a target: `drop`, or anything else for an error."""
    return options.missing if isinstance(options.missing, str) else options.missing.get(options.target, "error")


def dropped(table: Table, strategies: Mapping[str, str], target: str | None) -> Array:
    """Where a column that is to drop its gaps, or the target if given, has one, (N,)."""
    gaps = np.zeros(table.rows, bool) if target is None else table.missing(target)
    for name, strategy in strategies.items():
        if strategy == "drop":
            gaps = gaps | table.missing(name)
    return gaps
