"""Values from a file or stdin: the text of numbers, or an array in NumPy's format."""

import sys
from typing import Any

from bpcli.errors import DataError

STDIN = "-"
_NPY_MAGIC = b"\x93NUMPY"


def read_value_file(path: str) -> Any:
    """What `@path` holds: its text, or, if it is a `.npy` file, a float64 array of at most two axes; `-` is stdin.

    DataError for a file that can't be read, and for an array that is no vector or matrix of real numbers.
    """
    name = "standard input" if path == STDIN else path
    try:
        if path == STDIN:
            content = sys.stdin.buffer.read()
        else:
            with open(path, "rb") as file:
                content = file.read()
    except OSError as error:
        raise DataError(f"{name} can't be read: {error.strerror or error}") from error
    if content.startswith(_NPY_MAGIC):
        return _array(content, name)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name} is neither text nor a .npy file: byte {error.start} is no UTF-8", "numbers alone, or a .npy file"
        ) from error


def _array(content: bytes, name: str) -> Any:
    import io

    import numpy as np

    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DataError(f"{name} can't be read as .npy: {error}") from error
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name} holds {array.dtype}, not real numbers")
    if array.ndim > 2:
        raise DataError(f"{name} has shape {array.shape}: a value is a number, a vector or a matrix")
    if array.size == 0:
        raise DataError(f"{name} has shape {array.shape}: there is no number in it")
    return array.astype(np.float64)
