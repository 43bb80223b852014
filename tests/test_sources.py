"""What a user names is read in blocks, packed or not, within the memory there is; what is damaged is told."""

import gzip
import io
import itertools

import pytest

from bpcli import sources
from bpcli.errors import DataError, TooLargeError
from bpcli.sources import Source, read_exactly


class Endless(io.RawIOBase):
    """One byte for ever."""

    def __init__(self, byte):
        self.byte, self.read_so_far = byte, 0

    def readable(self):
        return True

    def readinto(self, buffer):
        buffer[:] = self.byte * len(buffer)
        self.read_so_far += len(buffer)
        return len(buffer)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("streamed", [False, True])
def test_the_bytes_are_the_same_packed_or_not(tmp_path, packed, streamed):
    content = bytes(range(256)) * 50
    path = tmp_path / "data.npy"
    stored = gzip.compress(content) if packed else content
    path.write_bytes(b"" if streamed else stored)
    source = Source(path, io.BytesIO(stored) if streamed else None)
    for _ in range(2):  # a second time from the start
        with source.opened() as file:
            assert file.packed == packed
            assert read_exactly(file, 10) == content[:10]
            file.seek(0)
            assert file.read() == content


def test_a_stream_has_an_end_that_can_be_looked_for(tmp_path):
    with Source(tmp_path / "x", io.BytesIO(bytes(3_000_000))).opened() as file:
        assert file.seek(0, io.SEEK_END) == 3_000_000
        assert file.seek(-5, io.SEEK_END) == 2_999_995
        assert len(file.read()) == 5


@pytest.mark.parametrize("cut", [12, -3])
def test_a_damaged_gzip_file_is_told(tmp_path, cut):
    path = tmp_path / "data.npy.gz"
    path.write_bytes(gzip.compress(bytes(range(256)) * 50)[:cut])
    with pytest.raises(DataError, match=r"data\.npy\.gz is a damaged gzip file"), Source(path).opened() as file:
        file.read()


def test_fewer_bytes_than_asked_for(tmp_path):
    assert read_exactly(io.BytesIO(b"abc"), 10**15) is None  # without the memory for what is not there
    assert read_exactly(io.BytesIO(b"abc"), 0) == b""
    with pytest.raises(DataError, match="can't be read: No such file"), Source(tmp_path / "none").opened():
        pass


def test_what_has_no_end_is_read_as_long_as_there_is_memory(tmp_path, monkeypatch):
    left = itertools.chain([10**9, 10**9], itertools.repeat(10**7))  # less than a sixteenth at the third look
    monkeypatch.setattr(sources, "available_memory", lambda: next(left))
    stream = Endless(b"1\n")
    with Source(tmp_path / "x", stream).opened() as file, pytest.raises(TooLargeError, match=r"x: 5[0-9.]* MB are"):
        file.read()
    assert stream.read_so_far < 100_000_000


def test_a_line_has_a_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "LONGEST_LINE", 3 << 20)
    stream = Endless(b"1")
    endless = Source(tmp_path / "x", stream)
    with endless.opened() as file:
        file.watch_lines()
        with pytest.raises(TooLargeError, match=r"a line of more than 3\.15 MB"):
            file.read()
    with Source(tmp_path / "x", io.BytesIO((b"1" * (1 << 20) + b"\n") * 9)).opened() as file:
        file.watch_lines()
        assert len(file.read()) == 9 * ((1 << 20) + 1)


def test_what_is_packed_too_small_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "SMALL", 1 << 20)
    zeros = tmp_path / "zeros.gz"
    zeros.write_bytes(gzip.compress(bytes(50 << 20), 9))
    with (
        Source(zeros).opened() as file,
        pytest.raises(TooLargeError, match=r"becomes 16[0-9.]* MB .* 200 times"),
    ):
        file.read()


def test_more_than_there_is_memory_for_is_refused_before_it_is_read(monkeypatch):
    stream = io.BufferedReader(Endless(b"1"))
    with pytest.raises(TooLargeError, match=r"that needs .* of memory, and .* left"):
        read_exactly(stream, 10**13, "that")
    assert stream.raw.read_so_far <= 1 << 29
