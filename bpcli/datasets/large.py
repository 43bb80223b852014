"""Which data is too large for the memory that is free, and so is not read as a whole."""

from collections.abc import Sequence
from pathlib import Path

from bpcli.datasets.reading import read_blocks, reader_of
from bpcli.memory import available_memory

_MOST_PACKED = 100  # a packed file is at most so many times smaller than its numbers in memory
_GZIP = 6  # a gzip file of text is usually so many times smaller than the text


def is_large(paths: Sequence[Path], format_: str, like: Path) -> bool:
    """Whether one of the files takes more than half of the free memory to train on."""
    limit = available_memory() / 2
    files = [path for path in paths if path.is_file()]
    if sum(path.stat().st_size for path in files) < limit / _MOST_PACKED:  # small, however packed
        return False
    return any(_needed_memory(path, format_, like) > limit for path in files)


def _needed_memory(path: Path, format_: str, like: Path) -> int:
    """About how many bytes it takes to train on a file in memory: its numbers as doubles, three times over.

    The bytes of a row are those of the rows in its first block.
    """
    reader = read_blocks(path, format_, like)
    first = next(reader)
    numbers = first.rows * len(first.names)
    del first
    following = next(reader, None)
    reader.close()
    if following is None:
        return 0
    format_row = reader_of(path, format_, like)
    packed = max(format_row.packed, _GZIP if path.name.endswith(".gz") else 1)
    return int(3 * 8 * numbers * packed * path.stat().st_size / format_row.block_bytes)
