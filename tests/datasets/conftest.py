"""What the tests of tables share."""

import pytest

from bpcli.datasets.readers import delimited
from tests.tables import read_table


@pytest.fixture
def read(tmp_path):
    """`read("a,b…")` is the table of a file with this content."""

    def read(content, name="t.csv", format_="auto"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(path, format_)

    return read


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A file of four columns and several blocks."""
    monkeypatch.setattr(delimited, "_BLOCK", 500)
    rows = (
        f"{k / 7!r},{'' if k == 5 else ('red', 'blue')[k % 2]},{k if k < 80 else 'x'},{k % 3}\n" for k in range(100)
    )
    (tmp_path / "t.csv").write_text("a,color,late,y\n" + "".join(rows))
    return tmp_path / "t.csv"
