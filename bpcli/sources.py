"""Reads the files and streams that a user gives, in blocks, between which signals and free memory are checked."""

import errno
import io
import mmap
import os
import select
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from bpcli.errors import BpcliError, DataError, TooLargeError
from bpcli.memory import WAY_OUT, amount, available_memory, check_memory, memory_left, resident_memory

BLOCK = 1 << 17
"""Bytes that are read at once."""

LONGEST_LINE = 1 << 26
"""The most bytes of a line of text: a longer one is not a row of a table."""

MOST_PACKED = 200
"""The largest compression ratio that is accepted: tables have about 10, zeros alone 1000."""

SMALL = 1 << 26
"""Up to this many bytes, any compression ratio is accepted."""

_LOOK = 1 << 24  # bytes that are read between two checks of the free memory
_MOST_SAID = 200  # most characters of a library's error text
_GZIP = b"\x1f\x8b"
_PART = 1 << 20  # about the most bytes of a part of a pipe
_RESERVE = 16  # 1/16 of the memory that was free at the start is left free


@contextmanager
def malformed(complaint: str, hint: str = "") -> Iterator[None]:
    """A context that turns any exception of a library into a DataError: the complaint, then the library's text.

    Errors of bpcli, of the system and of memory pass, except EINVAL, which comes from seeking before the start of a
    damaged file.
    """
    try:
        yield
    except (BpcliError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        said = (str(error).partition("\n")[0] or type(error).__name__)[:_MOST_SAID]
        raise DataError(f"{complaint}: {said}", hint) from error


class Reader(io.BufferedReader):
    """An open `Source`; `packed`: it is decompressed while it is read, so that seeking back is slow."""

    packed = False

    def read1(self, size: int = -1, /) -> bytes:
        """Some bytes, up to a block even if less is asked for: TextIOWrapper asks for a few thousand at a time."""
        return super().read1(max(size, BLOCK))

    def watch_lines(self) -> None:
        """From here on, raise TooLargeError for a line of more than `LONGEST_LINE` bytes."""
        assert isinstance(self.raw, _Watched)
        self.raw.lines = True


class Source:
    """A file, or a stream with the name `path`. A stream is kept to be read again, unless it is read `once`."""

    def __init__(self, path: Path, stream: BinaryIO | None = None, once: bool = False) -> None:
        self.path = path
        self._stream: Any = stream
        if isinstance(stream, Rereadable):
            self._stream = stream.stream
        elif stream is not None and not once:
            self._stream = _Stream(stream)

    @property
    def size(self) -> int:
        """The bytes of the file as it is stored; 0 of a stream."""
        try:
            return self.path.stat().st_size if self._stream is None and self.path.is_file() else 0
        except OSError:
            return 0

    def opened(self) -> Reader:
        """A reader of the bytes from the start, decompressed if they are gzip.

        Here and on reading: DataError if it can't be read, TooLargeError if it takes more memory than there is.
        """
        reader = Reader(_Watched(self.path, self._raw()), BLOCK)
        if not is_packed(reader):
            return reader
        import gzip

        unpacked = Reader(_Watched(self.path, gzip.GzipFile(fileobj=reader), reader), BLOCK)
        unpacked.packed = True
        return unpacked

    def _raw(self) -> Any:
        if isinstance(self._stream, _Stream):
            return _Kept(self._stream)
        if self._stream is not None:
            return self._stream
        try:
            return open(self.path, "rb", buffering=0)
        except OSError as error:
            raise _unreadable(self.path, error) from error


class Stretch(Source):
    """The bytes of a file from `start` to `stop` − 1."""

    def __init__(self, path: Path, start: int, stop: int) -> None:
        super().__init__(path)
        self._start, self._stop = start, stop

    @property
    def size(self) -> int:
        """The bytes of the stretch."""
        return self._stop - self._start

    def _raw(self) -> Any:
        return _Between(super()._raw(), self._start, self._stop)


class _Between(io.RawIOBase):
    """The bytes of an open file from `start` to `stop` − 1."""

    def __init__(self, raw: Any, start: int, stop: int) -> None:
        self._raw, self._left = raw, stop - start
        raw.seek(start)

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._raw.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        """The next bytes."""
        count = int(self._raw.readinto(memoryview(buffer)[: self._left]))
        self._left -= count
        return count


class _Watched(io.RawIOBase):
    """The bytes of `raw`, in blocks that are checked; `packed` is the reader of the compressed bytes, if any."""

    def __init__(self, path: Path, raw: Any, packed: Reader | None = None) -> None:
        self.lines = False
        self._path, self._raw, self._packed = path, raw, packed
        self._read_some = getattr(raw, "readinto1", raw.readinto)
        self._read = self._line = 0
        self._look = _LOOK
        self._reserve = self._taken = self._most = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._raw.seekable())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END and isinstance(self._raw, _Kept):
            while self.read(BLOCK):
                pass
            whence = io.SEEK_CUR
        return int(self._raw.seek(offset, whence))

    def readall(self) -> bytes:
        content = bytearray()
        while part := self.read(BLOCK):
            content += part
        return bytes(content)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
            if self._packed is not None:
                self._packed.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        """Read the next bytes; DataError if they can't be read, TooLargeError if there are too many."""
        view = memoryview(buffer)[:BLOCK]
        try:
            count = int(self._read_some(view) or 0)
        except (OSError, EOFError, zlib.error) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise _unreadable(self._path, error) from error
            raise DataError(f"{self._path} is a damaged gzip file: {error}") from error
        self._read += count
        if self.lines:
            newline = bytes(view[:count]).rfind(b"\n")
            self._line = self._line + count if newline < 0 else count - newline
            if self._line > LONGEST_LINE:
                raise TooLargeError(f"{self._path}: a line of more than {amount(LONGEST_LINE)}, so this is no table")
        if self._read >= self._look:
            self._look = self._read + _LOOK
            self._check()
        return count

    def _check(self) -> None:
        """TooLargeError if a compressed file becomes too large, or little memory is left."""
        if self._packed is not None and self._read > max(SMALL, MOST_PACKED * self._packed.tell()):
            raise too_packed(self._path, self._read)
        free, taken = available_memory(), resident_memory()
        if not self._most:  # at the first check, which small files never reach
            self._reserve, self._taken, self._most = free // _RESERVE, taken, free // 2
        if free < self._reserve or taken - self._taken > self._most:
            raise TooLargeError(f"{self._path}: {amount(self._read)} are read so far, and {memory_left()}", WAY_OUT)


