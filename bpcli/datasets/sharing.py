"""Divides the rows of files among processes: each process reads one stretch of them, and no row is read twice."""

import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import numpy as np

from bpcli.datasets.share import Gathering
from bpcli.datasets.stacking import stacked
from bpcli.datasets.table import Table
from bpcli.errors import DataError
from bpcli.ranks import Ranks


class Stretches(Protocol):
    """A file of which stretches of rows can be read, from one place to another.

    Places go from 0 to `size` and count rows, batches or bytes, depending on the format.
    """

    size: int

    def quotes(self, start: int, stop: int) -> int:
        """The number of quotes between two places, from which follows whether a newline is inside a quoted cell."""

    def begin(self, place: int, quoted: bool) -> int:
        """The first place ≥ `place` at which a row begins, or `size`; `quoted`: `place` is inside a quoted cell."""

    def read(self, start: int, stop: int) -> Table:
        """The rows between two places at which rows begin; no rows if they are equal."""

    def doubts(self, table: Table) -> Sequence[bool]:
        """For each column, whether these rows make its name look like a cell.

        The first line is taken for a row if each of the entries is true for some stretch of the file.
        """


def read_stretch(files: Sequence[Stretches | None], paths: Sequence[Path], share: Gathering) -> Table:
    """This process's rows of the table in the files; a column has the type that it has in the whole table.

    Each process gets about the same number of bytes, rows or batches; one may get no row. DataError if a file has to be
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
    some = np.flatnonzero(counts.sum(0)).tolist()  # files with rows
    if not some:
        raise DataError(f"{paths[0]} has no rows")
    tables, counts = [tables[k] for k in some], counts[:, some]
    for one, before in zip(tables, counts[: share.rank].sum(0).tolist(), strict=True):
        one.first_row = before
        one.agree(share)
    table = tables[0] if len(tables) == 1 else stacked(tables)
    if len(tables) > 1:
        table.first_row = int(counts[: share.rank].sum())
        table.agree(share)
    return table


def _parts(files: Sequence[Stretches], share: Gathering) -> list[tuple[int, int]]:
    """The places in each file between which this process's rows are; equal in a file of which it reads nothing."""
    edges = np.cumsum([0, *(file.size for file in files)])
    cuts = [int(edges[-1]) * rank // share.size for rank in range(share.size + 1)]

    def within(cut: int) -> list[int]:
        """A place in the files joined together, as a place in each file."""
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
"""`fingerprint` reads this many pieces of this many bytes, spread over the length of a file."""


def fingerprint(path: Path) -> tuple[str, int, int]:
    """The name of a file, its size, and a CRC-32 of a sample of its bytes: equal for copies on several machines."""
    with suppress(OSError), path.open("rb") as file:  # the error is raised when the file is read
        size, found = path.stat().st_size, 0
        for place in np.linspace(0, max(0, size - _SAMPLE), _SAMPLES).astype(int).tolist():
            file.seek(place)
            found = zlib.crc32(file.read(_SAMPLE), found)
        return path.name, size, found
    return path.name, 0, 0


def check_same_files(paths: Iterable[Path], ranks: Ranks) -> None:
    """DataError if a rank finds other files than rank 0, as their fingerprints show."""
    first, *others = ranks.gathered([fingerprint(path) for path in paths if path.is_file()])
    for rank, found in enumerate(others, 1):
        if found != first:
            odd = sorted({*found} ^ {*first})[0][0]
            lacking = [who for who, marks in ((rank, found), (0, first)) if odd not in (name for name, _, _ in marks)]
            how = f"{ranks.named(lacking[0])} has no {odd}" if lacking else f"{odd} is another one"
            raise DataError(f"{ranks.named(rank)} does not find the files that rank 0 does: {how}")
