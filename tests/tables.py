"""A table read from one file, for tests."""

from bpcli.datasets.dialect import USUAL
from bpcli.datasets.reading import Files, read_files


def read_table(path, format_="auto", stream=None, like=None, dialect=USUAL):
    """The table in the file `path`, or in `stream`."""
    return read_files(Files((path,), format_, dialect, like), stream)
