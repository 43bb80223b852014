"""Writes columns of results to binary files, whole or not at all: a row of `RESULT_FILES` for each format."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from bpcli.datasets.readers.columnar import pyarrow_for
from bpcli.datasets.readers.point_files import write_blocks
from bpcli.errors import UsageError
from bpcli.files import write_atomically

Blocks = Iterator[Sequence[Sequence[Any]]]
"""An iterator over blocks of rows; each block is a sequence of its columns."""


def write_npy(path: Path, names: Sequence[str], blocks: Blocks, force: bool) -> None:
    """Write the columns as one array of float64, (rows, columns). UsageError for a cell that is not a number."""

    def arrays() -> Iterator[Any]:
        for columns in blocks:
            try:
                yield np.array(columns, np.float64).T
            except ValueError as error:
                raise UsageError(f"{path}: .npy holds numbers, and {' or '.join(names)} is none") from error

    write_blocks(path, arrays(), len(names), force)


def write_parquet(path: Path, names: Sequence[str], blocks: Blocks, force: bool) -> None:
    """Write the columns by name; the first block decides the type of each."""
    pa, parquet = pyarrow_for(path, "writing"), import_module("pyarrow.parquet")

    def write(file: BinaryIO) -> None:
        kinds: list[Any] = [None] * len(names)
        writer = None
        with ExitStack() as stack:
            for columns in blocks:
                arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
                kinds = [array.type for array in arrays]
                table = pa.table(arrays, names=list(names))
                writer = writer or stack.enter_context(parquet.ParquetWriter(file, table.schema))
                writer.write_table(table)

    write_atomically(path, write, force)


RESULT_FILES: dict[str, Callable[[Path, Sequence[str], Blocks, bool], None]] = {
    "npy": write_npy,
    "parquet": write_parquet,
}
"""The writers by extension, without the dot."""