class _Stream:
    """A stream that can be read only once, with a copy of the bytes read so far."""

    def __init__(self, stream: BinaryIO) -> None:
        self._read, self._ended = getattr(stream, "read1", stream.read), False
        self.content = bytearray()

    def more(self) -> None:
        """Read some more bytes, unless the stream has ended; it may then be closed."""
        if not self._ended:
            part = self._read(BLOCK)
            self._ended = not part
            self.content += part


class _Kept(io.RawIOBase):
    """A stream from its start: first the bytes that were already read, then the rest."""

    def __init__(self, stream: _Stream) -> None:
        self._stream, self._at = stream, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(0, offset + (self._at if whence == io.SEEK_CUR else 0))
        return self._at

    def readinto(self, buffer: Any) -> int:
        if self._at >= len(self._stream.content):
            self._stream.more()
        with memoryview(self._stream.content) as whole, whole[self._at : self._at + len(buffer)] as part:
            buffer[: len(part)] = part
            self._at += len(part)
            return len(part)


def is_live(stream: Any) -> bool:
    """Whether the writer of a stream may wait for answers: for a pipe, a socket or a terminal."""
    try:
        mode = os.fstat(stream.fileno()).st_mode
    except (OSError, ValueError, AttributeError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(stream.fileno())


def is_packed(stream: Any) -> bool:
    """Whether a buffered stream begins with the mark of gzip; waits for the first bytes."""
    return first_bytes(stream, 2) == _GZIP


def first_bytes(stream: Any, count: int) -> bytes:
    """The next bytes of a buffered stream, without consuming them; waits for them."""
    return bytes(stream.peek(count)[:count])


def parts_as_they_come(path: Path, stream: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes of a stream in parts of up to about `_PART`, each with all that has arrived, without waiting.

    DataError if it can't be read, TooLargeError for a line longer than `LONGEST_LINE`.
    """
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    line = 0
    while True:
        part = bytearray()
        try:
            while more := read(BLOCK):
                part += more
                if len(part) >= _PART or not _has_more(stream):
                    break
        except OSError as error:
            raise _unreadable(path, error) from error
        if not part:
            return
        newline = part.rfind(b"\n")
        line = line + len(part) if newline < 0 else len(part) - newline
        if line > LONGEST_LINE:
            raise TooLargeError(f"{path}: a line of more than {amount(LONGEST_LINE)}, so this is no table")
        yield bytes(part)


def _has_more(stream: Any) -> bool:
    """Whether a stream can be read without waiting."""
    try:
        return bool(select.select([stream], [], [], 0)[0])
    except (OSError, ValueError):
        return True


class Rereadable(io.BufferedReader):
    """A stream that several `Source`s can read from its start, with a single copy of its bytes."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = _Stream(stream)
        super().__init__(_Kept(self.stream))


def _unreadable(path: Path, error: OSError) -> DataError:
    return DataError(f"{path} can't be read: {error.strerror or error}")


def too_packed(what: object, size: int) -> TooLargeError:
    """The error for a compressed file that becomes `size` bytes, at too large a ratio."""
    return TooLargeError(
        f"{what} becomes {amount(size)} when it is unpacked, more than {MOST_PACKED} times its size",
        "if that is meant, unpack it first, or save it unpacked",
    )


def read_whole(path: Path) -> bytes:
    """The bytes of a file; DataError if it can't be read or is not a file, TooLargeError if memory is too small."""
    if not path.is_file():
        raise DataError(f"{path} can't be read: it is {'no file' if path.exists() else 'not there'}")
    with Source(path).opened() as file:
        return file.read()


def read_exactly(file: Any, count: int, what: object = "what is read") -> memoryview | None:
    """The next `count` bytes of a file; None if there are fewer, which are noticed before much memory is allocated.

    TooLargeError if there are enough for a start, but memory is too small for all.
    """
    start = file.read(min(SMALL, count))
    if len(start) < min(SMALL, count):
        return None
    if len(start) == count:
        return memoryview(start)
    check_memory(str(what), count - len(start))
    try:  # of this memory, the system allocates only pages that are written to
        content = memoryview(mmap.mmap(-1, count, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
    except OSError as error:
        raise MemoryError from error
    content[: len(start)] = start
    at = len(start)
    while at < count:
        part = file.readinto(content[at : at + _LOOK])
        if not part:
            return None
        at += part
    return content


def places_of_open_files() -> Iterator[tuple[str, int]]:
    """Yield (name, position) of the files that this process has open; nothing if the system does not say."""
    for link in Path("/proc/self/fd").glob("*"):
        try:
            about = Path("/proc/self/fdinfo", link.name).read_text(encoding="ascii")
            yield str(link.readlink()), int(about.split()[1])
        except (OSError, ValueError, IndexError):  # closed meanwhile
            continue
