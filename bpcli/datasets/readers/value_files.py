"""Reads values from a file or stdin: numbers as text, or an array in NumPy's format."""

import codecs
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bpcli.errors import DataError, TooLargeError
from bpcli.memory import amount, available_memory, memory_left
from bpcli.paths import check_file
from bpcli.sources import Reader, Source

STDIN = "-"
_NPY_MAGIC = b"\x93NUMPY"
_BLOCK = 1 << 20
_LONGEST = 1 << 26  # most bytes of a text: some ten million numbers, which take seconds to parse
_CONTROL = re.compile("[\0-\x08\x0e-\x1f\x7f]")


def read_value_file(path: str, times: int = 16) -> Any:
    """The content of the file `path` (`-`: stdin): its text in blocks, or a float64 array if it is a `.npy` file.

    DataError for a file that can't be read, or an array that is not a number, vector or matrix of real numbers;
    TooLargeError for a text of more bytes than the free memory divided by `times`, which is about how many times its
    size the parsed values take.
    """
    name = "standard input" if path == STDIN else path
    if path != STDIN:
        check_file(Path(path))
    file = Source(Path(name), sys.stdin.buffer if path == STDIN else None).opened()
    if file.peek(len(_NPY_MAGIC)).startswith(_NPY_MAGIC):
        with file:
            return _array(file, name)
    return _text(file, name, times)


def file_meant(text: str) -> str:
    """The name of the file that a text is, where `@` before it may have been forgotten; else empty."""
    name = text.strip()
    try:
        return name if name and Path(name).is_file() else ""
    except (OSError, ValueError):  # too long, or no name at all
        return ""


def _text(file: Reader, name: str, times: int) -> Iterator[str]:
    most, read = min(_LONGEST, available_memory() // times), 0
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    with file:
        while True:
            content = file.read(_BLOCK)
            try:
                text = decoder.decode(content, not content)
            except UnicodeDecodeError as error:
                raise _no_text(name, f"byte {read + error.start} is no UTF-8") from error
            if found := _CONTROL.search(text):
                raise _no_text(name, f"it holds the control character {found[0]!r}")
            if text:
                yield text
            if not content:
                return
            read += len(content)
            if read > most:
                why = f"as {memory_left()}" if most < _LONGEST else "as it would take long"
                raise TooLargeError(f"{name}: no more than {amount(most)} of text are read, {why}", "give a .npy file")


def _no_text(name: str, why: str) -> DataError:
    return DataError(f"{name} is neither text nor a .npy file: {why}", "numbers alone, or a .npy file")


def _array(file: Reader, name: str) -> Any:
    import numpy as np

    from bpcli.datasets.readers.arrays import read_array

    array = read_array(name, file)
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name} holds {array.dtype}, not real numbers")
    if array.ndim > 2:
        raise DataError(f"{name} has shape {array.shape}: a value is a number, a vector or a matrix")
    if array.size == 0:
        raise DataError(f"{name} has shape {array.shape}: there is no number in it")
    return array.astype(np.float64)
