"""Opens text files: decompressed if gzip, decoded from UTF-8, UTF-16 or Windows-1252, comments left out."""

import codecs
import io
import re
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar

from bpcli.datasets.readers.file_kinds import refuse_other
from bpcli.errors import DataError
from bpcli.sources import Source, parts_as_they_come

T = TypeVar("T")

_UTF8, _MARKED, _WINDOWS = "utf-8", "utf-8-sig", "cp1252"
_START = 4096
_ESCAPED = re.compile("[\udc80-\udcff]")
_NOT_WINDOWS = re.compile("[\udc81\udc8d\udc8f\udc90\udc9d]")  # bytes that stand for no character
_QUOTED_OR_BLANKS = re.compile(r'"(?:[^"]++|"")*+"|[ \t]++')


class Lines(Protocol):
    """An iterator over the lines of a text, each with its newline."""

    def __iter__(self) -> Iterator[str]: ...

    def readlines(self, hint: int, /) -> list[str]:
        """The next lines, of at least `hint` characters together if there are as many."""


class OtherEncodingError(Exception):
    """The text is not in the encoding that was detected; when it is read again, the right one is used."""


class TextFile:
    """A text file, or a stream, which can be opened several times; `encoding` is detected while it is read."""

    def __init__(self, path: Path, stream: BinaryIO | None, source: Source | None = None, encoding: str = "") -> None:
        self.path, self.encoding = path, encoding
        self._source = source or Source(path, stream)

    @property
    def size(self) -> int:
        """As `Source.size`."""
        return self._source.size

    @property
    def encoding_in_words(self) -> str:
        """The name of the encoding; empty for plain UTF-8."""
        words = {_WINDOWS: "Windows-1252", _MARKED: "UTF-8 with a byte order mark"}
        return "UTF-16" if self.encoding.startswith("utf-16") else words.get(self.encoding, "")

    @contextmanager
    def opened(self) -> Iterator[io.TextIOWrapper]:
        """The text, with its newlines unchanged; DataError if it can't be read, OtherEncodingError to read it again."""
        try:
            with self._open() as text:
                yield text
        except UnicodeDecodeError as error:
            if self.encoding in (_UTF8, _MARKED):
                self._check_windows()
                self.encoding = _WINDOWS
                raise OtherEncodingError from error
            raise DataError(f"{self.path} is not whole: {self.encoding_in_words} that breaks off") from error

    @contextmanager
    def opened_in_blocks(self) -> Iterator[Lines]:
        """As `opened`, but gives `Utf8Lines` if the text is UTF-8."""
        with self.opened() as text:
            if self.encoding not in (_UTF8, _MARKED):
                yield text
                return
            content: Any = text.buffer  # nothing has been read from it yet
            if content.peek().startswith(codecs.BOM_UTF8):  # a later part of the file does not have it
                content.read(len(codecs.BOM_UTF8))
            yield Utf8Lines(content)

    def _open(self, errors: str = "strict") -> io.TextIOWrapper:
        content = self._source.opened()
        content.watch_lines()
        start = content.peek()
        if not self.encoding:
            refuse_other(self.path, start)
        self.encoding = self.encoding or encoding_of(start[:_START])
        if (
            self.encoding in (_UTF8, _MARKED) and b"\0" in start and b"\n" not in start
        ):  # before the first line is read, which may have no end
            raise not_text(f"{self.path}:1")
        # Newlines are not translated: `csv` and NumPy read all three kinds, and a quoted one is part of its cell.
        return io.TextIOWrapper(content, encoding=self.encoding, errors=errors, newline="")

    def _check_windows(self) -> None:
        """DataError unless the text is Windows-1252: none of its characters beyond ASCII is valid UTF-8."""
        first, has_utf8 = 0, self.encoding == _MARKED
        with self._open(errors="surrogateescape") as text:
            for number, line in enumerate(text, 1):
                if line.isascii():
                    continue
                escaped = _ESCAPED.sub("", line)
                has_utf8 |= not escaped.isascii()
                first = first or (number if len(escaped) < len(line) else 0)
                if first and (has_utf8 or _NOT_WINDOWS.search(line)):
                    what = "though the rest is" if has_utf8 else "and not Windows-1252 either"
                    raise DataError(f"{self.path}:{first}: not UTF-8, {what}", "save it as UTF-8: iconv -t UTF-8")


