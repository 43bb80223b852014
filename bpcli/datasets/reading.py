"""Reads tables from files: the formats, each a row of `READERS`, and how the format of a file is chosen."""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from bpcli.datasets.dialect import AUTO, USUAL, Dialect
from bpcli.datasets.meaning import (
    decided_numbers,
    has_decimal_commas,
    refuse_thousands,
    with_dialect,
    with_numbers,
    with_one_decimal,
    with_words,
)
from bpcli.datasets.readers.file_kinds import refuse_other
from bpcli.datasets.share import WHOLE, Gathering
from bpcli.datasets.sharing import Stretches, read_stretch
from bpcli.datasets.stacking import check_same, numbered_from, stacked
from bpcli.datasets.table import Table
from bpcli.errors import DataError, NoRowsError
from bpcli.paths import check_file
from bpcli.sources import Rereadable, Source


@dataclass(frozen=True)
class Reader:
    """A format: its extensions, and how a file, or an open stream, becomes a table."""

    extensions: tuple[str, ...]
    read: Callable[..., Table]
    """Called with a path, a stream or None, and, for text, the dialect."""
    blocks: Callable[..., Iterator[Table]] | None = None
    """Yields the same rows as one table after another, each with its place in the file; None if that is impossible."""
    block_bytes: int = 1 << 22
    """About how many bytes of a file are in a block."""
    packed: int = 1
    """About how many times the size of a file its numbers take in memory."""
    own_target: bool = False
    """Whether a file may name its target column itself."""
    text: bool = False
    """Whether the format is text, which has a dialect."""
    stretches: Callable[..., Stretches | None] | None = None
    """Opens a file to read stretches of its rows; None, or returns None, if it has to be read as a whole."""


def _by(module: str, function: str, *options: Any) -> Callable[..., Any]:
    """A function of the module readers.`module`, which is imported only when it is called."""

    def read(*given: Any) -> Any:
        return getattr(import_module(f"bpcli.datasets.readers.{module}"), function)(*given, *options)

    return read


def _separated(extensions: tuple[str, ...], delimiter: str) -> Reader:
    return Reader(
        extensions,
        _by("delimited", "read_delimited", delimiter),
        _by("delimited", "delimited_blocks", delimiter),
        1 << 20,  # a cell of text takes ten times its characters
        text=True,
        stretches=_by("line_stretches", "delimited_stretches", delimiter),
    )


def _libsvm(extensions: tuple[str, ...]) -> Reader:
    return Reader(
        extensions,
        _by("libsvm", "read_libsvm"),
        own_target=True,
        stretches=_by("line_stretches", "libsvm_stretches"),
    )


READERS = {
    "csv": _separated((".csv",), ","),
    "tsv": _separated((".tsv", ".tab"), "\t"),
    "txt": _separated((".txt", ".data", ".dat"), ","),
    "npy": Reader(
        (".npy",),
        _by("arrays", "read_npy"),
        _by("arrays", "npy_blocks"),
        stretches=_by("stretches", "npy_stretches"),
    ),
    "npz": Reader((".npz",), _by("arrays", "read_npz"), own_target=True),
    "idx": Reader((".idx", "-ubyte"), _by("arrays", "read_idx"), _by("arrays", "idx_blocks")),
    "svm": _libsvm((".svm",)),
    "libsvm": _libsvm((".libsvm",)),
    "parquet": Reader(
        (".parquet", ".pq"),
        _by("columnar", "read_parquet"),
        _by("columnar", "parquet_blocks"),
        packed=6,
        stretches=_by("stretches", "parquet_stretches"),
    ),
    "arrow": Reader(
        (".arrow", ".feather", ".ipc"),
        _by("columnar", "read_arrow"),
        _by("columnar", "arrow_blocks"),
        stretches=_by("stretches", "arrow_stretches"),
    ),
}
"""The formats by name."""


@dataclass(frozen=True)
class Files:
    """The files of a table, their format (`auto`: by extension), and the dialect of text.

    Where the extension says nothing, the format is that of the file `like`.
    """

    paths: tuple[Path, ...]
    format: str = "auto"
    dialect: Dialect = USUAL
    like: Path | None = None

    def reader(self, path: Path) -> Reader:
        """The format of one of the files."""
        return reader_of(path, self.format, self.like)

    @property
    def extension(self) -> str:
        """The usual extension of the format; empty if the format is not known, as for a pipe."""
        found = _format_of(self.paths[0], self.format, self.like)
        return "" if found is None else READERS[found].extensions[0]


