"""Prepares a file that is larger than memory block by block, and collects the notes on all blocks."""

from collections.abc import Iterator

import numpy as np

from bpcli.datasets.preparation.fitted import Preparation, Prepared, Tally
from bpcli.datasets.reading import Files, read_blocks
from bpcli.datasets.table import Table


class PreparedBlocks:
    """Iterates over the blocks of a file, each as (table, prepared)."""

    def __init__(self, preparation: Preparation, files: Files, with_target: bool) -> None:
        self.preparation, self.files, self.with_target = preparation, files, with_target
        self._tally = Tally()
        self._last: tuple[Table, list[str]] | None = None

    def __iter__(self) -> Iterator[tuple[Table, Prepared]]:
        return map(self.prepared, read_blocks(self.files))

    def prepared(self, table: Table) -> tuple[Table, Prepared]:
        """(table, prepared) of the next block."""
        prepared = self.preparation.apply(table, self.with_target, tally=self._tally)
        self._last = table, prepared.ignored
        return table, prepared

    @property
    def remarks(self) -> list[str]:
        """The remarks on all blocks so far."""
        if self._last is None:
            return []
        table, ignored = self._last
        return Prepared(np.empty(0), np.empty(0), np.empty(0), self._tally.notes(table), ignored).remarks
