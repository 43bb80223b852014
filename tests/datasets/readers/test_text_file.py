"""Text out of bytes: its encoding, its comments, its blanks."""

import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.datasets.readers.text_file import MappedLines, TextFile, Utf8Lines, decoded, in_lines
from bpcli.errors import DataError

TEXT = "a;b\n1;größe\n2;x\n"


def read(content):
    file = TextFile(Path("t"), io.BytesIO(content))

    def once():
        with file.opened() as text:
            return text.read()

    return decoded(once), file.encoding_in_words


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("utf-8", ""),
        ("utf-8-sig", "UTF-8 with a byte order mark"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("cp1252", "Windows-1252"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_encoding_is_found(encoding, words, pack):
    assert read(pack(TEXT.encode(encoding))) == (TEXT, words)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\n\x81\n", "t:2: not UTF-8, and not Windows-1252"),
        ("ü\n".encode() + b"\xfc\n", "t:2: not UTF-8, though the rest is"),
        (b"\xef\xbb\xbfa\n\xfc\n", "t:2: not UTF-8, though the rest is"),
        (b"\xff\xfea\0b", "not whole: UTF-16"),
    ],
)
def test_what_is_in_no_encoding_is_refused(content, message):
    with pytest.raises(DataError, match=message):
        read(content)


def test_comments_are_blank_lines_and_runs_of_blanks_are_tabs():
    lines = ["# x\n", ' 1   2\t "a  # b" \n', '"open\n', "# inside\n", 'close" 3\n', "  # y\n"]
    assert list(MappedLines(lines, "#", False)) == ["\n", *lines[1:5], "\n"]
    assert MappedLines(lines[:2], "#", True).readlines(100) == ["\n", '1\t2\t"a  # b"\n']
    mapped = MappedLines(["ab\n"] * 5, None, True)
    assert [len(mapped.readlines(4)), len(mapped.readlines(100)), mapped.readlines(1)] == [2, 3, []]


@given(
    st.text(st.sampled_from('ab,é"\n\r '), max_size=60),
    st.lists(st.sampled_from(["line", "lines", "block"]), max_size=12),
    st.integers(0, 20),
)
def test_lines_and_blocks_of_utf8_are_those_of_the_text(text, asked, size):
    lines = Utf8Lines(io.BytesIO(text.encode()))
    each, found = iter(lines), []
    for what in [*asked, "lines", *["block"] * 60]:
        if what == "block":
            found += in_lines(lines.block(size))
        elif what == "lines":
            found += lines.readlines(size)
        else:
            found += filter(None, [next(each, "")])
    assert found == io.StringIO(text, newline="").readlines()
