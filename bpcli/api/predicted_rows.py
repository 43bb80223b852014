"""The rows of files and streams with their predictions, as they come, in order."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from bpcli.api.explanations import Columns
from bpcli.api.predictions import predictions, shared
from bpcli.datasets.dialect import AUTO
from bpcli.datasets.large import is_large
from bpcli.datasets.live import LiveRows, live_rows
from bpcli.datasets.preparation.fitted import Prepared
from bpcli.datasets.preparation.prepared_blocks import PreparedBlocks
from bpcli.datasets.reading import READERS, read_files
from bpcli.datasets.spread import rows_at_first
from bpcli.datasets.table import Table
from bpcli.ranks import ALONE, Ranks
from bpcli.training.model import Model

STDIN = "-"
_NAME = Path("<stdin>")


def format_of_stream(model: Model) -> str:
    """The format of stdin: that of the training if its config named one, else CSV."""
    format_ = model.files(_NAME).format
    return "csv" if format_ == AUTO else format_


class PredictedRows:
    """The rows of files, and of a stream for `-`, as tables with the columns of `predictions` and of `more`, in turn.

    With `in_parts` a large file is read block by block. The rows of a pipe are yielded as they arrive; the rows before
    one that can't be read are yielded before its DataError. If the files allow it, each of several `ranks` reads and
    predicts a share of the rows; the first rank then yields all of them, and the others none.
    """

    def __init__(
        self,
        model: Model,
        data: Sequence[Path],
        stream: BinaryIO,
        in_parts: bool,
        more: Sequence[Columns] = (),
        ranks: Ranks = ALONE,
    ) -> None:
        self._more, self._ranks = more, ranks
        self._model, self._data, self._stream, self._in_parts = model, data, stream, in_parts
        self._remarks: list[str] = []
        self.paths = [path for path in data if str(path) != STDIN]
        """The files among the data."""
        self.live: LiveRows | None = None
        """The stream, if it is a pipe, whose writer may wait for the answer to each row."""
        if STDIN in map(str, data) and READERS[format_of_stream(model)].text:
            self.live = live_rows(_NAME, stream, model.dialect)
        if self.live is not None:
            self.live.head.require([column.name for column in model.preparation.columns])

    def new_remarks(self) -> list[str]:
        """The remarks on the data since they were last asked for."""
        remarks, self._remarks = self._remarks, []
        return remarks

    def __iter__(self) -> Iterator[tuple[Table, list[list[Any]]]]:
        shares = [*map(self._shared, self._data)] if self._ranks.size > 1 else []
        found = [one for one in shares if one is not None]
        if not found or len(found) < len(shares):
            yield from self._alone()
            return
        self._remarks += dict.fromkeys(text for _, prepared in found for text in prepared.remarks)
        for table, prepared in found:
            z = self._model.z(prepared.X)
            more = [column for more in self._more for column in more(prepared.X, z)]
            rest = rows_at_first(np.array(more).reshape(len(more), len(z)).T, self._ranks)
            z = rows_at_first(z, self._ranks)
            if not self._ranks.rank:
                yield table, [*predictions(self._model, z), *rest.T.tolist()]

    def _shared(self, path: Path) -> tuple[Table, Prepared] | None:
        files = self._model.files(path)
        return shared(self._model, files, lambda share: read_files(files, share=share), self._ranks, with_target=False)

    def _alone(self) -> Iterator[tuple[Table, list[list[Any]]]]:
        files = self._model.files(*self.paths)
        if self.live is None and not (self._in_parts and is_large([files])):
            whole = [self._whole(path) for path in self._data]
            self._remarks += dict.fromkeys(text for _, prepared in whole for text in prepared.remarks)
            for table, prepared in whole:
                yield table, self._columns(prepared.X)
            return
        for path in self._data:
            tally = PreparedBlocks(self._model.preparation, self._model.files(path), with_target=False)
            if str(path) != STDIN:
                blocks: Iterable[tuple[Table, Prepared]] = tally
            else:
                blocks = [self._whole(path)] if self.live is None else self.live.each(tally.prepared)
            for table, prepared in blocks:
                yield table, self._columns(prepared.X)
            self._remarks += tally.remarks

    def _columns(self, X: Any) -> list[list[Any]]:
        z = self._model.z(X)
        return [*predictions(self._model, z), *(column for more in self._more for column in more(X, z))]

    def _whole(self, path: Path) -> tuple[Table, Prepared]:
        if str(path) != STDIN:
            table = read_files(self._model.files(path))
        else:
            table = read_files(replace(self._model.files(_NAME), format=format_of_stream(self._model)), self._stream)
        return table, self._model.preparation.apply(table, with_target=False)
