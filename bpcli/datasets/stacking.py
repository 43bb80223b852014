"""Joins the files of one table: their rows one below the other, the columns matched by name."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.datasets.sparse import SparseTable, stacked_rows
from bpcli.datasets.table import Table
from bpcli.errors import DataError, several


def stacked(tables: Sequence[Table]) -> Table:
    """The table of all rows. A column is numeric if it is in every table.

    DataError for the first table with other columns than the first one, or of which only one of the two is sparse.
    """
    first = tables[0]
    starts = np.cumsum([0, *(table.rows for table in tables)])
    path = Path(f"{first.path} and {len(tables) - 1} more")
    for table in tables:
        if isinstance(table, SparseTable) != isinstance(first, SparseTable):
            raise DataError(f"{table.path} and {first.path} are of formats that can't be one table")
        if not isinstance(table, SparseTable):
            check_same(first.path, first.names, table)

    def cells(name: str) -> list[str]:
        return [*chain.from_iterable(table.text(name) for table in tables)]

    def column(name: str) -> Any:
        parts = [column for table in tables if not isinstance(column := table.column(name), list)]
        whole = np.concatenate(parts) if len(parts) == len(tables) else np.empty(0, object)
        # Two integer types may be joined as doubles, which can't represent all whole numbers.
        mixed = whole.dtype.kind == "f" and all(part.dtype.kind in "iu" for part in parts)
        return cells(name) if mixed or whole.dtype.kind == "O" else whole

    def place(row: int) -> str:
        part = int(np.searchsorted(starts, row, "right")) - 1
        return tables[part].where(row - int(starts[part]))

    columns = {name: column(name) for name in first.own_columns}
    if isinstance(first, SparseTable):
        matrix, start = stacked_rows([table for table in tables if isinstance(table, SparseTable)])
        whole: Table = SparseTable(path, matrix, start, columns, lambda _: None, cells)
    else:
        quoted = {name for table in tables for name in table.quoted}
        whole = Table(path, columns, int(starts[-1]), lambda _: None, cells, quoted=quoted)
    whole.place, whole.dialect, whole.own_target = place, first.dialect, first.own_target
    if any(table.dialect.delimiter != first.dialect.delimiter for table in tables):
        whole.dialect = first.dialect.for_others()  # so that each file's own delimiter is detected again
    whole.unstripped = lambda name: [*chain.from_iterable(table.as_they_stand(name) for table in tables)]
    whole.written = all(table.written for table in tables)
    for what in dict.fromkeys(chain.from_iterable(table.unusual for table in tables)):
        such = [table.path.name for table in tables if what in table.unusual]
        whole.unusual.append(what if len(such) == len(tables) else f"{what} in {several(such, 3)}")
    return whole


def check_same(first: Path, names: Sequence[str], table: Table) -> None:
    """DataError if a table does not have the columns `names` of the first file; their order does not matter."""
    here, there = dict.fromkeys(table.names), dict.fromkeys(names)
    if here.keys() != there.keys():
        missing, more = ([name for name in a if name not in b][:10] for a, b in ((there, here), (here, there)))
        told = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"has {', '.join(more)} besides"] * bool(more)
        raise DataError(f"{table.path} has other columns than {first}: it {' and '.join(told)}")


def numbered_from(block: Table, before: int) -> Table:
    """A block whose rows come after `before` rows of other files; messages still name the place in its own file."""
    if before:
        own, first = block.own_place, block.first_row
        block.place = lambda row: own(row, first)
        block.first_row += before
    return block
