"""Opens a file that is no text, unpacked where it is gzip; what can't be read is a DataError that names it."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from bpcli.errors import DataError

_CHUNK = 1 << 26


@contextmanager
def opened(path: Path, stream: BinaryIO | None) -> Iterator[BinaryIO]:
    """The bytes of `path`, or of `stream`, unpacked if they are gzip; seekable. DataError if they can't be read."""
    try:
        with io.BytesIO(stream.read()) if stream is not None else path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if not packed:
                yield raw
                return
            with gzip.open(raw) as unpacked:
                yield unpacked  # type: ignore[misc]  # a BinaryIO in all but name
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is a damaged gzip file: {error}") from error
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror or error}") from error


def read_exactly(file: BinaryIO, count: int) -> bytearray | None:
    """The next `count` bytes; None if there are fewer, without allocating memory for `count`."""
    content = bytearray()
    while len(content) < count:
        part = file.read(min(_CHUNK, count - len(content)))
        if not part:
            return None
        content += part
    return content
