"""Reads Parquet, Arrow's IPC files and streams, and Feather, by pyarrow; the values are as from a CSV file."""

import io
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from bpcli.datasets.cells import to_numbers
from bpcli.datasets.readers.arrays import cells_of
from bpcli.datasets.readers.cell_parsers import numbers_of
from bpcli.datasets.table import Table
from bpcli.errors import DataError, MissingExtraError, NoRowsError
from bpcli.memory import check_memory, is_tight
from bpcli.sources import Reader, Source, malformed

_ROOM = 330_000_000
"""Bytes of memory for pyarrow with its Parquet library (measured: 184 MB) and two of its threads."""

_SIGNS = {"Parquet": [b"PAR1"], "Arrow": [b"ARROW1", b"\xff\xff\xff\xff"]}
"""The first bytes of the files of each format; a pipe that begins otherwise is not read further."""

_BLOCK = 1 << 22  # bytes of numbers in a block


def read_parquet(path: Path, stream: BinaryIO | None = None) -> Table:
    """The table in a Parquet file; MissingExtraError without pyarrow, DataError if it is no such file, or damaged."""
    return _read(path, stream, "Parquet", _parquet)


def read_arrow(path: Path, stream: BinaryIO | None = None) -> Table:
    """The table in an Arrow IPC file or stream, or a Feather file; errors as `read_parquet`."""
    return _read(path, stream, "Arrow", _ipc)


def _parquet(content: BinaryIO, start: bytes) -> Any:
    return import_module("pyarrow.parquet").read_table(content)


def _ipc(content: BinaryIO, start: bytes) -> Any:
    if start == b"ARROW1":
        return import_module("pyarrow.feather").read_table(content)
    return import_module("pyarrow.ipc").open_stream(content).read_all()


