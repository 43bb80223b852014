"""A table read by several processes together, in threads, beside the table that one reads."""

from collections import Counter
from itertools import chain

import numpy as np

from bpcli.datasets.reading import read_files
from bpcli.datasets.share import NotSharedError, Share
from tests.threads import together


def of_table(table):
    """What there is to know of a table."""
    found = {}
    for name in table.names:
        numeric = table.is_numeric(name)
        numbers = np.asarray(table.numeric(name)).tobytes() if numeric else b""
        found[name] = (numeric, table.is_boolean(name), numbers, [*table.text(name)], table.missing(name).tolist())
    return found, table.dialect, table.unusual, str(table.path), table.own_target


def places(table):
    """What messages call each row of a share: its file, and its number there."""
    return [table.where(row) for row in range(table.rows)]


def in_order(found):
    """Whether the places of all shares' rows, in order, are the rows of each file from the first on."""
    seen = Counter()
    for place in found:
        path, _, row = place.rpartition(", row ")
        seen[path] += 1
        if int(row) != seen[path]:
            return False
    return True


def shared(files, size):
    """`of_table` of each share put together, or None where the whole has to be read."""

    def work(rank):
        share = Share(rank)
        try:
            table = share.done(lambda: read_files(files, share=share))
            return (*of_table(table), table.first_row, table.rows, places(table))
        except NotSharedError:
            return None

    parts = together(size, work)
    if None in parts:
        assert parts == [None] * size
        return None
    columns = {}
    for name in parts[0][0]:
        of_parts = [part[0][name] for part in parts]
        assert len({(numeric, boolean) for numeric, boolean, *_ in of_parts}) == 1
        columns[name] = (
            *of_parts[0][:2],
            b"".join(p[2] for p in of_parts),
            *([*chain(*(p[k] for p in of_parts))] for k in (3, 4)),
        )
    assert in_order(chain(*(part[7] for part in parts)))
    assert [part[5] for part in parts] == np.cumsum([0, *(part[6] for part in parts)])[:-1].tolist()
    assert all(part[1:5] == parts[0][1:5] for part in parts)
    return (columns, *parts[0][1:5])
