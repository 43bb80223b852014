"""Which data is too large for the memory that is free, and so is not read as a whole."""

from collections.abc import Sequence

from bpcli.datasets.reading import Files, read_blocks
from bpcli.datasets.share import Gathering, merged_any
from bpcli.memory import available_memory

_MOST_PACKED = 100  # a packed file is at most so many times smaller than its numbers in memory
_GZIP = 6  # a gzip file of text is usually so many times smaller than the text


def is_large(tables: Sequence[Files]) -> bool:
    """Whether one of the tables takes more than half of the free memory to train on."""
    return _is_large(tables, 1.0)


def shares_are_large(tables: Sequence[Files], share: Gathering) -> bool:
    """Whether on the machine of one of the processes their shares of a table take more than half of its free memory."""
    from socket import gethostname

    machine = gethostname()
    here = share.gathered(machine).count(machine)
    return merged_any(share, _is_large(tables, here / share.size))


def _is_large(tables: Sequence[Files], part: float) -> bool:
    limit = available_memory() / 2
    tables = [files for files in tables if all(path.is_file() for path in files.paths)]
    if part * sum(map(_size, tables)) < limit / _MOST_PACKED:  # small, however packed
        return False
    return any(part * _needed_memory(files) > limit for files in tables)


def has_blocks(tables: Sequence[Files]) -> bool:
    """Whether all the tables can be read block by block."""
    return all(path.is_file() and files.reader(path).blocks is not None for files in tables for path in files.paths)


def _size(files: Files) -> int:
    return sum(path.stat().st_size for path in files.paths)


def _needed_memory(files: Files) -> int:
    """About how many bytes it takes to train on some files in memory: its numbers as doubles, three times over.

    The bytes of a row are those of the rows in its first block. None where blocks can't be read.
    """
    if not has_blocks([files]):
        return 0
    reader = read_blocks(files)
    first = next(reader)
    numbers = first.rows * len(first.names)
    del first
    following = next(reader, None)
    reader.close()
    if following is None:
        return 0
    row = files.reader(files.paths[0])
    packed = max(row.packed, _GZIP if files.paths[0].name.endswith(".gz") else 1)
    return int(3 * 8 * numbers * packed * _size(files) / row.block_bytes)
