"""The rows of some files shared among processes: each reads a stretch of them, and no row is read twice."""

import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import numpy as np

from bpcli.datasets.share import Gathering
from bpcli.datasets.stacking import stacked
from bpcli.datasets.table import Table
from bpcli.errors import DataError


class Stretches(Protocol):
    """A file whose rows are told apart by places from 0 to `size`: numbers of rows or batches, or of bytes."""

    size: int

    def quotes(self, start: int, stop: int) -> int:
        """How many quotes are between two places: where cells are quoted, a line may end within one."""

    def begin(self, place: int, quoted: bool) -> int:
        """The first place from that one on at which a row begins, or `size`; `quoted`: it is within a quoted cell."""

    def read(self, start: int, stop: int) -> Table:
        """The rows from one place at which a row begins to another; none where they are the same."""

    def doubts(self, table: Table) -> Sequence[bool]:
        """What of some rows makes the first line, taken for names, look like a row: that it is one where all of these
        hold, each in some rows of the file."""


def read_stretch(files: Sequence[Stretches | None], paths: Sequence[Path], share: Gathering) -> Table:
    """This process's rows of the files, which are one table. The type of a column is that of all its rows, in all
    processes.

    Each process gets about as many bytes, rows or batches; a process may get no row. DataError where a file has to be
    read as a whole.
    """
    whole = [path for path, file in zip(paths, files, strict=True) if file is None]
    if whole:
        raise DataError(f"{whole[0]} has to be read as a whole")
    opened = [file for file in files if file is not None]
    tables = [file.read(*part) for file, part in zip(opened, _parts(opened, share), strict=True)]
    doubts = share.gathered([file.doubts(table) for file, table in zip(opened, tables, strict=True)])
    for path, *of_shares in zip(paths, *doubts, strict=True):
        if all(map(any, zip(*of_shares, strict=True))):
            raise DataError(f"{path}: the first line could be data")
    counts = np.array(share.gathered([table.rows for table in tables]))
    for path, count in zip(paths, counts.sum(0), strict=True):
        if not count:
            raise DataError(f"{path} has no rows")
    for one, before in zip(tables, counts[: share.rank].sum(0).tolist(), strict=True):
        one.first_row = before
        one.agree(share)
    table = tables[0] if len(tables) == 1 else stacked(tables)
    if len(tables) > 1:
        table.first_row = int(counts[: share.rank].sum())
        table.agree(share)
    return table


def _parts(files: Sequence[Stretches], share: Gathering) -> list[tuple[int, int]]:
    """Where this process's rows begin and end in each file; both places are equal in a file of which it has none."""
    edges = np.cumsum([0, *(file.size for file in files)])
    cuts = [int(edges[-1]) * rank // share.size for rank in range(share.size + 1)]

    def within(cut: int) -> list[int]:
        """A place in all files, counted from the first on, as a place in each."""
        return [int(np.clip(cut - edge, 0, file.size)) for edge, file in zip(edges, files, strict=False)]

    first, last = within(cuts[share.rank]), within(cuts[share.rank + 1])
    quotes = share.gathered([file.quotes(*part) for file, *part in zip(files, first, last, strict=True)])
    before = np.sum(quotes[: share.rank], axis=0) if share.rank else np.zeros(len(files), int)
    begins = [
        place if place in (0, file.size) else file.begin(place, bool(found % 2))
        for file, place, found in zip(files, first, before, strict=True)
    ]
    following = [*share.gathered(begins), [file.size for file in files]][share.rank + 1]
    return [*zip(begins, following, strict=True)]


_SAMPLES, _SAMPLE = 64, 1 << 16
"""If a file is longer, only this many pieces of this many bytes are looked at, spread over its length."""


def mark_of(path: Path) -> tuple[str, int, int]:
    """What a file can be recognised by in another place: its name, its size, and a checksum of some of its bytes."""
    with suppress(OSError), path.open("rb") as file:  # who reads it says what is wrong
        size, found = path.stat().st_size, 0
        for place in np.linspace(0, max(0, size - _SAMPLE), _SAMPLES).astype(int).tolist():
            file.seek(place)
            found = zlib.crc32(file.read(_SAMPLE), found)
        return path.name, size, found
    return path.name, 0, 0
