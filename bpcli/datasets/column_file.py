"""A file of a table's columns, with a description: written in one pass over the table's files, and checked when found.

The file holds blocks of rows, and each block its columns one after another; a cell of text is stored as its number
among the column's distinct cells. Each column of a block has a checksum, and so has the description.
"""

import json
import os
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from bpcli.datasets.dialect import Dialect
from bpcli.datasets.reading import Files, read_blocks
from bpcli.files import write_new, writing

Array = NDArray[Any]
Progress = Callable[[int, int], None]
"""Called with (bytes converted so far, bytes in all) while a file is converted."""

COLUMNS, _ABOUT = "columns.bin", "about.json"


def description(folder: Path) -> dict[str, Any] | None:
    """The description of a copy; None if there is no copy, or it has changed since it was written."""
    try:
        kept = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        if zlib.crc32(kept["about"].encode()) != kept["sum"]:
            return None
        about: dict[str, Any] = json.loads(kept["about"])
        return about if _is_sound(about, (folder / COLUMNS).stat().st_size) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _is_sound(about: dict[str, Any], size: int) -> bool:
    """Whether the parts of a description have the right types, and fit each other and the `size` of the columns file.

    KeyError, TypeError, ValueError or AttributeError if parts are missing or of another structure.
    """
    names, texts, dialect = about["names"], about["texts"], about["dialect"]
    at = rows = 0
    for start, count, sums in about["blocks"]:
        if not _is_counted([start, count, *sums], len(names) + 2) or start != at or not count:
            return False
        at, rows = at + 8 * count * len(names), rows + count
    words = [names, about["unusual"], [*texts], *texts.values(), [*dialect], [v for v in dialect.values() if v]]
    return (
        (at, rows) == (size, about["rows"])
        and all(isinstance(of, list) and all(isinstance(word, str) for word in of) for of in words)
        and len({*names}) == len(names)
        and {*texts} <= {*names}
        and {*dialect} <= {field.name for field in fields(Dialect)}
        and about["own_target"] in (None, *names)
        and isinstance(about["written"], bool)
    )


def _is_counted(values: Sequence[Any], count: int) -> bool:
    """Whether these are `count` whole numbers ≥ 0."""
    return len(values) == count and all(type(value) is int and value >= 0 for value in values)


def write(files: Files, as_text: Sequence[str | None], folder: Path, progress: Progress | None) -> dict[str, Any]:
    """Write the columns of the files and their description, which is returned.

    It starts again if a column of numbers becomes text. DataError if the copy can't be written.
    """
    text = set(as_text)
    while True:
        with writing(folder):
            file = (folder / COLUMNS).open("wb")
        with file:
            about = _write_blocks(files, text, file, progress)
        if about is not None:
            break
    with writing(folder):
        kept = json.dumps(about)
        write_new(folder / _ABOUT, json.dumps({"sum": zlib.crc32(kept.encode()), "about": kept}).encode())
    return about


def _write_blocks(
    files: Files, text: set[str | None], file: BinaryIO, progress: Progress | None
) -> dict[str, Any] | None:
    """One pass over the files: the description of the copy.

    None if a column that was already written as numbers turned out to be text; it is then added to `text`.
    """
    names: Sequence[str] = []
    codes: dict[str, dict[str, int]] = {}
    blocks: list[tuple[int, int, list[int]]] = []
    at = rows = 0
    size = sum(path.stat().st_size for path in files.paths)
    guess = 0.0  # bytes of the file per row, estimated from the first block
    for block in read_blocks(files):
        names = names or block.names
        text |= {block.own_target} if None in text else set()
        late = {name for name in names if name not in text and (block.is_boolean(name) or not block.is_numeric(name))}
        text |= late
        if late and rows:
            return None
        sums = []
        with writing(_folder_of(file)):
            for name in names:
                numbers = _coded(block.text(name), codes.setdefault(name, {})) if name in text else block.numeric(name)
                content = np.ascontiguousarray(numbers, np.float64).data
                file.write(content)
                sums.append(zlib.crc32(content))
        blocks.append((at, block.rows, sums))
        at, rows = at + 8 * block.rows * len(names), rows + block.rows
        if progress is not None:
            guess = guess or files.reader(files.paths[0]).block_bytes / block.rows
            progress(min(size, int(rows * guess)), size)
    with writing(_folder_of(file)):
        file.flush()
        os.fsync(file.fileno())
    texts = {name: list(cells) for name, cells in codes.items()}
    dialect = {name: value for name, value in asdict(block.dialect).items() if value is None or isinstance(value, str)}
    how = {"dialect": dialect, "unusual": block.unusual, "written": block.written}
    own = {"own_target": block.own_target}
    return {"names": names, "rows": rows, "blocks": blocks, "texts": texts, **how, **own}


def _folder_of(file: BinaryIO) -> Path:
    return Path(file.name).parent


def _coded(cells: Sequence[str], codes: dict[str, int]) -> Array:
    """The number of each cell among the distinct cells `codes`, to which new ones are added."""
    return np.fromiter((codes.setdefault(cell, len(codes)) for cell in cells), np.float64, len(cells))
