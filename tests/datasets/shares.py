"""A table read by several processes together, in threads, beside the table that one reads."""

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


def shared(files, size):
    """`of_table` of each share put together, or None where the whole has to be read."""

    def work(rank):
        share = Share(rank)
        try:
            table = share.done(lambda: read_files(files, share=share))
            return (*of_table(table), table.first_row, table.rows)
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
    assert [part[5] for part in parts] == np.cumsum([0, *(part[6] for part in parts)])[:-1].tolist()
    assert all(part[1:5] == parts[0][1:5] for part in parts)
    return (columns, *parts[0][1:5])
