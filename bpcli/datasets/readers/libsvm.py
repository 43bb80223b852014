"""Reads the sparse format of LIBSVM and SVMlight: `label index:value index:value … # comment`, a row a line.

Source: the README of LIBSVM, "Usage of svm-train" (Chang & Lin). A feature is named by its index in the file: x1, x2,
…, or from x0 on if the index 0 occurs. An entry that is not given is 0.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.cells import is_number
from bpcli.datasets.sparse import LABEL, SparseTable, csr_array, matrix_of
from bpcli.errors import DataError, NoRowsError
from bpcli.sources import Source, Stretch

Array = NDArray[Any]

_BLOCK = 1 << 22  # bytes

MAX_INDEX = 2**31 - 2

_NUMBER = rb"[-+]?(?:[0-9]++\.?+[0-9]*+|\.[0-9]++)(?:[eE][-+]?[0-9]++)?+"
_PLAIN = re.compile(rb"(?:[ \t]*+%b(?:[ \t]++[0-9]++:%b)*+[ \t]*+\r?+\n)++" % (_NUMBER, _NUMBER))
"""Lines without comments or other special cases, which NumPy reads all at once."""


class _Rows(NamedTuple):
    labels: Array
    counts: Array
    indices: Array
    values: Array


_NO_ROWS = _Rows(np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


def read_libsvm(path: Path, stream: BinaryIO | None = None) -> SparseTable:
    """The sparse table in a LIBSVM file, its labels in the column `none`; DataError with the line of a mistake."""
    source = Source(path, stream)
    table = _table(source, _read(source))
    if not table.rows:
        raise NoRowsError(f"{path} has no rows: expected lines such as 1 3:0.5 7:2")
    return table


def read_lines(path: Path, start: int, stop: int) -> SparseTable:
    """The rows in the whole lines between two bytes of a LIBSVM file, as a part of its table."""
    source = Stretch(path, start, stop)
    return _table(source, _read(source), numbers_lines=False)


def _read(source: Source) -> _Rows:
    csr_array((0, 0))  # a missing SciPy is reported before a long file is read
    parts = []
    line = 1
    with source.opened() as file:
        file.watch_lines()
        for block in _blocks(file):
            parts.append(_plain(block) or _line_by_line(source.path, block, line))
            line += block.count(b"\n")
    return _Rows(*(np.concatenate(p) for p in zip(_NO_ROWS, *parts, strict=True)))


def _table(source: Source, found: _Rows, numbers_lines: bool = True) -> SparseTable:
    """The table of the rows of a file, or of a part of one, whose line numbers are not known (`numbers_lines`)."""
    labels, counts, indices, values = found
    first = 0 if len(indices) and indices.min() == 0 else 1
    matrix = matrix_of(values, indices, counts, int(indices.max(initial=0)) + 1)

    def rows() -> Iterator[tuple[int, bytes]]:
        """The line number of each row, and its first word."""
        with source.opened() as again:
            for number, text in enumerate(again, 1):
                if words := text.partition(b"#")[0].split(maxsplit=1):
                    yield number, words[0]

    def label_cells(_: str) -> list[str]:
        return ["" if b":" in word else word.decode() for _, word in rows()]

    def line_of(row: int) -> int | None:
        return next((line for index, (line, _) in enumerate(rows()) if index == row), None) if numbers_lines else None

    return SparseTable(source.path, matrix, first, {LABEL: labels}, line_of, label_cells)


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    """Whole lines, some megabytes at a time; the last one gets a newline if it has none."""
    rest = b""
    while block := file.read(_BLOCK):
        whole, newline, after = (rest + block).rpartition(b"\n")
        rest = after
        if newline:
            yield whole + newline
    if rest.strip():
        yield rest + b"\n"


def _plain(block: bytes) -> _Rows | None:
    """The rows of a block of `_PLAIN` lines with ascending indices, else None."""
    if not _PLAIN.fullmatch(block):
        return None
    numbers = np.fromstring(block.translate(bytes.maketrans(b":", b" ")), sep=" ")
    text = np.frombuffer(block, np.uint8)
    ends = np.searchsorted(np.flatnonzero(text == ord(":")), np.flatnonzero(text == ord("\n")))
    counts = np.diff(ends, prepend=0)
    starts = np.arange(len(counts)) + 2 * (ends - counts)
    entries = np.delete(numbers, starts).reshape(-1, 2)
    indices = entries[:, 0]
    rises = np.diff(indices) > 0
    at_row = ends[:-1][(ends[:-1] > 0) & (ends[:-1] < len(indices))]
    rises[at_row - 1] = True  # the first entry of a row is not compared with the row before
    if not rises.all() or not np.isfinite(numbers).all() or indices.max(initial=0) > MAX_INDEX:
        return None
    return _Rows(numbers[starts], counts, indices.astype(np.int64), entries[:, 1].copy())


def _line_by_line(path: Path, block: bytes, line: int) -> _Rows:
    """The rows of any block; DataError with the line of the first mistake."""
    labels, counts, indices, values = [], [], [], []
    for at, raw in enumerate(block.split(b"\n")[:-1], line):
        try:
            words = raw.partition(b"#")[0].decode("ascii").split()
        except UnicodeDecodeError as error:
            raise DataError(f"{path}:{at}: a byte that is not ASCII, so this is not a LIBSVM file") from error
        if not words:
            continue
        label = np.nan if ":" in words[0] else _label(f"{path}:{at}", words.pop(0))
        entries = sorted(_entry(f"{path}:{at}", word) for word in words)
        for (index, _), (following, _) in pairwise(entries):
            if index == following:
                raise DataError(f"{path}:{at}: the index {index} stands twice in a row")
        labels.append(label)
        counts.append(len(entries))
        indices += [index for index, _ in entries]
        values += [value for _, value in entries]
    return _Rows(
        np.array(labels, float), np.array(counts, np.int64), np.array(indices, np.int64), np.array(values, float)
    )


def _label(where: str, word: str) -> float:
    if is_number(word):
        return float(word)
    several = "," in word and all(map(is_number, word.split(",")))
    raise DataError(
        f"{where}: {word!r} is not a label" + (", but several: a row has one class here" if several else ""),
        "a label is a number, such as 1 or -1, in front of index:value pairs" if not several else "",
    )


def _entry(where: str, word: str) -> tuple[int, float]:
    index, colon, value = word.partition(":")
    if index == "qid":
        raise DataError(f"{where}: {word} marks a query of a ranking, which bpcli does not learn", "take qid:… out")
    if not colon or not (index.isascii() and index.isdecimal()) or len(index) > 4000:
        raise DataError(f"{where}: expected index:value with a whole index, found {word[:40]!r}")
    if int(index) > MAX_INDEX:
        raise DataError(f"{where}: the index {index[:40]} is larger than {MAX_INDEX}")
    if not is_number(value):
        raise DataError(f"{where}: the value {value[:40]!r} of index {index} is not a finite number")
    return int(index), float(value)
