"""Whether a first line is a row: what speaks for it and against it, read at once and in blocks."""

import pytest

from bpcli.datasets.discovery import discovered
from bpcli.datasets.readers.delimited import delimited_blocks
from bpcli.datasets.reading import Files
from bpcli.errors import OpenReadingError

FREE = [  # a first line, and whether it is a row though one of its texts stands nowhere else
    ("Smith,34,2,1200,yes", True),  # yes stands below
    ("Smith,34,2,1200,sold", False),
    ("Smith,34,34,1200,sold", True),  # two alike
    ("Smith,34,?,1200,sold", True),  # a gap
    ("Smith,34,,1200,yes", True),
    ("Smith,34,,1200,sold", True),
    ("Smith,0.5,0.25,0.75,sold", True),  # decimals in no order
    ("Smith,1100.5,1101.5,1102.5,octane", False),  # wavelengths
    ("name,2003,2002,2001,sold", False),
    (",0,1,2,3", False),  # as pandas writes it
]
ROWS_ALONE = [  # lines, and whether the first is a row
    (["Ann,90 kg", *(f"B{k},{k} kg" for k in range(9))], True),  # formatted as those below
    (["Ann,2020", *(f"B{k},{k} kg" for k in range(9))], False),
    (["Ann,2020-01-31", *(f"B{k},2021-02-0{k + 1}" for k in range(9))], True),
    (["Ann,TRUE", *(f"B{k},{'TF'[k % 2]}" for k in range(9))], False),
    (["Ann,TRUE", *(f"B{k},{('True', 'False')[k % 2]}" for k in range(9))], True),
    (["ham,b,see you", *(f"{('ham', 'spam')[k % 2]},{'ab'[k % 2]},text {k}" for k in range(9))], True),
    (["y,text", *(f"{'yn'[k % 2]},text {k}" for k in range(9))], False),
    (["ham,kind", *(f"{('ham', 'spam')[k % 2]},{'ab'[k % 2]}" for k in range(9))], False),
    ([";y", *(f"TRUE;{k}" for k in range(9))], False),  # no comment
]


@pytest.mark.parametrize(("first", "is_row"), FREE)
def test_a_first_row_with_a_text_of_its_own_is_a_row_where_the_others_say_so(tmp_path, first, is_row):
    path = tmp_path / "t.csv"
    rows = (f"{'ABCDEFGHIJKL'[k:]},{k * 7 % 5},{k},{k}.5,{'yes' if k % 3 else 'no'}" for k in range(12))
    path.write_text("\n".join([first, *rows]) + "\n")
    table, dialect, notes = discovered(Files((path,)))
    assert (dialect.header == "no", table.rows) == (is_row, 12 + is_row)
    if is_row:
        assert "read as a row" in notes[0]
        with pytest.raises(OpenReadingError, match="could be data"):
            list(delimited_blocks(path))


@pytest.mark.parametrize(("lines", "is_row"), ROWS_ALONE)
def test_a_first_row_is_told_by_what_is_not_a_number_too(tmp_path, lines, is_row):
    path = tmp_path / "t.csv"
    path.write_text("\n".join(lines) + "\n")
    table, dialect, _ = discovered(Files((path,)))
    assert (dialect.header == "no", table.rows) == (is_row, 9 + is_row)
    if is_row:
        with pytest.raises(OpenReadingError, match="could be data"):
            list(delimited_blocks(path))
    else:
        assert sum(block.rows for block in delimited_blocks(path)) == 9
