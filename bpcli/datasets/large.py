"""Estimates whether data is too large for the free memory, so that it has to be read block by block."""

from collections.abc import Sequence

from bpcli.datasets.reading import Files, read_blocks
from bpcli.datasets.share import Gathering, in_any_process
from bpcli.memory import available_memory

_MOST_PACKED = 100  # the numbers of a compressed file take at most this many times its size in memory
_GZIP = 6  # text is usually this many times larger than its gzip file


def is_large(tables: Sequence[Files]) -> bool:
    """Whether training on one of the tables would take more than half of the free memory."""
    return _is_large(tables, 1.0)


def shares_are_large(tables: Sequence[Files], share: Gathering) -> bool:
    """Whether, on any machine, its processes' shares of a table would take more than half of the free memory."""
    from socket import gethostname

    machine = gethostname()
    here = share.gathered(machine).count(machine)
    return in_any_process(share, _is_large(tables, here / share.size))


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
    """About how many bytes it takes to train on the files in memory: three times their numbers as doubles.

    Estimated from the first block. 0 if the files can't be read block by block, or are a single block.
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
