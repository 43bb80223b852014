"""Which data is too large for the memory that is free, and so is not read as a whole."""

import math
import os
from collections.abc import Sequence
from pathlib import Path

from bpcli.datasets.reading import read_blocks, reader_of

_MOST_PACKED = 100  # a packed file is at most so many times smaller than its numbers in memory
_GZIP = 6  # a gzip file of text is usually so many times smaller than the text


def available_memory() -> int:
    """Bytes that the process may still take: of the machine's, and of the limits that are set on it."""
    import resource

    free = math.inf
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            free = next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
        with open("/proc/self/statm", encoding="ascii") as sizes:
            taken = [os.sysconf("SC_PAGE_SIZE") * int(pages) for pages in sizes.read().split()]
    except (OSError, StopIteration, ValueError):
        taken = [0] * 7
    for limit, used in ((resource.RLIMIT_AS, taken[0]), (resource.RLIMIT_DATA, taken[5])):
        soft = resource.getrlimit(limit)[0]
        if soft != resource.RLIM_INFINITY:
            free = min(free, max(0, soft - used))
    return int(min(free, 2**62))


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