class Utf8Lines:
    """The lines of a text in UTF-8, which can also be read as blocks of bytes.

    Decoding a block and splitting it into lines takes as long as reading its numbers.
    """

    def __init__(self, content: BinaryIO) -> None:
        self._content = content
        self._ahead: deque[str] = deque()

    def __iter__(self) -> Iterator[str]:
        while self._ahead or self._look_ahead():
            yield self._ahead.popleft()

    def _look_ahead(self) -> bool:
        self._ahead.extend(in_lines(self.block(1)))
        return bool(self._ahead)

    def readlines(self, hint: int, /) -> list[str]:
        """The next lines, of about `hint` bytes together."""
        return in_lines(self.block(hint))

    def block(self, size: int) -> bytes:
        """The next lines as bytes, of about `size` bytes together."""
        ahead = "".join(self._ahead).encode()
        self._ahead.clear()
        return b"".join([ahead, self._content.read(max(0, size - len(ahead))), self._content.readline()])


def in_lines(block: bytes) -> list[str]:
    """The lines of a block of UTF-8, each with its newline; UnicodeDecodeError if it is not UTF-8."""
    return io.StringIO(block.decode(), newline="").readlines()


def not_text(where: str) -> DataError:
    """The error for a zero byte."""
    return DataError(f"{where}: a NUL byte, so this is not text in UTF-8")


def encoding_of(start: bytes) -> str:
    """The likely encoding of a text by its first bytes: UTF-16 by its byte order mark or zero bytes, else UTF-8."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if start.startswith(codecs.BOM_UTF8):
        return _MARKED
    even, odd = start[::2].count(0), start[1::2].count(0)
    if even == 0 and 3 * odd > len(start) // 2:
        return "utf-16-le"
    return "utf-16-be" if odd == 0 and 3 * even > len(start) // 2 else _UTF8


def text_as_it_comes(path: Path, stream: BinaryIO) -> Iterator[str]:
    """Yield the text of a pipe in parts of whole lines, each with all that has arrived since the one before.

    The first line decides the encoding; DataError for a later line that is not in it.
    """
    parts = parts_as_they_come(path, stream)
    first = next(parts, b"")
    refuse_other(path, first)
    encoding = encoding_of(first[:_START])
    header = first.partition(b"\n")[0]
    if encoding == _UTF8 and not _decodes(header, _UTF8) and _decodes(header, _WINDOWS):
        encoding = _WINDOWS
    decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")
    lines, rest = 0, ""
    for part in chain([first], parts, [b""]):
        text = rest + decoder.decode(part, final=not part)
        bad = _ESCAPED.search(text)
        end = text.rfind("\n", 0, bad.start() if bad else None) + 1
        if not part and not bad:
            end = len(text)
        if end:
            yield text[:end]
        lines, rest = lines + text.count("\n", 0, end), text[end:]
        if bad:
            expected = (
                f"in the encoding of the first line, {encoding.upper()}" if lines else "text in UTF-8 or Windows-1252"
            )
            raise DataError(f"{path}:{lines + 1}: not {expected}")


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def decoded(read: Callable[[], T]) -> T:
    """read(), which reads a TextFile; called again if the encoding turns out to be another one."""
    try:
        return read()
    except OtherEncodingError:
        return read()


class MappedLines:
    """Lines in which comments are replaced by blank lines, so that the other lines keep their numbers.

    A comment is a line that begins with `comment`. With `blanks`, each run of blanks outside quotes becomes a tab, and
    blanks at both ends of a line are removed.
    """

    def __init__(self, lines: Lines, comment: str | tuple[str, ...] | None, blanks: bool) -> None:
        self._lines = map(self._mapped, lines)
        self._comment, self._blanks, self._in_quotes = comment, blanks, False

    def __iter__(self) -> Iterator[str]:
        return self._lines

    def readlines(self, hint: int, /) -> list[str]:
        """The next lines, of at least `hint` characters together if there are as many."""
        taken, size = [], 0
        for line in self._lines:
            taken.append(line)
            size += len(line)
            if size >= hint:
                break
        return taken

    def _mapped(self, line: str) -> str:
        if self._comment is not None and not self._in_quotes and line.lstrip(" \t").startswith(self._comment):
            return "\n"
        self._in_quotes ^= line.count('"') % 2 == 1
        return blanks_as_tabs(line) if self._blanks else line


def blanks_as_tabs(line: str) -> str:
    """A line with a tab for each run of blanks outside quotes."""
    return _QUOTED_OR_BLANKS.sub(lambda found: found[0] if found[0][0] == '"' else "\t", line.strip()) + "\n"