def read_files(files: Files, stream: BinaryIO | None = None, share: Gathering = WHOLE) -> Table:
    """The table in the files, their rows one below the other, or one process's `share` of it.

    With `stream` the table is read from there, and the path is only its name in messages. DataError if a file can't be
    read or is not a table.
    """
    dialect = files.dialect
    if stream is not None and dialect.decimal == AUTO:
        stream = Rereadable(stream)
    usual = replace(files, dialect=replace(dialect, decimal=".") if dialect.decimal == AUTO else dialect)
    table = _read(usual, stream, share)
    if table.dialect.decimal == "." and dialect.decimal == AUTO and has_decimal_commas(table, dialect):
        if stream is not None:
            stream.seek(0)
        other = _read(replace(files, dialect=replace(dialect, decimal=",")), stream, share)
        table = with_one_decimal(table, other, dialect)
    found = table.dialect if table.dialect != USUAL else dialect
    found = replace(found, missing_words=dialect.missing_words, numbers=dialect.numbers)
    table = with_words(table, found)
    if table.share.size > 1:
        table.agree(share)
    table.dialect = decided_numbers(table, found, dialect.decimal)
    refuse_thousands(table, replace(dialect, numbers=table.dialect.numbers), lambda: [table])
    return with_numbers(table, table.dialect)


def _read(files: Files, stream: BinaryIO | None, share: Gathering) -> Table:
    """The table by the delimiter, header and decimal mark alone: formatted numbers are still text."""
    if share.size > 1:
        return read_stretch([*map(partial(_stretches, files), files.paths)], files.paths, share)
    tables, empty = [], list[NoRowsError]()
    for path in files.paths:
        try:
            tables.append(_read_one(replace(files, paths=(path,)), stream))
        except NoRowsError as error:
            empty.append(error)
    if not tables:
        raise empty[0]
    return tables[0] if len(tables) == 1 else stacked(tables)


def _stretches(files: Files, path: Path) -> Stretches | None:
    """The file, opened to read stretches of its rows; None if it has to be read as a whole."""
    check_file(path)
    reader = files.reader(path) if path.is_file() else None
    if reader is None or reader.stretches is None:
        return None
    return reader.stretches(path, files.dialect) if reader.text else reader.stretches(path)


def _read_one(files: Files, stream: BinaryIO | None) -> Table:
    (path,) = files.paths
    if stream is None:
        check_file(path)
    if stream is not None or path.is_file():
        reader = files.reader(path)
        if reader.text:
            return reader.read(path, stream, files.dialect)
        try:
            return reader.read(path, stream)
        except DataError:
            if stream is None:
                _refuse_other(path, _format_of(path, files.format, files.like) or "")
            raise
    # A pipe, such as the shell's <(zcat cells.csv.gz), has no extension and can be read only once.
    with path.open("rb") as pipe:
        return _read_one(replace(files, format=_format_of(path, files.format, files.like) or "csv"), pipe)


def read_blocks(files: Files) -> Generator[Table, None, None]:
    """Yield the rows of the files as tables of some MiB each; as one per file where the format can't be read in blocks.

    A column may be numbers in one block and text in the next. Errors as `read_files`.
    """
    names: Sequence[str] = ()
    rows = 0
    for path in files.paths:
        check_file(path)
        reader = files.reader(path) if path.is_file() else None
        if reader is None or reader.blocks is None:
            blocks = iter([_read_one(replace(files, paths=(path,)), None)])
        else:
            blocks = reader.blocks(path, files.dialect) if reader.text else reader.blocks(path)
        before = rows
        try:
            for block in blocks:
                names = names or block.names
                check_same(files.paths[0], names, block)
                yield with_dialect(numbered_from(block, before), files.dialect)
                rows = block.first_row + block.rows
        except NoRowsError:
            if path == files.paths[-1] and not rows:
                raise


def _refuse_other(path: Path, format_: str = "") -> None:
    """DataError if the first bytes of a file show that it is of another format than `format_`."""
    with Source(path).opened() as file:
        refuse_other(path, file.peek(), format_)


def is_named_as_table(path: Path) -> bool:
    """Whether a file has the extension of a table format."""
    return _format_of(path, "auto", None) is not None


def reader_of(path: Path, format_: str = "auto", like: Path | None = None) -> Reader:
    """The format of a file: the one given, else by its extension, else by that of `like`; DataError if unknown."""
    extension = Path(_unpacked_name(path)).suffix
    if format_ == "auto" and extension in (".yaml", ".yml"):
        raise DataError(f"{path} is a config, not a table")
    found = _format_of(path, format_, like)
    if found is not None:
        return READERS[found]
    if path.is_file():
        _refuse_other(path)
    known = ", ".join(extension for reader in READERS.values() for extension in reader.extensions)
    raise DataError(
        f"{path}: the format of a file {f'named *{extension}' if extension else 'without an extension'} is not known",
        f"name it with one of {known}, or say data.format: {' or '.join(READERS)}",
    )


def own_target(path: Path, format_: str) -> bool:
    """Whether a file of this name and format may name its target column itself."""
    found = _format_of(path, format_, None)
    return found is not None and READERS[found].own_target


def _format_of(path: Path, format_: str, like: Path | None) -> str | None:
    if format_ != "auto":
        return format_
    names = [_unpacked_name(given) for given in (path, like) if given is not None]
    found = (key for name in names for key, reader in READERS.items() if name.endswith(reader.extensions))
    return next(found, None)


def _unpacked_name(path: Path) -> str:
    return path.name.lower().removesuffix(".gz")