def parquet_blocks(path: Path) -> Iterator[Table]:
    """The rows of a Parquet file as one table after another; errors as `read_parquet`."""

    def batches(file: BinaryIO, start: bytes) -> Iterator[Any]:
        whole = import_module("pyarrow.parquet").ParquetFile(file)
        rows = max(1, _BLOCK // (8 * max(1, whole.metadata.num_columns)))
        yield from whole.iter_batches(rows)

    yield from _read_blocks(path, "Parquet", batches)


def arrow_blocks(path: Path) -> Iterator[Table]:
    """The rows of an Arrow file or stream as one table after another, a record batch each; errors as `read_arrow`."""

    def batches(file: BinaryIO, start: bytes) -> Iterator[Any]:
        ipc = import_module("pyarrow.ipc")
        if start == b"ARROW1":
            whole = ipc.open_file(file)
            yield from (whole.get_batch(k) for k in range(whole.num_record_batches))
        else:
            yield from ipc.open_stream(file)

    yield from _read_blocks(path, "Arrow", batches)


def _read_blocks(path: Path, what: str, load: Callable[[BinaryIO, bytes], Iterator[Any]]) -> Iterator[Table]:
    pa = pyarrow_for(path)
    first = 0
    with Source(path).opened() as file:
        start = _start(path, file, what)
        content = file if not file.packed else io.BytesIO(file.read())
        with malformed(f"{path} is not a whole {what} file"):
            for batch in load(content, start):
                batch.validate(full=True)
                if batch.num_rows:
                    yield table_of(path, pa.Table.from_batches([batch]), first)
                    first += batch.num_rows
    if not first:
        raise NoRowsError(f"{path} has no rows: there is nothing to read")


def _read(path: Path, stream: BinaryIO | None, what: str, load: Callable[[BinaryIO, bytes], Any]) -> Table:
    pyarrow_for(path)
    with Source(path, stream).opened() as file:
        start = _start(path, file, what)
        content = file if stream is None and not file.packed else io.BytesIO(file.read())
        with malformed(f"{path} is not a whole {what} file"):
            found = load(content, start)
            found.validate(full=True)
    if not found.num_rows or not found.num_columns:
        raise (NoRowsError if found.num_columns else DataError)(
            f"{path} has {found.num_columns} columns and {found.num_rows} rows: there is nothing to read"
        )
    with malformed(f"{path} is not a whole {what} file"):
        return table_of(path, found, 0)


def _start(path: Path, file: Reader, what: str) -> bytes:
    """The first bytes, which tell the formats apart; DataError if a stream can't be of the format `what`.

    Version 1 of Feather is refused as well, because it has nothing by which damage could be detected.
    """
    start = file.peek(6)[:6]
    if start[:4] == b"FEA1":
        way = "pyarrow.feather.write_feather(pandas.read_feather(OLD), NEW) writes version 2"
        raise DataError(f"{path} is a Feather file of version 1, of which damage can't be seen", way)
    if (
        not any(start.startswith(sign) for sign in _SIGNS[what]) and not path.is_file()
    ):  # before the stream is read further
        raise DataError(f"{path} is not a whole {what} file: it begins with {start.hex(' ')}")
    return start


def pyarrow_for(path: Path, what: str = "reading") -> Any:
    """pyarrow; MissingExtraError where it is not installed, TooLargeError where there is no room to load it."""
    if is_tight() and "pyarrow" not in sys.modules and find_spec("pyarrow") is not None:
        check_memory(f"{what} {path} by pyarrow", _ROOM)  # pyarrow may abort the process if memory runs out
    try:
        pa: Any = import_module("pyarrow")
    except ModuleNotFoundError as error:
        raise MissingExtraError("arrow", "pyarrow", f"{what} {path}") from error
    if is_tight():
        pa.set_memory_pool(pa.system_memory_pool())
        pa.set_cpu_count(1)
    return pa


def table_of(path: Path, found: Any, first_row: int) -> Table:
    """The table of a pyarrow table; `first_row` is the number of its first row in the file."""
    _check_names(path, found.column_names)
    sources = dict(zip(found.column_names, found.columns, strict=True))
    columns = {name: _column(source) for name, source in sources.items()}
    quoted = [name for name, source in sources.items() if _is_text(source.type)]
    table = Table(
        path, columns, found.num_rows, lambda row: None, lambda name: _cells(sources[name]), first_row, quoted
    )
    table.unstripped = lambda name: _unstripped(sources[name])
    return table


def _is_text(kind: Any) -> bool:
    pa: Any = import_module("pyarrow")

    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return str(value) in ("string", "large_string", "string_view")


def _check_names(path: Path, names: list[str]) -> None:
    seen: dict[str, int] = {}
    for position, name in enumerate(names, 1):
        if not name.strip():
            raise DataError(f"{path}: column {position} has no name")
        if name in seen:
            raise DataError(f"{path}: columns {seen[name]} and {position} are both named {name}")
        seen[name] = position


def _column(source: Any) -> Any:
    """Numbers if every cell is a number or missing, else cells of text."""
    pa: Any = import_module("pyarrow")

    kind = source.type
    if pa.types.is_boolean(kind) and not source.null_count:
        return source.to_numpy()
    if pa.types.is_null(kind):
        return np.full(len(source), np.nan)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        if source.null_count:
            # Rounded to the nearest double, as numbers in a CSV file are.
            source = source.cast(pa.float64(), safe=False).fill_null(np.nan)
        values = numbers_of(source)
        infinite = values.dtype.kind == "f" and np.isinf(values).any()
        return _cells(source) if infinite else values
    cells = _cells(source)
    numbers = to_numbers(cells)
    return cells if numbers is None else numbers


def _cells(source: Any) -> list[str]:
    """The cells of a column as a CSV file would have them, without blanks around them; a missing cell is empty."""
    return [cell.strip() for cell in _unstripped(source)]


def _unstripped(source: Any) -> list[str]:
    pa: Any = import_module("pyarrow")

    if pa.types.is_dictionary(source.type):
        source = source.cast(source.type.value_type)
    if pa.types.is_floating(source.type):
        return cells_of(source.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy())
    return ["" if value is None else _cell(value) for value in source.to_pylist()]


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)
