"""Reads Parquet, Arrow's IPC files and streams, and Feather, with pyarrow; the values are those of a CSV file."""

import gzip
import io
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from bpcli.datasets.arrays import cells_of
from bpcli.datasets.binary import opened
from bpcli.datasets.table import Table, to_numbers
from bpcli.errors import DataError, MissingExtraError


def read_parquet(path: Path, stream: BinaryIO | None = None) -> Table:
    """The table in a Parquet file; MissingExtraError without pyarrow, DataError if it is none, or damaged."""
    return _read(path, stream, "Parquet", _parquet)


def read_arrow(path: Path, stream: BinaryIO | None = None) -> Table:
    """The table in an Arrow IPC file or stream, or a Feather file; errors as `read_parquet`."""
    return _read(path, stream, "Arrow", _ipc)


def _parquet(content: BinaryIO, start: bytes) -> Any:
    return import_module("pyarrow.parquet").read_table(content)


def _ipc(content: BinaryIO, start: bytes) -> Any:
    if start == b"ARROW1" or start[:4] == b"FEA1":  # the latter is Feather's first version
        return import_module("pyarrow.feather").read_table(content)
    return import_module("pyarrow.ipc").open_stream(content).read_all()


def _read(path: Path, stream: BinaryIO | None, what: str, load: Callable[[BinaryIO, bytes], Any]) -> Table:
    try:
        pa: Any = import_module("pyarrow")
    except ImportError as error:
        raise MissingExtraError("arrow", "pyarrow", f"reading {path}") from error
    with opened(path, stream) as file:
        content = file if stream is None and not isinstance(file, gzip.GzipFile) else io.BytesIO(file.read())
        start = content.read(6)
        content.seek(0)
        try:
            found = load(content, start)
            found.validate(full=True)
        except (pa.ArrowException, ValueError, TypeError, KeyError, NotImplementedError, EOFError) as error:
            raise DataError(f"{path} is not a whole {what} file: {_first_line(error)}") from error
        except OSError as error:  # pyarrow's own, of what is damaged; without a number of the system's
            if error.errno:
                raise
            raise DataError(f"{path} is not a whole {what} file: {_first_line(error)}") from error
    if not found.num_rows or not found.num_columns:
        raise DataError(f"{path} has {found.num_columns} columns and {found.num_rows} rows: there is nothing to read")
    _check_names(path, found.column_names)
    sources = dict(zip(found.column_names, found.columns, strict=True))
    columns = {name: _column(source) for name, source in sources.items()}
    return Table(path, columns, found.num_rows, lambda row: None, lambda name: _cells(sources[name]))


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]


def _check_names(path: Path, names: list[str]) -> None:
    seen: dict[str, int] = {}
    for position, name in enumerate(names, 1):
        if not name.strip():
            raise DataError(f"{path}: column {position} has no name")
        if name in seen:
            raise DataError(f"{path}: columns {seen[name]} and {position} are both named {name}")
        seen[name] = position


def _column(source: Any) -> Any:
    """Numbers where every cell is one or missing, else cells."""
    pa: Any = import_module("pyarrow")

    kind = source.type
    if pa.types.is_boolean(kind):
        source, kind = source.cast(pa.uint8()), pa.uint8()
    if pa.types.is_null(kind):
        return np.full(len(source), np.nan)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        if source.null_count:
            # Rounded to the nearest double where it is no whole one, as the digits in a CSV file are.
            source = source.cast(pa.float64(), safe=False).fill_null(np.nan)
        values = source.to_numpy()
        infinite = values.dtype.kind == "f" and np.isinf(values).any()
        return _cells(source) if infinite else values
    cells = _cells(source)
    numbers = to_numbers(cells)
    return cells if numbers is None else numbers


def _cells(source: Any) -> list[str]:
    """The cells of a column as a CSV file would have them: empty where one is missing, true and false as 1 and 0."""
    pa: Any = import_module("pyarrow")

    if pa.types.is_dictionary(source.type):
        source = source.cast(source.type.value_type)
    if pa.types.is_floating(source.type):
        return cells_of(source.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy())
    return ["" if value is None else _cell(value) for value in source.to_pylist()]


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    return str(value).strip()
