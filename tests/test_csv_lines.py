"""Long fields of CSV are read, and the limit is set where they are."""

from bpcli import csv_lines


def test_a_field_is_as_long_as_a_line_may_be():
    field = "a" * 1_000_000
    assert list(csv_lines.reader([f'1,"{field}"'])) == [["1", field]]
