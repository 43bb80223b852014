"""NumPy's archives: `.npz` files, and the headers of the arrays in them, before NumPy reads them."""

import io
from pathlib import Path
from typing import IO

from bpcli.sources import MOST_PACKED, SMALL, Source, too_packed

_HEADER = 1 << 16  # more bytes than the longest header that NumPy reads


def is_archive(start: bytes) -> bool:
    """Whether a file with these first bytes may be a zip archive, as `.npz` files are."""
    return start[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def npy_start(file: IO[bytes]) -> bytes:
    """The bytes of an open .npy file up to its array; ValueError for a header that would crash NumPy.

    NumPy divides by the 0 in a unit of time such as `s/0`. The header of an array of numbers or text has no `/`.
    """
    start = file.read(8)
    width = 2 if start[6:7] == b"\1" else 4
    size = file.read(width)
    header = file.read(min(_HEADER, int.from_bytes(size, "little")))
    if b"/" in header or b"\\" in header:
        raise ValueError("the header names a unit, and neither numbers nor text have one")
    return start + size + header


def read_archive(path: Path) -> bytes:
    """The bytes of a `.npz` file; ValueError if it is none, TooLargeError if its compression ratio is too large."""
    with Source(path).opened() as file:
        if not is_archive(file.peek(4)):
            raise ValueError("no zip archive")
        content = file.read()
    import zipfile

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = sum(member.file_size for member in archive.infolist())
        if size > max(SMALL, MOST_PACKED * len(content)):
            raise too_packed(path, size)
        for member in archive.infolist():
            with archive.open(member) as array:
                npy_start(array)
    return content
