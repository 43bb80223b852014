"""What the tests of tables share."""

import pytest

from tests.tables import read_table


@pytest.fixture
def read(tmp_path):
    """`read("a,b…")` is the table of a file with this content."""

    def read(content, name="t.csv", format_="auto"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(path, format_)

    return read
